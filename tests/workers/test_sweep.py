"""What the sweeper finds, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text, update

from dispatcher.store import leasing, queue, sweep
from dispatcher.store.database import Store
from dispatcher.store.queue import Move
from dispatcher.store.tables import DELIVERIES
from tests.servers import until
from tests.workers.leases import GONE, LONG, SECOND, Table, a_lease, opened, table_at

pytestmark = pytest.mark.system

PASSED = a_lease().due_at - timedelta(hours=1)


def lost_leases(table: Table) -> int:
    with table.store.write() as work:
        return sweep.lost_leases(work)


def lost_sends(table: Table, quiet: timedelta = LONG) -> int:
    with table.store.write() as work:
        return sweep.lost_sends(work, quiet)


def doorbells(table: Table, again_after: timedelta = LONG) -> list[tuple[int, str, str, str, str]]:
    with table.store.write() as work:
        return sweep.doorbells(work, again_after)


def settled(table: Table) -> int:
    with table.store.write() as work:
        return sweep.settled_plans(work)


def held(table: Table, reason: str, **changes: Any) -> str:
    (name,) = table.add(**changes)
    (item,) = table.lease()
    with table.store.write() as work:
        queue.settle(work, [Move(item, "leased", "held", reason)])
    return name


def test_a_lease_that_ran_out_is_ready_again(table: Table) -> None:
    """Without an intent no byte left: the row is anybody's again, and its old holder's fence is worth nothing."""
    (name,) = table.add()
    (item,) = table.lease(lasting=GONE)
    assert lost_leases(table) == 1
    row = table.row(name)
    assert (row.state, row.owner, row.fence) == ("ready", None, item.fence + 1)


def test_a_lease_in_force_is_left(table: Table) -> None:
    """The sweeper takes nothing from a living worker."""
    table.add()
    table.lease()
    assert lost_leases(table) == 0


def test_the_third_lost_lease_is_poison(table: Table) -> None:
    """A delivery that three workers died holding waits for people."""
    (name,) = table.add()
    for _ in range(3):
        table.lease(lasting=GONE)
        lost_leases(table)
    row = table.row(name)
    assert (row.state, row.reason) == ("held", "poison")


def test_lost_leases_do_not_add_up_over_sends(table: Table) -> None:
    """An intent proves that workers can hold the delivery: the count begins anew."""
    (name,) = table.add()
    for _ in range(2):
        table.lease(lasting=GONE)
        lost_leases(table)
    (item,) = table.intend(table.lease())
    with table.store.write() as work:
        queue.settle(work, [Move(item, "sending", "ready", due_at=item.due_at)])
    table.lease(lasting=GONE)
    lost_leases(table)
    assert table.row(name).state == "ready"


def test_a_lost_send_is_in_doubt_and_left_alone(table: Table) -> None:
    """With an intent bytes may have left: in doubt, and nobody looks before the quiet period has passed."""
    (name,) = table.add()
    table.intend(table.lease())
    table.set(name, lease_until=PASSED)
    with table.store.write() as work:
        sweep.lost_sends(work, LONG)
        swept_at = work.now
        looks = leasing.lease_doubtful(work, "accounts", "exercise", "r/1", 10, LONG)
    row = table.row(name)
    assert (row.state, row.due_at, looks) == ("in_doubt", swept_at + LONG, [])


def test_what_moved_on_meanwhile_is_left(postgres_url: str) -> None:
    """A row that got a fresh lease while the sweeper was looking is not taken from its new holder.

    On SQLite writers take turns, so nothing can move meanwhile.
    """
    with table_at(postgres_url) as table:
        (name,) = table.add()
        table.intend(table.lease())
        table.set(name, lease_until=PASSED)
        assert _swept_meanwhile(table, name, postgres_url) == 0
        assert table.row(name).state == "sending"


def _swept_meanwhile(table: Table, name: str, url: str) -> int:
    """Sweep while another transaction renews the lease; how many rows were moved."""
    fresh = update(DELIVERIES).where(DELIVERIES.c.id == name)
    with opened(url) as other, ThreadPoolExecutor(1) as pool:
        with other.write() as work:
            work.execute(fresh.values(lease_until=work.now + LONG))
            swept = pool.submit(lost_sends, table)
            until(lambda: _waiting(other), "the sweeper waits for the row")
        return swept.result(10)


def _waiting(store: Store) -> bool:
    with store.read() as work:
        query = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        return bool(work.execute(text(query)).scalar_one())


def test_the_sweep_is_in_the_ledger(table: Table) -> None:
    """Each sweep that moved something says what, how many and which."""
    names = table.add(2)
    table.lease(lasting=GONE)
    lost_leases(table)
    (entry,) = table.ledger("deliveries.swept")
    assert (entry["source"], entry["target"], entry["count"], entry["deliveries"]) == ("leased", "ready", 2, names)


@pytest.mark.parametrize("reason", ["refused", "exhausted", "poison", "stale_status"])
def test_held_past_the_window_expires(table: Table, reason: str) -> None:
    """What is held and proved unsent ends with its window."""
    name = held(table, reason, expires_at=PASSED)
    with table.store.write() as work:
        sweep.over_time(work)
    assert table.row(name).state == "expired"


def test_ambiguity_does_not_expire(table: Table) -> None:
    """What may have been published waits for people, however late it is."""
    name = held(table, "ambiguous", expires_at=PASSED)
    with table.store.write() as work:
        sweep.over_time(work)
    assert table.row(name).state == "held"


def test_unsent_past_the_window_expires(table: Table) -> None:
    """A ready delivery whose window has passed is not sent any more; one with time left is."""
    late, early = table.add(2)
    table.set(late, expires_at=PASSED)
    with table.store.write() as work:
        sweep.over_time(work)
    assert (table.row(late).state, table.row(early).state) == ("expired", "ready")


def test_what_has_time_left_is_not_even_read(sqlite_url: str) -> None:
    """A million deliveries that wait cost the leader nothing: SQLite finds what is late by its index."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        asked.append((f"EXPLAIN QUERY PLAN {statement}", given))

    with table_at(sqlite_url) as table:
        table.add(2)
        with table.store.write() as work:
            event.listen(table.store.engine, "before_cursor_execute", note)
            sweep.over_time(work)
            event.remove(table.store.engine, "before_cursor_execute", note)
            ways = [row.detail for each in asked for row in work.connection.exec_driver_sql(*each)]
    found = "SEARCH deliveries USING INDEX ix_deliveries_lease (state=? AND lease_until=? AND expires_at<?)"
    assert ways == [found] * 3


