"""The cleared case, ways to break one fact of it, and what the gate says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dispatcher.domain.incident import Item
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Person, Role, RoleHeld
from dispatcher.domain.plan import Placement, Plan, Spend
from dispatcher.domain.statement import Envelope, Statement, StatementKind
from dispatcher.gate.decide import Decision, decide
from dispatcher.gate.evidence import Evidence, Then
from dispatcher.gate.stops import stops_from
from tests.builders import draft, everything_signed, evidence_for, facts_for, verified
from tests.cast import CAST, HOUR, NOW, START, person, policies, policy_document, signed

PLAN = draft("x", "webhook", "notify", "tiktok").plan
TIKTOK = ("tiktok", "webhook")
"""The channels of a plan for TikTok: a correction can stand on another one (M23)."""
SIGNED = everything_signed(PLAN)
CLEARED = evidence_for(PLAN, SIGNED)
SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)


def said(envelope: Envelope) -> Statement:
    """What an envelope says."""
    return Statement.decode(envelope.payload)


def without(kind: StatementKind, role: Role | None = None, plan: Plan = PLAN) -> list[Envelope]:
    """Everything signed but one kind, or one kind in one role."""
    return [e for e in everything_signed(plan) if said(e).kind is not kind or role not in (None, said(e).role)]


def about(kind: StatementKind, person_id: str, **rest: Any) -> Envelope:
    """A statement about the plan."""
    return signed(kind, person_id, subject=PLAN.digest, **rest)


def cleared(*more: Envelope, instead_of: StatementKind | None = None, **changes: Any) -> Evidence:
    """The evidence with more statements, possibly in place of a kind."""
    kept = SIGNED if instead_of is None else without(instead_of)
    return evidence_for(PLAN, [*kept, *more], **changes)


def planned(*channels: str, **changes: Any) -> Evidence:
    """Everything signed about a plan that differs from the usual one."""
    return evidence_for(draft(*(channels or ("x",)), **changes).plan)


def judged(evidence: Evidence, channel: str = "tiktok", text: TextKind = TextKind.PUBLISH, **facts: Any) -> Decision:
    """What the gate says of one delivery now."""
    return decide(evidence, facts_for(evidence.plan, channel, text, **facts), NOW)


def with_policy(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The example policy's version, changed, as a whole policy file."""
    document = policy_document()
    change(document["policy"][0])
    return document


def under(change: Callable[[dict[str, Any]], None], *channels: str, **plan: Any) -> Evidence:
    """The cleared case of a plan made under a changed policy."""
    changed = policies(with_policy(change))
    digest = changed.versions[-1].digest
    drafted = draft(*(channels or ("x", "webhook", "notify", "tiktok")), policy=digest, **plan).plan
    return evidence_for(drafted, policies=changed)


def held(person_id: str, role: Role | None = None, **held: Any) -> Person:
    """One of the cast whose only role is another one, or held until a time or in somebody's stead."""
    return replace(person(person_id), roles=(RoleHeld(role or CAST[person_id], START, **held),))


def items(*names: str, value: str = "as reported", at: datetime = NOW - HOUR) -> tuple[Item, ...]:
    """Items of evidence for an incident."""
    return tuple(Item(name, value, "the police", at) for name in names)


def on_hardware(evidence: Evidence, *, pin: bool) -> Evidence:
    """The same, everything signed with touched hardware keys."""
    signed_so = (replace(v, hardware=True, touched=True, pin=pin) for v in evidence.statements)
    return replace(evidence, statements=tuple(signed_so))


def planned_without(kind: StatementKind) -> Evidence:
    """The cleared case without a kind of statement."""
    return evidence_for(PLAN, without(kind))


@dataclass(frozen=True)
class Broken:
    """One broken fact: which evidence and facts, the words it must be told in, and who can mend it."""

    clause: str
    fact: str
    mend: str
    evidence: Callable[[], Evidence] = lambda: CLEARED
    channel: str = "tiktok"
    text: TextKind = TextKind.PUBLISH
    facts: tuple[tuple[str, Any], ...] = ()
    then: Then = Then.HOLD

    def decision(self) -> Decision:
        """What the gate says of it."""
        return judged(self.evidence(), self.channel, self.text, **dict(self.facts))


def paid(*spend: Spend, cap: tuple[int, int] | None = (9_000_000, 40_000_000)) -> Evidence:
    """A paid post under a policy that allows paid placement, with its caps per case and year in pence."""

    def allow(version: dict[str, Any]) -> None:
        version["channel"]["webhook"]["placements"].append("paid")
        if cap is not None:
            version["channel"]["webhook"]["spend"] = {"cap_case_pence": cap[0], "cap_year_pence": cap[1]}

    evidence = under(allow, "webhook", spend=spend)
    destinations = tuple(replace(d, placement=Placement.PAID) for d in evidence.plan.destinations)
    return evidence_for(replace(evidence.plan, destinations=destinations), policies=evidence.policies)


def unarmed() -> Evidence:
    """A plan whose destination carries no correction."""
    plan = draft("webhook").plan
    only = {TextKind.PUBLISH: plan.destinations[0].renderings[TextKind.PUBLISH]}
    return evidence_for(replace(plan, destinations=(replace(plan.destinations[0], renderings=only),)))


def halted(scope: str, target: str = "", *resumed: str, by: str = "ops-1") -> Evidence:
    """The cleared case with a halt, and those who signed that it may go on."""
    (halt,) = verified([signed(StatementKind.HALT, by, scope=scope, target=target)])
    resumes = verified(signed(StatementKind.RESUME, one, subject=halt.statement.id) for one in resumed)
    return replace(CLEARED, stops=stops_from([halt, *resumes], status_at=NOW))


def revoked() -> Evidence:
    """The cleared case with a revocation."""
    stops = stops_from(verified([about(StatementKind.REVOKE, "security-1")]), status_at=NOW)
    return replace(CLEARED, stops=stops)


def decided(person_id: str = "private-1", at: timedelta = HOUR, **body: Any) -> Evidence:
    """The cleared case with another decision in place of the minister's, unconfirmed."""
    whole = {"decision": "agreed", "channels": ["tiktok"], **body}
    kept = [e for e in SIGNED if said(e).kind not in (StatementKind.DECIDE, StatementKind.CONFIRM)]
    return evidence_for(PLAN, [*kept, about(StatementKind.DECIDE, person_id, at=NOW - at, **whole)])
