"""How fast the record is kept and verified: four writers at once, sequenced, signed and copied out meanwhile.

write    entries a second that four processes commit and the sequencer takes in, ten or one to a transaction
lag      from an entry's time to the copy of the head that covers it, outside the database
bytes    of the database for each entry, its indexes and the checkpoints included
verify   entries a second of `dispatcher ledger verify`, in a process of its own

Writers wait for the disk with every commit, as always (``synchronous=FULL``, ``synchronous_commit=on``).
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self, cast

from sqlalchemy import func, select, text

from dispatcher.bootstrap import open_desk, open_store
from dispatcher.sender_bootstrap import look_rarely_for_cycles, now
from dispatcher.service import proving
from dispatcher.service.desk import Desk
from dispatcher.settings import load_settings
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store import checkpoints
from dispatcher.store.database import Store
from dispatcher.store.tables import LEDGER
from ops.bench.figures import Figure
from ops.bench.office import office_at
from ops.postgres import temporary_postgres
from workers.sequencer import Sequencer

WRITERS = 4
GROUPS = (10, 1)
LEAST = {10: 5_000.0, 1: 1_000.0}
"""Entries a second that are promised, by entries a transaction (reference: reliability 7, promise 16)."""

LAG_MS, BYTES, VERIFIED = 1_000.0, 600.0, 200_000.0
NOWHERE = "http://127.0.0.1:9"
FACTS: dict[str, Any] = {
    "account": "x-city-police",
    "attempt": 2,
    "channel": "x",
    "decision": "a00f821144f820d8fa8b47ff7d286adebf9944b5d8a0d1b7b55e8fd974a332f6",
    "delivery": "dly-w9znvx1ccq",
    "incident": "inc-z9shh687w0",
    "plan": "6bfa0a8b35d2e41c8f560a6df1c5ec7fab30ab443bae646ebdeb065b2f5894b7",
    "source": "leased",
    "target": "sending",
}
"""What a post's intent says: the longest of the entries that come in numbers."""


@dataclass(frozen=True, slots=True)
class Size:
    """Seconds of writing, and entries to verify."""

    seconds: float = 15.0
    entries: int = 1_000_000


def measure(root: Path, size: Size | None = None) -> list[Figure]:
    """All figures on both databases."""
    figures = _measured(root / "sqlite", "sqlite", "", size or Size())
    with temporary_postgres() as server:
        return figures + _measured(
            root / "postgresql", "postgresql", server.create_database("ledger"), size or Size()
        )


def _measured(root: Path, name: str, database: str, size: Size) -> list[Figure]:
    more = {"database": database} if database else {}
    with office_at(root, NOWHERE, **more) as office:
        figures = []
        for group in GROUPS:
            rate, lags = _written(office.desk, group, size.seconds)
            figures += [
                Figure(f"ledger.{name}.write.{group}", "entries/s", [rate], LEAST[group], least=True),
                Figure(f"ledger.{name}.lag.{group}", "ms", lags, LAG_MS, "p99"),
            ]
        _fill(office.desk, size.entries)
        figures.append(Figure(f"ledger.{name}.bytes", "bytes", [_bytes_each(office.desk.store)], BYTES))
    command = [sys.executable, "-m", "ops.bench.ledger", "verify", str(office.folder)]
    found = [float(subprocess.check_output(command)) for _ in range(3)]  # noqa: S603 - our own program
    return [*figures, Figure(f"ledger.{name}.verify", "entries/s", found, VERIFIED, least=True)]


class _Sequencing:
    """A sequencer at work beside its maker, as in a relay; ``heads`` says when the copies had which size."""

    def __init__(self, desk: Desk) -> None:
        signer = KeyFileSigner(desk.settings.path("keys", "status"))
        self._store = open_store(desk.settings, "bench-relay")
        self._sequencer = Sequencer("bench", self._store, desk.settings, signer, desk.trust)
        self._pause_s = desk.settings.timing.checkpoint_ms / 1000
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.heads: list[tuple[int, datetime]] = []

    def __enter__(self) -> Self:
        while self._sequencer.tick():  # what was there before is not what is measured
            pass
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        size = 0
        while not self._stopping.wait(self._pause_s):
            size += self._sequencer.tick()
            self.heads.append((size, now()))


