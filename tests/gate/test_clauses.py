"""Every clause holds on the cleared case, and fails alone when its own fact is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.domain.incident import Severity
from dispatcher.domain.plan import Spend
from dispatcher.domain.statement import Mode
from dispatcher.gate.decide import Decision, decide
from dispatcher.gate.evidence import Then
from dispatcher.gate.mitigations import CHECKS
from dispatcher.gate.policy_file import CHECKED_BY_SOFTWARE
from dispatcher.gate.stops import Stops
from tests.builders import draft, evidence_for, facts_for
from tests.cast import NOW
from tests.gate.broken import BROKEN
from tests.gate.support import (
    CLEARED,
    Broken,
    judged,
    paid,
    revoked,
    under,
)


def told(decision: Decision) -> list[str]:
    """What failed, in words."""
    return [failure.fact for failure in decision.failures]


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


@pytest.mark.parametrize(
    ("broken", "who"), [("window not open", "wait"), ("not submitted", "author"), ("checker missing", "checker")]
)
def test_nobody_else_is_named_to_mend_it(broken: str, who: str) -> None:
    """Waiting mends it, the author does, or the one role that is missing."""
    assert [failure.mend for failure in BROKEN[broken].decision().failures] == [who]


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


def test_an_account_that_the_plan_does_not_have_is_refused_in_words() -> None:
    """No destination tells its placement: so nothing was assessed for it, and it is no account of the platform."""
    facts = {channel: told(judged(CLEARED, channel, account="other-1")) for channel in ("x", "tiktok")}
    assert "no assessment of x ()" in facts["x"]
    assert "M17 account other-1 was signed for another platform" in " ".join(facts["tiktok"])


def test_a_channel_that_policy_does_not_have_is_refused_in_words() -> None:
    """A paid post on it has no cap; how fresh the status must be, no tier says."""
    evidence = paid(Spend("parler", "storms", 1, 2026))
    facts = replace(facts_for(evidence.plan, "webhook"), channel="parler")
    decision = decide(replace(evidence, stops=Stops()), facts, NOW)
    assert decision.clauses == ("G05", "G07", "G08", "G13")
    assert "policy has no cap for paid placement on parler" in told(decision)


def test_a_channel_closed_with_its_mitigations_is_refused_in_words() -> None:
    """Without a tier nobody asks the security team, which is one more reason (M16)."""
    decision = judged(under(lambda version: version["channel"]["tiktok"].update(tier="T4")))
    assert decision.clauses == ("G05", "G11")
    assert "M16 this policy does not ask the security team and the minister" in told(decision)


def test_every_failed_clause_is_reported() -> None:
    """Whatever fails is in the refusal, in order, not only the first."""
    plan = draft("tiktok", purpose="campaign", severity=Severity.S1).plan
    decision = judged(evidence_for(plan, [], mode=Mode.EXERCISE, stops=Stops()), problems=("too long",))
    assert decision.clauses == ("G03", "G06", "G08", "G09", "G10", "G11", "G12", "G14", "G16", "G17")


def test_the_gravest_failure_decides_what_becomes_of_the_delivery() -> None:
    """A revoked plan is cancelled, whatever else it waits for."""
    decision = judged(revoked(), incident="inc-b", incident_state="closed")
    assert (decision.clauses, decision.then) == (("G02", "G03"), Then.CANCEL)
