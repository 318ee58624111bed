"""Reading back what happened: ledger entries and attempts, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from dispatcher.store.database import Work
from dispatcher.store.tables import AttemptRow, DeliveryRow, LedgerRow

PAGE = 1_000
LATE_IDS = 10_000
"""PostgreSQL gives an entry its id before its transaction commits: so far below the newest one may still appear."""


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
    query = select(LedgerRow.__table__).where(*_about(incident, kinds)).order_by(LedgerRow.id.desc())
    return list(reversed(work.execute(query.limit(limit)).all()))


def newest_first(
    work: Work,
    *,
    incident: str | None = None,
    kinds: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    names: Sequence[str] = (),
) -> Iterator[Any]:
    """Every ledger entry that fits, the newest first, recorded in [since, until). A page at a time is in memory.

    ``names`` stand in it, wherever: who reads looks at where.
    """
    where = [*_about(incident, kinds), *(_holds(work, name) for name in names)]
    where += [LedgerRow.recorded_at >= since] if since else []
    where += [LedgerRow.recorded_at < until] if until else []
    query = select(LedgerRow.__table__).where(*where).order_by(LedgerRow.id.desc()).limit(PAGE)
    page = work.execute(query).all()
    while page:
        yield from page
        page = work.execute(query.where(LedgerRow.id < page[-1].id)).all() if len(page) == PAGE else []


def ids_above(work: Work, id_: int | None = None) -> set[int]:
    """The ids of the entries as far below ``id_`` as one may still appear, or below the newest, and of all above."""
    newest = id_ if id_ is not None else work.execute(select(func.max(LedgerRow.id))).scalar() or 0
    return set(work.execute(select(LedgerRow.id).where(LedgerRow.id > newest - LATE_IDS)).scalars())


def entries_by_id(work: Work, ids: Iterable[int]) -> Iterator[Any]:
    """These ledger entries, the oldest first."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), PAGE):
        some = LedgerRow.id.in_(ordered[start : start + PAGE])
        yield from work.execute(select(LedgerRow.__table__).where(some).order_by(LedgerRow.id)).all()


def retained(work: Work) -> set[str]:
    """The incidents under a legal hold: those of which the ledger says so last. There is no table of them."""
    kinds = ("incident.retained", "incident.unretained")
    query = select(LedgerRow.incident, LedgerRow.kind).where(LedgerRow.kind.in_(kinds))
    said = dict(work.execute(query.order_by(LedgerRow.id)).all())
    return {incident for incident, kind in said.items() if kind == kinds[0]}


def _holds(work: Work, name: str) -> ColumnElement[bool]:
    """Whether the bytes of an entry hold a name; so that of a million entries few are taken apart."""
    if work.connection.dialect.name == "sqlite":
        return func.instr(LedgerRow.body, name.encode()) > 0
    return LedgerRow.body.bool_op("LIKE")(b"%" + name.replace("_", r"\_").encode() + b"%")


def _about(incident: str | None, kinds: Sequence[str]) -> list[ColumnElement[bool]]:
    where = [] if incident is None else [LedgerRow.incident == incident]
    families = [LedgerRow.kind.startswith(kind, autoescape=True) for kind in kinds if kind.endswith(".")]
    return [*where, or_(LedgerRow.kind.in_(kinds), *families)] if kinds else where


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
