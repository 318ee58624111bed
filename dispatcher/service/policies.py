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
from dispatcher.gate.evidence import Case, Failure
from dispatcher.gate.policy import Policies, PolicyVersion
from dispatcher.service.desk import Desk
from dispatcher.service.judging import cases_of
from dispatcher.service.ledger import line_of
from dispatcher.store import deliveries, history, records
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
        cases = cases_at(desk, work, plan, at, text)
    answers = []
    for case in cases:
        decision = decide(case.evidence, case.facts, at)
        answers.append(
            Answer(case.facts.channel, case.facts.account, bool(decision), decision.policy, decision.failures)
        )
    return Replayed(plan, at, tuple(one for one in answers if account in (None, one.account)))


def cases_at(desk: Desk, work: Work, plan: str, at: datetime, text: TextKind = TextKind.PUBLISH) -> list[Case]:
    """What the gate would have looked at for each destination of a plan. Raises Forbidden where no policy was."""
    past = replace(work, now=at, past=True)
    cases = cases_of(replace(desk, clock=lambda: at), past, records.bundle(past, plan), text)
    state = _incident_state(work, cases[0].plan.incident, at) if cases else None
    return [replace(case, facts=replace(case.facts, incident_state=state)) for case in cases] if state else cases


def _subject(work: Work, name: str) -> tuple[str, str | None, TextKind]:
    with suppress(NotFound):
        row = deliveries.find(work, name)
        return row.plan, row.account, TextKind(row.kind)
    return records.plan(work, name).digest, None, TextKind.PUBLISH


def _incident_state(work: Work, incident: str, at: datetime) -> str | None:
    """The state that the first move after ``at`` moved it out of, or None where it has not moved since."""
    moves = (line_of(row) for row in history.each(work, incident, ["incident.moved"]))
    return next((str(move.facts["source"]) for move in moves if move.at > at), None)


def _known(policies: Policies) -> str:
    return f"there are: {', '.join(version.version for version in policies.versions)}"
