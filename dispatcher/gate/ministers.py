"""The minister's decision (design: gate 8).

Rules
  1. The private office records what the minister decided about one plan and the channels it names; or the minister
     signs in person.
  2. A recorded decision is confirmed within 24 hours with the read-back code that went to the minister by another
     route; the record holds only the code's digest. Unconfirmed after 24 hours it no longer holds.
  3. Whoever records is not a contributor, checker or duty director of the same plan (reference: policy 6.2).
  4. A refusal by the minister stops.
"""

from __future__ import annotations

import hashlib
import hmac

from dispatcher.domain.people import Role
from dispatcher.domain.statement import Statement, StatementKind
from dispatcher.gate.approvals import approvals
from dispatcher.gate.evidence import CONFIRM_WITHIN, Case


def code_digest(code: str, plan_digest: str) -> str:
    """The digest under which a read-back code is recorded, bound to its plan."""
    return hashlib.sha256(f"decide/v1\0{plan_digest}\0{code}".encode()).hexdigest()


def minister_fault(case: Case) -> str | None:
    """Why the minister's decision does not stand, or None when it does."""
    decisions = [
        s
        for s in case.evidence.about_plan(StatementKind.DECIDE, case.now)
        if s.role in (Role.MINISTER, Role.PRIVATE_OFFICE) and _covers(s, case.facts.channel)
    ]
    if any(s.body.get("decision") == "refused" for s in decisions):
        return "the minister refused"
    agreed = [s for s in decisions if s.body.get("decision") == "agreed"]
    if not agreed:
        return f"no minister's decision for this plan on {case.facts.channel}"
    faults = [_fault(s, case) for s in agreed]
    return None if None in faults else faults[0]


def _covers(decision: Statement, channel: str) -> bool:
    channels = decision.body.get("channels")
    return isinstance(channels, list) and channel in channels


def _fault(decision: Statement, case: Case) -> str | None:
    voice = case.evidence.roster.voice(decision.person, decision.not_before)
    if voice & case.plan.contributors.keys():
        return f"{decision.person} recorded the decision and contributed to this plan"
    for approval in approvals(case):
        if approval.person in voice and approval.role in (Role.CHECKER, Role.DUTY_DIRECTOR):
            return f"{decision.person} recorded the decision and approved as {approval.role}"
    if decision.role == Role.MINISTER or case.now - decision.not_before < CONFIRM_WITHIN:
        return None
    return None if _confirmed(decision, case) else "the minister's decision was not confirmed within 24 hours"


def _confirmed(decision: Statement, case: Case) -> bool:
    recorded = str(decision.body.get("code_digest", "")).encode()
    return any(
        hmac.compare_digest(recorded, code_digest(str(s.body.get("code", "")), case.plan.digest).encode())
        and s.not_before - decision.not_before < CONFIRM_WITHIN
        for s in case.evidence.about_plan(StatementKind.CONFIRM, case.now)
        if s.role in (Role.MINISTER, Role.PRIVATE_OFFICE)
    )
