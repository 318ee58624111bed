"""One writer: what waits is written together, and is answered as if each change had its own transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import IntegrityError

from dispatcher.domain.errors import Unavailable
from dispatcher.sender_bootstrap import now
from dispatcher.store.database import Store, Work, open_engine
from dispatcher.store.tables import LEADERS
from tests.workers.leases import Table
from workers.writing import Writer

pytestmark = pytest.mark.system

Change = Callable[[Work], Any]
WITHIN_S = 15.0


def lead(role: str, answer: object = None) -> Change:
    """Writes a row that there can be only one of, and an entry of the ledger."""

    def change(work: Work) -> object:
        work.record("leader.changed", role=role)
        work.execute(insert(LEADERS), {"role": role, "term": 1, "owner": "w/1", "until": work.now})
        return answer

    return change


def mistaken(change: Change) -> Change:
    """Makes a change, and fails then."""

    def fail(work: Work) -> None:
        change(work)
        raise KeyError("a mistake")

    return fail


def leading(store: Store) -> list[str]:
    """The roles that were written."""
    with store.read() as work:
        return sorted(work.execute(select(LEADERS.c.role)).scalars())


def noted(table: Table) -> list[str]:
    """The roles of the ledger's entries, in order."""
    return [str(entry["role"]) for entry in table.ledger("leader.changed")]


def commits_of(store: Store) -> list[object]:
    """Grows by one with every commit of this store."""
    seen: list[object] = []
    event.listen(store.engine, "commit", seen.append)
    return seen


async def waiting(writer: Writer, changes: Sequence[Change], *, cancelled: Sequence[int] = ()) -> list[Any]:
    """What each is answered that asks while a transaction runs; the first is the one that this transaction is for.

    ``cancelled`` names, by their places, those that stop waiting before it ends.
    """
    running, go_on = threading.Event(), threading.Event()

    def first(work: Work) -> Any:
        running.set()
        assert go_on.wait(WITHIN_S)
        return changes[0](work)

    async with asyncio.timeout(WITHIN_S):
        asked = [asyncio.create_task(writer.write(first))]
        assert await asyncio.to_thread(running.wait, WITHIN_S)
        asked += [asyncio.create_task(writer.write(change)) for change in changes[1:]]
        await asyncio.sleep(0)  # each of them has asked
        for place in cancelled:
            asked[place].cancel()
        go_on.set()
        return await asyncio.gather(*asked, return_exceptions=True)


def test_changes_that_wait_share_the_next_transaction(table: Table) -> None:
    """Five that come while one is written cost one commit more."""
    commits = commits_of(table.store)
    asyncio.run(waiting(Writer(table.store), [lead(f"role-{number}") for number in range(6)]))
    assert (len(commits), leading(table.store)) == (2, [f"role-{number}" for number in range(6)])


def test_whoever_was_answered_shares_the_next_transaction_too(table: Table) -> None:
    """A lease that follows a lease does not miss the intents that waited meanwhile: two commits, not three."""
    commits, writer = commits_of(table.store), Writer(table.store)

    async def main() -> None:
        running, go_on = threading.Event(), threading.Event()

        def first(work: Work) -> None:
            running.set()
            assert go_on.wait(WITHIN_S)
            lead("role-0")(work)

        async def twice() -> None:
            await writer.write(first)
            await writer.write(lead("role-1"))

        async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
            group.create_task(twice())
            assert await asyncio.to_thread(running.wait, WITHIN_S)
            group.create_task(writer.write(lead("role-2")))
            await asyncio.sleep(0)  # it has asked
            go_on.set()

    asyncio.run(main())
    assert (len(commits), leading(table.store)) == (2, ["role-0", "role-1", "role-2"])


def test_everyone_gets_their_own_answer(table: Table) -> None:
    """It is what their change returned, not their neighbour's."""
    changes = [lead(f"role-{number}", number) for number in range(6)]
    assert asyncio.run(waiting(Writer(table.store), changes)) == list(range(6))


def test_an_answer_is_given_after_the_commit(table: Table) -> None:
    """Whoever has it may go on as if it were on the disk, because it is."""

    async def main() -> list[str]:
        await Writer(table.store).write(lead("role-0"))
        return leading(table.store)

    assert asyncio.run(main()) == ["role-0"]


def test_the_ledger_has_the_entries_of_all_once(table: Table) -> None:
    """In the order in which the changes were asked for, and without a gap in the chain."""
    asyncio.run(waiting(Writer(table.store), [lead(f"role-{number}") for number in range(6)]))
    assert noted(table) == [f"role-{number}" for number in range(6)]


