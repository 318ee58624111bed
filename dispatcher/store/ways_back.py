"""The way back in the store: for all that a plan put out, a delivery of the armed text, or a task for a person.

Rules (reference: platforms 0.3)
  1. A delivery of the way back is made once its original was accepted, whichever came first: nothing is corrected
     that may still fail, and no channel waits for another. Where whoever was handed something may act before they
     confirm (an agency with its order), it is made as soon as it was handed over.
  2. Where a platform lets no machine do it, or not with the account's token, there is one task for each account, and
     none for each recipient. The same where it was left to the machine, and the platform would not.
  3. Making them is repeatable: who follows again finds what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, exists, func, insert, literal, select, update

from channels import registry
from dispatcher.domain.message import DELIVERED_AS, TextKind
from dispatcher.store import accounts
from dispatcher.store.database import Work
from dispatcher.store.records import unique
from dispatcher.store.sweep import OPEN
from dispatcher.store.tables import DELIVERIES, TASKS, WAYS_BACK

MOST = 10_000
"""Deliveries made in one turn, so that others can write in between."""

PUBLIC = ("accepted", "visible", "missing")
"""States of what was public once: who read it should read what mends it, though it is gone."""

HANDED_OVER = "handed_over"
FAILED = ("rejected", "expired")
_SAME = ("plan", "incident", "mode", "lane", "channel", "account", "destination", "list", "position")


def order(work: Work, **values: Any) -> int:
    """Write an order down, and make what is due by it; returns how much that was.

    There is one for each kind of text of a plan. Ordered again for accounts that were not clear at first, it is the
    same order with these besides.
    """
    at = and_(WAYS_BACK.c.plan == values["plan"], WAYS_BACK.c.kind == values["kind"])
    known = work.execute(select(WAYS_BACK.c.renderings).where(at)).scalar_one_or_none()
    if known is None:
        work.execute(insert(WAYS_BACK).values(ordered_at=work.now, **values))
    else:
        renderings = {**known, **values["renderings"]}
        work.execute(update(WAYS_BACK).where(at).values(renderings=renderings, ended_at=None))
    return _followed(work, work.execute(select(WAYS_BACK).where(at)).one())


def of(work: Work, plan: str) -> list[Any]:
    """The orders of a plan, the oldest first."""
    query = select(WAYS_BACK).where(WAYS_BACK.c.plan == plan).order_by(WAYS_BACK.c.ordered_at)
    return list(work.execute(query).all())


def follow(work: Work, mode: str) -> int:
    """Make what is due by a mode's orders that have not ended; returns how much that was."""
    wanted = (WAYS_BACK.c.ended_at.is_(None), WAYS_BACK.c.mode == mode)
    return sum(_followed(work, way) for way in work.execute(select(WAYS_BACK).where(*wanted)).all())


def task(work: Work, name: str) -> Any:
    """One task by id, or a unique beginning of it, with the delivery that it is about. Raises NotFound, Invalid."""
    id_ = unique(work, TASKS.c.id, name, "task")
    return work.execute(_tasks().where(TASKS.c.id == id_)).one()


def tasks(work: Work, *, open_only: bool = True, plan: str | None = None) -> list[Any]:
    """Tasks with the deliveries that they are about, the oldest first."""
    wanted: list[ColumnElement[bool]] = [TASKS.c.done_at.is_(None)] if open_only else []
    wanted += [TASKS.c.plan == plan] if plan else []
    return list(work.execute(_tasks().where(*wanted).order_by(TASKS.c.opened_at, TASKS.c.id)).all())


def done(work: Work, task_id: str, person: str, note: str) -> bool:
    """Write down who did a task; False where that is written already."""
    still = update(TASKS).where(TASKS.c.id == task_id, TASKS.c.done_at.is_(None))
    ended: bool = work.execute(still.values(done_at=work.now, done_by=person, note=note)).rowcount == 1
    return ended


def _tasks() -> Any:
    about = (DELIVERIES.c.mode, DELIVERIES.c.channel, DELIVERIES.c.account, DELIVERIES.c.reference, DELIVERIES.c.url)
    return select(*TASKS.c, *about, DELIVERIES.c.list).join(DELIVERIES, DELIVERIES.c.id == TASKS.c.delivery)


def _followed(work: Work, way: Any) -> int:
    made, delivered_as = 0, DELIVERED_AS[TextKind(way.kind)]
    for account, channel in _waiting(work, way):
        if registry.left_to_people(channel, delivered_as, accounts.row(work, account).settings):
            made += _task(work, way, account, _out(channel))
        else:
            made += _deliveries(work, way, account, _out(channel))
    made += sum(_open_task(work, way, account, original) for account, original in _failed(work, way))
    if not made and not _to_come(work, way):
        at = and_(WAYS_BACK.c.plan == way.plan, WAYS_BACK.c.kind == way.kind)
        work.execute(update(WAYS_BACK).where(at).values(ended_at=work.now))
    return made


