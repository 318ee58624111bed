"""One campaign: release, break, let settle, stop, count."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from dispatcher.service import proving
from dispatcher.store import records
from ops.bench.office import MODE
from ops.chaos.count import Count, count
from ops.chaos.crew import Part, leftovers, stop
from ops.chaos.schedule import Fault, Strike, drawn
from ops.chaos.site import CALL_MS, LEASE_MS, Site, site_at
from ops.exercise.stage import Stage, simulator_at

TICK_S = 0.02
READY_WITHIN_S = 60.0
BEGIN_WITHIN_S = 1_200.0
"""How long a machine may take to send what was released; what this says of it is its speed."""

SETTLE_WITHIN_S = 300.0
"""The promise is 60 s: whoever takes longer is seen in ``settled_s`` before it is called lost."""

STOP_WITHIN_S = CALL_MS / 1000 + 5
"""How long a role may take to drain (reference: reliability 7, promise 20)."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything; a plan of 218 deliveries is released every ``plan_every_s``.

    The platforms misbehave until every delivery was begun; that is when the last fault ends.
    """

    seconds: float
    hosts: int = 3
    plan_every_s: float = 4.0

    @property
    def plans(self) -> int:
        """How many plans that makes."""
        return max(1, round(self.seconds / self.plan_every_s))


@dataclass(frozen=True, slots=True)
class Campaign:
    """What one campaign found. ``settled_s`` counts from the last fault; ``ends``: who ended how, how often.

    ``record`` is what does not hold of the ledger, against the heads that were copied out and against the tables.
    ``drained``: whether all workers ended in time when asked; on a machine that is busy otherwise they may not.
    """

    database: str
    seed: int
    count: Count
    faults: Counter[str]
    ends: dict[str, dict[int, int]]
    settled_s: float
    drained: bool
    leftovers: Sequence[str]
    record: Sequence[str]

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        found = self.count
        broken = (found.lost, found.duplicated, found.false_sent, found.unmatched)
        return not any((*broken, *self.leftovers, *self.record))

    def document(self) -> dict[str, Any]:
        """As it stands in ``chaos.json``."""
        facts = {"seed": self.seed, "faults": dict(self.faults), "ends": self.ends, "settled_s": self.settled_s}
        found = {"drained": self.drained, "leftovers": len(self.leftovers), "record": list(self.record)}
        return {**self.count.document(), **facts, **found}


def run(base: Path, database: str, seed: int, size: Size) -> Campaign:
    """Run one campaign in a fresh folder, on ``sqlite`` or ``postgresql``."""
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    with simulator_at(base) as url:
        far = Stage(base / "site" / "deployment", url)
        with site_at(base / "site", database, far, plans=size.plans, hosts=size.hosts) as site:
            try:
                faults, settled_s = _storm(site, seed, size)
            finally:
                drained = stop(site.workers, STOP_WITHIN_S)
                stop([site.servers["redis"]], STOP_WITHIN_S)
            left = leftovers(base.absolute() / "site")
            sent, expected = site.sent(), site.expected
            record = [fault.what for fault in proving.verify(site.office.desk).faults]
            ends = {part.name: dict(part.ends) for part in site.parts}
    journal = json.loads((base / "journal.json").read_text())
    found = count(sent, expected, journal)
    return Campaign(database, seed, found, faults, ends, settled_s, drained, left, record)


def _storm(site: Site, seed: int, size: Size) -> tuple[Counter[str], float]:
    """Release and break, then let everything settle; returns the faults that struck and how long that took."""
    kinds = [fault for fault in Fault if fault is not Fault.POSTGRES or "postgresql" in site.servers]
    strikes = drawn(seed, size.seconds, kinds, LEASE_MS / 1000)
    _keep(site.parts, lambda: _has_status(site), "the relay signs", READY_WITHIN_S)
    site.misbehave()
    faults: Counter[str] = Counter()
    with ThreadPoolExecutor(1) as releaser:
        released = releaser.submit(_release_all, site, size.plan_every_s)
        began = time.monotonic()

        def over() -> bool:
            elapsed = time.monotonic() - began
            while strikes and strikes[0].at_s <= elapsed:
                strike = strikes.pop(0)
                faults[strike.fault] += _hit(site, strike)
            return elapsed >= size.seconds

        _keep(site.parts, over, "the storm is over", size.seconds * 2 + 60)
        for part in site.parts:
            part.wake()
        _keep(site.parts, lambda: released.done() and site.all_begun, "every delivery is begun", BEGIN_WITHIN_S)
        site.far.disarm()
        ended = time.monotonic()
        _keep(site.parts, lambda: site.settled, "every delivery has ended or is held", SETTLE_WITHIN_S)
        released.result(0)
    return faults, round(time.monotonic() - ended, 1)


def _keep(parts: Sequence[Part], until_then: Callable[[], bool], what: str, within_s: float) -> bool:
    """Keep all processes alive until that is so; returns whether it came in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        for part in parts:
            part.look()
        if until_then():
            return True
        time.sleep(TICK_S)
    print(f"not within {within_s:g} s: {what}")
    return False


def _release_all(site: Site, every_s: float) -> None:
    began = time.monotonic()
    for number, mark in enumerate(site.plans):
        time.sleep(max(0.0, began + number * every_s - time.monotonic()))
        site.release(mark)


def _has_status(site: Site) -> bool:
    with site.store.read() as work:
        return records.status(work, str(MODE)) is not None


def _hit(site: Site, strike: Strike) -> int:
    """Let one fault strike; returns how often it did: nobody may be there to be hit."""
    match strike.fault:
        case Fault.KILL_HOST:
            host = site.hosts[int(strike.aim * len(site.hosts))]
            return int(host.kill() > 0)
        case Fault.FLUSH:
            return _flush(site.redis.url)
        case Fault.REDIS:
            return int(site.servers["redis"].signal(signal.SIGKILL, strike.lasting_s))
        case Fault.POSTGRES:
            return int(site.servers["postgresql"].signal(signal.SIGQUIT, strike.lasting_s))
    awake = [part for part in site.workers if part.alive and part.woken_at is None]
    if not awake:
        return 0
    victim = awake[int(strike.aim * len(awake))]
    if strike.fault is Fault.STOP:
        return int(victim.pause(strike.lasting_s))
    return int(victim.signal(signal.SIGKILL, strike.lasting_s))


def _flush(url: str) -> int:
    try:
        with redis.Redis.from_url(url, socket_timeout=1) as client:
            client.flushall()
    except redis.RedisError:
        return 0
    return 1