@pytest.mark.parametrize(
    ("failing", "error"),
    [(mistaken(lead("role-2")), KeyError), (lead("role-0"), IntegrityError)],
    ids=["a mistake", "a row that is there"],
)
def test_a_change_that_fails_fails_alone(table: Table, failing: Change, error: type[Exception]) -> None:
    """Its own caller is told, nothing of it is left, and what it shared a transaction with is written."""
    changes = [lead("role-0", 0), lead("role-1", 1), failing, lead("role-3", 3)]
    first, second, failed, last = asyncio.run(waiting(Writer(table.store), changes))
    assert (first, second, type(failed), last) == (0, 1, error, 3)
    assert leading(table.store) == ["role-0", "role-1", "role-3"]


def test_what_is_made_again_is_in_the_ledger_once(table: Table) -> None:
    """The entries of the transaction that failed are forgotten, and none of the change that failed come back."""
    changes = [lead("role-0"), lead("role-1"), mistaken(lead("role-2")), lead("role-3")]
    asyncio.run(waiting(Writer(table.store), changes))
    assert noted(table) == ["role-0", "role-1", "role-3"]


def test_all_that_fail_are_told_their_own_failure(table: Table) -> None:
    """Two mistakes in one transaction are two failures."""

    def fault(word: str) -> Change:
        def fail(_: Work) -> None:
            raise LookupError(word)

        return fail

    answers = asyncio.run(waiting(Writer(table.store), [lead("role-0"), fault("one"), fault("two")]))
    assert [str(answer) for answer in answers[1:]] == ["one", "two"]


def test_a_change_that_ends_an_iteration_is_told_so(table: Table) -> None:
    """A failure that no future can hold is told all the same, and the others are answered."""

    def exhausted(_: Work) -> None:
        next(iter(()))

    _, failed, last = asyncio.run(waiting(Writer(table.store), [lead("role-0"), exhausted, lead("role-1", 1)]))
    assert (type(failed), last) == (RuntimeError, 1)


def test_the_writer_goes_on_after_a_failure(table: Table) -> None:
    """Alone in its transaction or not, a change that failed is in nobody's way."""
    writer = Writer(table.store)

    async def main() -> object:
        with pytest.raises(KeyError):
            await writer.write(mistaken(lead("role-0")))
        await waiting(writer, [lead("role-1"), mistaken(lead("role-2"))])
        return await writer.write(lead("role-0", "written"))

    assert (asyncio.run(main()), leading(table.store)) == ("written", ["role-0", "role-1"])


@pytest.mark.parametrize("place", [0, 1, 2], ids=["whose change is being written", "who waits", "who waits longest"])
def test_who_stops_waiting_holds_up_nobody(table: Table, place: int) -> None:
    """The others are answered, and the writer takes what comes after them."""
    writer = Writer(table.store)

    async def main() -> list[Any]:
        changes = [lead(f"role-{number}", number) for number in range(3)]
        return [*await waiting(writer, changes, cancelled=[place]), await writer.write(lead("role-3", 3))]

    answers = asyncio.run(main())
    assert isinstance(answers[place], asyncio.CancelledError)
    assert [answer for answer in answers if answer is not answers[place]] == [n for n in range(4) if n != place]


def away(folder: Path) -> Store:
    """A store whose database cannot be opened, until its folder is made."""
    return Store(open_engine(f"sqlite:///{folder / 'db.sqlite3'}"), now, "tests")


def test_a_database_that_is_away_is_told_to_all_and_tried_once(tmp_path: Path) -> None:
    """Who waits for one that does not answer need not wait for as many attempts as there are changes."""
    store, tries, begun = away(tmp_path / "nowhere"), list[object](), list[int]()
    event.listen(store.engine, "do_connect", lambda *given: tries.append(given))
    writer = Writer(store)

    async def main() -> list[object]:
        changes = [writer.write(lambda _, number=number: begun.append(number)) for number in range(4)]  # type: ignore[misc]
        return await asyncio.gather(*changes, return_exceptions=True)

    answers = asyncio.run(main())
    store.close()
    assert ([type(answer) for answer in answers], len(tries), begun) == ([Unavailable] * 4, 1, [])


def test_a_database_that_comes_back_is_written_to(tmp_path: Path) -> None:
    """By the same writer, with the next change."""
    store, folder = away(tmp_path / "later"), tmp_path / "later"
    writer = Writer(store)

    async def main() -> object:
        with pytest.raises(Unavailable):
            await writer.write(lambda _: None)
        folder.mkdir()
        return await writer.write(lambda work: work.execute(text("SELECT 7")).scalar_one())

    answer = asyncio.run(main())
    store.close()
    assert answer == 7
