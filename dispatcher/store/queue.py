"""Committing intent, settling outcomes: how a delivery that was leased moves (``dispatcher.store.leasing``).

Rules
  1. Intent is committed before the first byte, and only while the lease outlasts the longest call.
  2. A move is made only from the state and at the fence that its lease knows.
  3. Account posts get a ledger entry per move, recipients one per group with a digest of its moves; what a person
     moves gets its own in either case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Text, and_, bindparam, func, insert, select, update

from dispatcher.domain.message import DELIVERED_AS, TextKind
from dispatcher.sending.order import Order, RecipientProof
from dispatcher.store.columns import UtcTime
from dispatcher.store.database import Work
from dispatcher.store.given import GIVEN, Change, as_given, changed, given_rows
from dispatcher.store.leasing import RECIPIENTS_LANE, Leased
from dispatcher.store.tables import ATTEMPTS, DELIVERIES


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


_TOLD = ("verdict", "code", "reason", "status", "reference", "provider_ms")
_KEPT_UNLESS_GIVEN = ("due_at", "reference", "url", "looked", "absent", "failures")


def intend(work: Work, permitted: Mapping[Leased, str], owner: str, headroom: timedelta) -> list[Leased]:
    """Commit the intent to send. Returns those still owned, whose lease outlasts ``headroom``; others are lost.

    ``permitted`` maps each to the name of the sender's decision that permits it.
    """
    by_id, dialect = {item.id: item for item in permitted}, work.dialect
    rows = as_given(({"id": id_, "was": "leased"} for id_ in by_id), dialect)
    asked = {GIVEN: rows, "by": owner, "now": work.now, "after": work.now + headroom}
    kept = [by_id[id_] for (id_,) in changed(work, _intended(dialect), asked)]
    if kept:
        begun = as_given(map(_intent, kept), dialect)
        work.execute(_beginning(dialect), {GIVEN: begun, "by": owner, "now": work.now})
    facts = ({"attempt": item.attempts + 1, "decision": permitted[item] or None} for item in kept)
    _record(work, [Move(item, "leased", "sending", facts=known) for item, known in zip(kept, facts, strict=True)])
    return kept


def settle(work: Work, moves: Iterable[Move]) -> list[Move]:
    """Make moves whose rows are still in the state and at the fence they were leased at; returns those made.

    Of two moves of one delivery the second is made, or found stale, after the first.
    """
    wanted: dict[str, Move] = {}
    later = [move for move in moves if wanted.setdefault(move.leased.id, move) is not move]
    rows = as_given((_moved(wanted[name], work.now) for name in sorted(wanted)), work.dialect)  # locked in one order
    made = [wanted[name] for (name,) in changed(work, _moving(work.dialect), {GIVEN: rows})]
    if ended := [_ended(move, work.now) for move in made if move.attempt is not None]:
        work.execute(_ending(work.dialect), {GIVEN: as_given(ended, work.dialect)})
    _record(work, [move for move in made if not move.again])
    return made + settle(work, later) if later else made


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


def _intent(item: Leased) -> dict[str, Any]:
    return {"delivery": item.id, "number": item.attempts + 1, "fence": item.fence}


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
def _intended(dialect: str) -> Change:
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
    return change, (DELIVERIES.c.id,)


@cache
def _beginning(dialect: str) -> Any:
    """The attempts that an intent begins."""
    given = given_rows(dialect, ATTEMPTS, ("delivery", "number", "fence"))
    same = {"owner": bindparam("by", type_=Text), "intended_at": bindparam("now", type_=UtcTime)}
    return insert(ATTEMPTS).from_select([*given, *same], select(*given.values(), *same.values()))


@cache
def _moving(dialect: str) -> Change:
    kept = (*_KEPT_UNLESS_GIVEN, "accepted_at")
    given = given_rows(dialect, DELIVERIES, ("id", "was", "fence", "state", "reason", *kept))
    still = (
        DELIVERIES.c[name] == given[given_] for name, given_ in (("id", "id"), ("state", "was"), ("fence", "fence"))
    )
    free = {"owner": None, "lease_until": None, "leases": 0}
    values = {name: func.coalesce(given[name], DELIVERIES.c[name]) for name in kept}
    change = update(DELIVERIES).where(*still).values(state=given["state"], reason=given["reason"], **values, **free)
    return change, (DELIVERIES.c.id,)


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
