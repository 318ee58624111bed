"""Entries are put in one order after they were committed, each once, whoever was late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from dispatcher.domain.merkle import Frontier
from dispatcher.ledger.chain import Chain, Entry
from dispatcher.store import checkpoints, migrate
from dispatcher.store.checkpoints import GIVEN_UP_AFTER_S, Ranges
from dispatcher.store.database import Store, open_engine
from dispatcher.store.tables import LEDGER
from tests.builders import FixedClock
from tests.cast import NOW

SUBJECT = ("one", "two", "three", "four", "five")


def write(store: Store, *kinds: str) -> None:
    with store.write() as work:
        for kind in kinds:
            work.record(kind)


def take(store: Store) -> Ranges:
    """Take in what is waiting, as the sequencer does."""
    with store.write() as work:
        before = checkpoints.newest(work)
        fresh = checkpoints.fresh(work, before)
        frontier = before.frontier if before else Frontier()
        frontier.extend(fresh.leaves)
        checkpoints.add(work, frontier, fresh, f"log\n{frontier.size}\nroot\n\n— log c2ln\n")
        return fresh.taken


def in_order(store: Store) -> list[str]:
    """The kinds of all entries that were taken in, in the tree's order."""
    with store.read() as work:
        taken = checkpoints.taken_by_all(work)
        return [record.kind for _, page in checkpoints.records(work, taken) for record in page]


def test_entries_are_taken_in_once_and_in_order(store: Store) -> None:
    """Turn after turn, and nothing waits then."""
    write(store, "one", "two")
    assert take(store) == [[1, 2]]
    write(store, "three")
    write(store, "four", "five")
    assert take(store) == [[3, 3]]
    assert in_order(store) == list(SUBJECT)
    with store.read() as work:
        newest = checkpoints.newest(work)
        assert newest is not None
        assert (newest.size, newest.last, newest.missing) == (5, 5, ())
        assert not checkpoints.waiting(work, newest)
        assert checkpoints.fresh(work, newest).leaves == b""


def test_a_turn_takes_no_more_than_its_share(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog is worked off in turns."""
    monkeypatch.setattr(checkpoints, "MOST_TAKEN", 2)
    write(store, *SUBJECT)
    assert [take(store), take(store), take(store)] == [[[1, 2]], [[3, 2]], [[5, 1]]]
    assert in_order(store) == list(SUBJECT)


def test_records_come_page_by_page_with_the_ids_that_were_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether there are rows of them or not."""
    monkeypatch.setattr(checkpoints, "PAGE", 2)
    write(store, *SUBJECT)
    with store.read() as work:
        pages = list(checkpoints.records(work, [[2, 3], [9, 1], [1, 1]]))
    assert [list(ids) for ids, _ in pages] == [[2, 3], [4], [9], [1]]
    assert [[record.kind for record in page] for _, page in pages] == [["two", "three"], ["four"], [], ["one"]]


def test_the_last_checkpoint_by_a_time_is_the_one_that_had_been_made(sqlite_url: str) -> None:
    """A statement embeds the head that its signer could have seen."""
    clock = FixedClock(NOW)
    store = Store(open_engine(sqlite_url), clock, "test:1")
    migrate.upgrade(store.engine)
    for kind in ("one", "two"):
        write(store, kind)
        take(store)
        clock.now += timedelta(seconds=10)
    with store.read() as work:
        made = [checkpoints.newest(work, NOW + timedelta(seconds=after)) for after in (-1, 0, 9, 10)]
    assert [one and one.size for one in made] == [None, 1, 1, 2]
    store.close()


def test_a_checkpoint_never_changes(store: Store) -> None:
    """The database refuses it, whoever asks."""
    write(store, "one")
    take(store)
    for statement in ("UPDATE checkpoints SET note = ''", "DELETE FROM checkpoints"):
        with pytest.raises(DBAPIError, match="rows of this table"), store.write() as work:
            work.execute(text(statement))


def test_a_checkpoint_is_known_by_its_text(store: Store) -> None:
    """Whatever witnesses added below; another root or size is another checkpoint."""
    write(store, "one")
    take(store)
    with store.read() as work:
        ((_, note),) = checkpoints.notes(work)
        assert checkpoints.knows(work, note + "— witness c2ln\n")
        assert not checkpoints.knows(work, note.replace("root", "toor"))
        assert not checkpoints.knows(work, note.replace("\n1\n", "\n2\n"))


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Engine]:
    engine = open_engine(postgres_url)
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


def late(store: Store, kind: str) -> ExitStack:
    """An entry whose id is drawn now, and whose transaction ends when the stack is closed."""
    stack = ExitStack()
    connection = stack.enter_context(store.engine.connect())
    rows, _ = Chain(store.writer).extend([Entry(kind, NOW, None, {})])
    connection.execute(LEDGER.insert(), rows)  # type: ignore[attr-defined]
    stack.callback(connection.commit)
    return stack


@pytest.mark.system
def test_an_entry_that_is_committed_late_is_taken_in_later(postgres: Engine) -> None:
    """Its id was passed over, and remembered."""
    slow, fast = Store(postgres, lambda: NOW, "slow:1"), Store(postgres, lambda: NOW, "fast:1")
    write(fast, "one")
    with late(slow, "late"):
        write(fast, "two", "three")
        assert take(fast) == [[1, 1], [3, 2]]
        with fast.read() as work:
            newest = checkpoints.newest(work)
            assert newest is not None
            assert [(gap.first, gap.last) for gap in newest.missing] == [(2, 2)]
            assert not checkpoints.waiting(work, newest)
    write(fast, "four")
    assert take(fast) == [[2, 1], [5, 1]]
    assert in_order(fast) == ["one", "two", "three", "late", "four"]
    with fast.read() as work:
        newest = checkpoints.newest(work)
    assert newest is not None
    assert newest.missing == ()


@pytest.mark.system
def test_an_id_that_was_rolled_back_is_given_up_in_time(postgres: Engine) -> None:
    """Once whoever drew it has ended, and not at once: it is drawn a moment before its transaction has a number."""
    store = Store(postgres, lambda: NOW, "test:1")
    with store.read() as work:  # which ends with a rollback
        work.execute(text("SELECT nextval('ledger_id_seq')"))
    write(store, "one")
    take(store)
    with store.write() as work:
        newest = checkpoints.newest(work)
        assert newest is not None
        assert [(gap.first, gap.last) for gap in newest.missing] == [(1, 1)]
        assert checkpoints.fresh(work, newest).missing == newest.missing
        work.now += timedelta(seconds=GIVEN_UP_AFTER_S + 1)
        assert checkpoints.fresh(work, newest).missing == ()


@pytest.mark.system
def test_an_id_whose_transaction_goes_on_is_not_given_up(postgres: Engine) -> None:
    """However long that takes."""
    slow, fast = Store(postgres, lambda: NOW, "slow:1"), Store(postgres, lambda: NOW, "fast:1")
    with late(slow, "late"):
        write(fast, "one")
        take(fast)
        with fast.write() as work:
            newest = checkpoints.newest(work)
            assert newest is not None
            work.now += timedelta(days=1)
            assert checkpoints.fresh(work, newest).missing == newest.missing
