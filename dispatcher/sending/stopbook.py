"""The sender's own book of stops: every halt, resume, revocation, stand-down and no it was told of, on its own disk.

Rules
  1. Only authentic statements are taken in; the book only grows, so that deleting a row elsewhere undoes nothing,
     and neither does a key or a role that ends afterwards.
  2. A newer signed status replaces an older one; an older one is ignored. What any of them listed stays listed.
  3. ``version`` changes whenever what is stopped may have changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog

from channels.contract import Json
from dispatcher.domain.people import PublicKey
from dispatcher.domain.statement import Envelope, Statement, StatementError, StatementKind, Verified
from dispatcher.gate.stops import Stops, stops_from, stops_something
from dispatcher.sending.status import Status, StatusRefused, authentic_stop, read_status
from dispatcher.statements.errors import StatementRefused
from dispatcher.statements.verify import Verifier, read_signed


class StopBook:
    """See the module. One process per file."""

    def __init__(self, path: Path, verifier: Verifier, status_key: PublicKey) -> None:
        self._path = path
        self._verifier = verifier
        self._status_key = status_key
        self._known: dict[str, Verified] = {}
        self._status: Status | None = None
        self._listed: set[str] = set()
        self._passed_over: set[str] = set()
        self._unsaved: list[dict[str, Json]] = []
        self._log = structlog.get_logger("stopbook")
        self.version = 0
        self.stops = Stops()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._load()

    def take(self, stops: Sequence[Envelope], status: Envelope | None, now: datetime) -> None:
        """Take in what is new. Raises OSError where it cannot be kept; it is in force all the same."""
        newer = self._newer(status)
        fresh = [envelope for envelope in stops if self._authentic(envelope, now)]
        self._unsaved += [{"stop": envelope.document()} for envelope in fresh]
        if newer or fresh:
            self._work_out()
        self._save()

    def _authentic(self, envelope: Envelope, now: datetime) -> bool:
        try:
            verified = authentic_stop(envelope, self._verifier, now, self._listed)
        except StatementRefused as refusal:
            self._log.warning("stop_refused", code=str(refusal.code), reason=refusal.message)
            self._pass_over(envelope)
            return False
        statement = verified.statement
        if not stops_something(statement) or statement.id in self._known:
            return False
        self._known[statement.id] = verified
        return True

    def _pass_over(self, envelope: Envelope) -> None:
        """A listed resume whose signer has left ends nothing; it is at hand all the same, and not missing."""
        with suppress(StatementError):
            statement = Statement.decode(envelope.payload)
            if statement.kind is StatementKind.RESUME and statement.id in self._listed:
                self._passed_over.add(statement.id)
                self._work_out()

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
        if not self._listed.issuperset(status.stops):
            self._listed.update(status.stops)
            self._unsaved.append({"status": envelope.document()})
        return True

    def _work_out(self) -> None:
        status = self._status
        before = self.stops
        self.stops = stops_from(
            self._known.values(),
            status_at=status.made_at if status else None,
            listed=self._listed - self._passed_over,
        )
        if replace(before, status_at=self.stops.status_at) != self.stops:
            self.version += 1

    def _save(self) -> None:
        if not self._unsaved:
            return
        lines = "".join(f"{json.dumps(entry)}\n" for entry in self._unsaved)
        with self._path.open("a") as file:
            file.write(f"\n{lines}")  # the first newline ends a line that a crash may have torn
            file.flush()
            os.fsync(file.fileno())
        self._unsaved.clear()

    def _load(self) -> None:
        if not self._path.exists():
            return
        for line in self._path.read_text(errors="replace").splitlines():
            try:
                self._remember(json.loads(line))
            except (ValueError, StatementRefused):
                continue  # a torn line: its statement comes again with the next poll
        self._unsaved.clear()
        self._work_out()

    def _remember(self, entry: dict[str, Json]) -> None:
        """Take in what was authentic when it was written down; the roster of today has no say in it."""
        if "status" in entry:
            self._newer(Envelope.from_document(entry["status"]))
            return
        statement, signature = read_signed(Envelope.from_document(entry.get("stop")), self._verifier.mode)
        self._known[statement.id] = Verified(statement, signature.fingerprint)
