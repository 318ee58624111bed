"""The one reader of a console process: it looks at the deployment, and everybody is shown what it saw.

Rules
  1. One thread looks, as often as the look itself allows. No page and no viewer causes another.
  2. The database may go away: what was seen last stays, with its time, and the pages say since when.
  3. Whoever waits is woken once per look and takes the newest: nothing is kept per viewer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from dispatcher.domain.errors import Unavailable
from dispatcher.service.operating.values import Overview
from ops.console.errors import NotSeenYet

AFTER_TROUBLE_S = 1.0


class Looking(Protocol):
    """What looks: ``dispatcher.service.operating.look.Looker``."""

    def look(self) -> Overview:
        """One look at everything. Raises Unavailable where the database is away."""


class Live:
    """What the reader saw last. ``pause_after`` says how many seconds to rest after a look that took so many ms."""

    def __init__(self, looker: Looking, pause_after: Callable[[float], float]) -> None:
        self._looker = looker
        self._pause_after = pause_after
        self._seen: Overview | None = None
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next: asyncio.Future[None] | None = None
        self.looks = 0
        self.away = False

    @property
    def overview(self) -> Overview:
        """What was seen last. Raises NotSeenYet before the first look."""
        if self._seen is None:
            raise NotSeenYet
        return self._seen

    @property
    def seen(self) -> bool:
        """Whether there was a look at all."""
        return self._seen is not None

    @property
    def stopped(self) -> bool:
        """Whether the console is ending: streams end with it."""
        return self._stopping.is_set()

    def look(self) -> None:
        """Look once. A database that is away is noted, and what was seen before stays."""
        try:
            self._seen = self._looker.look()
            self.looks += 1
            self.away = False
        except Unavailable as error:
            if not self.away:
                structlog.get_logger("console").warning("store_unreachable", reason=error.message)
            self.away = True

    def run(self) -> None:
        """Look until stopped; in a thread of its own. A fault of ours ends no look but the one that it is in."""
        while not self._stopping.is_set():
            try:
                self.look()
            except Exception:  # noqa: BLE001 - one bad row must not blind everybody for good
                self.away = True
                structlog.get_logger("console").error("look_failed", exc_info=True)
            self._wake()
            rest = AFTER_TROUBLE_S if self.away or self._seen is None else self._pause_after(self._seen.took_ms)
            self._stopping.wait(rest)

    def begin(self) -> threading.Thread:
        """Start the thread; to be called in the loop whose tasks wait for it."""
        self._loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self.run, name="console-reader", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Have the reader end, and wake whoever waits."""
        self._stopping.set()
        self._wake()

    async def next_look(self) -> None:
        """Wait until the reader has looked again, or ends."""
        if self._stopping.is_set():
            return
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._next)

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken)

    def _woken(self) -> None:
        waiting, self._next = self._next, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
