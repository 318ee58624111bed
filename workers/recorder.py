"""Recording moves in groups: many outcomes, one commit.

A move counts as made only after its commit. Where the database is away, moves wait here and are tried again; should
the process die meanwhile, their rows are still ``sending`` and go into doubt, never lost. A move that the database
refuses for good is logged and left to the sweeper; it takes none of its group with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from dispatcher.domain.errors import DispatcherError
from dispatcher.store import queue
from dispatcher.store.database import Work
from dispatcher.store.queue import Move

WINDOW_S = 0.01
"""How long a group waits for more moves."""

BUSY_S, BUSY = 0.05, 4
"""How long it waits after a group of so many: a commit costs as much as recording ten moves."""

MOST = 500
AGAIN_S = 0.5

Write = Callable[[Callable[[Work], Any]], Awaitable[Any]]
Item = tuple[Move, list[dict[str, str]] | None]


class Recorder:
    """One writer per process."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._queue: asyncio.Queue[Item | None] = asyncio.Queue()
        self._log = structlog.get_logger("recorder")

    async def put(self, move: Move, refusal: list[dict[str, str]] | None = None) -> None:
        """Hand over a move; with ``refusal``, the failed clauses that go into the ledger beside it."""
        await self._queue.put((move, refusal))

    async def finish(self) -> None:
        """No more moves will come."""
        await self._queue.put(None)

    async def run(self) -> None:
        """Write groups until finished."""
        ended, group = False, list[Item]()
        while not ended:
            first = await self._queue.get()
            if first is None:
                return
            wait_s = BUSY_S if len(group) >= BUSY else WINDOW_S
            group = [first]
            await asyncio.sleep(wait_s)
            while not self._queue.empty() and len(group) < MOST:
                item = self._queue.get_nowait()
                if item is None:
                    ended = True
                    break
                group.append(item)
            await self._commit(group)

    async def _commit(self, group: Sequence[Item]) -> None:
        while True:
            try:
                made = await self._write(lambda work: _record(work, group))
            except DispatcherError as error:
                self._log.error("store_unreachable", error=error.word, reason=error.message)
                await asyncio.sleep(AGAIN_S)
                continue
            except Exception as error:  # noqa: BLE001 - one bad move must not end the record of all others
                await self._apart(group, error)
                return
            if made < len(group):
                self._log.warning("stale", count=len(group) - made)
            return

    async def _apart(self, group: Sequence[Item], error: Exception) -> None:
        """Commit one by one what could not be committed together."""
        if len(group) > 1:
            for item in group:
                await self._commit([item])
            return
        self._log.error("not_recorded", delivery=group[0][0].leased.id, error=type(error).__name__)


def _record(work: Work, group: Sequence[Item]) -> int:
    for move, refusal in group:
        if refusal is not None:
            work.record(
                "gate.refused",
                incident=move.leased.incident,
                plan=move.leased.plan,
                delivery=move.leased.id,
                channel=move.leased.channel,
                account=move.leased.account,
                failures=refusal,
            )
    return len(queue.settle(work, [move for move, _ in group]))
