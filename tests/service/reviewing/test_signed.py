"""Who signed what: the minister's decision, the glass, and the halts that concerned an incident."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import clearing, closing, evidence, stopping
from dispatcher.service.evidence import Decision
from dispatcher.service.reviewing.plans import PlanRead
from dispatcher.service.reviewing.review import Review, review
from dispatcher.store import records
from tests.office import EXCEPTIONAL, Office

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FILE = "ab" * 32


def read(office: Office, plan: str) -> Review:
    """The review of a plan's incident."""
    with office.desk.store.read() as work:
        incident = records.plan(work, plan).plan.incident
    return review(office.desk, incident)


def plan_read(office: Office, plan: str) -> PlanRead:
    """What it says of the one plan."""
    (found,) = read(office, plan).plans
    return found


def exceptional(office: Office) -> str:
    """A plan with a hand-off, and a webhook beside it."""
    office.account("tiktok")
    office.account("webhook")
    return office.plan(EXCEPTIONAL)


def test_a_ministers_decision_names_who_recorded_and_who_confirmed_it(office: Office) -> None:
    """The code that came back ties the two together."""
    plan, pen = exceptional(office), office.pen("private-office-1")
    decided = evidence.decide(office.desk, plan, pen, Decision.AGREED, ("tiktok",))
    (before,) = plan_read(office, plan).decisions
    office.clock.advance(HOUR)
    evidence.confirm(office.desk, plan, pen, decided.code.reveal() if decided.code else "")
    (after,) = plan_read(office, plan).decisions
    assert (before.person, before.role, before.decision) == ("private-office-1", "private_office", "agreed")
    assert (before.channels, before.confirmed_by) == (("tiktok",), None)
    assert (after.confirmed_by, after.confirmed_at) == ("private-office-1", before.at + HOUR)


def test_broken_glass_is_told_with_its_reasons_and_its_review(office: Office) -> None:
    """Who broke it cannot have reviewed it."""
    office.account("webhook")
    plan = office.plan()
    assert plan_read(office, plan).glass is None
    for person in ("author-1", "director-1"):
        clearing.break_glass(office.desk, plan, office.pen(person), "water in the streets")
        office.clock.advance(MINUTE)
    broken = plan_read(office, plan).glass
    closing.review(office.desk, plan, office.pen("reviewer-1"), "it was right", FILE)
    reviewed = plan_read(office, plan).glass
    assert broken is not None
    assert reviewed is not None
    assert (broken.people, broken.channels) == (("author-1", "director-1"), ("webhook",))
    assert (broken.until - broken.at, broken.review_due_at - broken.at) == (HOUR, 24 * HOUR)
    assert broken.reasons == ("water in the streets", "water in the streets")
    assert (broken.reviewed_by, reviewed.reviewed_by) == (None, "reviewer-1")
    assert reviewed.finding == "it was right"


@pytest.mark.parametrize(
    ("scope", "target", "there"),
    [
        (HaltScope.ALL, "", True),
        (HaltScope.CHANNEL, "webhook", True),
        (HaltScope.ACCOUNT, "webhook-1", True),
        (HaltScope.CHANNEL, "x", False),
        (HaltScope.ACCOUNT, "webhook-2", False),
    ],
)
def test_a_halt_is_told_where_it_covers_something_of_the_incident(
    office: Office, scope: HaltScope, target: str, there: bool
) -> None:
    """One of another channel or account had nothing to stop here."""
    office.account("webhook")
    plan = office.plan(wish=None)
    office.account("webhook", "webhook-2")
    stopping.halt(office.desk, scope, target, office.pen("ops-1"), Mode.EXERCISE)
    assert bool(read(office, plan).halts) is there


def test_a_halt_ends_with_the_second_of_two_resumes(office: Office) -> None:
    """Its end is the second one's time; one that ended before the declaration is not told."""
    office.account("webhook")
    halts = [stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.EXERCISE).statement]
    for person in ("director-1", "director-2"):
        stopping.resume(office.desk, halts[0], office.pen(person))
    office.clock.advance(HOUR)
    plan = office.plan()
    halted = stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.EXERCISE, "wrong picture")
    for person in ("director-2", "director-1"):
        office.clock.advance(HOUR)
        stopping.resume(office.desk, halted.statement, office.pen(person))
    (told,) = read(office, plan).halts
    assert (told.reason, told.role, told.resumed_by) == ("wrong picture", "ops", ("director-2", "director-1"))
    assert told.ended_at == told.at + 2 * HOUR


def test_somebody_who_did_not_hold_the_role_is_shown_as_such(office: Office) -> None:
    """By the roster of that minute, whatever the statement says."""
    office.account("webhook")
    signatures = plan_read(office, office.plan()).signatures
    assert [one.held for one in signatures] == [True]
    roster = office.desk.trust.roster
    assert roster.roles_of("author-1", office.clock.now) == ("author",)
    assert roster.roles_of("author-1", office.clock.now - 10_000 * HOUR) == ()
    assert roster.roles_of("nobody", office.clock.now) == ()
