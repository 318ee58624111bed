"""The spent file: what this sender has let out, kept beside the sender and never in SQL.

Rules (design: gate 4; reference: reliability 1.3 and 2.3)
  1. ``open`` is on disk (O_DSYNC) before the first byte leaves; what came of it is written after.
  2. A settled destination is not sent to again. One that is open is sent to again only where two people signed that
     the post is not there; or by the same job, where a repeat is harmless (idempotent), this sender itself found the
     post absent twice, or the signed plan says resend (once).
  3. A restored or forged database therefore cannot make a second post.
  4. What was accepted on a channel that nobody can look at is kept with the platform's name for it: a worker that
     died before it told the database is told again.
  5. Many appends share one write. A torn last line, from a crash while writing, is cut off: its byte never
     left, or what came of it is in doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import structlog

from channels.capabilities import Idempotency, IdempotencyKind
from channels.contract import Finding, Found, Outcome, Verdict
from dispatcher.domain.canonical import format_time, parse_time
from dispatcher.domain.errors import Invalid


class SpentEvent(StrEnum):
    """What happened to one destination of one plan."""

    OPEN = "open"
    UNSENT = "unsent"  # proved not accepted
    ABSENT = "absent"  # looked for and not in the platform's record
    FOUND = "found"
    ACCEPTED = "accepted"
    HANDED_OVER = "handed_over"
    CODE_ISSUED = "code_issued"


@dataclass(frozen=True, slots=True)
class Opened:
    """One attempt that may have been published; ``job`` begins with the delivery's id."""

    job: str
    at: datetime
    absent_at: tuple[datetime, ...] = ()

    @property
    def delivery(self) -> str:
        """The delivery whose attempt this was."""
        return self.job.partition(" ")[0]


@dataclass(slots=True)
class Account:
    """The state of one destination, folded from its events. Once settled it stays so."""

    opens: tuple[Opened, ...] = ()
    settled: SpentEvent | None = None
    code_issued: bool = False
    found: Finding | None = None

    @property
    def last(self) -> Opened | None:
        """The newest attempt that may have been published."""
        return self.opens[-1] if self.opens else None

    def fold(self, event: SpentEvent, job: str, at: datetime, facts: Mapping[str, Any]) -> None:
        """Take one event in. ``unsent`` takes back the last attempt only: it proves nothing of those before it."""
        match event:
            case SpentEvent.OPEN:
                self.opens += (Opened(job, at),)
            case SpentEvent.UNSENT:
                self.opens = self.opens[:-1]
            case SpentEvent.ABSENT:
                self.opens = (*self.opens[:-1], *(_looked(o, at) for o in self.opens[-1:]))
            case SpentEvent.CODE_ISSUED:
                self.code_issued = True
            case _:
                self.settled = event
                if "reference" in facts:
                    self.found = Finding(Found.FOUND, facts["reference"], facts["url"])


class Entry(NamedTuple):
    """One line that is to be written, and who waits for it, if anybody does."""

    key: str
    event: SpentEvent
    job: str
    at: datetime
    facts: Mapping[str, str | None]
    done: asyncio.Future[None] | None = None


