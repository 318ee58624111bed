"""The sender's own book of stops: every halt, resume and revocation it was ever told of, on its own disk.

Rules
  1. Only authentic statements are taken in; the book only grows, so that deleting a row elsewhere undoes nothing.
  2. A newer signed status replaces an older one; an older one is ignored.
  3. ``version`` changes whenever what is stopped may have changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import structlog

from dispatcher.domain.people import PublicKey
from dispatcher.domain.statement import Envelope, StatementKind, Verified
from dispatcher.gate.stops import Stops, stops_from
from dispatcher.sending.status import Status, StatusRefused, read_status
from dispatcher.statements.errors import StatementRefused
from dispatcher.statements.verify import Verifier

STOP_KINDS = frozenset({StatementKind.HALT, StatementKind.RESUME, StatementKind.REVOKE})


class StopBook:
    """See the module. One process per file."""

    def __init__(self, path: Path, verifier: Verifier, status_key: PublicKey) -> None:
        self._path = path
        self._verifier = verifier
        self._status_key = status_key
        self._known: dict[str, Verified] = {}
        self._status: Status | None = None
        self._log = structlog.get_logger("stopbook")
        self.version = 0
        self.stops = Stops()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._load()

    def take(self, stops: Sequence[Envelope], status: Envelope | None, now: datetime) -> None:
        """Take in what is new."""
        fresh = [verified for envelope in stops if (verified := self._authentic(envelope, now))]
        if fresh:
            self._save(fresh, stops)
        newer = self._newer(status)
        if fresh or newer:
            self._work_out()

    def _authentic(self, envelope: Envelope, now: datetime | None) -> Verified | None:
        try:
            verified = self._verifier.verify(envelope, now)
        except StatementRefused as refusal:
            self._log.warning("stop_refused", code=str(refusal.code), reason=refusal.message)
            return None
        statement = verified.statement
        if statement.kind not in STOP_KINDS or statement.id in self._known:
            return None
        self._known[statement.id] = verified
        return verified

    def _newer(self, envelope: Envelope | None) -> bool:
        if envelope is None:
            return False
        try:
            status = read_status(envelope, self._status_key, self._verifier.deployment, self._verifier.mode)
        except StatusRefused as refusal:
            self._log.warning("status_refused", reason=str(refusal))
            return False
        if self._status is not None and status.made_at <= self._status.made_at:
            return False
        self._status = status
        return True

    def _work_out(self) -> None:
        status = self._status
        before = (self.stops.halts, self.stops.revoked, self.stops.missing)
        self.stops = stops_from(
            self._known.values(),
            status_at=status.made_at if status else None,
            listed=status.stops if status else (),
        )
        if before != (self.stops.halts, self.stops.revoked, self.stops.missing):
            self.version += 1

    def _save(self, fresh: list[Verified], envelopes: Sequence[Envelope]) -> None:
        ids = {verified.statement.encoded() for verified in fresh}
        lines = [json.dumps(envelope.document()) for envelope in envelopes if envelope.payload in ids]
        with self._path.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())

    def _load(self) -> None:
        if not self._path.exists():
            return
        for line in self._path.read_text().splitlines():
            try:
                self._authentic(Envelope.from_document(json.loads(line)), None)
            except ValueError:
                continue  # a torn last line: its statement comes again with the next poll
        self._work_out()
