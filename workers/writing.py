"""One writer per process: what comes to be written while a transaction runs goes into the next one, together.

A commit costs as much as recording ten moves, and SQLite lets one transaction write at a time: leases, intents and
outcomes that wait for one another's would wait for nothing else. A change that fails fails alone: the others of its
transaction are made again, each in its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from dispatcher.domain.errors import Unavailable
from dispatcher.store.database import Store, Work

T = TypeVar("T")
Answer = tuple[Any, Exception | None]
Change = Callable[[Work], Any]
"""Changes the database in a transaction that may be rolled back, and then be made once more."""


class Writer:
    """The writer of one store. For one event loop; transactions run in a thread, one at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Change, asyncio.Future[Answer]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, change: Callable[[Work], T]) -> T:
        """Make a change, and return what it says after its commit. Raises what the change does, and Unavailable."""
        written: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        value, error = await written
        if error is not None:
            raise error
        return value  # type: ignore[no-any-return]  # what this very change said

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            answers = await asyncio.to_thread(self._together, [change for change, _ in group])
            for (_, written), answer in zip(group, answers, strict=True):
                if not written.cancelled():
                    written.set_result(answer)
            await asyncio.sleep(0)  # who was answered may have more to write, which goes into the next one

    def _together(self, changes: Sequence[Change]) -> list[Answer]:
        try:
            with self._store.write() as work:
                return [(change(work), None) for change in changes]
        except Exception as error:  # noqa: BLE001 - whoever asked for the change is told
            if len(changes) == 1 or isinstance(error, Unavailable):  # a database that is away is away for all
                return [(None, error)] * len(changes)
        answers: list[Answer] = []
        for change in changes:
            away = answers and isinstance(answers[-1][1], Unavailable)
            answers += answers[-1:] if away else self._together([change])
        return answers
