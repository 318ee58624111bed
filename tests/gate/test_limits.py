"""Where the limits of single clauses lie: to the penny, the severity and the moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.domain.canonical import format_time
from dispatcher.domain.incident import Severity
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Spend
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.decide import decide, judge_plan
from dispatcher.gate.evidence import CONFIRM_WITHIN
from dispatcher.gate.ministers import code_digest
from dispatcher.gate.stops import Stops
from tests.builders import assessed, evidence_for, facts_for
from tests.cast import HOUR, NOW
from tests.gate.support import MICROSECOND, PLAN, SECOND, about, cleared, judged, paid, planned, without

CODE = "0815-4711"
DECISION: dict[str, Any] = {
    "decision": "agreed",
    "channels": ["tiktok"],
    "code_digest": code_digest(CODE, PLAN.digest),
}
UNDECIDED = [e for e in without(StatementKind.DECIDE) if e in without(StatementKind.CONFIRM)]


@pytest.mark.parametrize(("severity", "listed"), [(Severity.S1, False), (Severity.S2, True), (Severity.S4, True)])
def test_the_least_severity_of_a_tier_is_enough(severity: Severity, listed: bool) -> None:
    """TikTok from S2 on."""
    assert ("G06" in judged(planned("tiktok", "webhook", severity=severity)).clauses) is not listed


def test_an_account_on_another_channel_is_not_in_the_plan() -> None:
    """The account is the plan's, the channel is not the one it was signed for."""
    facts = replace(facts_for(PLAN, "webhook"), channel="notify")
    assert "G07" in decide(cleared(), facts, NOW).clauses


@pytest.mark.parametrize(("pence", "clauses"), [(1, ()), (0, ("G13",)), (9_000_000, ()), (9_000_001, ("G13",))])
def test_paid_placement_costs_something_and_at_most_its_cap(pence: int, clauses: tuple[str, ...]) -> None:
    """From one penny to the cap per case."""
    spend = Spend("webhook", "case-1", pence, 2026, approval="AMC-1")
    decision = judged(paid(spend), "webhook")
    assert tuple(clause for clause in decision.clauses if clause == "G13") == clauses


@pytest.mark.parametrize("text", [TextKind.CORRECT, TextKind.WITHDRAW, TextKind.ALL_CLEAR])
def test_the_way_back_needs_no_exemption_and_no_minister(text: TextKind) -> None:
    """Both were needed to send, and may have ended since."""
    kinds = (StatementKind.EXEMPT, StatementKind.DECIDE)
    ended = [envelope for envelope in cleared().statements if envelope.statement.kind not in kinds]
    assert {"G10", "G12"} & set(judged(replace(cleared(), statements=tuple(ended)), text=text).clauses) == set()


def test_what_was_judged_holds_until_an_assessment_is_to_be_looked_at_again() -> None:
    """Its review date is one of the moments at which everything is judged anew."""
    review, plan = NOW + timedelta(minutes=7), planned("x", "webhook").plan
    dated = assessed("x", review_at=format_time(review))
    evidence = evidence_for(plan, [*without(StatementKind.ASSESS, plan=plan), dated])
    assert judge_plan(evidence, facts_for(plan, "x"), NOW).until == review


@pytest.mark.parametrize("person", ["director-2", "legal-1"])
def test_only_the_minister_and_the_private_office_decide(person: str) -> None:
    """Anybody else's decision is none."""
    evidence = evidence_for(PLAN, [*UNDECIDED, about(StatementKind.DECIDE, person, **DECISION)])
    assert judged(evidence).clauses == ("G12",)


@pytest.mark.parametrize("channels", ["tiktok", None, {"tiktok": True}, ["x"]])
def test_a_decision_names_its_channels_in_a_list(channels: Any) -> None:
    """What is not a list with this channel in it decides nothing about it."""
    evidence = evidence_for(
        PLAN, [*UNDECIDED, about(StatementKind.DECIDE, "private-1", **DECISION | {"channels": channels})]
    )
    assert judged(evidence).clauses == ("G12",)


@pytest.mark.parametrize(("age", "stands"), [(CONFIRM_WITHIN - MICROSECOND, True), (CONFIRM_WITHIN, False)])
def test_a_decision_stands_unconfirmed_for_a_day(age: timedelta, stands: bool) -> None:
    """And not at the very end of it."""
    decided = about(StatementKind.DECIDE, "private-1", at=NOW - age, expires=NOW + HOUR, **DECISION)
    assert bool(judged(evidence_for(PLAN, [*UNDECIDED, decided]))) is stands


@pytest.mark.parametrize(("after", "stands"), [(CONFIRM_WITHIN - MICROSECOND, True), (CONFIRM_WITHIN, False)])
def test_a_decision_is_confirmed_within_a_day(after: timedelta, stands: bool) -> None:
    """A code that comes at the end of the day is late."""
    at = NOW - CONFIRM_WITHIN - HOUR
    decided = about(StatementKind.DECIDE, "private-1", at=at, expires=NOW + HOUR, **DECISION)
    confirmed = about(StatementKind.CONFIRM, "private-1", at=at + after, expires=NOW + HOUR, code=CODE)
    assert bool(judged(evidence_for(PLAN, [*UNDECIDED, decided, confirmed]))) is stands


def test_a_confirmation_by_somebody_else_is_none() -> None:
    """The code is entered by who recorded the decision, or by the minister."""
    at = NOW - CONFIRM_WITHIN - HOUR
    decided = about(StatementKind.DECIDE, "private-1", at=at, expires=NOW + HOUR, **DECISION)
    confirmed = about(StatementKind.CONFIRM, "director-2", at=at + HOUR, expires=NOW + HOUR, code=CODE)
    assert judged(evidence_for(PLAN, [*UNDECIDED, decided, confirmed])).clauses == ("G12",)


@pytest.mark.parametrize(("age", "stale"), [(60 * SECOND, False), (60 * SECOND + MICROSECOND, True)])
def test_a_status_is_fresh_for_a_minute(age: timedelta, stale: bool) -> None:
    """To the microsecond (design: gate 9)."""
    evidence = replace(cleared(), stops=Stops(status_at=NOW - age))
    assert ("G16" in judged(evidence).clauses) is stale
