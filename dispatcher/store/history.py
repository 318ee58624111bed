"""Reading back what happened: ledger entries and attempts, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from channels.registry import Lane
from dispatcher.store.database import Work
from dispatcher.store.tables import AttemptRow, DeliveryRow, LedgerRow

READ_AT_ONCE = 1_000


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
        query = query.where(_of(kinds))
    return list(reversed(work.execute(query).all()))


def each(work: Work, incident: str, kinds: Sequence[str]) -> Iterator[Any]:
    """Every ledger entry of an incident of these kinds, oldest first, however many: they are never all in memory."""
    query = select(LedgerRow.__table__).where(LedgerRow.incident == incident, _of(kinds)).order_by(LedgerRow.id)
    return iter(work.execute(query.execution_options(yield_per=READ_AT_ONCE)))


def counted(work: Work, incident: str) -> dict[str, int]:
    """How many entries of each kind an incident has."""
    query = select(LedgerRow.kind, func.count()).where(LedgerRow.incident == incident).group_by(LedgerRow.kind)
    return dict(work.execute(query.order_by(LedgerRow.kind)).all())


def posts_of(work: Work, incident: str, mode: str) -> list[Any]:
    """Every delivery of an incident to an account itself, by lane, account and plan."""
    order = (DeliveryRow.lane, DeliveryRow.account, DeliveryRow.plan, DeliveryRow.id)
    query = select(DeliveryRow.__table__).where(DeliveryRow.incident == incident, *_posts(mode))
    return list(work.execute(query.order_by(*order)).all())


def attempts_of(work: Work, incident: str, mode: str) -> Iterator[tuple[str, Tried]]:
    """Every attempt at these, by delivery and number."""
    columns = [getattr(AttemptRow, field.name) for field in fields(Tried)]
    query = select(AttemptRow.delivery, *columns).join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery)
    query = query.where(DeliveryRow.incident == incident, *_posts(mode))
    for delivery, *values in work.execute(query.order_by(AttemptRow.delivery, AttemptRow.number)):
        yield delivery, Tried(*values)


def _posts(mode: str) -> tuple[ColumnElement[bool], ...]:
    """By lane, which its index knows, because a million recipients may lie among them."""
    lanes = [str(lane) for lane in Lane if lane is not Lane.RECIPIENTS]
    return DeliveryRow.lane.in_(lanes), DeliveryRow.mode == mode, DeliveryRow.list.is_(None)


def _of(kinds: Sequence[str]) -> ColumnElement[bool]:
    families = [LedgerRow.kind.startswith(kind, autoescape=True) for kind in kinds if kind.endswith(".")]
    return or_(LedgerRow.kind.in_(kinds), *families)
