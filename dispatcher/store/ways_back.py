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
from sqlalchemy.orm import aliased

from channels import registry
from dispatcher.domain.message import DELIVERED_AS, TextKind
from dispatcher.store import accounts
from dispatcher.store.database import Work
from dispatcher.store.records import unique
from dispatcher.store.sweep import OPEN
from dispatcher.store.tables import DeliveryRow, TaskRow, WayBackRow

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
    at = and_(WayBackRow.plan == values["plan"], WayBackRow.kind == values["kind"])
    known = work.execute(select(WayBackRow.renderings).where(at)).scalar_one_or_none()
    if known is None:
        work.execute(insert(WayBackRow).values(ordered_at=work.now, **values))
    else:
        renderings = {**known, **values["renderings"]}
        work.execute(update(WayBackRow).where(at).values(renderings=renderings, ended_at=None))
    return _followed(work, work.execute(select(WayBackRow.__table__).where(at)).one())


def of(work: Work, plan: str) -> list[Any]:
    """The orders of a plan, the oldest first."""
    query = select(WayBackRow.__table__).where(WayBackRow.plan == plan).order_by(WayBackRow.ordered_at)
    return list(work.execute(query).all())


def follow(work: Work, mode: str) -> int:
    """Make what is due by a mode's orders that have not ended; returns how much that was."""
    wanted = (WayBackRow.ended_at.is_(None), WayBackRow.mode == mode)
    return sum(_followed(work, way) for way in work.execute(select(WayBackRow.__table__).where(*wanted)).all())


def task(work: Work, name: str) -> Any:
    """One task by id, or a unique beginning of it, with the delivery that it is about. Raises NotFound, Invalid."""
    id_ = unique(work, TaskRow.id, name, "task")
    return work.execute(_tasks().where(TaskRow.id == id_)).one()


def tasks(work: Work, *, open_only: bool = True, plan: str | None = None) -> list[Any]:
    """Tasks with the deliveries that they are about, the oldest first."""
    wanted: list[ColumnElement[bool]] = [TaskRow.done_at.is_(None)] if open_only else []
    wanted += [TaskRow.plan == plan] if plan else []
    return list(work.execute(_tasks().where(*wanted).order_by(TaskRow.opened_at, TaskRow.id)).all())


def done(work: Work, task_id: str, person: str, note: str) -> bool:
    """Write down who did a task; False where that is written already."""
    still = update(TaskRow).where(TaskRow.id == task_id, TaskRow.done_at.is_(None))
    ended: bool = work.execute(still.values(done_at=work.now, done_by=person, note=note)).rowcount == 1
    return ended


def _tasks() -> Any:
    about = (DeliveryRow.mode, DeliveryRow.channel, DeliveryRow.account, DeliveryRow.reference, DeliveryRow.url)
    return select(*TaskRow.__table__.c, *about, DeliveryRow.list).join(
        DeliveryRow, DeliveryRow.id == TaskRow.delivery
    )


def _followed(work: Work, way: Any) -> int:
    made, delivered_as = 0, DELIVERED_AS[TextKind(way.kind)]
    for account, channel in _waiting(work, way):
        if registry.left_to_people(channel, delivered_as, accounts.row(work, account).settings):
            made += _task(work, way, account, _out(channel))
        else:
            made += _deliveries(work, way, account, _out(channel))
    made += sum(_open_task(work, way, account, original) for account, original in _failed(work, way))
    if not made and not _to_come(work, way):
        at = and_(WayBackRow.plan == way.plan, WayBackRow.kind == way.kind)
        work.execute(update(WayBackRow).where(at).values(ended_at=work.now))
    return made


def _waiting(work: Work, way: Any) -> list[tuple[str, str]]:
    """Accounts with something public that nothing follows yet, each with its channel."""
    query = select(DeliveryRow.account, DeliveryRow.channel, DeliveryRow.state).where(*_unfollowed(way)).distinct()
    rows = work.execute(query.order_by(DeliveryRow.account)).all()
    out = {(row.account, row.channel): None for row in rows if row.state in _out(row.channel)}
    return [(account, channel) for account, channel in out if account in way.renderings]


