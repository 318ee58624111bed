"""Reading back what happened: ledger entries and attempts, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from dispatcher.store.database import Work
from dispatcher.store.tables import AttemptRow, DeliveryRow, LedgerRow


def entries(
    work: Work, *, limit: int | None = None, incident: str | None = None, kinds: Sequence[str] = (), after: int = 0
) -> list[Any]:
    """The newest ledger entries that fit, oldest first. A kind ending in a dot stands for all that begin so."""
    query = select(LedgerRow.__table__).where(LedgerRow.id > after).order_by(LedgerRow.id.desc())
    if incident is not None:
        query = query.where(LedgerRow.incident == incident)
    if kinds:
        fitting = [
            LedgerRow.kind.startswith(k, autoescape=True) if k.endswith(".") else LedgerRow.kind == k for k in kinds
        ]
        query = query.where(or_(*fitting))
    return list(reversed(work.execute(query.limit(limit) if limit else query).all()))


def deliveries_of(work: Work, incident: str) -> list[Any]:
    """Every delivery of an incident, by lane, account and place in its list."""
    order = (DeliveryRow.lane, DeliveryRow.account, DeliveryRow.plan, DeliveryRow.position, DeliveryRow.id)
    return list(
        work.execute(select(DeliveryRow.__table__).where(DeliveryRow.incident == incident).order_by(*order)).all()
    )


def attempts_of(work: Work, incident: str) -> list[Any]:
    """Every attempt at an incident's deliveries, by delivery and number."""
    query = (
        select(AttemptRow.__table__)
        .join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery)
        .where(DeliveryRow.incident == incident)
        .order_by(AttemptRow.delivery, AttemptRow.number)
    )
    return list(work.execute(query).all())