def _waiting(work: Work, way: Any) -> list[tuple[str, str]]:
    """Accounts with something public that nothing follows yet, each with its channel."""
    query = select(DELIVERIES.c.account, DELIVERIES.c.channel, DELIVERIES.c.state).where(*_unfollowed(way)).distinct()
    rows = work.execute(query.order_by(DELIVERIES.c.account)).all()
    out = {(row.account, row.channel): None for row in rows if row.state in _out(row.channel)}
    return [(account, channel) for account, channel in out if account in way.renderings]


def _out(channel: str) -> tuple[str, ...]:
    """The states in which what left on a channel may have been acted on."""
    return (*PUBLIC, HANDED_OVER) if registry.acts_unconfirmed(channel) else PUBLIC


def _unfollowed(way: Any, states: Sequence[str] = (*PUBLIC, HANDED_OVER)) -> tuple[Any, ...]:
    later = DELIVERIES.alias().c
    same = (later.plan == DELIVERIES.c.plan, later.account == DELIVERIES.c.account, later.kind == way.kind)
    told = exists().where(*same, later.destination == DELIVERIES.c.destination)
    public = (DELIVERIES.c.plan == way.plan, DELIVERIES.c.kind == "publish", DELIVERIES.c.state.in_(states))
    return (*public, ~told, DELIVERIES.c.account.not_in(_tasked(way)))


def _tasked(way: Any) -> Select[Any]:
    """The accounts that a task of this order is about."""
    about = DELIVERIES.alias().c
    tasks_of = (TASKS.c.plan == way.plan, TASKS.c.kind == way.kind)
    return select(about.account).join(TASKS, TASKS.c.delivery == about.id).where(*tasks_of)


def _failed(work: Work, way: Any) -> list[tuple[str, str]]:
    """Accounts where a machine tried in vain, each with the delivery that was to be mended. One number is none."""
    of_way = (DELIVERIES.c.plan == way.plan, DELIVERIES.c.kind == way.kind, DELIVERIES.c.list.is_(None))
    vain = (*of_way, DELIVERIES.c.state.in_(FAILED), DELIVERIES.c.account.not_in(_tasked(way)))
    query = select(DELIVERIES.c.account, DELIVERIES.c.id).where(*vain).order_by(DELIVERIES.c.account)
    return [(row.account, row.id.removesuffix(f"-{way.kind}")) for row in work.execute(query).all()]


def _deliveries(work: Work, way: Any, account: str, states: Sequence[str]) -> int:
    set_: dict[str, Any] = {
        "kind": way.kind,
        "rendering": way.renderings[account],
        "due_at": work.now,
        "expires_at": way.expires_at,
    }
    columns: dict[str, ColumnElement[Any]] = {
        name: literal(value, DELIVERIES.c[name].type) for name, value in {**_FRESH, **set_}.items()
    }
    columns |= {name: DELIVERIES.c[name] for name in _SAME}
    columns["id"] = DELIVERIES.c.id.concat(literal(f"-{way.kind}", Text()))
    columns["original"] = cast(DELIVERIES.c.reference, Text)
    rows = select(*columns.values()).where(*_unfollowed(way, states), DELIVERIES.c.account == account)
    rows = rows.order_by(DELIVERIES.c.id).limit(MOST)
    copied = insert(DELIVERIES).from_select(list(columns), rows).execution_options(preserve_rowcount=True)
    made: int = work.execute(copied).rowcount
    about = {"account": account, "text": way.kind, "count": made}
    work.record("way_back.followed", incident=way.incident, plan=way.plan, **about)
    return made


_FRESH: Mapping[str, Any] = {
    "state": "ready",
    "reason": "",
    **dict.fromkeys(("fence", "attempts", "failures", "leases", "looked", "absent"), 0),
}


def _task(work: Work, way: Any, account: str, states: Sequence[str]) -> int:
    first = select(func.min(DELIVERIES.c.id)).where(*_unfollowed(way, states), DELIVERIES.c.account == account)
    return _open_task(work, way, account, work.execute(first).scalar_one())


def _open_task(work: Work, way: Any, account: str, delivery: str) -> int:
    id_ = f"tsk-{delivery.partition('-')[2]}-{way.kind}"
    row = {"id": id_, "delivery": delivery, "kind": way.kind, "incident": way.incident, "plan": way.plan}
    work.execute(insert(TASKS).values(**row, rendering=way.renderings[account], opened_at=work.now, note=""))
    about = {"task": id_, "account": account, "text": way.kind}
    work.record("task.opened", incident=way.incident, plan=way.plan, delivery=delivery, **about)
    return 1


def _to_come(work: Work, way: Any) -> bool:
    """Whether something of the plan may still become public, or a machine is still mending it."""
    of_plan = (DELIVERIES.c.plan == way.plan, DELIVERIES.c.kind.in_(("publish", way.kind)))
    still = select(DELIVERIES.c.id).where(*of_plan, DELIVERIES.c.state.in_(OPEN)).limit(1)
    return work.execute(still).first() is not None
