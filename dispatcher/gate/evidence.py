"""What the gate looks at: the signed evidence of a plan, and the facts of one delivery."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

from channels.contract import DeliveryKind
from dispatcher.domain.canonical import parse_time
from dispatcher.domain.people import Role, Roster
from dispatcher.domain.plan import Destination, Plan
from dispatcher.domain.statement import Mode, Statement, StatementKind, Verified
from dispatcher.gate.policy import ChannelRule, Policies, PolicyVersion, Tier
from dispatcher.gate.stops import Stops

V = TypeVar("V")
CONFIRM_WITHIN = timedelta(hours=24)
"""How long a recorded ministerial decision holds without confirmation (reference: policy 6.2)."""

AGEING = (StatementKind.DECIDE, StatementKind.ATTEST, StatementKind.ASSESS, StatementKind.BREAK_GLASS)
"""Statements that stop counting at an age of their own, besides their window."""

RESUBMIT = "author: submit a new plan"
"""Who mends what is wrong with a plan itself."""

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)  # without slots, so that what was said and when it changes is worked out once
class Evidence:
    """A plan with everything that was signed about it, as one process knows it. ``mode`` is that process's own.

    ``owners`` are the people who sign policies: they approve nothing under them.
    """

    plan: Plan
    deployment: str
    mode: Mode
    roster: Roster
    policies: Policies
    statements: tuple[Verified, ...]
    stops: Stops
    owners: frozenset[str] = frozenset()

    def about_plan(self, kind: StatementKind, now: datetime) -> Iterator[Statement]:
        """Statements of one kind about this very plan that hold now."""
        digest = self.plan.digest
        return (s for s in self.holding(kind, now) if s.subject == digest)

    def holding(self, kind: StatementKind, now: datetime) -> Iterator[Statement]:
        """Statements of one kind that hold now, whatever their subject."""
        return (v.statement for v in self.said if v.statement.kind is kind and v.statement.holds_at(now))

    @cached_property
    def said(self) -> tuple[Verified, ...]:
        """The statements, and every no that this process was ever told, whoever has deleted it since."""
        return self.statements + self.stops.noes

    @cached_property
    def moments(self) -> tuple[datetime, ...]:
        """In order, whenever a statement, a policy version, an age limit or a role changes what holds."""
        return tuple(sorted({*self._moments()}))

    def once(self, about: Hashable, now: datetime, find: Callable[[], V]) -> V:
        """What a clause finds for all deliveries that it cannot tell apart, by what it goes by; found once.

        Found again after the next moment at which anything changes what holds.
        """
        name = (about, bisect_right(self.moments, now))
        if name not in self._found:
            self._found[name] = find()
        found: V = self._found[name]
        return found

    @cached_property
    def _found(self) -> dict[Hashable, Any]:
        return {}

    def _moments(self) -> Iterator[datetime]:
        for version in self.policies.versions:
            yield version.effective_from
            for period in version.sensitivity.values():
                yield from (period.starts, period.ends)
        ages = self.policies.ages | {CONFIRM_WITHIN}
        for verified in self.said:
            statement = verified.statement
            yield statement.not_before
            yield statement.expires
            if statement.kind in AGEING:
                yield from (_later(statement.not_before, age) for age in ages)
            with suppress(ValueError):
                yield parse_time(statement.body.get("review_at"))
        for person in self.roster.people:
            for held in person.roles:
                yield from filter(None, (held.not_before, held.expires))


def _later(start: datetime, span: timedelta) -> datetime:
    return start + span if start < END_OF_TIME - span else END_OF_TIME


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """What the gate is told of a delivery, as the process that would send it has established it.

    It has no name: deliveries of which all this is the same are the same to the gate.
    ``rendering`` is the digest recomputed from the bytes that would leave. ``recipient_fault``, ``media_fault``,
    ``spent_fault``: why the recipient's proof, the media at hand or the spent file forbids it, or None.
    ``clock_fault``: why this host's time cannot be gone by. ``problems``: what lint found in the rendering;
    ``armed_problems``: why the way back could not be sent. ``needs``: the time one call may take.
    ``incident_state`` and ``spend_fault`` are hints from the store and can only tighten. ``purchase_fault``: why what
    is ordered is not what the plan lets it buy. ``reaches``: platform hosts that the sender found it can reach,
    though it must not. ``trackers``: tracking parameters in its links.
    ``route``: how the channel is reached, where it has several ways; it is part of the rendering.
    """

    incident: str
    account: str
    channel: str
    kind: DeliveryKind
    rendering: str
    needs: timedelta
    incident_state: str | None = None
    recipient_fault: str | None = None
    media_fault: str | None = None
    spent_fault: str | None = None
    spend_fault: str | None = None
    purchase_fault: str | None = None
    clock_fault: str | None = None
    reaches: tuple[str, ...] = ()
    trackers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    armed_problems: tuple[str, ...] = ()
    route: str | None = None


class Then(StrEnum):
    """What becomes of a delivery that a clause refused, the gravest first."""

    CANCEL = "cancel"  # taken back for good
    EXPIRE = "expire"  # its time is over
    HOLD = "hold"  # people have to mend something
    HOLD_STALE = "hold_stale"  # ends when a fresh signed status arrives
    WAIT = "wait"  # ends by itself, or when a halt is resumed


@dataclass(frozen=True, slots=True)
class Failure:
    """One clause that said no: the fact that failed it, who can mend it, and what becomes of the delivery."""

    clause: str
    fact: str
    mend: str
    then: Then = Then.HOLD

    def document(self) -> dict[str, str]:
        """For logs and the ledger."""
        return {"clause": self.clause, "fact": self.fact, "mend": self.mend}


@dataclass(frozen=True, slots=True)
class Case:
    """What one clause sees: the evidence, one destination, one policy version, one moment."""

    evidence: Evidence
    facts: DeliveryFacts
    version: PolicyVersion
    now: datetime
    rule: ChannelRule | None = field(default=None)
    tier: Tier | None = field(default=None)
    destination: Destination | None = field(default=None)

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.evidence.plan

    @property
    def making_safe(self) -> bool:
        """Whether this delivery takes something back: easier than sending (design: gate 10)."""
        return self.facts.kind is not DeliveryKind.PUBLISH

    def signed_by_role(self, kind: StatementKind, roles: tuple[Role, ...]) -> Iterator[Statement]:
        """Statements of a kind that hold now, signed in one of these roles."""
        return (s for s in self.evidence.holding(kind, self.now) if s.role in roles)

    def scoped(self, kind: StatementKind, roles: tuple[Role, ...]) -> Iterator[Statement]:
        """The same, about this very channel and account: there are no wildcards."""
        channel, account = self.facts.channel, self.facts.account
        said = self.signed_by_role(kind, roles)
        return (s for s in said if s.body.get("channel") == channel and s.body.get("account") == account)


def case_for(evidence: Evidence, facts: DeliveryFacts, version: PolicyVersion, now: datetime) -> Case:
    """Put a case together, with the rules that this policy version has for its channel and account."""
    rule = version.rule(facts.channel)
    if rule is not None:
        rule = rule.for_account(facts.account, evidence.plan.purpose)
    tier = version.tier.get(rule.tier) if rule else None
    return Case(evidence, facts, version, now, rule, tier, evidence.plan.destination(facts.account))
