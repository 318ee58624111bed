"""Telling the sender what is stopped: a poll of SQL several times a second (design: gate 9, at most 250 ms).

A halt also rings: then the poll looks at once. Redis carries no more than that; without it the poll finds the halt.
"""

from __future__ import annotations

import asyncio

import structlog

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.statement import Envelope
from dispatcher.sending import Sender
from dispatcher.settings import Settings
from dispatcher.store import records, statements
from dispatcher.store.database import Store
from workers.broker import NAMESPACE
from workers.pausing import pause


def bell(mode: str) -> str:
    """The Redis channel that a halt rings on; every sender of the mode hears it."""
    return f"{NAMESPACE}:stops:{mode}"


class StopPoll:
    """Keeps one sender told. Call :meth:`once` before the first lease."""

    def __init__(self, mode: str, store: Store, sender: Sender, settings: Settings) -> None:
        self._mode = mode
        self._store = store
        self._sender = sender
        self._settings = settings
        self._rung = asyncio.Event()
        self._told: set[bytes] = set()
        self._status: bytes = b""
        self._log = structlog.get_logger("stops")

    async def run(self, stopping: asyncio.Event) -> None:
        """Poll until ``stopping``."""
        while not stopping.is_set():
            self._rung.clear()
            await self.once()
            await pause(self._rung, self._settings.timing.stops_ms / 1000)

    def look(self) -> None:
        """Look now: a halt rang."""
        self._rung.set()

    async def once(self) -> bool:
        """Tell the sender what it has not been told yet. False when that failed: the next poll tries again."""
        try:
            envelopes, status = await asyncio.to_thread(self._read)
            fresh = [envelope for envelope in envelopes if envelope.payload not in self._told]
            newer = status if status is not None and status.payload != self._status else None
            if fresh or newer:
                await self._sender.tell(fresh, newer)
                self._told |= {envelope.payload for envelope in fresh}
                self._status = newer.payload if newer else self._status
        except (DispatcherError, OSError) as error:
            self._log.error("stops_unreachable", error=type(error).__name__, reason=str(error))
            return False
        return True

    def _read(self) -> tuple[list[Envelope], Envelope | None]:
        with self._store.read() as work:
            return statements.stop_envelopes(work, self._mode), records.status(work, self._mode)
