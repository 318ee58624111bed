"""Which deliveries a process takes: what is due, of what it holds, and of what is not shut.

Rules
  1. Leases and due times are judged by the database's time alone.
  2. Each lease has an owner of its own (process and lease number) and raises the row's fence; whoever comes later
     with an older fence changes nothing (``dispatcher.store.queue``).
  3. Of several hosts, each leases what it holds the credential for. What has been due for a whole lease is anybody's:
     whoever holds it is gone, and another's sender refuses it, so that people see it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)

from dispatcher.store.columns import UtcTime
from dispatcher.store.database import Work
from dispatcher.store.given import GIVEN, as_given, given_rows, rows_of
from dispatcher.store.tables import ACCOUNTS, DELIVERIES, DISPATCHES, PLANS, WAYS_BACK

RECIPIENTS_LANE = "recipients"


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


JOINED = ("intended_at", "dispatch", "route", "traceparent")
"""What of a lease stands in other tables than the deliveries."""

NOW, SINCE = bindparam("now", type_=UtcTime), bindparam("since", type_=UtcTime)
_COLUMNS = [DELIVERIES.c[name] for name in Leased.__slots__ if name not in JOINED]


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
    asked = _asked(work, limit, lease_for, held)
    due = _due(work.dialect, lane, mode, "ready", held is not None)
    if shut != NOTHING_SHUT:
        due = due.where(*_open(work, lane, mode, shut, asked))
    return _own(work, rows_of(work, due, asked), owner, lease_for, to="leased")


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
    due = _due(work.dialect, lane, mode, "in_doubt", held is not None)
    rows = rows_of(work, due, _asked(work, limit, lease_for, held))
    return _own(work, rows, owner, lease_for, to="in_doubt")


def _asked(work: Work, limit: int, lease_for: timedelta, held: frozenset[str] | None) -> dict[str, Any]:
    """What the statements that take deliveries are asked with."""
    asked = {"now": work.now, "most": limit, "since": work.now - lease_for, "held": None}
    if held is not None:
        asked["held"] = _named(held) if work.dialect == "sqlite" else sorted(held)
    return asked


def _open(work: Work, lane: str, mode: str, shut: Shut, asked: Mapping[str, Any]) -> Sequence[ColumnElement[bool]]:
    """What keeps shut deliveries from being leased. Where a million of them may wait, none of them is even read."""
    if lane != RECIPIENTS_LANE:
        return DELIVERIES.c.channel.not_in(shut.channels), DELIVERIES.c.account.not_in(shut.accounts)
    of_account = (DELIVERIES.c.plan == DISPATCHES.c.plan, DELIVERIES.c.account == ACCOUNTS.c.id)
    ready = DELIVERIES.c.state == literal_column("'ready'")  # as its index has it
    oldest = select(func.min(DELIVERIES.c.due_at)).where(*of_account, ready).scalar_subquery()
    ours = _ours(work.dialect, lane, ACCOUNTS.c.id, oldest) if asked["held"] is not None else true()
    found = work.execute(
        select(DISPATCHES.c.plan, ACCOUNTS.c.id)
        .join(ACCOUNTS, ACCOUNTS.c.mode == DISPATCHES.c.mode)
        .where(ACCOUNTS.c.lane == lane, ACCOUNTS.c.mode == mode, oldest <= NOW)
        .where(ACCOUNTS.c.channel.not_in(shut.channels), ACCOUNTS.c.id.not_in(shut.accounts))
        .where(ours)
        .order_by(oldest)
        .limit(1),
        asked,
    ).first()
    return (false(),) if found is None else (DELIVERIES.c.plan == found[0], DELIVERIES.c.account == found[1], ready)


def _ours(dialect: str, lane: str, account: Any, due_at: Any) -> ColumnElement[bool]:
    """Of accounts that whoever leases holds, however many.

    A post that nobody took for a lease's time is anybody's, so that somebody says why it waits. Recipients are many,
    and a host that is busy with them has not let go of them.
    """
    overdue = and_(due_at <= SINCE, DISPATCHES.c.released_at <= SINCE) if lane != RECIPIENTS_LANE else false()
    if dialect == "sqlite":
        names = func.json_each(bindparam("held", type_=Text)).table_valued("value").c.value
        return or_(account.in_(select(names)), overdue)
    return or_(account == any_(bindparam("held", type_=ARRAY(Text))), overdue)


@lru_cache(maxsize=4)
def _named(held: frozenset[str]) -> str:
    """The accounts that a process holds, as a statement is given them; it asks for thousands again and again."""
    return json.dumps(sorted(held))


@cache
def _due(dialect: str, lane: str, mode: str, state: str, of_ours: bool) -> Select[Any]:
    """The deliveries of a lane that are due, the oldest first, with what else a lease knows of them."""
    signed_at = func.coalesce(WAYS_BACK.c.ordered_at, DISPATCHES.c.released_at, type_=DISPATCHES.c.released_at.type)
    joined = (signed_at, DISPATCHES.c.id, ACCOUNTS.c.settings["route"].as_string(), DISPATCHES.c.traceparent)
    due = (
        select(*_COLUMNS, *joined)
        .join(DISPATCHES, DISPATCHES.c.plan == DELIVERIES.c.plan)
        .outerjoin(ACCOUNTS, ACCOUNTS.c.id == DELIVERIES.c.account)
        .outerjoin(WAYS_BACK, and_(WAYS_BACK.c.plan == DELIVERIES.c.plan, WAYS_BACK.c.kind == DELIVERIES.c.kind))
        .where(DELIVERIES.c.lane == lane, DELIVERIES.c.mode == mode, DELIVERIES.c.state == state)
        .where(DELIVERIES.c.due_at <= NOW)
        .order_by(DELIVERIES.c.due_at, DELIVERIES.c.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True, of=DELIVERIES)
    )
    if state == "in_doubt":  # which it stays while somebody looks
        due = due.where(or_(DELIVERIES.c.lease_until.is_(None), DELIVERIES.c.lease_until < NOW))
    return due.where(_ours(dialect, lane, DELIVERIES.c.account, DELIVERIES.c.due_at)) if of_ours else due


def _own(work: Work, rows: Sequence[Any], owner: str, lease_for: timedelta, *, to: str) -> list[Leased]:
    """Make leases of rows that this transaction has locked."""
    if not rows:
        return []
    ids = as_given(({"id": row[0]} for row in rows), work.dialect)
    work.execute(_owning(work.dialect), {GIVEN: ids, "to": to, "by": owner, "until": work.now + lease_for})
    return [Leased(id_, fence + 1, *rest) for id_, fence, *rest in rows]


@cache
def _owning(dialect: str) -> Any:
    """By their ids alone, or SQLite would look up the state."""
    ours = DELIVERIES.c.id == given_rows(dialect, DELIVERIES, ("id",))["id"]
    until = bindparam("until", type_=UtcTime)
    lease = {"state": bindparam("to"), "owner": bindparam("by"), "lease_until": until}
    counted = {"fence": DELIVERIES.c.fence + 1, "leases": DELIVERIES.c.leases + 1}
    return update(DELIVERIES).where(ours).values(**lease, **counted)
