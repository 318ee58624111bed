"""Leasing deliveries, committing intent, settling outcomes: how a delivery moves.

Rules
  1. Leases and due times are judged by the database's time alone.
  2. Each lease has an owner of its own (process and lease number) and raises the row's fence; whoever comes later
     with an older fence changes nothing.
  3. Intent is committed before the first byte, and only while the lease outlasts the longest call.
  4. Of several hosts, each leases what it holds the credential for. What has been due for a whole lease is anybody's:
     whoever holds it is gone, and another's sender refuses it, so that people see it.
  5. Account posts get a ledger entry per move, recipients one per group with a digest of its moves; what a person
     moves gets its own in either case.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    false,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    true,
    update,
)

from dispatcher.domain.message import DELIVERED_AS, TextKind
from dispatcher.sending.order import Order, RecipientProof
from dispatcher.store.columns import UtcTime
from dispatcher.store.database import Work
from dispatcher.store.given import GIVEN, as_given, given_rows
from dispatcher.store.tables import ACCOUNTS, ATTEMPTS, DELIVERIES, DISPATCHES, PLANS, WAYS_BACK

RECIPIENTS_LANE = "recipients"
Ours = Callable[[Any, Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Shut:
    """Channels and accounts whose deliveries are not to be leased now."""

    channels: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()


NOTHING_SHUT = Shut()


@dataclass(frozen=True, slots=True, eq=False)
class Leased:
    """One delivery in a worker's hands; no other lease is equal to it.

    ``intended_at`` is when its release was signed, or the order of its way back; ``attempts`` those before this one.
    ``route`` is the account's, where its channel has several; ``traceparent`` its release's.
    """

    id: str
    fence: int
    plan: str
    incident: str
    channel: str
    account: str
    lane: str
    kind: str
    rendering: str
    destination: str
    list: str | None
    position: int | None
    original: str | None
    attempts: int
    failures: int
    handle: str | None
    due_at: datetime
    expires_at: datetime
    first_intent_at: datetime | None
    looked: int
    absent: int
    reason: str
    intended_at: datetime
    dispatch: str
    route: str | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one delivery, and what its attempt came to. ``facts`` go into the ledger.

    ``again`` marks a wait for the same reason as before: the ledger holds it already. Where a person (``actor``)
    moves a delivery, ``leased`` is its row.
    """

    leased: Leased | Any
    source: str
    target: str
    reason: str = ""
    due_at: datetime | None = None
    reference: str | None = None
    url: str | None = None
    looked: int | None = None
    absent: int | None = None
    failures: int | None = None
    again: bool = False
    attempt: dict[str, Any] | None = None
    actor: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


JOINED = ("intended_at", "dispatch", "route", "traceparent")
"""What of a lease stands in other tables than the deliveries."""

_COLUMNS = [DELIVERIES.c[name] for name in Leased.__slots__ if name not in JOINED]
_TOLD = ("verdict", "code", "reason", "status", "reference", "provider_ms")
_KEPT_UNLESS_GIVEN = ("due_at", "reference", "url", "looked", "absent", "failures")


def lease(
    work: Work,
    lane: str,
    mode: str,
    owner: str,
    limit: int,
    lease_for: timedelta,
    shut: Shut = NOTHING_SHUT,
    held: frozenset[str] | None = None,
) -> list[Leased]:
    """Take up to ``limit`` due deliveries of released plans, of what is not shut; ``held``: of these accounts."""
    ours = _ours(work, lane, held, lease_for)
    due = and_(DELIVERIES.c.state == "ready", DELIVERIES.c.due_at <= work.now)
    due = and_(due, ours(DELIVERIES.c.account, DELIVERIES.c.due_at))
    if shut != NOTHING_SHUT:
        due = and_(due, *_open(work, lane, mode, shut, ours))
    rows = work.execute(_take(lane, mode, limit, due)).all()
    return _own(work, rows, owner, lease_for, to="leased")


def unreleased(work: Work, lane: str, mode: str, limit: int) -> list[str]:
    """The newest submitted plans with deliveries in a lane."""
    in_lane = select(DELIVERIES.c.id).where(DELIVERIES.c.plan == PLANS.c.digest, DELIVERIES.c.lane == lane)
    waiting = (PLANS.c.mode == mode, PLANS.c.state == "submitted", in_lane.exists())
    newest = select(PLANS.c.digest).where(*waiting).order_by(PLANS.c.created_at.desc()).limit(limit)
    return list(work.execute(newest).scalars())


