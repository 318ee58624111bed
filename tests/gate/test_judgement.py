"""A judgement holds until the moment it names, and caching it changes no decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.domain.statement import StatementKind, Verified
from dispatcher.gate.decide import Judgement, decide, judge_plan
from dispatcher.gate.evidence import CONFIRM_WITHIN, Evidence, Failure
from dispatcher.gate.stops import Stops
from tests.builders import assessed, attested, draft, everything_signed, evidence_for, facts_for, verified
from tests.cast import DAY, HOUR, NOW, policies, policy_document, roster
from tests.gate.support import CLEARED, MICROSECOND, PLAN, SIGNED, decided, held, said

CHANNELS = st.sampled_from(PLAN.channels)


def later_policy() -> Evidence:
    """The cleared case with a tighter policy version that begins in two hours."""
    document = policy_document()
    tighter = policy_document()["policy"][0]
    tighter |= {"version": "next", "effective_from": "2026-11-21T14:00:00.000000Z"}
    tighter["recorded_at"] = "2026-11-21T11:00:00.000000Z"
    tighter["tier"]["T0"]["approvals"].append("legal")
    document["policy"].append(tighter)
    both = policies(document)
    plan = draft(*PLAN.channels, policy=both.versions[0].digest).plan
    return evidence_for(plan, everything_signed(plan), policies=both)


TIGHTENING = later_policy()

offsets = st.integers(-30 * 3600, 100 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def histories(draw: st.DrawFn) -> Evidence:
    """The cleared case with some statements gone, moved in time, shortened, or added to."""
    base = draw(st.sampled_from([CLEARED, TIGHTENING]))
    extra = [assessed("x", "refused", at=NOW + HOUR), attested("M01", at=NOW + 2 * HOUR)]
    kept: list[Verified] = [v for v in base.statements if draw(st.integers(0, 9)) > 0]
    kept += [v for v in verified([assessed("x", at=NOW - 179 * DAY)]) if draw(st.booleans())]
    kept += [v for v in verified(extra, NOW + 3 * HOUR) if draw(st.booleans())]
    moved = []
    for one in kept:
        by, life = draw(offsets), draw(offsets)
        said = replace(one.statement, not_before=one.statement.not_before + by / 10)
        moved.append(replace(one, statement=replace(said, expires=said.expires + life / 2)))
    return replace(base, statements=tuple(moved))


def told(judgement: Judgement) -> tuple[tuple[str, str], ...]:
    """What failed, in words."""
    return tuple((failure.clause, failure.fact) for failure in judgement.failures)


@settings(max_examples=150, deadline=None)
@given(evidence=histories(), channel=CHANNELS, start=offsets, moments=st.lists(st.floats(0, 1), max_size=5))
def test_a_judgement_does_not_change_before_its_until(
    evidence: Evidence, channel: str, start: timedelta, moments: list[float]
) -> None:
    """Judging again at any moment before ``until`` finds the same."""
    facts, now = facts_for(evidence.plan, channel), NOW + start
    first = judge_plan(evidence, facts, now)
    span = min(first.until - now, timedelta(days=400))
    later = [now + span * part for part in moments if now + span * part < first.until] + [now + span - MICROSECOND]
    assert {told(judge_plan(evidence, facts, moment)) for moment in later} == {told(first)}


def boundaries(evidence: Evidence, channel: str, start: datetime, count: int = 25) -> list[Judgement]:
    """The judgements one after the other, each made when the one before ended."""
    facts, judged = facts_for(evidence.plan, channel), []
    for _ in range(count):
        judged.append(judge_plan(evidence, facts, start))
        start = judged[-1].until
    return judged


@settings(max_examples=60, deadline=None)
@given(evidence=histories(), channel=CHANNELS)
def test_a_judgement_made_at_a_boundary_holds_to_the_next(evidence: Evidence, channel: str) -> None:
    """A limit reached is a limit passed: nothing changes one microsecond after a boundary."""
    facts = facts_for(evidence.plan, channel)
    for before, after in pairwise(boundaries(evidence, channel, NOW - DAY)):
        moment = before.until
        if moment.year < 9999:
            assert told(judge_plan(evidence, facts, moment + MICROSECOND)) == told(after)


def test_a_judgement_ends_when_an_unconfirmed_decision_does() -> None:
    """The 24 hours of a recorded decision are one of the boundaries."""
    ends = {judged.until for judged in boundaries(decided(at=3 * HOUR / 7), "tiktok", NOW)}
    assert NOW + 24 * HOUR - 3 * HOUR / 7 in ends


def test_a_judgement_ends_when_an_operators_time_does() -> None:
    """Who may operate the device is for the roster to say, at the moment of sending (M07)."""
    people = roster(operator_2=held("operator-2", expires=NOW + HOUR / 7))
    first, second = boundaries(replace(CLEARED, roster=people), "tiktok", NOW, count=2)
    assert (first.until, first.failures, [f.clause for f in second.failures]) == (NOW + HOUR / 7, (), ["G11"])


@pytest.mark.parametrize(("until", "failures"), [(NOW, ()), (NOW + MICROSECOND, ("G09",))])
def test_a_judgement_handed_in_is_gone_by_until_its_end(until: datetime, failures: tuple[str, ...]) -> None:
    """Before, nothing is judged anew; at the very moment, everything is."""
    remembered = Judgement((Failure("G09", "as remembered", "nobody"),), until)
    assert decide(CLEARED, facts_for(PLAN, "webhook"), NOW, remembered).clauses == failures


def test_what_ages_is_judged_anew_at_its_ages_and_nothing_else_is() -> None:
    """An attestation at every age that policy and the gate know, an approval at its beginning and end."""
    ages, made = CLEARED.policies.ages | {CONFIRM_WITHIN}, {s.kind: s.not_before for s in map(said, SIGNED)}
    moments = {*replace(CLEARED).moments}
    anew = {kind: {made[kind] + age for age in ages} <= moments for kind in made}
    assert (anew[StatementKind.ATTEST], anew[StatementKind.APPROVE]) == (True, False)


@settings(max_examples=100, deadline=None)
@given(evidence=histories(), channel=CHANNELS, start=offsets, gap=offsets)
def test_a_remembered_judgement_changes_no_decision(
    evidence: Evidence, channel: str, start: timedelta, gap: timedelta
) -> None:
    """Handing an earlier judgement back in gives the decision that judging afresh gives."""
    facts, now = facts_for(evidence.plan, channel), NOW + start
    remembered = judge_plan(evidence, facts, now)
    later = now + abs(gap)
    assert decide(evidence, facts, later, remembered) == decide(evidence, facts, later)


def test_a_tighter_policy_applies_to_old_plans_at_once() -> None:
    """From the moment it is in force, a plan cleared before needs what it asks."""
    evidence = replace(TIGHTENING, stops=Stops(status_at=NOW + 2 * HOUR))
    facts = facts_for(evidence.plan, "webhook")
    found = [decide(evidence, facts, NOW + 2 * HOUR - early).clauses for early in (MICROSECOND, timedelta(0))]
    assert found == [(), ("G08",)]


def test_a_looser_policy_never_widens_an_old_plan() -> None:
    """What a plan was refused under its own policy stays refused when a looser one comes."""
    document = policy_document()
    document["policy"][0]["tier"]["T0"]["approvals"].append("legal")
    looser = policy_document()["policy"][0]
    looser |= {"version": "looser", "effective_from": "2026-11-20T00:00:00.000000Z"}
    looser["recorded_at"] = "2026-11-19T00:00:00.000000Z"
    document["policy"].append(looser)
    both = policies(document)
    old, new = (draft("webhook", policy=version.digest).plan for version in both.versions)
    found = [decide(evidence_for(p, policies=both), facts_for(p, "webhook"), NOW).clauses for p in (old, new)]
    assert found == [("G08",), ()]


def test_nothing_is_permitted_before_the_first_policy_is_in_force() -> None:
    """A plan made under a policy that has not begun is refused, even though the policy is known."""
    document = policy_document()
    document["policy"][0]["effective_from"] = "2027-01-01T00:00:00.000000Z"
    future = policies(document)
    plan = draft("webhook", policy=future.versions[0].digest).plan
    assert decide(evidence_for(plan, policies=future), facts_for(plan, "webhook"), NOW).clauses == ("G01",)


def test_a_decision_names_the_versions_it_was_judged_under() -> None:
    """Both the plan's own policy and the one in force."""
    facts = facts_for(TIGHTENING.plan, "webhook")
    assert decide(TIGHTENING, facts, NOW + 3 * HOUR).policy == ("2025-12", "next")
