"""One look at a deployment: what it finds, and what it does not count again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, insert, select, update

from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import incidents, stopping
from dispatcher.service.operating import lists
from dispatcher.service.operating.look import Looker, pause_after
from dispatcher.service.operating.values import ChannelNow, LaneNow, Overview, Tone
from dispatcher.service.releasing import release
from dispatcher.store import counting, workers
from dispatcher.store.tables import PLANS
from dispatcher.store.workers import Doing, Process
from tests.office import Office

WORKER = Process("accounts/1", "accounts", "exercise", "host-1", 7, "1.0")


@pytest.fixture
def looker(office: Office) -> Looker:
    """Somebody who looks at an office with one account."""
    office.account("webhook")
    return Looker(office.desk)


def channel(seen: Overview) -> ChannelNow:
    """The one channel of the one incident."""
    ((only,),) = [incident.channels for incident in seen.incidents]
    return only


def lane(seen: Overview) -> LaneNow:
    """The one lane that has accounts."""
    (only,) = seen.lanes
    return only


def released(office: Office) -> str:
    """A plan that was just released."""
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    return plan


def test_a_deployment_at_rest_has_nothing_to_tell(looker: Looker) -> None:
    """No incident, nothing waiting, nobody wanted."""
    seen = looker.look()
    assert (seen.incidents, seen.attention, seen.halts) == ((), (), ())
    assert (lane(seen).waiting, lane(seen).live) == (0, 0)


def test_a_submitted_plan_waits_for_those_who_have_not_signed(office: Office, looker: Looker) -> None:
    """In their words, since the last signature."""
    office.plan()
    found = channel(looker.look())
    assert found.sentence.startswith("waiting for the checker, ")
    assert found.sentence.endswith(f" since {office.clock.now:%H:%M:%S}")
    assert found.unreached_since is None


def test_a_cleared_plan_is_approved_and_not_public(office: Office, looker: Looker) -> None:
    """Its age counts from the last signature."""
    office.approved()
    found = channel(looker.look())
    assert (found.tone, found.clearance) == (Tone.WAITING, "clear")
    assert found.unreached_since == office.clock.now


def test_a_signature_is_seen_at_the_next_look(office: Office, looker: Looker) -> None:
    """What was found before is not believed any longer."""
    plan = office.approved()
    looker.look()
    release(office.desk, plan, office.pen("director-1"))
    assert channel(looker.look()).sentence.startswith("going out")


def test_a_delivery_that_got_there_is_live(office: Office, looker: Looker) -> None:
    """And nothing more is awaited."""
    plan = released(office)
    looker.look()
    office.set_state(office.delivery(plan), "leased", "sending", "accepted", accepted_at=office.clock.now)
    office.clock.now += timedelta(seconds=31)
    found = channel(looker.look())
    assert found.sentence == f"live since {office.clock.now - timedelta(seconds=31):%H:%M:%S}"
    assert found.unreached_since is None


def test_what_the_ledger_does_not_tell_is_counted_after_a_while(office: Office, looker: Looker) -> None:
    """A lease is in no entry: it is seen once counts are old."""
    plan = released(office)
    looker.look()
    office.set_state(office.delivery(plan), "leased")
    assert lane(looker.look()).waiting == 1
    office.clock.now += timedelta(seconds=31)
    assert (lane(looker.look()).waiting, lane(looker.look()).in_flight) == (0, 1)


def test_a_look_that_finds_nothing_new_counts_no_deliveries(office: Office, looker: Looker) -> None:
    """However often somebody looks."""
    released(office)
    looker.look()
    asked: list[str] = []

    @event.listens_for(office.desk.store.engine, "before_cursor_execute")
    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    looker.look()
    assert asked
    assert not [statement for statement in asked if "GROUP BY" in statement and "deliveries" in statement]


def test_only_a_look_that_differs_has_a_new_number(office: Office, looker: Looker) -> None:
    """So that viewers are told of changes alone."""
    first, again = looker.look().number, looker.look().number
    office.plan()
    assert (again - first, looker.look().number - again) == (0, 1)


def test_a_halt_is_named_with_the_incident_that_it_stops(office: Office, looker: Looker) -> None:
    """And with the channel that has something left to send."""
    released(office)
    stopping.halt(office.desk, HaltScope.CHANNEL, "webhook", office.pen("ops-1"), Mode.EXERCISE, "wrong text")
    seen = looker.look()
    assert seen.incidents[0].halts == (f"channel webhook halted by ops-1 at {office.clock.now:%H:%M:%S}",)
    assert channel(seen).sentence == "halted by ops-1: not out yet"
    assert [halt.needed for halt in seen.halts] == [2]


def test_a_halt_of_something_else_stops_nothing_here(office: Office, looker: Looker) -> None:
    """It is listed, and not said of the incident."""
    released(office)
    stopping.halt(office.desk, HaltScope.CHANNEL, "bluesky", office.pen("ops-1"), Mode.EXERCISE)
    seen = looker.look()
    assert (len(seen.halts), seen.incidents[0].halts) == (1, ())


def test_a_process_is_live_until_it_falls_silent(office: Office, looker: Looker) -> None:
    """By its own word, for as long as alarms wait."""
    with office.desk.store.write() as work:
        workers.beat(work, WORKER, Doing("plan abc", office.clock.now, 12))
    first = looker.look()
    office.clock.now += timedelta(seconds=31)
    later = looker.look()
    assert [(one.live, one.in_flight) for one in first.workers] == [(True, 12)]
    assert [one.live for one in later.workers] == [False]
    assert (lane(first).live, lane(later).live) == (1, 0)


def test_a_process_that_stopped_in_good_order_is_gone(office: Office, looker: Looker) -> None:
    """Nobody looks for it."""
    with office.desk.store.write() as work:
        workers.beat(work, WORKER)
        workers.stop(work, WORKER.owner)
    assert looker.look().workers == ()


def test_a_closed_incident_is_not_shown(office: Office, looker: Looker) -> None:
    """What is over wants nobody."""
    incidents.declare(office.desk, mode=Mode.EXERCISE, person="author-1", kind="riot", title="Over")
    with office.desk.store.write() as work:
        work.connection.exec_driver_sql("UPDATE incidents SET state = 'stood_down'")
        work.connection.exec_driver_sql("UPDATE incidents SET state = 'closed'")
    assert looker.look().incidents == ()


def test_a_plan_that_was_sent_back_is_not_shown(office: Office, looker: Looker) -> None:
    """Another takes its place."""
    office.plan()
    with office.desk.store.write() as work:
        work.execute(update(PLANS).values(state="returned"))
    assert looker.look().incidents[0].channels == ()


@pytest.mark.parametrize(
    ("took_ms", "seconds"), [(1.0, 0.5), (40.0, 0.5), (300.0, 2.7), (500.0, 3.0), (1_000.0, 2.0), (3_000.0, 6.0)]
)
def test_whoever_looks_rests_as_long_as_the_five_seconds_allow(took_ms: float, seconds: float) -> None:
    """A tenth of the time is spent looking, and up to a third where looks are slow; never more."""
    assert pause_after(took_ms) == pytest.approx(seconds)


def test_the_matrix_comes_with_the_look(office: Office, looker: Looker) -> None:
    """The same lines that counting everything again gives, those of a plan that was sent back too."""
    office.set_state(office.delivery(released(office)), "leased", "sending", "accepted")
    office.plan()
    with office.desk.store.write() as work:
        work.execute(update(PLANS).where(PLANS.c.state == "submitted").values(state="returned"))
    for seen in looker.look().incidents:
        with office.desk.store.read() as work:
            assert list(seen.matrix) == lists.matrix(work, seen.id)
        assert seen.matrix


def test_the_rings_of_a_lane_are_those_that_whoever_looks_was_given(office: Office) -> None:
    """None where nobody knows."""
    office.account("webhook")
    rings = {(lane(Looker(office.desk).look()).lane, str(Mode.EXERCISE)): 3}
    assert lane(Looker(office.desk).look()).rings is None
    assert lane(Looker(office.desk, lambda: rings).look()).rings == 3


def test_what_somebody_does_elsewhere_counts_no_deliveries_here(office: Office, looker: Looker) -> None:
    """An incident that is declared during a fan-out is seen without counting that."""
    released(office)
    looker.look()
    asked: list[str] = []

    @event.listens_for(office.desk.store.engine, "before_cursor_execute")
    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    incidents.declare(office.desk, mode=Mode.EXERCISE, person="author-1", kind="riot", title="Elsewhere")
    assert "Elsewhere" in [one.title for one in looker.look().incidents]
    assert not [statement for statement in asked if "GROUP BY" in statement and "deliveries" in statement]


def test_a_live_plan_is_seen_however_many_exercises_are_newer(
    office: Office, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many plans are looked at, and exercises are left out first."""
    office.plan()
    monkeypatch.setattr(counting, "MOST_PLANS", 1)
    with office.desk.store.write() as work:
        row = dict(work.execute(select(PLANS)).one()._mapping)
        earlier = row["created_at"] - timedelta(hours=1)
        work.execute(insert(PLANS).values(**row | {"digest": "live", "mode": "live", "created_at": earlier}))
    with office.desk.store.read() as work:
        assert [one.mode for one in counting.plans(work)] == ["live"]