def lease_doubtful(
    work: Work,
    lane: str,
    mode: str,
    owner: str,
    limit: int,
    lease_for: timedelta,
    held: frozenset[str] | None = None,
) -> list[Leased]:
    """Take deliveries whose quiet period is over, to find out what became of them. They stay in doubt meanwhile."""
    free = or_(DELIVERIES.c.lease_until.is_(None), DELIVERIES.c.lease_until < work.now)
    ours = _ours(work, lane, held, lease_for)(DELIVERIES.c.account, DELIVERIES.c.due_at)
    due = and_(DELIVERIES.c.state == "in_doubt", DELIVERIES.c.due_at <= work.now, free, ours)
    rows = work.execute(_take(lane, mode, limit, due)).all()
    return _own(work, rows, owner, lease_for, to="in_doubt")


def intend(work: Work, permitted: Mapping[Leased, str], owner: str, headroom: timedelta) -> list[Leased]:
    """Commit the intent to send. Returns those still owned, whose lease outlasts ``headroom``; others are lost.

    ``permitted`` maps each to the name of the sender's decision that permits it.
    """
    by_id, dialect = {item.id: item for item in permitted}, work.dialect
    rows = as_given(({"id": id_, "was": "leased"} for id_ in by_id), dialect)
    asked = {GIVEN: rows, "by": owner, "now": work.now, "after": work.now + headroom}
    kept = [by_id[id_] for (id_,) in work.execute(_intended(dialect), asked).all()]
    if kept:
        work.execute(insert(ATTEMPTS), [_intent(item, owner, work.now) for item in kept])
    facts = ({"attempt": item.attempts + 1, "decision": permitted[item] or None} for item in kept)
    _record(work, [Move(item, "leased", "sending", facts=known) for item, known in zip(kept, facts, strict=True)])
    return kept


def settle(work: Work, moves: Iterable[Move]) -> list[Move]:
    """Make moves whose rows are still in the state and at the fence they were leased at; returns those made."""
    wanted = {(move.leased.id, move.leased.fence, move.target): move for move in moves}
    rows = as_given((_moved(wanted[name], work.now) for name in sorted(wanted)), work.dialect)  # locked in one order
    made = [wanted[tuple(row)] for row in work.execute(_moving(work.dialect), {GIVEN: rows}).all()]
    if ended := [_ended(move, work.now) for move in made if move.attempt is not None]:
        work.execute(_ending(work.dialect), {GIVEN: as_given(ended, work.dialect)})
    _record(work, [move for move in made if not move.again])
    return made


def note_handle(work: Work, leased: Leased, handle: str) -> bool:
    """Keep a platform's handle before the next byte; False when the row is no longer ours."""
    at = and_(DELIVERIES.c.id == leased.id, DELIVERIES.c.state == "sending", DELIVERIES.c.fence == leased.fence)
    made: bool = work.execute(update(DELIVERIES).where(at).values(handle=handle)).rowcount == 1
    return made


def order(
    row: Any,
    incident_state: str,
    intended_at: datetime,
    attempt: int,
    recipient: RecipientProof | None = None,
    **hints: Any,
) -> Order:
    """What a sender is told of a delivery, from its row or a lease of it; with ``asked_at``, ``spend_fault``."""
    same = ("incident", "account", "channel", "rendering", "original", "handle")
    return Order(
        delivery=row.id,
        incident_state=incident_state,
        kind=DELIVERED_AS[TextKind(row.kind)],
        intended_at=intended_at,
        attempt=attempt,
        recipient=recipient,
        **{name: getattr(row, name) for name in same},
        **hints,
    )


