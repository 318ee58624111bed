"""From a halt that is committed to the last request that reaches a platform, with four senders under full load.

Four folders stand for four hosts: each has its own ``recipients`` role with its own sender and spent file, on one
database and one Redis, with the waits of the reference. Each halt comes at a random moment, once all four have just
sent. What counts is when a request reaches the far side, by this host's clock.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from dispatcher.gate.stops import HaltScope
from dispatcher.service import stopping
from ops.bench.far import Far, far_side
from ops.bench.figures import Figure
from ops.bench.office import DRAMA, MODE, UNLIMITED, Office, hosts, office_at
from ops.exercise.stage import Stage, running, until
from workers.doorbell import ring_stops

HALTS = 40
HOSTS = 4
LISTS = 10
RESERVE = 4_000
"""Deliveries that are still to be sent when the next plan is released, so that nobody runs out of work."""

QUIET_S = 1.0
"""Nothing was received for so long: whatever comes later is counted with the next look, and fails the bench."""

POLL_S = 0.2
"""Halts come at random within this long, so that they meet the senders' polls at every phase."""


def measure(root: Path, halts: int = HALTS) -> list[Figure]:
    """Milliseconds from commit to last request, for each halt."""
    with far_side() as far, office_at(root, far.url, channels=UNLIMITED) as office:
        office.add("notify", "sms-1", ("en-GB",))
        lists = [f"list-{number}" for number in range(LISTS)]
        for name in lists:
            office.add_list(name)
        load = Load(office, far, lists, hosts(office, "recipients", HOSTS))
        with running(Stage(office.folder, far.url)):
            samples = [load.halted() for _ in range(halts)]
    return [Figure("halt.last_request", "ms", samples, 500, "p99")]


class Load:
    """Keeps all senders at work, halts them, and lets them go on."""

    def __init__(self, office: Office, far: Far, lists: list[str], senders: list[Path]) -> None:
        self._office = office
        self._far = far
        self._lists = lists
        self._spent = [folder / "sender" / MODE / "recipients" / "spent.jsonl" for folder in senders]
        self._released = 0
        self._random = random.Random(0)  # noqa: S311 - spreads halts, guards nothing

    def halted(self) -> float:
        """Milliseconds from one halt's commit to the last request that was received."""
        self._until_all_send()
        time.sleep(self._random.random() * POLL_S)
        halt = stopping.halt(self._office.desk, HaltScope.ALL, "", self._office.pen("ops-1"), MODE)
        committed = time.monotonic()
        ring_stops(self._office.desk.settings, MODE)
        last = until(self._quiet_since, "no more requests arrive", 60)
        for person in ("director-1", "director-2"):
            stopping.resume(self._office.desk, halt.statement, self._office.pen(person))
        return max(0.0, (last - committed) * 1000)

    def _until_all_send(self) -> None:
        while self._released - self._far.counted().requests < RESERVE:
            self._office.release(self._office.cleared(lists=self._lists))
            self._released += len(self._lists) * DRAMA
        before = self._written()
        until(lambda: all(map(int.__gt__, self._written(), before)) or None, "every sender sends", 120)

    def _written(self) -> list[int]:
        return [file.stat().st_size if file.exists() else 0 for file in self._spent]

    def _quiet_since(self) -> float | None:
        last = self._far.counted().last_received
        return last if time.monotonic() - last > QUIET_S else None
