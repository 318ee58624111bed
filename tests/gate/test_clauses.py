"""Every clause holds on the cleared case, and fails alone when its own fact is broken."""

from __future__ import annotations

import pytest

from dispatcher.domain.incident import Severity
from dispatcher.domain.statement import Mode
from dispatcher.gate.evidence import Then
from dispatcher.gate.mitigations import CHECKS
from dispatcher.gate.policy import CHECKED_BY_SOFTWARE
from dispatcher.gate.stops import Stops
from tests.builders import (
    draft,
    evidence_for,
)
from tests.gate.broken import BROKEN
from tests.gate.support import (
    CLEARED,
    Broken,
    judged,
    revoked,
)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_fact_fails_its_own_clause_alone(broken: Broken) -> None:
    """Only the clause of the broken fact fails."""
    assert broken.decision().clauses == (broken.clause,)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_failure_names_its_fact_and_who_can_mend_it(broken: Broken) -> None:
    """The failure says in words what is wrong and who can put it right."""
    (failure,) = broken.decision().failures
    assert (broken.fact in failure.fact, broken.mend in failure.mend) == (True, True), failure


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_failure_says_what_becomes_of_the_delivery(broken: Broken) -> None:
    """Cancel, expire, hold or wait, as the fact demands."""
    assert broken.decision().then is broken.then


def test_every_clause_can_fail_alone() -> None:
    """The table above breaks each of the eighteen."""
    assert {broken.clause for broken in BROKEN.values()} == {f"G{number:02}" for number in range(1, 19)}


def test_every_check_of_the_software_can_fail_but_the_one_that_g07_makes_first() -> None:
    """The table breaks each mitigation that software sees to; M17 fails only where the plan has another account."""
    words = " ".join(broken.fact for broken in BROKEN.values())
    assert {code for code in CHECKS if code not in words} == {"M17"}


def test_policy_and_gate_know_the_same_checks() -> None:
    """What policy may leave to software is what the gate can check."""
    assert frozenset(CHECKS) == CHECKED_BY_SOFTWARE


def test_another_way_to_the_platform_is_no_loophole() -> None:
    """An account that was signed for X is refused on TikTok for what it is (G07), and as a mitigation (M17)."""
    decision = judged(CLEARED, account="x-1")
    assert "M17 account x-1 was signed for another platform" in " ".join(f.fact for f in decision.failures)


def test_every_failed_clause_is_reported() -> None:
    """Whatever fails is in the refusal, in order, not only the first."""
    plan = draft("tiktok", purpose="campaign", severity=Severity.S1).plan
    decision = judged(evidence_for(plan, [], mode=Mode.EXERCISE, stops=Stops()), problems=("too long",))
    assert decision.clauses == ("G03", "G06", "G08", "G09", "G10", "G11", "G12", "G14", "G16", "G17")


def test_the_gravest_failure_decides_what_becomes_of_the_delivery() -> None:
    """A revoked plan is cancelled, whatever else it waits for."""
    decision = judged(revoked(), incident="inc-b", incident_state="closed")
    assert (decision.clauses, decision.then) == (("G02", "G03"), Then.CANCEL)
