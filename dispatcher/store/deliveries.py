"""Making deliveries in bulk, and asking about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, select, update

from dispatcher.domain.errors import Invalid
from dispatcher.store.database import Work
from dispatcher.store.records import unique
from dispatcher.store.tables import AttemptRow, DeliveryRow, DispatchRow

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


def find(work: Work, name: str) -> Any:
    """One delivery by id, or a unique beginning of it."""
    id_ = unique(work, DeliveryRow, DeliveryRow.id, name, "delivery")
    return work.execute(select(DeliveryRow.__table__).where(DeliveryRow.id == id_)).one()


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
