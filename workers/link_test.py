"""The doorbell is tested as it is used: the relay rings each lane that lives every minute, for nothing.

The canary is a ring like any other, through the same broker and queue, that names no dispatch; the lane looks, finds
what it finds, and its process says when it heard it. A lane that lives and hears none sends on by its polls.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from dispatcher.domain.errors import DispatcherError
from dispatcher.settings import Settings
from dispatcher.store import doorbells
from dispatcher.store.database import Store
from workers.doorbell import Ring
from workers.pausing import rounds

CANARY = ""
"""What a ring names that is about no dispatch."""


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
                await asyncio.to_thread(self._ring, lane, self._mode, CANARY, "")
            except DispatcherError as error:
                self._log.warning("canary_lost", lane=lane, reason=error.message)

    def _due(self) -> list[str]:
        """The lanes to ring now: a lane is rung as soon as it lives."""
        with self._store.read() as work:
            now, living = work.now, doorbells.living(work, self._mode, self._settings.timing.lasting("silence"))
        due = [lane for lane in living if lane not in self._rung or now - self._rung[lane] >= doorbells.EVERY]
        self._rung = {lane: now if lane in due else self._rung[lane] for lane in living}
        return due
