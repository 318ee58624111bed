"""Who signed what, in which role, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.domain.incident import Incident
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementError, StatementKind, Verified
from dispatcher.gate.ministers import code_digest
from dispatcher.gate.policy import Policies
from dispatcher.gate.stops import NEVER_RESUME, RESUMED_BY, HaltScope
from dispatcher.service.desk import Desk
from dispatcher.service.stopping import Halted, halts_in, stops_known
from dispatcher.statements.errors import StatementRefused
from dispatcher.statements.verify import Verifier
from dispatcher.store import history
from dispatcher.store.database import Work
from dispatcher.store.statements import Said

REASONS = ("reason", "finding", "need", "note")
"""Where the body of a statement says why."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One statement, None where unreadable, as it is verified now and as it was when it was written down.

    ``refused`` says why it does not hold now, or is None. ``held``: whether it did at ``recorded_at``, when the
    roster had its signer in the role that it names and this key for them; what was decided by it then stands in the
    record, though the key was revoked since. ``key`` is the key's fingerprint, empty where it never held. ``reason``
    is what the signer gave for it, in words, or empty.
    """

    said: Statement | None
    recorded_at: datetime
    key: str
    refused: str | None
    held: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A minister's decision (``agreed`` or ``refused``) about channels of a plan: who recorded it and who confirmed.

    A minister who signs in person (``role``) needs nobody to confirm; ``confirmed_by`` is None then too.
    """

    channels: tuple[str, ...]
    decision: str
    at: datetime
    person: str
    role: str
    confirmed_at: datetime | None
    confirmed_by: str | None


@dataclass(frozen=True, slots=True)
class GlassBroken:
    """That the glass was broken for a plan: by whom and why, for which channels, until when, and its review.

    ``review_due_at`` is by the policy of that moment; ``reviewed_at`` is None where nobody who did not break
    it has reviewed it.
    """

    at: datetime
    until: datetime
    people: tuple[str, ...]
    reasons: tuple[str, ...]
    channels: tuple[str, ...]
    review_due_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str | None
    finding: str


@dataclass(frozen=True, slots=True)
class HaltRead:
    """A halt that stood at some time of the incident and could stop something of it.

    ``ended_at`` is None where it stands; ``through`` is empty, or the console that ``person`` had halt.
    """

    statement: str
    scope: str
    target: str
    person: str
    role: str
    reason: str
    at: datetime
    resumed_by: tuple[str, ...]
    ended_at: datetime | None
    through: str = ""

    @property
    def by(self) -> str:
        """Who halted, in words."""
        return f"{self.person} through the console" if self.through else self.person


def read(desk: Desk, mode: Mode, said: Iterable[Said]) -> list[Signature]:
    """Statements verified again, for whoever was on the roster then."""
    verifier = desk.verifier(mode)
    return [_signature(verifier, one) for one in said]


def holding(signatures: Iterable[Signature], *kinds: StatementKind) -> Iterator[Statement]:
    """The statements of these kinds that held when they were written down."""
    return (said for _, said in recorded(signatures, *kinds))


def recorded(signatures: Iterable[Signature], *kinds: StatementKind) -> Iterator[tuple[datetime, Statement]]:
    """The same, each with when that was."""
    return ((one.recorded_at, one.said) for one in signatures if one.said and one.held and one.said.kind in kinds)


def decisions(plan: str, signatures: Iterable[Signature]) -> tuple[Decided, ...]:
    """What the minister decided about a plan."""
    known = tuple(signatures)
    codes = {
        code_digest(str(said.body.get("code", "")), plan): said for said in holding(known, StatementKind.CONFIRM)
    }
    return tuple(_decided(said, codes) for said in holding(known, StatementKind.DECIDE))


def glass(policies: Policies, signatures: Iterable[Signature]) -> GlassBroken | None:
    """Whether the glass was broken for a plan, by those who signed about it."""
    known = tuple(signatures)
    broken = tuple(holding(known, StatementKind.BREAK_GLASS))
    if not broken:
        return None
    people = tuple(dict.fromkeys(said.person for said in broken))
    at, until = broken[0].not_before, min(said.expires for said in broken)
    policy = policies.in_force(at)
    rule = policy.break_glass if policy else None
    reviewed = next((said for said in holding(known, StatementKind.REVIEW) if said.person not in people), None)
    return GlassBroken(
        at=at,
        until=until,
        people=people,
        reasons=tuple(_reason(said) for said in broken),
        channels=tuple(dict.fromkeys(channel for said in broken for channel in _channels(said))),
        review_due_at=at + timedelta(hours=rule.review_hours) if rule else until,
        reviewed_at=reviewed.not_before if reviewed else None,
        reviewed_by=reviewed.person if reviewed else None,
        finding=_reason(reviewed) if reviewed else "",
    )