def _out(channel: str) -> tuple[str, ...]:
    """The states in which what left on a channel may have been acted on."""
    return (*PUBLIC, HANDED_OVER) if registry.acts_unconfirmed(channel) else PUBLIC


def _unfollowed(way: Any, states: Sequence[str] = (*PUBLIC, HANDED_OVER)) -> tuple[Any, ...]:
    later = aliased(DeliveryRow)
    same = (later.plan == DeliveryRow.plan, later.account == DeliveryRow.account, later.kind == way.kind)
    told = exists().where(*same, later.destination == DeliveryRow.destination)
    public = (DeliveryRow.plan == way.plan, DeliveryRow.kind == "publish", DeliveryRow.state.in_(states))
    return (*public, ~told, DeliveryRow.account.not_in(_tasked(way)))


def _tasked(way: Any) -> Select[Any]:
    """The accounts that a task of this order is about."""
    about = aliased(DeliveryRow)
    tasks_of = (TaskRow.plan == way.plan, TaskRow.kind == way.kind)
    return select(about.account).join(TaskRow, TaskRow.delivery == about.id).where(*tasks_of)


def _failed(work: Work, way: Any) -> list[tuple[str, str]]:
    """Accounts where a machine tried in vain, each with the delivery that was to be mended. One number is none."""
    of_way = (DeliveryRow.plan == way.plan, DeliveryRow.kind == way.kind, DeliveryRow.list.is_(None))
    vain = (*of_way, DeliveryRow.state.in_(FAILED), DeliveryRow.account.not_in(_tasked(way)))
    rows = work.execute(select(DeliveryRow.account, DeliveryRow.id).where(*vain).order_by(DeliveryRow.account)).all()
    return [(row.account, row.id.removesuffix(f"-{way.kind}")) for row in rows]


def _deliveries(work: Work, way: Any, account: str, states: Sequence[str]) -> int:
    set_: dict[str, Any] = {
        "kind": way.kind,
        "rendering": way.renderings[account],
        "due_at": work.now,
        "expires_at": way.expires_at,
    }
    columns: dict[str, ColumnElement[Any]] = {
        name: literal(value, DeliveryRow.__table__.c[name].type) for name, value in {**_FRESH, **set_}.items()
    }
    columns |= {name: getattr(DeliveryRow, name) for name in _SAME}
    columns["id"] = DeliveryRow.id.concat(literal(f"-{way.kind}", Text()))
    columns["original"] = cast(DeliveryRow.reference, Text)
    rows = select(*columns.values()).where(*_unfollowed(way, states), DeliveryRow.account == account)
    rows = rows.order_by(DeliveryRow.id).limit(MOST)
    copied = insert(DeliveryRow).from_select(list(columns), rows).execution_options(preserve_rowcount=True)
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
    first = select(func.min(DeliveryRow.id)).where(*_unfollowed(way, states), DeliveryRow.account == account)
    return _open_task(work, way, account, work.execute(first).scalar_one())


def _open_task(work: Work, way: Any, account: str, delivery: str) -> int:
    id_ = f"tsk-{delivery.partition('-')[2]}-{way.kind}"
    row = {"id": id_, "delivery": delivery, "kind": way.kind, "incident": way.incident, "plan": way.plan}
    work.execute(insert(TaskRow).values(**row, rendering=way.renderings[account], opened_at=work.now, note=""))
    about = {"task": id_, "account": account, "text": way.kind}
    work.record("task.opened", incident=way.incident, plan=way.plan, delivery=delivery, **about)
    return 1


def _to_come(work: Work, way: Any) -> bool:
    """Whether something of the plan may still become public, or a machine is still mending it."""
    of_plan = (DeliveryRow.plan == way.plan, DeliveryRow.kind.in_(("publish", way.kind)))
    still = select(DeliveryRow.id).where(*of_plan, DeliveryRow.state.in_(OPEN)).limit(1)
    return work.execute(still).first() is not None
