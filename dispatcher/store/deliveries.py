"""Making deliveries in bulk, releasing them, and asking about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, func, insert, literal, or_, select, update

from dispatcher.domain.errors import Invalid
from dispatcher.store.database import Work
from dispatcher.store.records import unique
from dispatcher.store.tables import ATTEMPTS, DELIVERIES, DISPATCHES, HAND_OFFS, OUTBOX, RECIPIENTS

ASKED_BY = {"incident", "plan", "channel", "account", "state", "reason"}


def add(work: Work, common: Mapping[str, Any], recipients: str | None = None) -> int:
    """Write one delivery to the account itself, or one to each recipient of a list; returns their number.

    The database copies a list's rows itself: a million never pass through here. Each gets the id of ``common`` with
    its place in the list.
    """
    if recipients is None:
        work.execute(insert(DELIVERIES).values(destination=common["account"], **common))
        return 1
    columns: dict[str, ColumnElement[Any]] = {
        name: literal(value, DELIVERIES.c[name].type) for name, value in common.items()
    }
    columns["id"] = literal(f"{common['id']}-").concat(cast(RECIPIENTS.c.position, Text))
    own = {"destination": RECIPIENTS.c.leaf, "list": RECIPIENTS.c.list, "position": RECIPIENTS.c.position}
    rows = select(*columns.values(), *own.values()).where(RECIPIENTS.c.list == recipients)
    copied = insert(DELIVERIES).from_select([*columns, *own], rows).execution_options(preserve_rowcount=True)
    written: int = work.execute(copied).rowcount
    return written


def add_dispatch(work: Work, dispatch: Mapping[str, Any], lanes: Iterable[str]) -> None:
    """Write a release, with a doorbell to ring per lane. Takes as long for one delivery as for a million."""
    work.execute(insert(DISPATCHES).values(released_at=work.now, **dispatch))
    add_bells(work, dispatch["id"], dispatch["mode"], lanes)


def add_bells(work: Work, dispatch: str, mode: str, lanes: Iterable[str]) -> None:
    """Have the relay ring these lanes, of which there is at least one."""
    bell = {"mode": mode, "dispatch": dispatch, "created_at": work.now}
    work.execute(insert(OUTBOX), [{"lane": lane, **bell} for lane in lanes])


def add_hand_off(work: Work, **values: Any) -> None:
    """Write down that a packet was issued for a delivery. There is one per delivery."""
    work.execute(insert(HAND_OFFS).values(**values))


def hand_off(work: Work, delivery: str) -> Any | None:
    """The packet that was issued for a delivery, if one was."""
    return work.execute(select(HAND_OFFS).where(HAND_OFFS.c.delivery == delivery)).first()


def find(work: Work, name: str, *, lock: bool = False) -> Any:
    """One delivery by id, or a unique beginning of it; with ``lock``, no other transaction moves it meanwhile."""
    id_ = unique(work, DELIVERIES.c.id, name, "delivery")
    query = select(DELIVERIES).where(DELIVERIES.c.id == id_)
    return work.execute(query.with_for_update() if lock else query).one()


def listed(work: Work, *, limit: int = 200, **wanted: str | None) -> list[Any]:
    """Deliveries whose columns have the wanted values (incident, plan, channel, account, state, reason), newest last.

    Raises Invalid for another column.
    """
    order = (DELIVERIES.c.lane, DELIVERIES.c.account, DELIVERIES.c.id)
    query = select(DELIVERIES).where(*_wanted(wanted)).order_by(*order)
    return list(work.execute(query.limit(limit)).all())


def number(work: Work, **wanted: str | None) -> int:
    """How many there are of those."""
    query = select(func.count()).select_from(DELIVERIES).where(*_wanted(wanted))
    return int(work.execute(query).scalar_one())


def by_ids(work: Work, ids: Iterable[str]) -> list[Any]:
    """These deliveries; no other transaction moves them meanwhile."""
    query = select(DELIVERIES).where(DELIVERIES.c.id.in_(list(ids))).order_by(DELIVERIES.c.id)
    return list(work.execute(query.with_for_update()).all())


def look_now(work: Work, ids: Iterable[str], since: datetime) -> int:
    """Have the reconciler look at those of these that it has looked at already and would look at again later.

    Looks are counted anew, so that no two that count are less than a lag apart. A quiet period is not cut short: it
    is over for what was looked at, and whose last attempt began by ``since``.
    """
    free = or_(DELIVERIES.c.lease_until.is_(None), DELIVERIES.c.lease_until < work.now)
    fresh = exists().where(ATTEMPTS.c.delivery == DELIVERIES.c.id, ATTEMPTS.c.intended_at > since)
    later = (DELIVERIES.c.state == "in_doubt", DELIVERIES.c.looked > 0, DELIVERIES.c.due_at > work.now, free, ~fresh)
    change = update(DELIVERIES).where(DELIVERIES.c.id.in_(list(ids)), *later)
    hastened: int = work.execute(change.values(due_at=work.now, looked=0, absent=0)).rowcount
    return hastened


def attempts(work: Work, delivery: str) -> list[Any]:
    """The attempts at one delivery, in order."""
    query = select(ATTEMPTS).where(ATTEMPTS.c.delivery == delivery).order_by(ATTEMPTS.c.number)
    return list(work.execute(query).all())


def counts(work: Work, plan_digest: str) -> list[tuple[str, str, str, str, int, int]]:
    """Per text, account and state: kind, channel, account, state, deliveries, attempts."""
    by = (DELIVERIES.c.kind, DELIVERIES.c.channel, DELIVERIES.c.account, DELIVERIES.c.state)
    query = select(*by, func.count(), func.coalesce(func.sum(DELIVERIES.c.attempts), 0))
    in_order = (DELIVERIES.c.state, *by[:3])  # as the index has them: a million rows are sorted by nobody
    rows = work.execute(query.where(DELIVERIES.c.plan == plan_digest).group_by(*in_order)).all()
    return sorted(tuple(row) for row in rows)


def reasons(work: Work, plan_digest: str, states: Iterable[str]) -> list[tuple[str, str, str, int]]:
    """Channel, state, reason and number of a plan's deliveries in these states, the most first."""
    by = (DELIVERIES.c.channel, DELIVERIES.c.state, DELIVERIES.c.reason)
    query = select(*by, func.count().label("number"))
    asked = (DELIVERIES.c.plan == plan_digest, DELIVERIES.c.state.in_(list(states)))
    rows = work.execute(query.where(*asked).group_by(*by)).all()
    return sorted((tuple(row) for row in rows), key=lambda row: (-row[3], *row[:3]))


def dispatch_of(work: Work, plan_digest: str) -> Any | None:
    """The dispatch of a plan, once it is released."""
    return work.execute(select(DISPATCHES).where(DISPATCHES.c.plan == plan_digest)).first()


def _wanted(wanted: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
    if unknown := set(wanted) - ASKED_BY:
        raise Invalid(f"deliveries cannot be asked for by {min(unknown)}")
    return [DELIVERIES.c[key] == value for key, value in wanted.items() if value is not None]
