"""What wants a person: each kind, with its command, and nothing where nothing is wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from dispatcher.service import holding
from dispatcher.service.operating.attention import KINDS
from dispatcher.service.operating.look import Looker
from dispatcher.service.operating.values import Matter
from dispatcher.service.releasing import release
from dispatcher.store import counting, deliveries, records, workers
from dispatcher.store.tables import DELIVERIES
from dispatcher.store.workers import Process
from tests.office import Office


@pytest.fixture
def plan(office: Office) -> str:
    """A released plan over one account, whose lane is alive."""
    office.account("webhook")
    made = office.approved()
    release(office.desk, made, office.pen("director-1"))
    alive(office)
    return made


def alive(office: Office) -> None:
    """The lane's process has just spoken."""
    with office.desk.store.write() as work:
        workers.beat(work, Process("accounts/1", "accounts", "exercise", "host-1", 7, "1.0"))


def matters(office: Office) -> list[Matter]:
    """What wants a person now."""
    return list(Looker(office.desk).look().attention)


def test_nothing_wants_anybody_while_all_goes_well(office: Office, plan: str) -> None:
    """A released plan that is being sent is no matter."""
    assert matters(office) == []


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        ("ambiguous", "dispatcher delivery resolve {} seen|not_seen"),
        ("exhausted", "dispatcher delivery retry {}"),
        ("refused", "dispatcher gate explain {}"),
        ("poison", "dispatcher delivery retry {}"),
    ],
)
def test_what_is_held_has_the_command_that_its_reason_asks_for(
    office: Office, plan: str, reason: str, command: str
) -> None:
    """To be typed and signed, not pressed."""
    name = office.delivery(plan)
    states = ("leased", "sending", "held") if reason in ("ambiguous", "exhausted") else ("leased", "held")
    office.set_state(name, *states, reason=reason)
    (found,) = matters(office)
    assert (found.kind, found.command, found.delivery) == ("held", command.format(name), name)


def test_what_is_in_doubt_is_being_asked_about(office: Office, plan: str) -> None:
    """Since its intent."""
    name = office.delivery(plan)
    office.set_state(name, "leased", "sending", "in_doubt", first_intent_at=office.clock.now)
    (found,) = matters(office)
    assert (found.kind, found.since, found.count) == ("in_doubt", office.clock.now, 1)


def test_a_hand_over_is_overdue_once_its_packet_has_run_out(office: Office, plan: str) -> None:
    """Before that its operators have it."""
    name, now = office.delivery(plan), office.clock.now
    office.set_state(name, "leased", "sending", "handed_over")
    about = {"device": "phone-1", "packet": "p", "opened_by": "", "issued_at": now}
    with office.desk.store.write() as work:
        deliveries.add_hand_off(work, delivery=name, expires_at=now + timedelta(seconds=5), **about)
    before = matters(office)
    office.clock.now += timedelta(seconds=6)
    assert (before, [one.kind for one in matters(office)]) == ([], ["hand_over"])


def test_a_queue_with_work_and_no_process_is_named(office: Office, plan: str) -> None:
    """A growing queue looks the same with slow workers and with none."""
    office.clock.now += timedelta(seconds=31)
    assert ("no_worker", "no live worker for accounts, and 1 wait") in [
        (one.kind, one.what) for one in matters(office)
    ]


def test_a_window_that_ends_while_something_waits_is_named(office: Office, plan: str) -> None:
    """Ten minutes before."""
    with office.desk.store.read() as work:
        office.clock.now = records.plan(work, plan).plan.not_after - timedelta(minutes=9)
    alive(office)
    assert "window" in {one.kind for one in matters(office)}


def test_an_account_that_a_person_holds_is_named_with_its_reason(office: Office, plan: str) -> None:
    """And how to end it."""
    holding.hold(office.desk, "webhook-1", "the platform is ill", office.pen("ops-1"))
    (found,) = matters(office)
    assert found.kind == "account_held"
    assert found.what == "webhook-1: held by ops-1: the platform is ill"
    assert (found.command, found.mode) == ("dispatcher account unhold webhook-1", "exercise")


def test_a_channel_whose_account_waits_is_not_said_to_be_going_out(office: Office, plan: str) -> None:
    """It says who has it wait."""
    holding.hold(office.desk, "webhook-1", "the platform is ill", office.pen("ops-1"))
    (incident,) = Looker(office.desk).look().incidents
    assert [one.sentence for one in incident.channels] == ["waiting, account webhook-1 held by ops-1: not out yet"]


def test_matters_come_in_the_order_in_which_they_press(office: Office, plan: str) -> None:
    """By kind, the oldest first."""
    office.set_state(office.delivery(plan), "leased", "held", reason="refused")
    holding.hold(office.desk, "webhook-1", "ill", office.pen("ops-1"))
    order = [list(KINDS).index(one.kind) for one in matters(office)]
    assert order == sorted(order)
    assert len(order) == 2


def test_a_live_matter_is_shown_however_many_of_an_exercise_wait(
    office: Office, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is looked at is bounded, and the bound cuts exercises first."""
    monkeypatch.setattr(counting, "MOST_ROWS", 1)
    name = office.delivery(plan)
    office.set_state(name, "leased", "held", reason="refused")
    live = f"{name}-live"
    with office.desk.store.write() as work:
        row = dict(work.execute(select(DELIVERIES).where(DELIVERIES.c.id == name)).one()._mapping)
        row |= {"id": live, "mode": "live", "destination": "other", "state": "ready", "reason": "", "fence": 0}
        work.execute(insert(DELIVERIES).values(**row))
    office.set_state(live, "leased", "held", reason="refused")
    assert live in {one.delivery for one in matters(office)}
