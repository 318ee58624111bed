"""Who signed what: the minister's decision, the glass, and the halts that concerned an incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import clearing, closing, evidence, stopping
from dispatcher.service.desk import Desk
from dispatcher.service.evidence import Decision
from dispatcher.service.reviewing.plans import PlanRead
from dispatcher.service.reviewing.review import Review, review
from dispatcher.store import records
from tests.office import EXCEPTIONAL, Office

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FILE = "ab" * 32


def incident_of(office: Office, plan: str) -> str:
    """The incident that a plan is about."""
    with office.desk.store.read() as work:
        return records.plan(work, plan).plan.incident


def read(office: Office, plan: str) -> Review:
    """The review of a plan's incident."""
    return review(office.desk, incident_of(office, plan))


def with_revoked_key(office: Office, person: str, at: datetime) -> Desk:
    """The desk with a roster on which somebody's keys are revoked from a moment on."""
    trust = office.desk.trust
    people = [
        replace(one, keys=tuple(replace(key, revoked_at=at) for key in one.keys)) if one.id == person else one
        for one in trust.roster.people
    ]
    return replace(office.desk, trust=replace(trust, roster=replace(trust.roster, people=tuple(people))))


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


def test_a_signature_whose_key_was_revoked_since_is_told_and_still_counts_for_then(office: Office) -> None:
    """It does not hold any more, and what was decided by it was decided."""
    office.account("webhook")
    plan = office.approved()
    office.clock.advance(HOUR)
    (found,) = review(with_revoked_key(office, "checker-1", office.clock.now), incident_of(office, plan)).plans
    (revoked,) = (one for one in found.signatures if one.refused)
    assert "is revoked" in str(revoked.refused)
    assert (revoked.held, revoked.said and revoked.said.person) == (True, "checker-1")
    assert revoked.key.startswith("SHA256:")
    assert {no.clause for no in found.judged[-1].unmet} == {"G03"}


def test_a_signature_by_a_key_that_was_revoked_before_counts_for_nothing(office: Office) -> None:
    """Nor is the gate asked about it."""
    office.account("webhook")
    office.clock.advance(HOUR)
    plan = office.approved()
    (found,) = review(with_revoked_key(office, "checker-1", office.clock.now - HOUR), incident_of(office, plan)).plans
    assert [(one.held, one.key) for one in found.signatures if one.refused] == [(False, "")]
    assert "checker-1" not in {one.person for one in found.judged}
