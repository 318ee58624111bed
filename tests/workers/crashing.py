"""Roles that kill themselves at one point: ``python crashing.py FOLDER``, then a point per line on standard input.

For every line a process of its own runs relay, accounts and recipients until it reaches the point, and is gone as by
kill -9; a line says how it ended. No product code knows of this: what is wrapped here is wrapped in these processes.

    before COMMIT, after COMMIT     the commit that a move is in ("leased to sending"), or the lease ("lease")
    before open, after open         the line in the spent file that comes before the first byte
    before byte, after byte         the call of the platform; after its bytes have left and before any answer
    after answer                    heard, and not yet noted anywhere
    before settled, after settled   noted, and on its way to the sender's own disk; there, and perhaps not yet in SQL
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from channels.http import Http
from dispatcher.domain.statement import Mode
from dispatcher.sending.spent import Entry, SpentEvent, SpentFile
from dispatcher.settings import load_settings
from dispatcher.store import leasing
from dispatcher.store.database import Store, Work
from workers.main import ROLES

ANSWER_S = 0.3
"""Answers that come later than this are late enough to die before them."""


class Points:
    """Wraps what a role does, and dies at one point of it."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted

    def reached(self, point: str) -> None:
        """Die here, if this is where to."""
        if point == self._wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self) -> None:
        """Put the points into this process."""
        self._wrap_commits()
        self._wrap_spent()
        self._wrap_calls()

    def _wrap_commits(self) -> None:
        write, lease, reached = Store.write, leasing.lease, self.reached

        @contextmanager
        def writing(store: Store) -> Iterator[Work]:
            with write(store) as work:
                yield work
                commits = commits_of(work)
                for commit in commits:
                    reached(f"before {commit}")
            for commit in commits:
                reached(f"after {commit}")

        def taking(work: Work, *given: Any) -> Any:
            leased = lease(work, *given)
            work.leased = bool(leased)  # type: ignore[attr-defined]
            return leased

        Store.write, leasing.lease = writing, taking  # type: ignore[method-assign, assignment]

    def _wrap_spent(self) -> None:
        append, flush, reached = SpentFile.append, SpentFile._flush, self.reached

        async def appending(file: SpentFile, key: str, event: SpentEvent, *given: Any, **facts: Any) -> None:
            opened = event is SpentEvent.OPEN
            reached("before open" if opened else "")
            await append(file, key, event, *given, **facts)
            reached("after open" if opened else "")

        def flushing(file: SpentFile, batch: Sequence[Entry]) -> None:
            settled = any(entry.event is SpentEvent.ACCEPTED for entry in batch)
            reached("before settled" if settled else "")
            flush(file, batch)
            reached("after settled" if settled else "")

        SpentFile.append, SpentFile._flush = appending, flushing  # type: ignore[method-assign, assignment]

    def _wrap_calls(self) -> None:
        request, reached, wanted = Http.request, self.reached, self._wanted

        async def requesting(http: Http, method: str, url: str, **given: Any) -> Any:
            call = request(http, method, url, **given)
            if method == "GET" or "Session" in url:
                return await call
            reached("before byte")
            if wanted == "after byte":
                calling = asyncio.ensure_future(call)
                if not (await asyncio.wait([calling], timeout=ANSWER_S))[0]:
                    reached("after byte")
                return await calling
            answer = await call
            reached("after answer")
            return answer

        Http.request = requesting  # type: ignore[method-assign]


def commits_of(work: Work) -> set[str]:
    """What a transaction does to deliveries, by its ledger entries; a lease has none."""
    moved = [entry for entry in work.entries if entry.kind in ("delivery.moved", "deliveries.moved")]
    swept = [entry for entry in work.entries if entry.kind == "deliveries.swept"]
    names = {f"{entry.facts['source']} to {entry.facts['target']}" for entry in moved}
    names |= {f"swept {entry.facts['source']} to {entry.facts['target']}" for entry in swept}
    return names | ({"lease"} if getattr(work, "leased", False) else set())


async def run(folder: Path) -> None:
    """All roles in one process, as far as they get."""
    settings, stopping = load_settings(folder), asyncio.Event()
    names = ("relay", "accounts", "recipients")
    await asyncio.gather(*(ROLES[name](settings, Mode.EXERCISE, f"{name}:{os.getpid()}", stopping) for name in names))


def main() -> None:
    """A process per line."""
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            Points(line.strip()).wrap()
            asyncio.run(run(folder))
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
