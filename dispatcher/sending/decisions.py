"""The sender's own record of its decisions, beside its spent file.

Rules (design: gate 2; reference: policy 6.5)
  1. What was decided of a plan for one account is written once, and named; each permit names it.
  2. Every refusal is written, with every clause; one that says the same of the same delivery again is not repeated.
  3. A disk that cannot take it stops nothing here: the spent file, without which nothing leaves, is on the same disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import structlog

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time
from dispatcher.gate.decide import Judgement
from dispatcher.gate.evidence import DeliveryFacts, Evidence, Failure

REMEMBERED = 10_000


class Decisions:
    """An append-only file of judgements and refusals. Raises OSError where it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._noted: list[dict[str, Json]] = []
        self._said: dict[str, tuple[Failure, ...]] = {}
        self._log = structlog.get_logger("decisions")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def judged(self, evidence: Evidence, facts: DeliveryFacts, judgement: Judgement, now: datetime) -> str:
        """Note what was decided of a plan for one account; returns the name that permits carry.

        It is on disk with the next :meth:`refused`, once for all that was asked at a time.
        """
        stops = evidence.stops
        document: dict[str, Json] = {
            "decided": "plan",
            "at": format_time(now),
            "until": format_time(judgement.until),
            "plan": evidence.plan.digest,
            "generation": evidence.plan.generation,
            "channel": facts.channel,
            "account": facts.account,
            "kind": str(facts.kind),
            "policy": evidence.policies.digest,
            "roster": evidence.roster.digest,
            "status_at": format_time(stops.status_at) if stops.status_at else None,
            "statements": [verified.statement.id for verified in evidence.statements],
            "failures": [dict(failure.document()) for failure in judgement.failures],
        }
        name = canonical.digest("decision/v1", canonical.encode(document))
        self._noted.append({**document, "decision": name})
        return name

    def refused(self, refusals: Iterable[tuple[str, tuple[Failure, ...]]], now: datetime) -> None:
        """Write what was noted, and refusals, each a delivery with the failures that it was refused for."""
        fresh = [(delivery, failures) for delivery, failures in refusals if self._said.get(delivery) != failures]
        for delivery, failures in fresh:
            while len(self._said) >= REMEMBERED:
                self._said.pop(next(iter(self._said)))
            self._said[delivery] = failures
        noted, self._noted = self._noted, []
        self._write([*noted, *(_refusal(delivery, failures, now) for delivery, failures in fresh)])

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _write(self, documents: Iterable[dict[str, Json]]) -> None:
        lines = "".join(f"{json.dumps(document)}\n" for document in documents)
        if not lines:
            return
        try:
            os.write(self._descriptor, lines.encode())
        except OSError as error:
            self._log.error("decisions_not_written", reason=str(error))


def _refusal(delivery: str, failures: tuple[Failure, ...], now: datetime) -> dict[str, Json]:
    said: list[Json] = [dict(failure.document()) for failure in failures]
    return {"decided": "refusal", "at": format_time(now), "delivery": delivery, "failures": said}
