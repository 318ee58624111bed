"""Before an election: one approval more for what is not about safety, and nothing is paid for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dispatcher.domain.canonical import format_time
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Placement, Spend
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.decide import decide
from dispatcher.gate.policy import Policies
from dispatcher.gate.policy_diff import Direction, differences
from dispatcher.gate.policy_file import PolicyError
from tests.builders import draft, everything_signed, evidence_for, facts_for
from tests.cast import HOUR, NOW, policies, signed
from tests.gate.support import under, with_policy
from tests.gate.test_policy import shipped

Change = Callable[[dict[str, Any]], None]


def period(start: datetime = NOW - HOUR, end: datetime = NOW + HOUR, **changes: Any) -> Change:
    """A policy with one period, which spares no purpose unless said."""
    told = {"starts": format_time(start), "ends": format_time(end), "approval": "propriety"}
    named = {"exempt_purposes": [], "source": "tests"} | told | changes

    def change(version: dict[str, Any]) -> None:
        version["sensitivity"] = {"election": named}

    return change


def clauses(change: Change, text: TextKind = TextKind.PUBLISH) -> list[str]:
    """What the gate finds lacking of a plan that is cleared but for the period."""
    evidence = under(change, "webhook")
    return [f.fact for f in decide(evidence, facts_for(evidence.plan, "webhook", text), NOW).failures]


def test_another_approval_is_asked_for_and_said_why() -> None:
    """By whom policy names, because of the period."""
    assert clauses(period()) == ["approval missing: propriety; propriety because of election"]


@pytest.mark.parametrize(
    "change",
    [
        period(exempt_purposes=["exceptional_public_safety"]),
        period(end=NOW),
        period(start=NOW + timedelta(microseconds=1)),
    ],
)
def test_safety_goes_on_as_always_and_so_does_the_time_around(change: Change) -> None:
    """The period is half-open, and spares the purposes that it names."""
    assert clauses(change) == []


def test_the_way_back_asks_for_nobody_more() -> None:
    """What went out before the period can be corrected within it."""
    assert not [fact for fact in clauses(period(), TextKind.CORRECT) if "propriety" in fact]


def test_the_approval_of_the_one_named_will_do() -> None:
    """As one more signature about the plan."""
    changed = policies(with_policy(period()))
    plan = draft("webhook", policy=changed.versions[-1].digest).plan
    approval = signed(StatementKind.APPROVE, "propriety-1", subject=plan.digest, channels=["webhook"])
    evidence = evidence_for(plan, [*everything_signed(plan), approval], policies=changed)
    assert list(decide(evidence, facts_for(plan, "webhook"), NOW).failures) == []


@pytest.mark.parametrize(("paid", "codes"), [([], ["G05"]), (["exceptional_public_safety"], [])])
def test_nothing_is_paid_for_but_what_policy_names(paid: list[str], codes: list[str]) -> None:
    """Safety messages too are paid for only where a policy says so."""

    def change(version: dict[str, Any]) -> None:
        period(exempt_purposes=["exceptional_public_safety"], paid_purposes=paid)(version)
        webhook = version["channel"]["webhook"]
        webhook |= {"placements": ["paid"], "spend": {"cap_case_pence": 100, "cap_year_pence": 100}}

    changed = policies(with_policy(change))
    bought = (Spend("webhook", "storms", 100, 2026),)
    digest = changed.versions[-1].digest
    plan = draft("webhook", policy=digest, spend=bought).plan
    plan = replace(plan, destinations=tuple(replace(d, placement=Placement.PAID) for d in plan.destinations))
    evidence = evidence_for(plan, policies=changed)
    assert [f.clause for f in decide(evidence, facts_for(plan, "webhook"), NOW).failures] == codes


def test_what_was_decided_is_decided_again_when_a_period_begins_or_ends() -> None:
    """A judgement holds until the next of these moments."""
    evidence = under(period(), "webhook")
    assert {NOW - HOUR, NOW + HOUR} <= set(evidence.moments)


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (None, period(), Direction.TIGHTER),
        (period(), None, Direction.LOOSER),
        (period(), period(end=NOW), Direction.LOOSER),
        (period(), period(exempt_purposes=["campaign"]), Direction.LOOSER),
    ],
)
def test_a_period_more_is_tighter_and_a_changed_one_looser(
    before: Change | None, after: Change | None, direction: Direction
) -> None:
    """So that only a new period may begin at once."""
    old, new = (policies(with_policy(change or _no_period)).versions[0] for change in (before, after))
    assert [(one.rule, one.direction) for one in differences(old, new)] == [("sensitivity", direction)]


def test_a_period_ends_after_it_starts() -> None:
    """Else it would never hold, and nobody would notice."""
    with pytest.raises(PolicyError, match="ends before it starts"):
        policies(with_policy(period(end=NOW - HOUR)))


def test_the_example_knows_the_election_of_2024() -> None:
    """From 00:01 on 25 May 2024 by the clock of the United Kingdom."""
    known: Policies = shipped()
    start = datetime.fromisoformat("2024-05-24T23:01:00+00:00")
    version = known.in_force(start)
    assert version is not None
    assert [*version.sensitive(start)] == ["general_election_2024"]
    assert version.sensitive(start - timedelta(seconds=1)) == {}


def _no_period(version: dict[str, Any]) -> None:
    version["sensitivity"] = {}
