"""The decision: yes, or every reason why not.

``decide`` is a pure function of the evidence, the facts of one delivery, and the time. Everything is evaluated and
every failed clause is reported. A plan is judged under the policy it was made under **and** the one in force now,
so that a tighter policy applies at once and a looser one never widens an old plan.

The plan's share of the work does not change from one delivery to the next: ``judge_plan`` returns it together with
the moment until which it holds, and ``decide`` takes it back in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.gate.clauses import DELIVERY_CLAUSES, PLAN_CLAUSES, STALE_AFTER, Clause, untimely, window_ends
from dispatcher.gate.evidence import END_OF_TIME, Case, DeliveryFacts, Evidence, Failure, Then, case_for
from dispatcher.gate.policy import PolicyVersion


@dataclass(frozen=True, slots=True)
class Judgement:
    """The plan-level clauses that failed for one channel and account, and until when that stays so."""

    failures: tuple[Failure, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether this delivery may go now, with every reason if not, and the policy versions it was judged under."""

    failures: tuple[Failure, ...]
    policy: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.failures

    @property
    def clauses(self) -> tuple[str, ...]:
        """The codes of the clauses that failed."""
        return tuple(dict.fromkeys(f.clause for f in self.failures))

    @property
    def then(self) -> Then:
        """What becomes of the delivery: the gravest that any failed clause asks for."""
        return min((f.then for f in self.failures), key=list(Then).index)


def judge_plan(evidence: Evidence, facts: DeliveryFacts, now: datetime) -> Judgement:
    """Evaluate the clauses that depend on the plan, not on the single delivery."""
    versions = _versions(evidence, now)
    if not versions:
        failure = Failure("G01", "no policy is in force", "two policy owners, by a new policy version")
        return Judgement((failure,), _until(evidence, now))
    return Judgement(_run(PLAN_CLAUSES, evidence, facts, versions, now), _until(evidence, now))


def decide(evidence: Evidence, facts: DeliveryFacts, now: datetime, judged: Judgement | None = None) -> Decision:
    """Evaluate all eighteen clauses for one delivery at one moment; none by a clock that cannot be gone by."""
    if facts.clock_fault:
        return Decision((untimely(facts.clock_fault),), ())
    if judged is None or now >= judged.until:
        judged = judge_plan(evidence, facts, now)
    versions = _versions(evidence, now)
    failures = judged.failures + _run(DELIVERY_CLAUSES, evidence, facts, versions, now)
    ordered = sorted(dict.fromkeys(failures), key=lambda f: f.clause)
    return Decision(tuple(ordered), tuple(v.version for v in versions))


def steady_until(case: Case) -> datetime:
    """Of a delivery that G04 and G16 have nothing against: until when only what is heard of stops can change that.

    The window's end, the age at which the status is stale, or the next moment that changes what holds.
    """
    evidence, stops = case.evidence, case.evidence.stops
    stale = stops.status_at + STALE_AFTER if stops.status_at is not None else END_OF_TIME
    return min(window_ends(case) - case.facts.needs, stale, _until(evidence, case.now))


def _versions(evidence: Evidence, now: datetime) -> tuple[PolicyVersion, ...]:
    """The plan's own version and the one in force; none where none is in force, which permits nothing."""
    in_force = evidence.policies.in_force(now)
    if in_force is None:
        return ()
    own = evidence.policies.by_digest(evidence.plan.policy)
    return tuple({v.digest: v for v in (own, in_force) if v is not None}.values())


def _run(
    clauses: Sequence[Clause],
    evidence: Evidence,
    facts: DeliveryFacts,
    versions: Sequence[PolicyVersion],
    now: datetime,
) -> tuple[Failure, ...]:
    cases = [case_for(evidence, facts, version, now) for version in versions]
    failures = (clause(case) for case in cases for clause in clauses)
    return tuple(dict.fromkeys(f for f in failures if f is not None))


def _until(evidence: Evidence, now: datetime) -> datetime:
    """The next moment at which a statement, a policy version, an age limit or a role changes what holds."""
    after = bisect_right(evidence.moments, now)
    return evidence.moments[after] if after < len(evidence.moments) else END_OF_TIME