def _open(work: Work, lane: str, mode: str, shut: Shut, ours: Ours) -> Sequence[ColumnElement[bool]]:
    """What keeps shut deliveries from being leased. Where a million of them may wait, none of them is even read."""
    if lane != RECIPIENTS_LANE:
        return DELIVERIES.c.channel.not_in(shut.channels), DELIVERIES.c.account.not_in(shut.accounts)
    of_account = (DELIVERIES.c.plan == DISPATCHES.c.plan, DELIVERIES.c.account == ACCOUNTS.c.id)
    ready = DELIVERIES.c.state == literal_column("'ready'")  # as its index has it
    oldest = select(func.min(DELIVERIES.c.due_at)).where(*of_account, ready).scalar_subquery()
    found = work.execute(
        select(DISPATCHES.c.plan, ACCOUNTS.c.id)
        .join(ACCOUNTS, ACCOUNTS.c.mode == DISPATCHES.c.mode)
        .where(ACCOUNTS.c.lane == lane, ACCOUNTS.c.mode == mode, oldest <= work.now)
        .where(ACCOUNTS.c.channel.not_in(shut.channels), ACCOUNTS.c.id.not_in(shut.accounts))
        .where(ours(ACCOUNTS.c.id, oldest))
        .order_by(oldest)
        .limit(1)
    ).first()
    return (false(),) if found is None else (DELIVERIES.c.plan == found[0], DELIVERIES.c.account == found[1], ready)


def _ours(work: Work, lane: str, held: frozenset[str] | None, lease_for: timedelta) -> Ours:
    """Of accounts that whoever leases holds, however many.

    A post that nobody took for a lease's time is anybody's, so that somebody says why it waits. Recipients are many,
    and a host that is busy with them has not let go of them.
    """

    def ours(account: Any, due_at: Any) -> ColumnElement[bool]:
        if held is None:
            return true()
        since = work.now - lease_for
        overdue = and_(due_at <= since, DISPATCHES.c.released_at <= since) if lane != RECIPIENTS_LANE else false()
        if work.dialect == "sqlite":
            names = func.json_each(_named(held)).table_valued("value").c.value
            return or_(account.in_(select(names)), overdue)
        return or_(account == any_(literal(sorted(held), ARRAY(Text))), overdue)

    return ours


@lru_cache(maxsize=4)
def _named(held: frozenset[str]) -> str:
    """The accounts that a process holds, as a statement is given them; it asks for thousands again and again."""
    return json.dumps(sorted(held))


def _take(lane: str, mode: str, limit: int, due: Any) -> Select[Any]:
    signed_at = func.coalesce(WAYS_BACK.c.ordered_at, DISPATCHES.c.released_at, type_=DISPATCHES.c.released_at.type)
    joined = (signed_at, DISPATCHES.c.id, ACCOUNTS.c.settings["route"].as_string(), DISPATCHES.c.traceparent)
    return (
        select(*_COLUMNS, *joined)
        .join(DISPATCHES, DISPATCHES.c.plan == DELIVERIES.c.plan)
        .outerjoin(ACCOUNTS, ACCOUNTS.c.id == DELIVERIES.c.account)
        .outerjoin(WAYS_BACK, and_(WAYS_BACK.c.plan == DELIVERIES.c.plan, WAYS_BACK.c.kind == DELIVERIES.c.kind))
        .where(DELIVERIES.c.lane == lane, DELIVERIES.c.mode == mode, due)
        .order_by(DELIVERIES.c.due_at, DELIVERIES.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=DELIVERIES)
    )


def _own(work: Work, rows: Sequence[Any], owner: str, lease_for: timedelta, *, to: str) -> list[Leased]:
    """Make leases of rows that this transaction has locked; by their ids alone, or SQLite would look up the state."""
    if not rows:
        return []
    lease = {"owner": owner, "lease_until": work.now + lease_for, "leases": DELIVERIES.c.leases + 1}
    ours = update(DELIVERIES).where(DELIVERIES.c.id.in_([row[0] for row in rows]))
    work.execute(ours.values(state=to, fence=DELIVERIES.c.fence + 1, **lease))
    return [Leased(id_, fence + 1, *rest) for id_, fence, *rest in rows]


def _intent(item: Leased, owner: str, now: datetime) -> dict[str, Any]:
    number = item.attempts + 1
    return {"delivery": item.id, "number": number, "fence": item.fence, "owner": owner, "intended_at": now}