def _written(desk: Desk, group: int, seconds: float) -> tuple[float, list[float]]:
    """Entries a second that were written and taken in, and how long each waited for its head, in milliseconds."""
    before = _count(desk.store)
    command = [sys.executable, "-m", "ops.bench.ledger", "write", str(desk.settings.root), str(group), str(seconds)]
    with _Sequencing(desk) as sequencing:
        writers = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)  # noqa: S603 - as above
            for _ in range(WRITERS)
        ]
        for writer in writers:
            cast("IO[str]", writer.stdout).readline()  # ready, and waiting for the word
        started = time.monotonic()
        for writer in writers:
            cast("IO[str]", writer.stdin).close()
        for writer in writers:
            writer.wait()
        written = _count(desk.store) - before
        while not sequencing.heads or sequencing.heads[-1][0] < written:
            time.sleep(0.01)
        lasted = time.monotonic() - started
    with desk.store.read() as work:
        times = select(LEDGER.c.recorded_at).order_by(LEDGER.c.id).offset(before)
        times_in_order = [at for (at,) in work.execute(times)]
    sizes = [size for size, _ in sequencing.heads]
    waited = [sequencing.heads[bisect_left(sizes, place)][1] - at for place, at in enumerate(times_in_order, 1)]
    return written / lasted, [lag.total_seconds() * 1000 for lag in waited]


def _write(folder: Path, group: int, seconds: float) -> None:
    """One writer: transaction after transaction until the time is over."""
    store = open_store(load_settings(folder), "accounts")
    look_rarely_for_cycles()
    print("ready", flush=True)
    sys.stdin.read()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with store.write() as work:
            for _ in range(group):
                work.record("gate.refused", **FACTS)
    store.close()


def _fill(desk: Desk, entries: int) -> None:
    """More entries, all of them sequenced."""
    while _count(desk.store) < entries:
        with desk.store.write() as work:
            for _ in range(1_000):
                work.record("gate.refused", **FACTS)
    with _Sequencing(desk) as sequencing:
        while not sequencing.heads or _unsequenced(desk.store):
            time.sleep(0.01)


def _unsequenced(store: Store) -> bool:
    with store.read() as work:
        return checkpoints.waiting(work, checkpoints.newest(work))


def _count(store: Store) -> int:
    with store.read() as work:
        found: int = work.execute(select(func.count()).select_from(LEDGER)).scalar_one()
        return found


def _bytes_each(store: Store) -> float:
    """What ledger and checkpoints take of the database, with their indexes."""
    if store.engine.dialect.name == "sqlite":
        tables = "(SELECT name FROM sqlite_master WHERE tbl_name IN ('ledger', 'checkpoints'))"
        asked = f"SELECT sum(pgsize) FROM dbstat WHERE name IN {tables}"  # noqa: S608 - our own words
    else:
        asked = "SELECT pg_total_relation_size('ledger') + pg_total_relation_size('checkpoints')"
    with store.read() as work:
        return float(work.execute(text(asked)).scalar_one()) / _count(store)


def _verify(folder: Path) -> None:
    """Print how many entries a second were verified."""
    desk = open_desk(folder, "bench")
    started = time.monotonic()
    found = proving.verify(desk)
    lasted = time.monotonic() - started
    if found.faults:
        raise SystemExit(f"the record does not hold: {found.faults[0].what}")
    print(found.entries / lasted)
    desk.store.close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", folder, group, seconds]:
            _write(Path(folder), int(group), float(seconds))
        case ["verify", folder]:
            _verify(Path(folder))
