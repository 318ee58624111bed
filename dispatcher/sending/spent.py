"""The spent file: what this sender has let out, kept beside the sender and never in SQL.

Rules (design: gate 4; reference: reliability 1.3 and 2.3)
  1. ``open`` is on disk (fsync) before the first byte leaves; what came of it is written after.
  2. A destination that is open, or settled, is not sent to again, unless a repeat is harmless (idempotent), this
     sender itself found the post absent twice, the signed plan says resend (once), or two people signed that it is
     not there.
  3. A restored or forged database therefore cannot make a second post.
  4. Many appends share one fsync. A torn last line, from a crash while writing, is cut off: its byte never left.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from channels.contract import Idempotency, IdempotencyKind, Verdict
from dispatcher.domain.statement import format_time, parse_time


class SpentEvent(StrEnum):
    """What happened to one destination of one plan."""

    OPEN = "open"
    UNSENT = "unsent"  # proved not accepted
    ABSENT = "absent"  # looked for and not in the platform's record
    FOUND = "found"
    ACCEPTED = "accepted"
    HANDED_OVER = "handed_over"
    CODE_ISSUED = "code_issued"


@dataclass(slots=True)
class Account:
    """The state of one destination, folded from its events."""

    opened: int = 0
    state: SpentEvent | None = None
    opened_at: datetime | None = None
    first_opened_at: datetime | None = None
    absent_at: tuple[datetime, ...] = ()
    code_issued: bool = False

    def fold(self, event: SpentEvent, at: datetime) -> None:
        """Take one event in."""
        match event:
            case SpentEvent.OPEN:
                self.opened, self.opened_at, self.absent_at = self.opened + 1, at, ()
                self.first_opened_at = self.first_opened_at or at
            case SpentEvent.ABSENT:
                self.absent_at += (at,)
                return
            case SpentEvent.CODE_ISSUED:
                self.code_issued = True
                return
            case _:
                pass
        self.state = event


class SpentFile:
    """An append-only file and what it adds up to. Use from one event loop; one process per file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._accounts: dict[str, Account] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._read()
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    def account(self, key: str) -> Account:
        """The state of one destination; a fresh one where nothing is known."""
        return self._accounts.get(key) or Account()

    def fault(self, key: str, idempotency: Idempotency, now: datetime, *, resend: bool, resolved: bool) -> str | None:
        """Why this destination may not be sent to, or None. See rule 2; a key counts as young for half its life."""
        known = self.account(key)
        if known.state in (None, SpentEvent.UNSENT):
            return None
        if known.state is not SpentEvent.OPEN:
            return f"already {known.state}"
        if resolved or _key_is_young(known, idempotency, now):
            return None
        if absent_twice(known, idempotency) or (resend and known.opened < 2):
            return None
        return "an earlier attempt may have been published"

    async def append(self, key: str, event: SpentEvent, delivery: str, at: datetime) -> None:
        """Write one event and return when it is on disk. What it means is in force at once."""
        self._accounts.setdefault(key, Account()).fold(event, at)
        line = json.dumps({"key": key, "event": event, "delivery": delivery, "at": format_time(at)})
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((line.encode() + b"\n", done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await done

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._flush, b"".join(line for line, _ in batch))
            except OSError as error:
                for _, done in batch:
                    done.set_exception(OSError(error.errno, f"spent file: {error.strerror}"))
            else:
                for _, done in batch:
                    done.set_result(None)

    def _flush(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        os.fdatasync(self._descriptor)

    def _read(self) -> None:
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.ftruncate(self._descriptor, whole)
        for key, event, at in _events(data[:whole]):
            self._accounts.setdefault(key, Account()).fold(event, at)


def absent_twice(known: Account, idempotency: Idempotency) -> bool:
    """Whether the post was looked for twice, a lag apart, after it can no longer be on its way."""
    if idempotency.kind is not IdempotencyKind.QUERY or known.opened_at is None:
        return False
    lag = timedelta(seconds=idempotency.lag_s)
    looks = [at for at in known.absent_at if at - known.opened_at >= lag]
    return len(looks) > 1 and looks[-1] - looks[0] >= lag


def _key_is_young(known: Account, idempotency: Idempotency, now: datetime) -> bool:
    if idempotency.kind is not IdempotencyKind.IDEMPOTENT or known.first_opened_at is None:
        return False
    return now - known.first_opened_at < timedelta(seconds=idempotency.ttl_s / 2)


def settled_as(verdict: Verdict) -> SpentEvent | None:
    """The event that an attempt's verdict settles a destination with; None leaves it open."""
    return {
        Verdict.ACCEPTED: SpentEvent.ACCEPTED,
        Verdict.REJECTED: SpentEvent.UNSENT,
        Verdict.DEFERRED: SpentEvent.UNSENT,
        Verdict.HANDED_OVER: SpentEvent.HANDED_OVER,
    }.get(verdict)


def _events(data: bytes) -> Iterator[tuple[str, SpentEvent, datetime]]:
    for line in data.splitlines():
        entry = json.loads(line)
        yield entry["key"], SpentEvent(entry["event"]), parse_time(entry["at"])
