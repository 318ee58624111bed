"""Rows of sessions, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from dispatcher.store import sessions
from dispatcher.store.database import Store
from dispatcher.store.sessions import Stored
from dispatcher.store.tables import SESSIONS

HOUR = timedelta(hours=1)


def row(store: Store, id_: str, lasting: timedelta = HOUR) -> Stored:
    """Write one; as it was written."""
    with store.write() as work:
        made = Stored(id_, "ops-1", "Ops 1", "ops", "dispatcher", "SHA256:x", work.now, work.now, work.now + lasting)
        sessions.add(work, made)
    return made


def test_a_session_is_found_as_it_was_written(store: Store) -> None:
    """By its id and by nothing else."""
    made = row(store, "a" * 64)
    with store.read() as work:
        assert (sessions.find(work, "a" * 64), sessions.find(work, "a" * 63)) == (made, None)


def test_a_session_ends_once(store: Store) -> None:
    """Whoever ends it second is told so."""
    row(store, "a" * 64)
    with store.write() as work:
        assert [sessions.end(work, "a" * 64) for _ in range(2)] == [True, False]
        assert sessions.find(work, "a" * 64) is None


def test_a_link_is_used_once_whoever_asks(store: Store) -> None:
    """The key of the table sees to it; the row is no session."""
    until = datetime.max.replace(tzinfo=store.clock().tzinfo)
    with store.write() as work:
        assert sessions.use(work, "statement", "ops-1", until)
    with store.write() as work:
        assert not sessions.use(work, "statement", "ops-1", until)
        assert sessions.find(work, f"{sessions.USED}statement") is None


def test_rows_go_a_day_after_their_end(store: Store) -> None:
    """With the next sign-in; the ledger keeps what was."""
    row(store, "old", -25 * HOUR)
    row(store, "over", -23 * HOUR)
    row(store, "new")
    with store.read() as work:
        assert set(work.execute(select(SESSIONS.c.id)).scalars()) == {"over", "new"}
        assert work.execute(select(func.count()).select_from(SESSIONS)).scalar_one() == 2
