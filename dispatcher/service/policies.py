"""Policies for people: which version governs when, and what the gate would have said at another moment.

Rules (reference: policy 6.8, and 6.9 story 12)
  1. A replay is judged under the plan's own version and the one in force at that moment, by the statements that had
     been recorded by then and the state the incident was in. So yesterday's decision is yesterday's answer.
  2. The roster is today's: a role or key that has ended or was revoked since counts as its dates say. How fresh the
     signed status was, and what only the sender knows (its clock and spent file), is not replayed.
  3. A replay is a reading. It changes nothing and sends nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from dispatcher.domain.errors import NotFound
from dispatcher.domain.message import TextKind
from dispatcher.gate.decide import decide
from dispatcher.gate.evidence import Failure
from dispatcher.gate.policy import Policies, PolicyVersion
from dispatcher.service import ledger
from dispatcher.service.desk import Desk
from dispatcher.service.judging import cases_of
from dispatcher.store import deliveries, records
from dispatcher.store.database import Work


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate says of one account, and under which policy versions."""

    channel: str
    account: str
    permitted: bool
    policy: tuple[str, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The gate's answers about a plan at a moment."""

    plan: str
    at: datetime
    answers: tuple[Answer, ...]


def in_force(policies: Policies, at: datetime) -> PolicyVersion:
    """The version in force at a moment. Raises NotFound before the first."""
    version = policies.in_force(at)
    if version is None:
        raise NotFound(f"no policy was in force at {at:%Y-%m-%d %H:%M} UTC", _known(policies))
    return version


def named(policies: Policies, name: str) -> PolicyVersion:
    """The version of this name. Raises NotFound."""
    version = next((one for one in policies.versions if one.version == name), None)
    if version is None:
        raise NotFound(f"there is no policy version {name}", _known(policies))
    return version


def replay(desk: Desk, name: str, at: datetime) -> Replayed:
    """What the gate says at ``at`` of a plan, or of a delivery's account and text. Raises NotFound."""
    in_force(desk.trust.policy, at)
    with desk.store.read() as work:
        plan, account, text = _subject(work, name)
        bundle = records.bundle(past := replace(work, now=at, past=True), plan)
        cases = cases_of(replace(desk, clock=lambda: at), past, bundle, text)
    answers = []
    for case in cases:
        state = _incident_state(desk, case.plan.incident, at) or case.facts.incident_state
        decision = decide(case.evidence, replace(case.facts, incident_state=state), at)
        answers.append(
            Answer(case.facts.channel, case.facts.account, bool(decision), decision.policy, decision.failures)
        )
    return Replayed(plan, at, tuple(one for one in answers if account in (None, one.account)))


def _subject(work: Work, name: str) -> tuple[str, str | None, TextKind]:
    with suppress(NotFound):
        row = deliveries.find(work, name)
        return row.plan, row.account, TextKind(row.kind)
    return records.plan(work, name).digest, None, TextKind.PUBLISH


def _incident_state(desk: Desk, incident: str, at: datetime) -> str | None:
    """The state that the first move after ``at`` moved it out of, or None where it has not moved since."""
    moves = (line for line in ledger.tail(desk, 1_000, incident, ["incident.moved"]) if line.at > at)
    return next((str(line.facts["source"]) for line in moves), None)


def _known(policies: Policies) -> str:
    return f"there are: {', '.join(version.version for version in policies.versions)}"
