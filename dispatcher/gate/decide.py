"""The decision: yes, or every reason why not.

``decide`` is a pure function of the evidence, the facts of one delivery, and the time. Everything is evaluated and
every failed clause is reported. A plan is judged under the policy it was made under **and** the one in force now,
so that a tighter policy applies at once and a looser one never widens an old plan.

The plan's share of the work does not change from one delivery to the next: ``judge_plan`` returns it together with
the moment until which it holds, and ``decide`` takes it back in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dispatcher.domain.canonical import parse_time
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.clauses import DELIVERY_CLAUSES, PLAN_CLAUSES, Clause, untimely
from dispatcher.gate.evidence import CONFIRM_WITHIN, DeliveryFacts, Evidence, Failure, Then, case_for
from dispatcher.gate.policy import PolicyVersion

AGEING = (StatementKind.DECIDE, StatementKind.ATTEST, StatementKind.ASSESS, StatementKind.BREAK_GLASS)
"""Statements that stop counting at an age of their own, besides their window."""

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


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
    return min((moment for moment in _moments(evidence) if moment > now), default=END_OF_TIME)


def _moments(evidence: Evidence) -> Iterator[datetime]:
    for version in evidence.policies.versions:
        yield version.effective_from
    ages = evidence.policies.ages | {CONFIRM_WITHIN}
    for verified in evidence.said:
        statement = verified.statement
        yield statement.not_before
        yield statement.expires
        if statement.kind in AGEING:
            yield from (_later(statement.not_before, age) for age in ages)
        with suppress(ValueError):
            yield parse_time(statement.body.get("review_at"))
    for person in evidence.roster.people:
        for held in person.roles:
            yield from filter(None, (held.not_before, held.expires))


def _later(start: datetime, span: timedelta) -> datetime:
    return start + span if start < END_OF_TIME - span else END_OF_TIME
