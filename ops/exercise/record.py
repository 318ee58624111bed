"""The record of a run: its entries in the ledger, those of its incident, and what the far sides saw in its time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dispatcher.service.exercising import BEGAN, STEP
from dispatcher.service.ledger import LedgerLine
from ops.exercise.tally import CHANGES
from ops.review.words import milliseconds

FarSide = Mapping[str, Sequence[Mapping[str, Any]]]
"""``requests`` and ``effects`` of a simulator's journal."""


class Record:
    """The entries of a run and of its incident, oldest first, and what was sent and shown."""

    def __init__(self, entries: Iterable[LedgerLine], seen: FarSide) -> None:
        self.entries = sorted(entries, key=lambda one: one.id)
        self.sends = [one for one in seen["requests"] if one["route"] == "publish"]
        self.effects = [one for one in seen["effects"] if one["kind"] in CHANGES]
        self.began = self.of(BEGAN)[0].at
        self.steps = self.of(STEP)

    def of(self, *kinds: str) -> list[LedgerLine]:
        """Entries of these kinds."""
        return [one for one in self.entries if one.kind in kinds]

    def acts(self) -> Iterator[tuple[LedgerLine, LedgerLine]]:
        """Each step that awaits somebody, with the entry of the act."""
        for step in self.steps:
            done = (one for one in self.of(str(step.facts.get("awaits"))) if one.id > step.id)
            if (entry := next(done, None)) is not None:
                yield step, entry

    @property
    def released(self) -> LedgerLine | None:
        """The last release."""
        return next(reversed(self.of("plan.released")), None)

    @property
    def decided(self) -> datetime | None:
        """When the way back was ordered."""
        return next((one.at for one in self.of("way_back.ordered")), None)

    def public(self, since: datetime | None, until: datetime | None = None) -> list[datetime]:
        """When the public record changed in [since, until), in order."""
        if since is None:
            return []
        moments = sorted(moment(one) for one in self.effects)
        return [at for at in moments if since <= at and (until is None or at < until)]


def moment(seen: Mapping[str, Any]) -> datetime:
    """When a far side saw something."""
    return datetime.fromisoformat(seen["at"])


def took(since: datetime | None, until: datetime | None = None) -> int | None:
    """From one moment to another in milliseconds; None where either has not come."""
    return None if since is None or until is None else milliseconds(until - since)
