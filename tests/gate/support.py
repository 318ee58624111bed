"""The cleared case, ways to break one fact of it, and what the gate says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Placement, Plan
from dispatcher.domain.statement import Envelope, Statement, StatementKind
from dispatcher.gate.decide import Decision, decide
from dispatcher.gate.evidence import Evidence, Then
from dispatcher.gate.stops import stops_from
from tests.builders import draft, everything_signed, evidence_for, facts_for, verified
from tests.cast import HOUR, NOW, policies, policy_document, signed

PLAN = draft("x", "webhook", "notify", "tiktok").plan
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


def paid() -> Evidence:
    """A paid post under a policy that allows paid placement."""

    def allow(version: dict[str, Any]) -> None:
        version["channel"]["webhook"]["placements"].append("paid")

    drafted = draft("webhook", policy=policies(with_policy(allow)).versions[-1].digest).plan
    destinations = tuple(replace(d, placement=Placement.PAID) for d in drafted.destinations)
    return evidence_for(replace(drafted, destinations=destinations), policies=policies(with_policy(allow)))


def unarmed() -> Evidence:
    """A plan whose destination carries no correction."""
    plan = draft("webhook").plan
    only = {TextKind.PUBLISH: plan.destinations[0].renderings[TextKind.PUBLISH]}
    return evidence_for(replace(plan, destinations=(replace(plan.destinations[0], renderings=only),)))


def halted(scope: str, target: str = "") -> Evidence:
    """The cleared case with a halt."""
    halt = signed(StatementKind.HALT, "ops-1", scope=scope, target=target)
    return replace(CLEARED, stops=stops_from(verified([halt]), status_at=NOW))


def revoked() -> Evidence:
    """The cleared case with a revocation."""
    stops = stops_from(verified([about(StatementKind.REVOKE, "security-1")]), status_at=NOW)
    return replace(CLEARED, stops=stops)


def decided(person_id: str = "private-1", at: timedelta = HOUR, **body: Any) -> Evidence:
    """The cleared case with another decision in place of the minister's, unconfirmed."""
    whole = {"decision": "agreed", "channels": ["tiktok"], **body}
    kept = [e for e in SIGNED if said(e).kind not in (StatementKind.DECIDE, StatementKind.CONFIRM)]
    return evidence_for(PLAN, [*kept, about(StatementKind.DECIDE, person_id, at=NOW - at, **whole)])
