"""The doorbell is tested as it is used: the relay rings each lane that lives every minute, for nothing.

The canary is a ring like any other, through the same broker and queue, that names no dispatch; the lane looks, finds
what it finds, and its process says when it heard it. A lane that lives and hears none sends on by its polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from channels.contract import Clock
from dispatcher.domain.errors import DispatcherError
from dispatcher.settings import Settings
from dispatcher.store import doorbells
from dispatcher.store.database import Store, Work
from workers.pausing import rounds

CANARY = ""
"""What a ring names that is about no dispatch."""

Write = Callable[[Callable[[Work], Any]], Awaitable[Any]]
Ring = Callable[[str, str, str], None]


class Ears:
    """What one process of a lane hears: passes every ring on, and writes down when it heard one."""

    def __init__(
        self, owner: str, hear: Callable[[str], None], settings: Settings, clock: Clock, write: Write
    ) -> None:
        self._owner = owner
        self._hear = hear
        self._settings = settings
        self._clock = clock
        self._write = write
        self._heard: datetime | None = None
        self._log = structlog.get_logger("doorbell")

    def ring(self, dispatch: str) -> None:
        """A ring was heard. Safe to call from any thread."""
        self._heard = self._clock()
        self._hear(dispatch)

    async def run(self, stopping: asyncio.Event) -> None:
        """Write down what was heard until ``stopping``."""
        await rounds(stopping, self._round, self._settings.timing.poll_ms, self._log.error)

    async def _round(self) -> None:
        heard = self._heard
        if heard is not None and await self._write(partial(doorbells.heard, owner=self._owner, at=heard)):
            self._heard = None if self._heard == heard else self._heard


class Canary:
    """What the relay rings: each lane of its mode that lives, every minute."""

    def __init__(self, mode: str, store: Store, settings: Settings, ring: Ring) -> None:
        self._mode = mode
        self._store = store
        self._settings = settings
        self._ring = ring
        self._rung: dict[str, datetime] = {}
        self._log = structlog.get_logger("doorbell")

    async def run(self, stopping: asyncio.Event) -> None:
        """Ring until ``stopping``."""
        await rounds(stopping, self._round, self._settings.timing.poll_ms, self._log.error)

    async def _round(self) -> None:
        for lane in await asyncio.to_thread(self._due):
            try:
                await asyncio.to_thread(self._ring, lane, self._mode, CANARY)
            except DispatcherError as error:
                self._log.warning("canary_lost", lane=lane, reason=error.message)

    def _due(self) -> list[str]:
        """The lanes to ring now: a lane is rung as soon as it lives."""
        with self._store.read() as work:
            now, living = work.now, doorbells.living(work, self._mode, self._settings.timing.lasting("silence"))
        due = [lane for lane in living if lane not in self._rung or now - self._rung[lane] >= doorbells.EVERY]
        self._rung = {lane: now if lane in due else self._rung[lane] for lane in living}
        return due
