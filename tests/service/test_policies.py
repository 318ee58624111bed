"""What the gate would have said at another moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dispatcher.domain.errors import NotFound
from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import clearing, closing, policies, releasing, stopping
from dispatcher.statements.trust import Trust
from dispatcher.store import records
from tests import cast
from tests.cast import HOUR, NOW, policy_document
from tests.office import Office

MINUTE = timedelta(minutes=1)
RELEASED = NOW + 2 * MINUTE
LATER = NOW + HOUR


@pytest.fixture
def released(office: Office) -> str:
    """A plan for two accounts: submitted at NOW, approved a minute and released two minutes later; then an hour."""
    office.account("webhook")
    office.account("webhook", "webhook-2")
    plan = office.plan()
    office.clock.advance(MINUTE)
    for person in ("checker-1", "director-1", "welsh-checker-1"):
        clearing.approve(office.desk, plan, office.pen(person))
    office.clock.advance(MINUTE)
    releasing.release(office.desk, plan, office.pen("director-1"))
    office.clock.now = LATER
    return plan


def clauses(office: Office, name: str, at: datetime) -> list[str]:
    """The clauses that refused the first account at a moment."""
    answer = policies.replay(office.desk, name, at).answers[0]
    return [failure.clause for failure in answer.failures]


def test_a_replay_counts_what_was_recorded_by_then(office: Office, released: str) -> None:
    """Unapproved at first, then unreleased, then permitted, and refused when the window had passed."""
    moments = [NOW, NOW + MINUTE, RELEASED, NOW + 9 * HOUR]
    assert [clauses(office, released, at) for at in moments] == [["G03", "G08"], ["G03"], [], ["G04"]]


def test_a_halt_changes_no_answer_about_the_time_before(office: Office, released: str) -> None:
    """Yesterday's decision is yesterday's answer; from its record on the halt counts."""
    stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.EXERCISE)
    moments = [LATER - timedelta(microseconds=1), LATER]
    assert [clauses(office, released, at) for at in moments] == [[], ["G16"]]


def test_a_stand_down_changes_no_answer_about_the_time_before(office: Office, released: str) -> None:
    """The incident counts as it stood then."""
    with office.desk.store.read() as work:
        incident = records.plan(work, released).plan.incident
    closing.stand_down(office.desk, incident, office.pen("director-1"), "over")
    before, after = (clauses(office, released, at) for at in (RELEASED, LATER))
    assert (before, "G02" in after) == ([], True)


def test_a_version_that_came_later_changes_no_answer_about_the_time_before(office: Office, released: str) -> None:
    """Judged by the plan's own version until the tighter one begins, and from then on by both."""
    document = policy_document()
    begins = {"effective_from": "2026-11-21T12:30:00.000000Z", "recorded_at": "2026-11-21T12:15:00.000000Z"}
    tighter = {"version": "next", "inherits": "2025-12", "source": "a test", **begins}
    document["policy"].append({**tighter, "tier": {"T0": {"approvals": ["checker", "duty_director", "legal"]}}})
    known = office.desk.trust
    trust = Trust(known.root, known.roster, cast.policies(document), known.policy_digest)
    desk = replace(office.desk, trust=trust)
    answers = [policies.replay(desk, released, at).answers[0] for at in (RELEASED, LATER)]
    assert [(answer.permitted, answer.policy) for answer in answers] == [
        (True, ("2025-12",)),
        (False, ("2025-12", "next")),
    ]


def test_a_delivery_is_replayed_for_its_account(office: Office, released: str) -> None:
    """A plan has an answer for each account, a delivery one."""
    accounts = [
        [answer.account for answer in policies.replay(office.desk, name, RELEASED).answers]
        for name in (released, office.delivery(released))
    ]
    assert accounts == [["webhook-1", "webhook-2"], ["webhook-1"]]


def test_a_replay_changes_nothing(office: Office, released: str) -> None:
    """It is a reading: no entry in the ledger."""
    before = len(office.ledger())
    policies.replay(office.desk, released, RELEASED)
    assert len(office.ledger()) == before


@pytest.mark.parametrize(
    ("name", "at", "told"),
    [("no-such-plan", NOW, "there is no plan"), ("no-such-plan", NOW - 4_000 * cast.DAY, "no policy was in force")],
)
def test_what_cannot_be_replayed_is_said(office: Office, name: str, at: datetime, told: str) -> None:
    """A name that is nobody's, and a time before the first version."""
    with pytest.raises(NotFound, match=told):
        policies.replay(office.desk, name, at)
