"""Reading back what happened: ledger entries and attempts, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from channels.registry import Lane
from dispatcher.store.database import Work
from dispatcher.store.tables import ATTEMPTS, DELIVERIES, LEDGER

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
    query = select(LEDGER).where(*_about(incident, kinds)).order_by(LEDGER.c.id.desc())
    return list(reversed(work.execute(query.limit(limit)).all()))


def newest_first(
    work: Work,
    *,
    incident: str | None = None,
    kinds: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    names: Sequence[str] = (),
    ids: range | None = None,
) -> Iterator[Any]:
    """Every ledger entry that fits, the newest first, recorded in [since, until). A page at a time is in memory.

    ``names`` stand in it, wherever: who reads looks at where. ``ids`` bounds what the database looks through.
    """
    where = [*_about(incident, kinds), *(_holds(work, name) for name in names)]
    where += [LEDGER.c.id >= ids.start, LEDGER.c.id < ids.stop] if ids is not None else []
    where += [LEDGER.c.recorded_at >= since] if since else []
    where += [LEDGER.c.recorded_at < until] if until else []
    query = select(LEDGER).where(*where).order_by(LEDGER.c.id.desc()).limit(PAGE)
    page = work.execute(query).all()
    while page:
        yield from page
        page = work.execute(query.where(LEDGER.c.id < page[-1].id)).all() if len(page) == PAGE else []


def newest_id(work: Work) -> int:
    """The id of the newest entry; 0 where there is none."""
    return int(work.execute(select(func.max(LEDGER.c.id))).scalar() or 0)


def id_at(work: Work, moment: datetime) -> int:
    """About the id of the first entry recorded from ``moment`` on; true to LATE_IDS, in some twenty look-ups.

    Entries are recorded in the order of their ids but for those of transactions that ran at the same time.
    """
    low, high = 0, newest_id(work) + 1
    while low < high:
        middle = (low + high) // 2
        query = select(LEDGER.c.id, LEDGER.c.recorded_at).where(LEDGER.c.id >= middle).order_by(LEDGER.c.id)
        row = work.execute(query.limit(1)).first()
        if row is None or row.recorded_at >= moment:
            high = middle
        else:
            low = row.id + 1
    return low


def ids_above(work: Work, id_: int | None = None) -> set[int]:
    """The ids of the entries as far below ``id_`` as one may still appear, or below the newest, and of all above."""
    newest = id_ if id_ is not None else work.execute(select(func.max(LEDGER.c.id))).scalar() or 0
    return set(work.execute(select(LEDGER.c.id).where(LEDGER.c.id > newest - LATE_IDS)).scalars())


def entries_by_id(work: Work, ids: Iterable[int]) -> Iterator[Any]:
    """These ledger entries, the oldest first."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), PAGE):
        some = LEDGER.c.id.in_(ordered[start : start + PAGE])
        yield from work.execute(select(LEDGER).where(some).order_by(LEDGER.c.id)).all()


def retained(work: Work) -> set[str]:
    """The incidents under a legal hold: those of which the ledger says so last. There is no table of them."""
    kinds = ("incident.retained", "incident.unretained")
    query = select(LEDGER.c.incident, LEDGER.c.kind).where(LEDGER.c.kind.in_(kinds))
    said = dict(work.execute(query.order_by(LEDGER.c.id)).all())
    return {incident for incident, kind in said.items() if kind == kinds[0]}


def _holds(work: Work, name: str) -> ColumnElement[bool]:
    """Whether the bytes of an entry hold a name; so that of a million entries few are taken apart."""
    if work.dialect == "sqlite":
        return func.instr(LEDGER.c.body, name.encode()) > 0
    return LEDGER.c.body.bool_op("LIKE")(b"%" + name.replace("_", r"\_").encode() + b"%")


def _about(incident: str | None, kinds: Sequence[str]) -> list[ColumnElement[bool]]:
    where = [] if incident is None else [LEDGER.c.incident == incident]
    return [*where, _of(kinds)] if kinds else where


def each(work: Work, incident: str, kinds: Sequence[str]) -> Iterator[Any]:
    """Every ledger entry of an incident of these kinds, oldest first, however many: they are never all in memory."""
    query = select(LEDGER).where(LEDGER.c.incident == incident, _of(kinds)).order_by(LEDGER.c.id)
    return iter(work.execute(query.execution_options(yield_per=PAGE)))


def counted(work: Work, incident: str) -> dict[str, int]:
    """How many entries of each kind an incident has."""
    query = select(LEDGER.c.kind, func.count()).where(LEDGER.c.incident == incident).group_by(LEDGER.c.kind)
    return dict(work.execute(query.order_by(LEDGER.c.kind)).all())


def posts_of(work: Work, incident: str, mode: str) -> list[Any]:
    """Every delivery of an incident to an account itself, by lane, account and plan."""
    order = (DELIVERIES.c.lane, DELIVERIES.c.account, DELIVERIES.c.plan, DELIVERIES.c.id)
    query = select(DELIVERIES).where(DELIVERIES.c.incident == incident, *_posts(mode))
    return list(work.execute(query.order_by(*order)).all())


def attempts_of(work: Work, incident: str, mode: str) -> Iterator[tuple[str, Tried]]:
    """Every attempt at these, by delivery and number."""
    columns = [ATTEMPTS.c[field.name] for field in fields(Tried)]
    query = select(ATTEMPTS.c.delivery, *columns).join(DELIVERIES, DELIVERIES.c.id == ATTEMPTS.c.delivery)
    query = query.where(DELIVERIES.c.incident == incident, *_posts(mode))
    for delivery, *values in work.execute(query.order_by(ATTEMPTS.c.delivery, ATTEMPTS.c.number)):
        yield delivery, Tried(*values)


def _posts(mode: str) -> tuple[ColumnElement[bool], ...]:
    """By lane, which its index knows, because a million recipients may lie among them."""
    lanes = [str(lane) for lane in Lane if lane is not Lane.RECIPIENTS]
    return DELIVERIES.c.lane.in_(lanes), DELIVERIES.c.mode == mode, DELIVERIES.c.list.is_(None)


def _of(kinds: Sequence[str]) -> ColumnElement[bool]:
    families = [LEDGER.c.kind.startswith(kind, autoescape=True) for kind in kinds if kind.endswith(".")]
    return or_(LEDGER.c.kind.in_(kinds), *families)
