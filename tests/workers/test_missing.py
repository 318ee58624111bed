"""Rows that are deleted from the database are missed, with the relay itself on either database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text

from dispatcher.service.missing import Counting
from dispatcher.service.watching import alarms
from dispatcher.store import leading, whole
from dispatcher.store.database import Work
from dispatcher.store.tables import CLEARANCES, DELIVERIES, DISPATCHES, PLANS, STATEMENTS
from tests.stage import MODE, Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system
QUICK = {"poll_ms": 50, "silence_ms": 1_000}


@pytest.fixture
def city(make: Make, redis_url: str, story_url: str) -> Stage:
    """An account on the webhook, and a list of five numbers."""
    stage = make(redis=redis_url, database=story_url, timing=QUICK)
    stage.account("webhook")
    stage.account("notify")
    stage.numbers(5)
    return stage


def counting(stage: Stage) -> Counting:
    """A relay's counting, whose clock never says that it has just counted; it leads."""
    with stage.desk.store.write() as work:
        lead(work)
    ticks = iter(range(0, 10**9, 1_000))
    return Counting(stage.desk, MODE, "relay:test", lambda: float(next(ticks)))


def lead(work: Work) -> None:
    """Have ``relay:test`` lead for a while."""
    leading.lead(work, f"relay-{MODE}", "relay:test", timedelta(hours=1))


def lose(stage: Stage, plan: str, *accounts: str) -> list[Any]:
    """Delete a plan's deliveries to these accounts, as somebody at the database would; returns the rows."""
    wanted = (DELIVERIES.c.plan == plan, DELIVERIES.c.account.in_(accounts))
    with stage.desk.store.write() as work:
        rows = work.execute(select(DELIVERIES).where(*wanted)).mappings().all()
        work.execute(delete(DELIVERIES).where(*wanted))
    return [dict(row) for row in rows]


def test_deleted_rows_of_a_released_plan_ring_within_the_relays_polls(city: Stage) -> None:
    """Though without its rows the plan looks settled."""
    plan = city.cleared(lists=["city"])
    city.release(plan)
    lose(city, plan, "webhook-1", "notify-1")
    city.work(lambda: city.ledger(whole.MISSING), roles=("relay",))
    (entry,) = city.ledger(whole.MISSING)
    assert (entry["plan"], entry["missing"], entry["what"]) == (plan, 6, "6 of 6 deliveries are gone")
    assert [(one["account"], one["wanted"], one["found"]) for one in entry["accounts"]] == [
        ("notify-1", 5, 0),
        ("webhook-1", 1, 0),
    ]


def test_a_plan_that_waits_for_its_release_is_counted_too(city: Stage) -> None:
    """And it stands in the list of alarms until the rows are back."""
    plan, relay = city.cleared(lists=["city"]), counting(city)
    assert relay.turn() == []
    rows = lose(city, plan, "webhook-1")
    assert [one.what for one in relay.turn()] == ["1 of 6 deliveries are gone"]
    assert relay.turn() == []  # people know
    with city.desk.store.read() as work:
        stands = [(one.alarm, one.look) for one in alarms(city.desk, work) if one.alarm != "silent"]  # nobody runs
    assert stands == [("deleted", "dispatcher ledger verify")]
    with city.desk.store.write() as work:
        work.execute(insert(DELIVERIES), rows)
    assert relay.turn() == []
    assert len(city.ledger(whole.WHOLE)) == 1
    with city.desk.store.read() as work:
        assert not [one for one in alarms(city.desk, work) if one.alarm != "silent"]


def test_who_deletes_row_by_row_makes_no_notice_for_each(city: Stage) -> None:
    """Another comes when twice as many are gone."""
    plan, relay = city.cleared(lists=["city"]), counting(city)
    told = []
    with city.desk.store.read() as work:
        wanted = select(DELIVERIES.c.id).where(DELIVERIES.c.plan == plan, DELIVERIES.c.account == "notify-1")
        ids = list(work.execute(wanted).scalars())
    for id_ in ids:
        with city.desk.store.write() as work:
            work.execute(delete(DELIVERIES).where(DELIVERIES.c.id == id_))
        told.append(len(relay.turn()))
    assert told == [1, 1, 0, 1, 0]


def test_whole_plans_ring_nothing(city: Stage) -> None:
    """Settled ones, stopped ones, and those that nobody released."""
    plan = city.cleared(lists=["city"])
    city.release(plan)
    city.work(lambda: city.plan_state(plan) == "settled")
    city.cleared(lists=["city"])
    city.revoke(city.cleared(lists=["city"]))
    assert counting(city).turn() == []
    assert city.ledger(whole.MISSING) == []


def test_a_statement_that_is_gone_rings(city: Stage) -> None:
    """An approval that was seen and is there no more."""
    plan, relay = city.cleared(lists=["city"]), counting(city)
    assert relay.turn() == []
    on_table = "" if city.desk.store.engine.dialect.name == "sqlite" else " ON statements"
    with city.desk.store.write() as work:
        work.execute(text(f"DROP TRIGGER statements_kept{on_table}"))  # as who owns the tables may
        one = select(STATEMENTS.c.id).where(STATEMENTS.c.subject == plan, STATEMENTS.c.kind == "approve").limit(1)
        work.execute(delete(STATEMENTS).where(STATEMENTS.c.id.in_(one)))
    assert [one.what for one in relay.turn()] == ["1 of 3 statements are gone"]


def test_a_plan_that_is_gone_rings(city: Stage) -> None:
    """With everything that hung on it, as the database asks."""
    plan, relay = city.cleared(lists=["city"]), counting(city)
    assert relay.turn() == []
    with city.desk.store.write() as work:
        for table, column in ((DELIVERIES, DELIVERIES.c.plan), (CLEARANCES, CLEARANCES.c.plan)):
            work.execute(delete(table).where(column == plan))
        work.execute(delete(DISPATCHES).where(DISPATCHES.c.plan == plan))
        work.execute(delete(PLANS).where(PLANS.c.digest == plan))
    assert [one.what for one in relay.turn()] == ["the plan itself is gone"]


def test_a_plan_whose_bytes_were_changed_rings(city: Stage) -> None:
    """They no longer say what people signed."""
    plan = city.cleared(lists=["city"])
    with city.desk.store.write() as work:
        work.execute(text("UPDATE plans SET body = :body WHERE digest = :plan"), {"body": b"{}", "plan": plan})
    assert [one.what for one in counting(city).turn()] == ["its bytes are not those that were signed"]


def test_a_relay_that_does_not_lead_says_nothing(city: Stage) -> None:
    """Of several relays one tells."""
    plan = city.cleared(lists=["city"])
    lose(city, plan, "webhook-1")
    assert Counting(city.desk, MODE, "relay:other", lambda: 0.0).turn() == []
    assert city.ledger(whole.MISSING) == []


def test_what_takes_long_is_counted_less_often(city: Stage) -> None:
    """A fiftieth of the time at most, and every ``silence_ms`` at least."""
    plan = city.cleared(lists=["city"])
    with city.desk.store.write() as work:
        lead(work)
    moments = iter([0.0, 0.01, 0.4, 0.51, 0.52])
    relay = Counting(city.desk, MODE, "relay:test", lambda: next(moments))
    assert relay.turn() == []
    lose(city, plan, "webhook-1")
    assert relay.turn() == []  # the first count took 10 ms: the next is half a second later
    assert len(relay.turn()) == 1