def halts(desk: Desk, work: Work, incident: Incident, plans: Iterable[Plan]) -> tuple[HaltRead, ...]:
    """The halts that stood between the incident's declaration and its close and covered something of it."""
    targets = _targets(incident, tuple(plans))
    stops, _ = stops_known(desk, work, incident.mode)
    said = [stop.statement for stop in stops]
    closed = [row.recorded_at for row in history.each(work, incident.id, ["incident.closed"])]
    read_ = [_halt(halt, said) for halt in halts_in(desk, work, incident.mode) if halt.target in targets[halt.scope]]
    return tuple(
        halt
        for halt in sorted(read_, key=lambda halt: halt.at)
        if (halt.ended_at is None or halt.ended_at > incident.declared_at) and all(halt.at < at for at in closed)
    )


def _signature(verifier: Verifier, row: Said) -> Signature:
    if row.envelope is None:
        return Signature(None, row.recorded_at, "", "its row holds no signed statement", held=False, reason="")
    now, then = _verified(verifier, row.envelope), _verified(verifier, row.envelope, row.recorded_at)
    refused = now.message if isinstance(now, StatementRefused) else None
    try:
        said = Statement.decode(row.envelope.payload)
    except StatementError:
        return Signature(None, row.recorded_at, "", refused, held=False, reason="")
    if said.subject != row.subject:
        return Signature(
            said, row.recorded_at, "", "its row says that it is about something else", False, _reason(said)
        )
    key = "" if isinstance(then, StatementRefused) else then.key
    return Signature(said, row.recorded_at, key, refused, bool(key), _reason(said))


def _verified(verifier: Verifier, envelope: Envelope, at: datetime | None = None) -> Verified | StatementRefused:
    try:
        return verifier.verify(envelope, at)
    except StatementRefused as refusal:
        return refusal


def _reason(said: Statement) -> str:
    return next((str(said.body[name]) for name in REASONS if said.body.get(name)), "")


def _channels(said: Statement) -> list[str]:
    channels = said.body.get("channels")
    return [str(channel) for channel in channels] if isinstance(channels, list) else []


def _decided(said: Statement, codes: Mapping[str, Statement]) -> Decided:
    confirmed = codes.get(str(said.body.get("code_digest", "")))
    return Decided(
        channels=tuple(_channels(said)),
        decision=str(said.body.get("decision", "")),
        at=said.not_before,
        person=said.person,
        role=said.role,
        confirmed_at=confirmed.not_before if confirmed else None,
        confirmed_by=confirmed.person if confirmed else None,
    )


def _targets(incident: Incident, plans: tuple[Plan, ...]) -> Mapping[HaltScope, set[str]]:
    """What halts of each scope would name to stop something of the incident."""
    return {
        HaltScope.ALL: {""},
        HaltScope.EVERYTHING: {""},
        HaltScope.INCIDENT: {incident.id},
        HaltScope.PLAN: {plan.digest for plan in plans},
        HaltScope.CHANNEL: {channel for plan in plans for channel in plan.channels},
        HaltScope.ACCOUNT: {one.account for plan in plans for one in plan.destinations},
    }


def _halt(halt: Halted, said: Iterable[Statement]) -> HaltRead:
    about = [one for one in said if halt.statement in (one.id, one.subject)]
    resumed: dict[str, datetime] = {}
    for one in sorted(about, key=lambda one: one.not_before):
        if (
            one.kind is StatementKind.RESUME
            and one.person not in (halt.person, halt.through)
            and one.role not in NEVER_RESUME
        ):
            resumed.setdefault(one.person, one.not_before)
    return HaltRead(
        statement=halt.statement,
        scope=str(halt.scope),
        target=halt.target,
        person=halt.person,
        role=next((one.role for one in about if one.id == halt.statement), ""),
        reason=halt.reason,
        at=halt.at,
        resumed_by=tuple(resumed),
        through=halt.through,
        ended_at=[*resumed.values()][RESUMED_BY - 1] if len(resumed) >= RESUMED_BY else None,
    )