def _moved(move: Move, now: datetime) -> dict[str, Any]:
    """What a move changes; what it does not name stays, as a NULL here."""
    given = {name: value for name in _KEPT_UNLESS_GIVEN if (value := getattr(move, name)) is not None}
    if move.target == "accepted":
        given["accepted_at"] = now
    at = {"id": move.leased.id, "was": move.source, "fence": move.leased.fence}
    return {**at, "state": move.target, "reason": move.reason, **given}


def _ended(move: Move, now: datetime) -> dict[str, Any]:
    told = {name: value for name, value in (move.attempt or {}).items() if name in _TOLD and value is not None}
    return {"delivery": move.leased.id, "number": move.leased.attempts + 1, "ended_at": now, **told}


@cache
def _intended(dialect: str) -> Any:
    """Of a lease, given by the ids of its deliveries: the intent to send those that are still its own."""
    given = given_rows(dialect, DELIVERIES, ("id", "was"))
    ours = (
        DELIVERIES.c.id == given["id"],
        DELIVERIES.c.state == given["was"],  # not 'leased', which SQLite would look up instead of the id
        DELIVERIES.c.owner == bindparam("by"),
        DELIVERIES.c.lease_until > bindparam("after", type_=UtcTime),
    )
    first = func.coalesce(DELIVERIES.c.first_intent_at, bindparam("now", type_=UtcTime))
    counted = {"attempts": DELIVERIES.c.attempts + 1, "leases": 0}
    change = update(DELIVERIES).where(*ours).values(state="sending", first_intent_at=first, **counted)
    return change.returning(DELIVERIES.c.id)


@cache
def _moving(dialect: str) -> Any:
    kept = (*_KEPT_UNLESS_GIVEN, "accepted_at")
    given = given_rows(dialect, DELIVERIES, ("id", "was", "fence", "state", "reason", *kept))
    still = (
        DELIVERIES.c[name] == given[given_] for name, given_ in (("id", "id"), ("state", "was"), ("fence", "fence"))
    )
    free = {"owner": None, "lease_until": None, "leases": 0}
    values = {name: func.coalesce(given[name], DELIVERIES.c[name]) for name in kept}
    change = update(DELIVERIES).where(*still).values(state=given["state"], reason=given["reason"], **values, **free)
    return change.returning(DELIVERIES.c.id, DELIVERIES.c.fence, DELIVERIES.c.state)


@cache
def _ending(dialect: str) -> Any:
    given = given_rows(dialect, ATTEMPTS, ("delivery", "number", "ended_at", *_TOLD))
    at = (ATTEMPTS.c[name] == given[name] for name in ("delivery", "number"))
    told = {name: func.coalesce(given[name], ATTEMPTS.c[name]) for name in _TOLD}
    return update(ATTEMPTS).where(*at).values(ended_at=given["ended_at"], **told)


def _record(work: Work, moves: Sequence[Move]) -> None:
    grouped: dict[tuple[str, str, str, str], list[Move]] = {}
    for move in moves:
        if move.leased.lane == RECIPIENTS_LANE and move.actor is None:
            grouped.setdefault((move.leased.plan, move.leased.account, move.source, move.target), []).append(move)
        else:
            _record_one(work, move)
    for (plan, account, source, target), group in grouped.items():
        moved: dict[str, Any] = {
            "source": source,
            "target": target,
            "count": len(group),
            "digest": moves_digest(group),
        }
        if reasons := sorted({move.reason for move in group if move.reason}):
            moved["reasons"] = reasons
        about = {"incident": group[0].leased.incident, "plan": plan}
        work.record("deliveries.moved", **about, account=account, **moved)


def _record_one(work: Work, move: Move) -> None:
    told = {**move.facts, "reason": move.reason or None}
    item, facts = move.leased, {key: value for key, value in told.items() if value is not None}
    subject = {"incident": item.incident, "plan": item.plan, "delivery": item.id, "actor": move.actor}
    facts |= {"channel": item.channel, "account": item.account}
    work.record("delivery.moved", **subject, source=move.source, target=move.target, **facts)


def moves_digest(moves: Iterable[Move]) -> str:
    """A digest over delivery, destination's keyed digest, target and reference of each move, in order of id."""
    lines = sorted(f"{m.leased.id}\0{m.leased.destination}\0{m.target}\0{m.reference or ''}" for m in moves)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
