"""Making deliveries in bulk, releasing them, the moves that people sign for, and asking about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, select, update

from dispatcher.domain.errors import Invalid
from dispatcher.store.database import Work
from dispatcher.store.records import unique
from dispatcher.store.tables import AttemptRow, DeliveryRow, DispatchRow, HandOffRow, OutboxRow

BATCH = 1_000


def add(work: Work, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write delivery rows in batches; returns their number. Two lists with one recipient make one delivery."""
    source, count = iter(rows), 0
    seen: set[tuple[str, str]] = set()
    while batch := list(islice(source, BATCH)):
        fresh = []
        for row in batch:
            name = (row["account"], row["destination"])
            if name not in seen:
                seen.add(name)
                fresh.append(row)
        if fresh:
            work.execute(insert(DeliveryRow), fresh)
        count += len(fresh)
    return count


def cancel_unsent(work: Work, plan_digest: str, reason: str) -> int:
    """Cancel what has not begun. What is being sent ends by itself."""
    ids = []
    for state in ("ready", "leased"):
        moved = work.execute(
            update(DeliveryRow)
            .where(DeliveryRow.plan == plan_digest, DeliveryRow.state == state)
            .values(state="cancelled", reason=reason, owner=None, lease_until=None, fence=DeliveryRow.fence + 1)
            .returning(DeliveryRow.id)
        )
        ids += [row[0] for row in moved.all()]
    if ids:
        work.record("deliveries.cancelled", plan=plan_digest, reason=reason, count=len(ids))
    return len(ids)


def add_dispatch(work: Work, dispatch: Mapping[str, Any], lanes: Iterable[str]) -> None:
    """Write a release, with a doorbell to ring per lane. Takes as long for one delivery as for a million."""
    work.execute(insert(DispatchRow).values(released_at=work.now, **dispatch))
    bells = [
        {"lane": lane, "mode": dispatch["mode"], "dispatch": dispatch["id"], "created_at": work.now} for lane in lanes
    ]
    work.execute(insert(OutboxRow), bells)


def move(work: Work, row: Any, target: str, reason: str, actor: str, **values: Any) -> bool:
    """Move a delivery that people signed for. False, recorded and without effect, when it was moved meanwhile."""
    if target == "accepted":
        values["accepted_at"] = work.now
    at = (DeliveryRow.id == row.id, DeliveryRow.state == row.state, DeliveryRow.fence == row.fence)
    free = {"owner": None, "lease_until": None, "leases": 0, "fence": DeliveryRow.fence + 1}
    statement = update(DeliveryRow).where(*at).values(state=target, reason=reason, **free, **values)
    moved: bool = work.execute(statement).rowcount == 1
    work.record(
        "delivery.moved" if moved else "delivery.stale",
        incident=row.incident,
        actor=actor,
        plan=row.plan,
        delivery=row.id,
        channel=row.channel,
        account=row.account,
        source=row.state,
        target=target,
        reason=reason,
    )
    return moved


def add_hand_off(work: Work, **values: Any) -> None:
    """Write down that a packet was issued for a delivery. There is one per delivery."""
    work.execute(insert(HandOffRow).values(**values))


def hand_off(work: Work, delivery: str) -> Any | None:
    """The packet that was issued for a delivery, if one was."""
    return work.execute(select(HandOffRow.__table__).where(HandOffRow.delivery == delivery)).first()


def find(work: Work, name: str, *, lock: bool = False) -> Any:
    """One delivery by id, or a unique beginning of it; with ``lock``, no other transaction moves it meanwhile."""
    id_ = unique(work, DeliveryRow, DeliveryRow.id, name, "delivery")
    query = select(DeliveryRow.__table__).where(DeliveryRow.id == id_)
    return work.execute(query.with_for_update() if lock else query).one()


def listed(work: Work, *, limit: int = 200, **wanted: str | None) -> list[Any]:
    """Deliveries whose columns have the wanted values (incident, plan, channel, account, state), newest last."""
    unknown = set(wanted) - {"incident", "plan", "channel", "account", "state", "lane"}
    if unknown:
        raise Invalid(f"deliveries cannot be asked for by {min(unknown)}")
    where = [getattr(DeliveryRow, key) == value for key, value in wanted.items() if value is not None]
    query = (
        select(DeliveryRow.__table__).where(*where).order_by(DeliveryRow.lane, DeliveryRow.account, DeliveryRow.id)
    )
    return list(work.execute(query.limit(limit)).all())


def attempts(work: Work, delivery: str) -> list[Any]:
    """The attempts at one delivery, in order."""
    query = select(AttemptRow.__table__).where(AttemptRow.delivery == delivery).order_by(AttemptRow.number)
    return list(work.execute(query).all())


def counts(work: Work, plan_digest: str) -> list[tuple[str, str, str, int, int]]:
    """Per account and state: channel, account, state, deliveries, attempts."""
    columns = (DeliveryRow.channel, DeliveryRow.account, DeliveryRow.state)
    query = (
        select(*columns, func.count(), func.coalesce(func.sum(DeliveryRow.attempts), 0))
        .where(DeliveryRow.plan == plan_digest)
        .group_by(*columns)
        .order_by(*columns)
    )
    return [tuple(row) for row in work.execute(query).all()]


def dispatch_of(work: Work, plan_digest: str) -> Any | None:
    """The dispatch of a plan, once it is released."""
    return work.execute(select(DispatchRow.__table__).where(DispatchRow.plan == plan_digest)).first()
