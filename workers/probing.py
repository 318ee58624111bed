"""Probing the accounts of one lane: those that are due by the schedule, and those that somebody asks about.

It runs in the worker's process, beside engine and reconciler, because probing needs the credential or who holds it.
Each live account has its own moment in every interval of the schedule, by its name, so that platforms are not asked
about all of them at once; how long that is, its channel has a say in. What a probe shows stops nothing, and neither
does one that cannot be written down.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from channels.contract import Probe
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.statement import Mode
from dispatcher.sending.probing import Prober
from dispatcher.service.probing import every
from dispatcher.settings import Settings
from dispatcher.store import probes
from dispatcher.store.database import Store, Work
from dispatcher.store.probes import Due
from workers.pausing import rounds

MOST = 8
"""How many are probed at once."""

AGAIN = timedelta(minutes=1)
"""When an account is due again whose prober died over it; a probe takes seconds."""

Write = Callable[[Callable[[Work], Any]], Awaitable[Any]]


class Probing:
    """See the module. ``post`` is lane and mode."""

    def __init__(self, post: tuple[str, str], store: Store, prober: Prober, settings: Settings, write: Write) -> None:
        self._lane, self._mode = post
        self._store = store
        self._prober = prober
        self._timing = settings.timing
        self._write = write
        self._log = structlog.get_logger("probing")

    async def run(self, stopping: asyncio.Event) -> None:
        """Probe what is due until ``stopping``."""
        await rounds(stopping, self._round, self._timing.poll_ms, self._log.error)

    async def _round(self) -> None:
        due, held = await asyncio.to_thread(self._due), self._prober.held
        mine = [one for one in due if held is None or one.account in held][:MOST]
        if mine:
            claimed = await self._write(partial(probes.claim, wanted=mine, again=AGAIN))
            await asyncio.gather(*(self._probe(one) for one in claimed))

    def _due(self) -> list[Due]:
        with self._store.read() as work:
            return probes.due(work, self._lane, self._mode)

    async def _probe(self, claimed: Due) -> None:
        try:
            probe = await self._prober.probe(claimed.account)
        except DispatcherError as error:
            probe = Probe(ok=False, detail=error.message)
        self._log.info("probed", account=claimed.account, outcome="ok" if probe.ok else "failed", reason=probe.detail)
        try:
            await self._write(partial(self._record, claimed=claimed, probe=probe))
        except Exception as error:  # noqa: BLE001 - whatever an adapter answered must not end the lane
            self._log.error("not_recorded", account=claimed.account, error=type(error).__name__)

    def _record(self, work: Work, *, claimed: Due, probe: Probe) -> None:
        scheduled = self._mode == Mode.LIVE
        due_at = next_turn(claimed.account, work.now, every(self._timing, claimed.channel)) if scheduled else None
        probes.put(work, claimed, probe, due_at)


def next_turn(account: str, now: datetime, span: timedelta) -> datetime:
    """The next of an account's moments after ``now``: one in each interval, set by its name."""
    mine = span * (zlib.crc32(account.encode()) / 2**32)
    epoch = datetime.fromtimestamp(0, now.tzinfo)
    return now + span - (now - epoch - mine) % span
