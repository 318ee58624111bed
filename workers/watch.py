"""Nobody falls silent unheard: each process says that it is alive, looks who is not, and has people told.

It runs in every role with a database, beside its work, so that a relay that is gone is missed by the lanes and a lane
that is gone by the relay. A process that has just begun knows nothing of silence yet. The relay counts what plans are
made of besides, and looks for what is held, in doubt or fails its probe.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from dispatcher.domain.statement import Mode
from dispatcher.service import watching
from dispatcher.service.desk import Desk
from dispatcher.service.missing import Counting
from dispatcher.service.stuck import Finder, Stuck
from dispatcher.service.watching import Raised
from dispatcher.store.alive import RELAY
from dispatcher.store.workers import IDLE, Doing, Process
from workers.pausing import rounds


class Watch:
    """See the module. ``desk`` is this role's own; whoever opened it closes it. ``doing`` says what is under way."""

    def __init__(self, desk: Desk, process: Process, doing: Callable[[], Doing] = lambda: IDLE) -> None:
        self._desk = desk
        self._process = process
        self._doing = doing
        relay = process.role == RELAY
        self._counting = Counting(desk, Mode(process.mode), process.owner, time.monotonic) if relay else None
        self._finder = Finder(desk, Mode(process.mode), process.owner, time.monotonic) if relay else None
        self._log = structlog.get_logger("watch")

    async def run(self, stopping: asyncio.Event) -> None:
        """Take turns until ``stopping``."""
        timing, began_s = self._desk.settings.timing, time.monotonic()

        async def turn() -> None:
            waited = time.monotonic() - began_s > timing.silence_ms / 1000
            raised = await asyncio.to_thread(self._turn, waited)
            if raised.silent or raised.changed or raised.foreign:
                await asyncio.to_thread(watching.tell, self._desk, Mode(self._process.mode), raised)
            if self._counting:
                await asyncio.to_thread(self._count, self._counting)
            if self._finder:
                await asyncio.to_thread(self._find, self._finder)

        await rounds(stopping, turn, timing.poll_ms, self._log.error)

    def _turn(self, waited: bool) -> Raised:
        raised = watching.turn(self._desk, self._process, self._doing(), waited=waited)
        for one in raised.silent:
            self._log.warning("silent", lane=one.role)
        return raised

    def _count(self, counting: Counting) -> None:
        found = counting.turn()
        for one in found:
            self._log.warning("deliveries_missing", plan=one.plan, reason=one.what)
        counting.tell(found)

    def _find(self, finder: Finder) -> None:
        found = finder.turn()
        for one in found:
            kind = {"incident": one.incident, "reason": one.reason} if isinstance(one, Stuck) else {"reason": "probe"}
            self._log.warning("stuck", account=one.account, **kind)
        finder.tell(found)
