"""How fast each account may be sent to: the one place that an engine asks, and tells what a platform said.

Rules
  1. Few calls at once: so many in one process (``IN_FLIGHT``), and so many per account, as its adapter says.
  2. When a platform asks the whole account to wait, nothing goes to it until then. What would outlast its lease is
     put back as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from channels import registry
from channels.contract import Clock, Outcome, Verdict
from dispatcher.store.queue import Leased, Move
from workers.outcomes import returned

IN_FLIGHT = 256
"""Sends that may be under way at once in one process (measured: reference, dramatiq B)."""


class Pacing:
    """The pace of every account that one process sends to. For one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._limits: dict[str, asyncio.Semaphore] = {}
        self._paused: dict[str, datetime] = {}

    def admit(self, leased: Sequence[Leased]) -> tuple[list[Leased], list[Move]]:
        """Which of these may go on now, and the moves that put the others back until later."""
        now = self._clock()
        waiting = {item: until for item in leased if (until := self._paused.get(item.account, now)) > now}
        moves = [returned(item, "the account waits as its platform asked", until) for item, until in waiting.items()]
        return [item for item in leased if item not in waiting], moves

    @asynccontextmanager
    async def slot(self, item: Leased) -> AsyncIterator[None]:
        """One of the calls that may be under way at once, in this process and on this account."""
        async with self._slots, self._limit(item):
            yield

    async def turn(self, item: Leased, latest: datetime) -> Outcome | None:
        """Wait until this delivery may go; where that is after ``latest``, the outcome that puts it back."""
        while (until := self._paused.get(item.account)) is not None and until > (now := self._clock()):
            wait_s = (until - now).total_seconds()
            if until > latest:
                return Outcome(Verdict.DEFERRED, "the account waits", "paused", retry_after_s=wait_s)
            await asyncio.sleep(wait_s)
        return None

    def heard(self, item: Leased, outcome: Outcome) -> None:
        """Heed what the platform said."""
        if outcome.account_wide and outcome.retry_after_s:
            until = self._clock() + timedelta(seconds=outcome.retry_after_s)
            self._paused[item.account] = max(until, self._paused.get(item.account, until))

    def _limit(self, item: Leased) -> asyncio.Semaphore:
        if item.account not in self._limits:
            in_flight = registry.adapter(item.channel).capabilities.max_in_flight
            self._limits[item.account] = asyncio.Semaphore(in_flight)
        return self._limits[item.account]