class SpentFile:
    """An append-only file and what it adds up to. Use from one event loop; one process per file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._accounts: dict[str, Account] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_DSYNC, 0o600)
        self._read()
        self._waiting: list[Entry] = []
        self._writer: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("spent")

    def knows(self, key: str) -> bool:
        """Whether anything was ever sent to a destination, or tried."""
        return key in self._accounts

    def account(self, key: str) -> Account:
        """The state of one destination; a fresh one where nothing is known."""
        return self._accounts.get(key) or Account()

    def fault(
        self, key: str, job: str, idempotency: Idempotency, now: datetime, *, resend: bool, resolved: bool
    ) -> str | None:
        """Why this job may not go to this destination, or None. See rule 2; a key is young for half its life."""
        known = self.account(key)
        if known.settled is not None:
            return f"already {known.settled}"
        if known.last is None or resolved:
            return None
        if known.last.job != job:
            return "an earlier attempt, of another delivery or time, may have been published"
        if _key_is_young(known, idempotency, now) or absent_twice(known, idempotency):
            return None
        return None if resend and len(known.opens) == 1 else "an earlier attempt may have been published"

    async def append(self, key: str, event: SpentEvent, job: str, at: datetime, **facts: str | None) -> None:
        """Write one event and return when it is on disk. What it means is in force at once.

        Of the facts, ``decision`` names the record of the gate's yes that an ``open`` rests on; ``reference`` and
        ``url`` are the platform's for what it accepted (rule 4).

        Raises OSError; an ``open`` or ``code_issued`` that was not written is taken back, because nothing leaves.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        known = self._put(Entry(key, event, job, at, facts, done))
        try:
            await done
        except OSError:
            if event is SpentEvent.OPEN:
                known.fold(SpentEvent.UNSENT, job, at, {})
            known.code_issued = known.code_issued and event is not SpentEvent.CODE_ISSUED
            raise

    def note(self, key: str, event: SpentEvent, job: str, at: datetime, **facts: str | None) -> None:
        """As :meth:`append`, for what nobody has to wait for, as an attempt's outcome.

        Until it is on disk, the disk says ``open``, which keeps from sending again. Where it cannot be written, that
        is logged, and the outcome counts all the same.
        """
        self._put(Entry(key, event, job, at, facts))

    async def written(self) -> None:
        """Wait until everything that was noted is on disk, or could not be written."""
        if self._writer is not None:
            await self._writer

    async def close(self) -> None:
        """Close the file, once everything is in it."""
        await self.written()
        os.close(self._descriptor)

    def _put(self, entry: Entry) -> Account:
        known = self._accounts.setdefault(entry.key, Account())
        known.fold(entry.event, entry.job, entry.at, entry.facts)
        self._waiting.append(entry)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return known

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            fault: OSError | None = None
            try:
                await asyncio.to_thread(self._flush, batch)
            except OSError as error:
                fault = error
            for entry in batch:
                self._tell(entry, fault)

    def _tell(self, entry: Entry, fault: OSError | None) -> None:
        if entry.done is None:
            if fault is not None:
                delivery = entry.job.partition(" ")[0]
                self._log.error("spent_not_written", delivery=delivery, reason=fault.strerror)
        elif entry.done.done():
            return  # whoever waited has given up
        elif fault is None:
            entry.done.set_result(None)
        else:
            entry.done.set_exception(OSError(fault.errno, f"spent file: {fault.strerror}"))

    def _flush(self, batch: Sequence[Entry]) -> None:
        size, view = os.fstat(self._descriptor).st_size, memoryview(b"".join(map(_line, batch)))
        try:
            while view:  # written and synced by one call: whoever lets go of Python's lock waits to get it back
                view = view[os.writev(self._descriptor, [view]) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, size)  # half a line would make the next one unreadable
            raise

    def _read(self) -> None:
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.ftruncate(self._descriptor, whole)
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                entry = json.loads(line)
                event, at = SpentEvent(entry["event"]), parse_time(entry["at"])
                self._accounts.setdefault(entry["key"], Account()).fold(event, entry["job"], at, entry)
            except (ValueError, KeyError, TypeError) as error:
                raise Invalid(
                    f"{self._path.name}: line {number} is damaged, so what was sent is not known",
                    "restore the file from the host's backup; do not delete it",
                ) from error


def _line(entry: Entry) -> bytes:
    told = {"key": entry.key, "event": entry.event, "job": entry.job, "at": format_time(entry.at), **entry.facts}
    try:
        return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a letter, in what a platform calls the post
        return json.dumps(told).encode() + b"\n"


def absent_twice(known: Account, idempotency: Idempotency) -> bool:
    """Whether the post was looked for twice, a lag apart, after it can no longer be on its way."""
    if idempotency.kind is not IdempotencyKind.QUERY or known.last is None:
        return False
    lag = timedelta(seconds=idempotency.lag_s)
    looks = [at for at in known.last.absent_at if at - known.last.at >= lag]
    return len(looks) > 1 and looks[-1] - looks[0] >= lag


def _key_is_young(known: Account, idempotency: Idempotency, now: datetime) -> bool:
    if idempotency.kind is not IdempotencyKind.IDEMPOTENT:
        return False
    return now - known.opens[0].at < timedelta(seconds=idempotency.ttl_s / 2)


def _looked(opened: Opened, at: datetime) -> Opened:
    return replace(opened, absent_at=(*opened.absent_at, at))


def told(outcome: Outcome, idempotency: Idempotency) -> dict[str, str | None]:
    """What to keep of an accepted attempt (rule 4): nothing where the platform itself can be asked."""
    if outcome.verdict is not Verdict.ACCEPTED or idempotency.kind is IdempotencyKind.QUERY:
        return {}
    return {"reference": outcome.reference, "url": outcome.url}


def settled_as(verdict: Verdict) -> SpentEvent | None:
    """The event that an attempt's verdict settles a destination with; None leaves it open."""
    return {
        Verdict.ACCEPTED: SpentEvent.ACCEPTED,
        Verdict.REJECTED: SpentEvent.UNSENT,
        Verdict.DEFERRED: SpentEvent.UNSENT,
        Verdict.HANDED_OVER: SpentEvent.HANDED_OVER,
    }.get(verdict)
