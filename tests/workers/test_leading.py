"""One leader per role, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatcher.domain.errors import Unavailable
from dispatcher.store import leading, sweep
from dispatcher.store.database import Store
from tests.workers.leases import GONE, LONG, SECOND, Table, opened, table_at

pytestmark = pytest.mark.system


def lead(table: Table, owner: str, lasting: timedelta = LONG) -> int | None:
    with table.store.write() as work:
        return leading.lead(work, "relay", owner, lasting)


def test_the_first_leads(table: Table) -> None:
    """Whoever comes first leads in term one, and stays in it."""
    assert [lead(table, "a"), lead(table, "a")] == [1, 1]


def test_nobody_else_leads_meanwhile(table: Table) -> None:
    """While a leader's time has not run out nobody else becomes one."""
    lead(table, "a")
    assert lead(table, "b") is None


def test_a_leader_whose_time_ran_out_is_replaced(table: Table) -> None:
    """The next one leads in a higher term, and the one before does not."""
    lead(table, "a", GONE)
    assert [lead(table, "b"), lead(table, "a")] == [2, None]


def test_resigning_lets_the_next_one_lead_at_once(table: Table) -> None:
    """A leader that stops does not keep the others waiting."""
    lead(table, "a")
    with table.store.write() as work:
        leading.resign(work, "relay", "a")
    assert lead(table, "b") == 2


def test_only_the_leader_resigns(table: Table) -> None:
    """Another's resignation ends nothing."""
    lead(table, "a")
    with table.store.write() as work:
        leading.resign(work, "relay", "b")
    assert lead(table, "b") is None


def test_roles_are_led_apart(table: Table) -> None:
    """Leading one role says nothing about another."""
    lead(table, "a")
    with table.store.write() as work:
        assert leading.lead(work, "relay-live", "b", LONG) == 1


def test_of_many_at_once_one_leads(table: Table, tables_url: str) -> None:
    """Eight that ask at the same moment, before there was any leader, find one."""

    def ask(number: int) -> int | None:
        with opened(tables_url, f"relay-{number}") as store, store.write() as work:
            return leading.lead(work, "relay", f"owner-{number}", LONG)

    with ThreadPoolExecutor(8) as pool:
        terms = list(pool.map(ask, range(8)))
    assert [term for term in terms if term is not None] == [1]


def test_a_clock_that_was_set_back_keeps_nobody_waiting(table: Table) -> None:
    """A term that ends later than any could by now is no term."""
    lead(table, "a", LONG + SECOND)
    assert [lead(table, "b"), lead(table, "a")] == [2, None]


def test_a_clock_that_was_set_forward_ends_a_term_once(table: Table) -> None:
    """The next one leads; whoever led before finds that out at its next tick, and writes nothing in it."""
    lead(table, "a", GONE)
    assert [lead(table, "b", GONE), lead(table, "a", GONE), lead(table, "b", GONE)] == [2, 3, 4]


def test_a_leader_that_wakes_up_in_its_turn_changes_nothing(postgres_url: str) -> None:
    """Stopped with its transaction open, it is put out by the server; another leads; what it had begun is undone.

    On SQLite a stopped writer holds the only write lock there is, and nobody writes before it goes on or ends.
    """
    with table_at(postgres_url) as table, opened(postgres_url, "b") as other:
        lead(table, "a", GONE)
        with pytest.raises(Unavailable, match="idle-in-transaction"):
            _stopped_in_its_turn(table, other)
        assert lead(table, "a") is None


def _stopped_in_its_turn(table: Table, other: Store) -> None:
    with table.store.write() as stopped:
        stopped.execute(text("SET idle_in_transaction_session_timeout = 100"))
        assert leading.lead(stopped, "relay", "a", LONG) == 1
        with other.write() as work:
            assert leading.lead(work, "relay", "b", LONG) == 2
        sweep.lost_leases(stopped)


def test_no_client_keeps_a_lock_in_silence(postgres_url: str) -> None:
    """Every connection to PostgreSQL has its silence in a transaction limited."""
    with opened(postgres_url) as store, store.read() as work:
        assert work.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one() == "30s"
