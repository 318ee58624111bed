"""Where the minutes went: each piece of a message's way is somebody's, and the pieces leave no gap."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from channels.contract import LanguageText
from dispatcher.domain.incident import Incident, Item, Severity
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.stops import HaltScope
from dispatcher.service import clearing, incidents, messages, stopping, submitting
from dispatcher.service.areas import Where
from dispatcher.service.releasing import release
from dispatcher.service.reviewing.minutes import MACHINE, Path
from dispatcher.service.reviewing.review import review
from dispatcher.service.submitting import Wish
from dispatcher.store import records
from dispatcher.store.tables import ATTEMPTS
from tests.office import Office

MINUTE = timedelta(minutes=1)
TEXTS = (LanguageText("en-GB", "Storm tonight", "Stay in."), LanguageText("cy", "Storm heno", "Arhoswch."))


def paths(office: Office, plan: str) -> tuple[Path, ...]:
    """Those of a plan's incident."""
    with office.desk.store.read() as work:
        incident = records.plan(work, plan).plan.incident
    return review(office.desk, incident).paths


def pieces(path: Path) -> list[tuple[str, str, str, float]]:
    """Who, in which role, for what, for how many minutes; having checked that nothing lies between them."""
    assert [path.start, *(span.end for span in path.spans)][:-1] == [span.start for span in path.spans]
    return [(span.who, span.role, span.what, (span.end - span.start) / MINUTE) for span in path.spans]


def accepted(
    office: Office, plan: str, *, took: timedelta, provider_ms: int, found_after: timedelta = timedelta(0)
) -> None:
    """End a second attempt at the plan's one delivery now, which began so long ago; it is found accepted after it."""
    delivery, began = office.delivery(plan), office.clock.now - took
    ended = {"ended_at": office.clock.now, "verdict": "accepted", "provider_ms": provider_ms}
    tries = [
        {"delivery": delivery, "number": 1, "fence": 1, "owner": "w", "intended_at": began - MINUTE},
        {"delivery": delivery, "number": 2, "fence": 2, "owner": "w", "intended_at": began, **ended},
    ]
    with office.desk.store.write() as work:
        for row in tries:
            work.execute(insert(ATTEMPTS), row)
    office.clock.advance(found_after)
    office.set_state(delivery, "leased", "sending", "accepted", accepted_at=office.clock.now)


def waited(office: Office, minutes: float) -> None:
    """Let time pass."""
    office.clock.advance(minutes * MINUTE)


def test_each_wait_is_whose_act_ended_it(office: Office) -> None:
    """From the declaration over three signatures and a halt to the platform's own time."""
    office.account("webhook")
    about = {"kind": "severe_weather", "title": "Storm", "mode": Mode.EXERCISE, "person": "author-1"}
    warning = Item("warning", "red", "national weather service", office.clock.now)
    declared = incidents.declare(office.desk, **about, evidence=(warning,))
    waited(office, 4)
    text = messages.Draft(TEXTS, valid_until=office.clock.now + timedelta(hours=6), where=Where(("Old Town",)))
    message = messages.draft(office.desk, declared.id, text, "author-1").message
    messages.arm(office.desk, message, {}, "author-1")
    waited(office, 1)
    plan = submitting.submit(office.desk, message, Wish(), office.pen("author-1")).stored.digest
    for person, minutes in (("checker-1", 3), ("welsh-checker-1", 7), ("director-1", 2)):
        waited(office, minutes)
        clearing.approve(office.desk, plan, office.pen(person))
    waited(office, 5)
    release(office.desk, plan, office.pen("director-1"))
    waited(office, 1)
    halt = stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.EXERCISE).statement
    for person in ("director-1", "director-2"):
        waited(office, 2)
        stopping.resume(office.desk, halt, office.pen(person))
    waited(office, 3)
    accepted(office, plan, took=MINUTE, provider_ms=45_000)

    (path,) = paths(office, plan)

    assert pieces(path) == [
        ("author-1", "author", "writing the message", 4),
        ("author-1", "author", "submitting the plan", 1),
        ("checker-1", "checker", "approving", 3),
        ("welsh-checker-1", "language_checker", "approving", 7),
        ("director-1", "duty_director", "approving", 2),
        ("director-1", "duty_director", "releasing", 5),
        ("", MACHINE, "queue", 1),
        ("director-2", "duty_director", "resuming after a halt", 4),
        ("", MACHINE, "queue and earlier attempts", 2),
        ("", MACHINE, "adapter", 0.25),
        ("", MACHINE, "platform", 0.75),
    ]
    assert (path.plan, path.spans[-1].end) == (plan, path.public_at)


