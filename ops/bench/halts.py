"""From a halt that is committed to the last request that reaches a platform, with four senders under full load.

Four folders stand for four hosts: each has its own ``recipients`` role with its own sender and spent file, on one
database and one Redis, with the waits of the reference. Each halt comes at a random moment, once all four have just
sent. What counts is when a request reaches the far side, by this host's clock. That far side does as good as nothing
else: the simulator would share these processors with four senders, and its own queue would be measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from dispatcher.embedded.folder import Folder
from dispatcher.embedded.redis import private_redis
from dispatcher.gate.stops import HaltScope
from dispatcher.sender_bootstrap import now
from dispatcher.service import stopping
from ops.bench.figures import Figure
from ops.bench.office import DRAMA, MODE, Office, office_at
from ops.demo.stage import Stage, running, until
from workers.doorbell import ring_stops

HALTS = 40
HOSTS = 4
LISTS = 10
RESERVE = 4_000
"""Deliveries that are still to be sent when the next plan is released, so that nobody runs out of work."""

QUIET_S = 1.0
"""Nothing was received for so long: whatever comes later is counted with the next look, and fails the bench."""

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_BODY = b'{"id": "740e5834-3a29-46b4-9a6f-16142fde533a"}'
_TAKEN = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY

POLL_S = 0.2
"""Halts come at random within this long, so that they meet the senders' polls at every phase."""


def measure(root: Path, halts: int = HALTS) -> list[Figure]:
    """Milliseconds from commit to last request, for each halt."""
    with _far_side() as far, office_at(root, far.url) as office:
        office.add("notify", "sms-1", ("en-GB",))
        lists = [f"list-{number}" for number in range(LISTS)]
        for name in lists:
            office.add_list(name)
        load = Load(office, far, lists, _hosts(office))
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
        committed = now()
        ring_stops(self._office.desk.settings, MODE)
        last = until(self._quiet_since, "no more requests arrive", 60)
        for person in ("director-1", "director-2"):
            stopping.resume(self._office.desk, halt.statement, self._office.pen(person))
        return max(0.0, (last - committed).total_seconds() * 1000)

    def _until_all_send(self) -> None:
        while self._released - len(self._far.arrivals) < RESERVE:
            self._office.release(self._office.cleared(lists=self._lists))
            self._released += len(self._lists) * DRAMA
        before = self._written()
        until(lambda: all(map(int.__gt__, self._written(), before)) or None, "every sender sends", 120)

    def _written(self) -> list[int]:
        return [file.stat().st_size if file.exists() else 0 for file in self._spent]

    def _quiet_since(self) -> datetime | None:
        last = self._far.arrivals[-1]
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


class Far:
    """Takes what Notify is sent, and notes when the first bytes of each request were here."""

    def __init__(self) -> None:
        self.arrivals: list[datetime] = []
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first request to its last."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.arrivals.append(now())
                if length := _LENGTH.search(head):
                    await reader.readexactly(int(length[1]))
                writer.write(_TAKEN)
        writer.close()


@contextmanager
def _far_side() -> Iterator[Far]:
    """Serve from a thread of its own."""
    started, stop, far = threading.Event(), threading.Event(), Far()

    async def serve() -> None:
        async with await asyncio.start_server(far.answer, "127.0.0.1", 0) as server:
            far.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    started.wait()
    try:
        yield far
    finally:
        stop.set()
        thread.join()
