"""What somebody with all rights on the database can bring about: nothing leaves, and the ledger has the clause."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import insert, text, update

from dispatcher.store import deliveries
from dispatcher.store.database import Work
from dispatcher.store.tables import DELIVERIES, DISPATCHES, RENDERINGS
from tests.stage import Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system


@pytest.fixture
def city(make: Make, redis_url: str) -> Stage:
    """X, Notify and ten numbers."""
    return peopled(make(redis=redis_url))


@pytest.fixture
def hasty(make: Make, redis_url: str) -> Stage:
    """The same with short leases: what nobody takes is soon anybody's."""
    return peopled(make(redis=redis_url, timing={"lease_ms": 4_500}))


def peopled(stage: Stage) -> Stage:
    """With X, Notify and ten numbers."""
    stage.account("x")
    stage.account("notify")
    stage.numbers(10)
    return stage


def forge(stage: Stage, change: Callable[[Work], object]) -> None:
    with stage.desk.store.write() as work:
        change(work)


def extra_row(stage: Stage, plan: str, **changes: object) -> None:
    """A delivery written by hand: a copy of one of the plan's, with changes."""
    row = dict(stage.rows(plan)[-1]._mapping)
    copied = {**row, "id": "dlv-forged", "destination": "f0" * 32, **changes}
    forge(stage, lambda work: work.execute(insert(DELIVERIES).values(copied)))


def test_unreleased_deliveries_stay_where_they_are(city: Stage) -> None:
    """Cleared but not released: while another plan goes out, its rows are not even looked at."""
    waiting, released = city.cleared(lists=["city"]), city.cleared(lists=["city"])
    city.release(released)
    city.work(lambda: city.ended(released))
    assert city.states(waiting) == {"ready": 11}
    assert {row.fence for row in city.rows(waiting)} == {0}


def test_a_dispatch_written_by_hand_sends_nothing(city: Stage) -> None:
    """A cleared plan with a dispatch row but no signed release is refused with G03."""
    released, plan = city.cleared(lists=["city"]), city.cleared(lists=["city"])
    city.release(released)
    city.work(lambda: city.ended(released))
    before = city.published()
    with city.desk.store.read() as work:
        found = deliveries.dispatch_of(work, released)
    assert found is not None
    row = {**found._mapping, "id": "dsp-forged", "plan": plan, "incident": city.rows(plan)[0].incident}
    forge(city, lambda work: work.execute(insert(DISPATCHES).values(row)))
    city.work(lambda: city.states(plan) == {"held": 11})
    assert (city.refusals(plan), city.published()) == ({"G03"}, before)


def test_an_edited_rendering_sends_nothing(city: Stage) -> None:
    """One character changed after clearance, in SQL: G07, for the post of that account; the others go."""
    plan = city.cleared(lists=["city"])
    city.release(plan)
    (x,) = [row for row in city.rows(plan) if row.channel == "x"]
    body = update(RENDERINGS).where(RENDERINGS.c.digest == x.rendering)
    with city.desk.store.write() as work:
        was = work.execute(text("SELECT body FROM renderings WHERE digest = :d"), {"d": x.rendering}).scalar_one()
        work.execute(text("DROP TRIGGER IF EXISTS renderings_fixed"))
        work.execute(body.values(body=bytes(was).replace(b"indoors", b"outdoor")))
    city.work(lambda: city.ended(plan))
    assert "G07" in city.refusals(plan)
    assert city.published() == {"notify": 10}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"position": 10},
        {"position": -1},
        {"list": "nobodys"},
        {"list": None, "position": None},
        {"kind": "shout"},
        {"rendering": "ab" * 32, "destination": "ab" * 32},
    ],
    ids=["again", "beyond", "before", "list", "no-list", "kind", "rendering"],
)
def test_a_delivery_written_by_hand_sends_nothing(city: Stage, changes: dict[str, object]) -> None:
    """A row slipped in is refused with its clause, and holds up none of those beside it."""
    plan = city.cleared(lists=["city"])
    extra_row(city, plan, **changes)
    city.release(plan)
    city.work(lambda: city.ended(plan))
    assert city.refusals(plan) & {"G07", "G15"}
    assert (city.published(), city.doubled()) == ({"x": 1, "notify": 10}, 0)


def test_a_delivery_to_an_account_that_nobody_holds_waits_and_says_why(hasty: Stage) -> None:
    """It is refused on record, sends nothing, holds up none beside it, and waits for a sender that holds it."""
    plan = hasty.cleared(lists=["city"])
    extra_row(hasty, plan, lane="accounts", account="nobodys-account")
    hasty.release(plan)
    hasty.work(lambda: hasty.refusals(plan) == {"G07"}, lambda: hasty.states(plan) == {"accepted": 11, "ready": 1})
    (waiting,) = [row for row in hasty.rows(plan) if row.state == "ready"]
    assert "does not hold account nobodys-account" in waiting.reason
    assert (hasty.published(), hasty.doubled()) == ({"x": 1, "notify": 10}, 0)


def test_doubt_about_a_row_written_by_hand_is_for_people(hasty: Stage) -> None:
    """A forged row that was walked into doubt on a channel there is not holds up no other look."""
    plan = hasty.cleared(lists=["city"])
    extra_row(hasty, plan, lane="accounts", account="nobodys-account", channel="carrier-pigeon")
    hasty.release(plan)
    row = update(DELIVERIES).where(DELIVERIES.c.id == "dlv-forged")
    with hasty.desk.store.write() as work:
        for state in ("leased", "sending", "in_doubt"):
            work.execute(row.values(state=state, due_at=work.now))
    hasty.work(lambda: hasty.ended(plan))
    (forged,) = [row for row in hasty.rows(plan) if row.id == "dlv-forged"]
    assert (forged.state, forged.reason) == ("held", "ambiguous")
    assert hasty.published() == {"x": 1, "notify": 10}
