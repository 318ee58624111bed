"""The unit of work: one transaction, its ledger entries in it, one chain per process."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from dispatcher.domain.errors import Unavailable
from dispatcher.ledger.chain import Record, beginning, leaf_of
from dispatcher.store import checkpoints
from dispatcher.store.database import Store, open_engine
from dispatcher.store.history import entries
from dispatcher.store.tables import CLEARANCES, LEADERS
from tests.cast import NOW


def recorded(store: Store) -> list[Record]:
    """Every row of the ledger, as who verifies it reads it."""
    with store.read() as work:
        return [record for _, page in checkpoints.records(work, [[1, 1_000]]) for record in page]


def test_a_transactions_ledger_entries_are_written_with_it(store: Store) -> None:
    """In order, numbered in the process's own chain."""
    with store.write() as work:
        work.record("first.thing", actor="ops-1")
        work.record("second.thing", incident="inc-1", count=2)
    with store.read() as work:
        written = [(row.kind, row.writer, row.sequence, row.incident) for row in entries(work)]
    assert written == [("first.thing", "test:1", 1, None), ("second.thing", "test:1", 2, "inc-1")]


def test_what_fails_leaves_no_entry_and_no_gap(store: Store) -> None:
    """A rolled-back transaction's entries are forgotten and its numbers used again."""

    def fail() -> None:
        with store.write() as work:
            work.record("lost.thing")
            raise KeyError("a mistake")

    with pytest.raises(KeyError):
        fail()
    with store.write() as work:
        work.record("kept.thing")
    with store.read() as work:
        assert [(row.kind, row.sequence) for row in entries(work)] == [("kept.thing", 1)]


def test_a_chain_goes_on_after_a_commit_whose_answer_was_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database crashed right after it: what it kept is the head, and the next entry follows it."""
    commit = Connection.commit

    def lost(connection: Connection) -> None:
        commit(connection)
        raise OperationalError("COMMIT", {}, ConnectionError("the server closed the connection"))

    def record(kind: str) -> None:
        with store.write() as work:
            work.record(kind)

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "commit", lost)
        with pytest.raises(Unavailable):
            record("first.thing")
    record("second.thing")
    first, second = recorded(store)
    assert (first.sequence, second.sequence, second.leaf) == (1, 2, leaf_of(first.leaf, second.entry))


def test_every_entry_holds_the_hash_of_the_one_before(store: Store) -> None:
    """From the writer's own beginning, over transactions."""
    for number in range(3):
        with store.write() as work:
            work.record("thing", number=number)
    prev = beginning("test:1")
    for row in recorded(store):
        assert row.leaf == leaf_of(prev, row.entry)
        prev = row.leaf


def test_processes_do_not_wait_for_one_anothers_chain(engine: Engine, store: Store) -> None:
    """Each writes its own, from one."""
    other = Store(engine, lambda: NOW, "test:2")
    for writer in (store, other, store):
        with writer.write() as work:
            work.record("thing")
    with store.read() as work:
        assert [(row.writer, row.sequence) for row in entries(work)] == [("test:1", 1), ("test:2", 1), ("test:1", 2)]


def test_threads_take_turns(store: Store) -> None:
    """Eight at once number their entries without a gap or a double."""

    def write() -> None:
        for _ in range(5):
            with store.write() as work:
                work.record("thing")

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as work:
        assert [row.sequence for row in entries(work)] == list(range(1, 41))


def test_a_time_comes_back_as_utc(store: Store) -> None:
    """Whatever zone it was given in, to the microsecond."""
    given = datetime(2026, 11, 21, 13, 30, 0, 123456, timezone(timedelta(hours=1)))
    with store.write() as work:
        work.execute(insert(LEADERS), {"role": "relay", "term": 1, "owner": "a", "until": given})
        found = work.execute(select(LEADERS.c.until)).scalar_one()
    assert (found, found.tzinfo) == (datetime(2026, 11, 21, 12, 30, 0, 123456, UTC), UTC)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    """It would mean something else on another host."""
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without a zone"), store.write() as work:
        work.execute(insert(LEADERS), {"role": "relay", "term": 1, "owner": "a", "until": naive})


def test_a_foreign_key_is_kept(store: Store) -> None:
    """On SQLite too, where that is off unless asked for."""
    row = {"plan": "p", "channel": "x", "state": "pending", "changed_at": NOW}
    with pytest.raises(IntegrityError), store.write() as work:
        work.execute(insert(CLEARANCES), row)


def test_sqlite_is_opened_to_survive_a_loss_of_power(sqlite_url: str) -> None:
    """WAL, and every commit on the disk."""
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
    engine.dispose()
    assert found == ["wal", 2]


def test_postgres_waits_for_its_disk(postgres_url: str) -> None:
    """A commit that was answered is durable."""
    engine = open_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
    engine.dispose()


def test_the_time_on_postgres_is_the_databases_own(postgres_url: str) -> None:
    """A host whose clock is wrong does not judge leases by it."""
    engine = open_engine(postgres_url)
    with Store(engine, lambda: NOW - timedelta(days=10_000), "test:1").read() as work:
        assert work.now.year >= 2024
    engine.dispose()


def test_a_database_that_cannot_be_reached_is_said_in_words(tmp_path: Path) -> None:
    """With what to do next, and that nothing was changed."""
    engine = open_engine(f"sqlite:///{tmp_path}/nowhere/db")
    with (
        pytest.raises(Unavailable, match="Nothing was changed") as unreachable,
        Store(engine, lambda: NOW, "w").read(),
    ):
        pass
    assert "check the disk" in unreachable.value.next_step
    engine.dispose()
