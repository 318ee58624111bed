"""One leader per role, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from dispatcher.store import leading
from tests.workers.leases import GONE, LONG, Table, opened

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
