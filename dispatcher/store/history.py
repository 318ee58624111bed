"""Reading back what happened: ledger entries and attempts, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from dispatcher.store.database import Work
from dispatcher.store.tables import AttemptRow, DeliveryRow, LedgerRow


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt. ``ended_at`` is None where nobody knows how it ended."""

    number: int
    intended_at: datetime
    ended_at: datetime | None
    verdict: str | None
    code: str
    reason: str
    status: int | None
    reference: str | None
    provider_ms: int | None


def entries(
    work: Work, *, limit: int | None = None, incident: str | None = None, kinds: Sequence[str] = ()
) -> list[Any]:
    """The newest ledger entries that fit, oldest first. A kind ending in a dot stands for all that begin so."""
    query = select(LedgerRow.__table__).order_by(LedgerRow.id.desc()).limit(limit)
    if incident is not None:
        query = query.where(LedgerRow.incident == incident)
    if kinds:
        families = [LedgerRow.kind.startswith(kind, autoescape=True) for kind in kinds if kind.endswith(".")]
        query = query.where(or_(LedgerRow.kind.in_(kinds), *families))
    return list(reversed(work.execute(query).all()))


def deliveries_of(work: Work, incident: str) -> list[Any]:
    """Every delivery of an incident, by lane, account and place in its list."""
    order = (DeliveryRow.lane, DeliveryRow.account, DeliveryRow.plan, DeliveryRow.position, DeliveryRow.id)
    query = select(DeliveryRow.__table__).where(DeliveryRow.incident == incident)
    return list(work.execute(query.order_by(*order)).all())


def last_intent(work: Work, plan_digest: str) -> datetime | None:
    """When the last attempt at a plan's message began, if one did."""
    query = select(func.max(AttemptRow.intended_at)).join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery)
    found: datetime | None = work.execute(
        query.where(DeliveryRow.plan == plan_digest, DeliveryRow.kind == "publish")
    ).scalar()
    return found


def attempts_of(work: Work, incident: str) -> Iterator[tuple[str, Tried]]:
    """Every attempt at an incident's deliveries, by delivery and number."""
    columns = [getattr(AttemptRow, field.name) for field in fields(Tried)]
    query = select(AttemptRow.delivery, *columns).join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery)
    query = query.where(DeliveryRow.incident == incident).order_by(AttemptRow.delivery, AttemptRow.number)
    for delivery, *values in work.execute(query):
        yield delivery, Tried(*values)