def test_a_fresh_status_ends_the_wait_for_one(table: Table) -> None:
    """What is held for want of a status is ready once one was signed; what is held for people is not."""
    stale = held(table, "stale_status")
    refused = held(table, "refused", destination="9999")
    with table.store.write() as work:
        sweep.stale_ended(work, "exercise")
    assert (table.row(stale).state, table.row(refused).state) == ("ready", "held")


def test_another_modes_status_ends_no_wait(table: Table) -> None:
    """A live status says nothing about exercises."""
    name = held(table, "stale_status")
    with table.store.write() as work:
        sweep.stale_ended(work, "live")
    assert table.row(name).state == "held"


def test_a_plan_settles_when_all_have_ended(table: Table) -> None:
    """A released plan whose deliveries all ended well is settled."""
    table.add()
    (item,) = table.intend(table.lease())
    assert settled(table) == 0
    with table.store.write() as work:
        queue.settle(work, [Move(item, "sending", "accepted")])
    assert settled(table) == 1
    assert table.plan_state() == "settled"


def test_a_plan_with_a_bad_end_has_gaps(table: Table) -> None:
    """One rejection among deliveries that ended well is a gap."""
    table.add(2)
    one, other = table.intend(table.lease())
    with table.store.write() as work:
        queue.settle(work, [Move(one, "sending", "accepted"), Move(other, "sending", "rejected")])
    settled(table)
    assert table.plan_state() == "settled_with_gaps"


def test_a_doorbell_is_rung_when_something_is_due(table: Table) -> None:
    """The bell of a release that was never rung is found by the relay."""
    table.add()
    number = table.bell()
    assert doorbells(table) == [(number, "accounts", "exercise", "dsp-plan-1", "")]


def test_a_doorbell_is_not_rung_for_nothing(table: Table) -> None:
    """A bell whose lane has nothing due stays silent."""
    table.add(due_at=a_lease().due_at + timedelta(hours=1))
    table.bell()
    assert doorbells(table) == []


def test_a_doorbell_is_not_rung_again_at_once(table: Table) -> None:
    """A bell that was rung just now is given time to be heard."""
    table.add()
    number = table.bell()
    with table.store.write() as work:
        sweep.rung(work, [number])
    assert doorbells(table, LONG) == []


def test_a_doorbell_that_was_not_heard_is_rung_again(table: Table) -> None:
    """A while later, with work still due, it rings again."""
    table.add()
    number = table.bell()
    with table.store.write() as work:
        sweep.rung(work, [number])
    assert [bell[0] for bell in doorbells(table, -SECOND)] == [number]
