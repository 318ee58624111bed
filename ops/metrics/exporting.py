"""The role ``exporter``: looks at each part by itself, again and again, and serves what was seen last.

A scrape looks at nothing: it reads what the looks left, so that a database that hangs slows no answer. A part counts
as up while its last look went well and is fresh; the lines of a part that is not are left out, but for counters.
"""

from __future__ import annotations

import asyncio
import contextlib
import platform
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from dispatcher.bootstrap import open_desk
from dispatcher.domain.statement import Mode
from dispatcher.service.desk import Desk
from dispatcher.service.operating.look import Looker, pause_after
from dispatcher.settings import Settings
from ops.metrics import beside, overview, questions
from ops.metrics.counting import Counted
from ops.metrics.pages import Page
from ops.metrics.serving import Serving
from workers.main import present, process_of, stopped
from workers.pausing import pause

FRESH_S = 15.0
"""How old a look may be: longer, and whoever takes it hangs."""

DATABASE, REDIS, HOST, CONSOLE = "database", "redis", "host", "console"


class Part:
    """One part of the deployment, and what the last look at it came to."""

    def __init__(self, name: str, look: Callable[[Page], float]) -> None:
        self.name = name
        self._look = look
        self._page = Page()
        self._ok = False
        self._looked_s: float | None = None
        self._log = structlog.get_logger("exporter")

    def look(self, now: Callable[[], Any]) -> float:
        """Look once; returns how many seconds to leave it alone. Raises nothing that a part can cause."""
        page, began_s, pause_s = Page(), time.monotonic(), 0.0
        try:
            pause_s = self._look(page)
        except Exception as error:  # noqa: BLE001 - a row that nobody can read must not end the watch over all others
            if self._ok or self._looked_s is None:
                self._log.warning("part_away", kind=self.name, error=type(error).__name__)
            self._ok, self._looked_s = False, time.monotonic()
            return 0.0
        page.put("exporter_look_duration_seconds", time.monotonic() - began_s, part=self.name)
        page.put("exporter_look_timestamp_seconds", now(), part=self.name)
        self._page, self._ok, self._looked_s = page, True, time.monotonic()
        return pause_s

    @property
    def looked(self) -> bool:
        """Whether anybody has looked yet."""
        return self._looked_s is not None

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return self._ok and self._looked_s is not None and time.monotonic() - self._looked_s < FRESH_S

    def families(self) -> Iterator[Family]:
        """What was seen, while that holds."""
        return self._page.families() if self.up else iter(())


class Exporter(Collector):
    """The collector that a scrape asks: one for all parts, in a registry of its own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._looker = Looker(desk)
        self._counted = Counted()
        settings = desk.settings
        self.parts = (
            Part(DATABASE, self._database),
            Part(REDIS, _at_rest(beside.put_redis, settings)),
            Part(HOST, _at_rest(beside.put_host, settings)),
        )
        self._console = Part(CONSOLE, _at_rest(lambda _page, known: beside.ask_console(known), settings))
        self._about = Page()
        said = {"kind": str(settings.kind), "python": platform.python_version(), "version": version("dispatcher")}
        self._about.put("build", 1, **said)
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def collect(self) -> Iterator[Family]:
        """Everything that is known now."""
        up, seen = Page(), [family for part in self.parts for family in part.families()]
        parts = (*self.parts, self._console) if beside.console_at(self._desk.settings).exists() else self.parts
        for part in parts:
            up.put("up", part.up, part=part.name)
        yield from _merged([*self._about.families(), *up.families(), *seen, *self._counted.page.families()])

    async def run(self, stopping: asyncio.Event) -> None:
        """Look at all parts until ``stopping``, each at its own pace."""
        await asyncio.gather(*(self._rounds(part, stopping) for part in (*self.parts, self._console)))

    async def _rounds(self, part: Part, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            if part is not self._console or beside.console_at(self._desk.settings).exists():
                rest_s = await asyncio.to_thread(part.look, self._desk.clock)
            else:
                rest_s = 0.0
            await pause(stopping, max(rest_s, self._desk.settings.timing.poll_ms / 1000))

    def _database(self, page: Page) -> float:
        seen = self._looker.look()
        overview.put(page, seen)
        with self._desk.store.read() as work:
            questions.put(page, work, self._desk.settings, self._desk.clock)
            self._counted.read(work)
        return pause_after(seen.took_ms)


async def serve(settings: Settings, mode: Mode, owner: str, stopping: asyncio.Event) -> None:
    """The role: one of these serves both modes of a deployment. Raises Unavailable where its port is taken.

    That it started is recorded as soon as the database is there, and it is in the registry of processes while it is;
    it is scraped all the same.
    """
    desk, about = open_desk(settings.root, "exporter"), ("exporter", str(mode), owner)
    try:
        exporter = Exporter(desk)
        with contextlib.closing(Serving(settings, exporter.registry)):
            beside = asyncio.create_task(present(desk, process_of("exporter", mode, owner), stopping))
            await exporter.run(stopping)
            await beside
            await asyncio.to_thread(stopped, desk, about)
    finally:
        desk.store.close()


def _at_rest(put: Callable[[Page, Settings], None], settings: Settings) -> Callable[[Page], float]:
    """A look that wants no longer pause than all have."""

    def look(page: Page) -> float:
        put(page, settings)
        return 0.0

    return look


def _merged(families: list[Family]) -> Iterator[Family]:
    """Each metric once, with the samples of all parts."""
    by_name: dict[str, Family] = {}
    for family in families:
        known = by_name.setdefault(family.name, family)
        if known is not family:
            known.samples.extend(family.samples)
    yield from by_name.values()
