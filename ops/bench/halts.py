"""From a halt that is committed to the last request that reaches a platform, with four senders under full load.

Four folders stand for four hosts: each has its own ``recipients`` role with its own sender and spent file, on one
database and one Redis, with the waits of the reference. Each halt comes at a random moment, once all four have just
sent. What counts is the far side's own record; its clock is this host's.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from channels.simulator.server import Simulator
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.redis import private_redis
from dispatcher.gate.stops import HaltScope
from dispatcher.sender_bootstrap import now
from dispatcher.service import stopping
from ops.bench.figures import Figure
from ops.bench.office import DRAMA, MODE, Office, office_at
from ops.demo.stage import Stage, running, until
from workers.doorbell import ring_stops

HALTS = 100
HOSTS = 4
LISTS, PLANS = 10, 4
RESERVE = 4_000
"""Deliveries that are still to be sent when the next plan is released, so that nobody runs out of work."""

QUIET_S = 1.0
"""Nothing was received for so long: whatever comes later is counted with the next look, and fails the bench."""

POLL_S = 0.2
"""Halts come at random within this long, so that they meet the senders' polls at every phase."""


def measure(root: Path, halts: int = HALTS) -> list[Figure]:
    """Milliseconds from commit to last request, for each halt."""
    with _far_sides() as far, office_at(root, far.url) as office:
        office.add("notify", "sms-1", ("en-GB",))
        lists = [f"list-{number}" for number in range(LISTS)]
        for name in lists:
            office.add_list(name)
        plans = [office.cleared(lists=lists) for _ in range(PLANS)]
        load = Load(office, far, plans, _hosts(office))
        with running(Stage(office.folder, far.url)):
            samples = [load.halted() for _ in range(halts)]
    return [Figure("halt.last_request", "ms", samples, 500, "p99")]


class Load:
    """Keeps all senders at work, halts them, and lets them go on."""

    def __init__(self, office: Office, far: Simulator, plans: list[str], senders: list[Path]) -> None:
        self._office = office
        self._far = far
        self._plans = plans
        self._spent = [folder / "sender" / MODE / "recipients" / "spent.jsonl" for folder in senders]
        self._released = 0
        self._random = random.Random(0)  # noqa: S311 - spreads halts, guards nothing

    def halted(self) -> float:
        """Milliseconds from one halt's commit to the last request that was received."""
        self._until_all_send()
        time.sleep(self._random.random() * POLL_S)
        halt = stopping.halt(self._office.desk, HaltScope.ALL, "", self._office.pen("ops-1"), MODE)
        committed = now()
        ring_stops(self._office.desk.settings, MODE)
        last = until(self._quiet_since, "no more requests arrive", 60)
        for person in ("director-1", "director-2"):
            stopping.resume(self._office.desk, halt.statement, self._office.pen(person))
        return max(0.0, (last - committed).total_seconds() * 1000)

    def _until_all_send(self) -> None:
        while self._released - len(self._far.journal.arrivals) < RESERVE and self._plans:
            self._office.release(self._plans.pop())
            self._released += LISTS * DRAMA
        before = self._written()
        until(lambda: all(map(int.__gt__, self._written(), before)) or None, "every sender sends", 120)

    def _written(self) -> list[int]:
        return [file.stat().st_size if file.exists() else 0 for file in self._spent]

    def _quiet_since(self) -> datetime | None:
        last = self._far.journal.arrivals[-1].at
        return last if (now() - last).total_seconds() > QUIET_S else None


def _hosts(office: Office) -> list[Path]:
    """The deployment's own folder and copies of it, all named by the Procfile that `dispatcher up` goes by."""
    folder = office.folder
    settings = folder / "deployment.toml"
    shared = settings.read_text().replace("sqlite:///data/", f"sqlite:///{folder / 'data'}/")
    shared = shared.replace('redis = "embedded"', f'redis = "{private_redis(Folder(folder)).url}"')
    hosts = [folder, *(folder.with_name(f"host-{number}") for number in range(2, HOSTS + 1))]
    roles = ["migrate: dispatcher migrate", "relay: dispatcher worker relay"]
    for number, host in enumerate(hosts, 1):
        if host != folder:
            shutil.copytree(folder, host, ignore=shutil.ignore_patterns("data", "redis"))
            (host / "data").mkdir()
            (host / "deployment.toml").write_text(shared)
        roles.append(f"sender-{number}: dispatcher worker recipients --deployment {host}")
    (folder / "Procfile").write_text("\n".join(roles) + "\n")
    return hosts


@contextmanager
def _far_sides() -> Iterator[Simulator]:
    """All simulated platforms, served from a thread of their own: their record is read without asking them."""
    started, stop, simulator = threading.Event(), threading.Event(), Simulator()

    async def serve() -> None:
        async with simulator:
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    started.wait()
    try:
        yield simulator
    finally:
        stop.set()
        thread.join()