def test_a_rejected_plan_is_part_of_its_messages_way(office: Office) -> None:
    """The minutes until the rejection are the checker's, those until the new plan the author's."""
    office.account("webhook")
    first = office.plan()
    waited(office, 6)
    clearing.reject(office.desk, first, office.pen("checker-1"), "wrong street")
    with office.desk.store.read() as work:
        message = records.plan(work, first).message
    waited(office, 9)
    second = submitting.submit(office.desk, message, Wish(), office.pen("author-1")).stored.digest

    (path,) = paths(office, second)

    assert pieces(path) == [
        ("checker-1", "checker", "rejecting", 6),
        ("author-1", "author", "submitting the plan", 9),
    ]
    assert (path.plan, path.released_at, path.public_at) == (second, None, None)


def test_a_later_message_begins_with_its_first_revision(office: Office) -> None:
    """What happened before it was not its time."""
    office.account("webhook")
    plan = office.plan()
    waited(office, 30)
    with office.desk.store.read() as work:
        incident = records.plan(work, plan).plan.incident
    written = messages.Draft(TEXTS, valid_until=office.clock.now + timedelta(hours=6), where=Where(("Old Town",)))
    messages.draft(office.desk, incident, written, "author-1")

    first, later = paths(office, plan)

    assert (later.start, later.plan, later.spans) == (office.clock.now, None, ())
    assert first.start == later.start - 30 * MINUTE


def test_a_proposed_incident_waits_for_who_activates_it(office: Office) -> None:
    """A feed's proposal is nobody's to answer for until then."""
    about = ("inc-1", Mode.EXERCISE, "severe_weather", Severity.S2, "Storm")
    with office.desk.store.write() as work:
        records.add_incident(work, Incident(*about, IncidentState.PROPOSED, office.clock.now, "feed"))
    waited(office, 12)
    incidents.activate(office.desk, "inc-1", "director-1")
    waited(office, 3)
    written = messages.Draft(TEXTS, valid_until=office.clock.now + timedelta(hours=6), where=Where(("Old Town",)))
    messages.draft(office.desk, "inc-1", written, "author-1")

    (path,) = review(office.desk, "inc-1").paths

    assert pieces(path) == [
        ("director-1", "duty_director", "activating the incident", 12),
        ("author-1", "author", "writing the message", 3),
    ]


@pytest.mark.parametrize(
    ("kind", "person", "role", "what"),
    [
        (StatementKind.RECEIPT, "operator-1", Role.OPERATOR, "posting by hand"),
        (StatementKind.RESOLVE, "ops-1", Role.OPS, "settling what became of it"),
    ],
)
def test_what_people_end_is_theirs(office: Office, kind: StatementKind, person: str, role: Role, what: str) -> None:
    """From the end of the attempt to their signature about this very delivery."""
    office.account("webhook")
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    waited(office, 2)
    accepted(office, plan, took=MINUTE, provider_ms=30_000, found_after=8 * MINUTE)
    for delivery in ("another", office.delivery(plan)):
        envelope = office.desk.sign(
            office.pen(person), (role,), kind, plan, Mode.EXERCISE, {"delivery": delivery, "attempts": 2}
        )
        with office.desk.store.write() as work:
            office.desk.record(work, envelope, Mode.EXERCISE, None)

    (path,) = paths(office, plan)

    assert pieces(path)[-2:] == [("", MACHINE, "platform", 0.5), (person, str(role), what, 8)]


def test_what_follows_an_attempt_without_a_clear_answer_is_time_to_find_out(office: Office) -> None:
    """A post that was accepted eight minutes after its attempt ended was looked up."""
    office.account("webhook")
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    waited(office, 2)
    accepted(office, plan, took=MINUTE, provider_ms=30_000, found_after=8 * MINUTE)

    (path,) = paths(office, plan)

    assert pieces(path)[-2:] == [("", MACHINE, "platform", 0.5), ("", MACHINE, "finding out what became of it", 8)]
