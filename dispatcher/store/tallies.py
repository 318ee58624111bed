"""Counting what became of an incident's deliveries, in the database: a million of them never pass through here.

Durations are milliseconds. Those of many are counted by bucket, of three digits each: none is more than 1 % wide, and
its longest duration is given with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    select,
    union_all,
)

from dispatcher.store.database import Work
from dispatcher.store.queue import RECIPIENTS_LANE
from dispatcher.store.tables import AttemptRow, DeliveryRow, DispatchRow, WayBackRow

PUBLISH = "publish"
TROUBLED = ("rejected", "held", "in_doubt", "missing", "cancelled", "expired", "handed_over")
"""States of a delivery to a recipient that a reviewer asks about."""

DIGITS, STEPS = 1_000, 8
"""Up to so many milliseconds a bucket is 1 ms wide; at each tenfold of that, its width is tenfold too."""

_TEXT = (DeliveryRow.plan, DeliveryRow.channel, DeliveryRow.account, DeliveryRow.kind)


def states(work: Work, incident: str) -> list[Any]:
    """Per plan, channel, account, kind, whether to a list's recipients (``listed``) and state: how many deliveries.

    With the attempts at them, how many took several, the first intent, and the first and the last acceptance.
    """
    listed = (DeliveryRow.lane == RECIPIENTS_LANE).label("listed")
    by = (*_TEXT, listed, DeliveryRow.state)
    query = select(
        *by,
        func.count().label("count"),
        func.sum(DeliveryRow.attempts).label("attempts"),
        func.sum(case((DeliveryRow.attempts > 1, 1), else_=0)).label("retried"),
        func.min(DeliveryRow.first_intent_at).label("first_intent_at"),
        func.min(DeliveryRow.accepted_at).label("first_accepted_at"),
        func.max(DeliveryRow.accepted_at).label("last_accepted_at"),
    )
    return list(work.execute(query.where(DeliveryRow.incident == incident).group_by(*by).order_by(*by)).all())


def answers(work: Work, incident: str) -> list[Any]:
    """Per plan, channel, account, kind, verdict and code: how many attempts, when first and last, and one reason."""
    by = (*_TEXT, AttemptRow.verdict, AttemptRow.code)
    query = select(
        *by,
        func.min(AttemptRow.reason).label("reason"),
        func.count().label("count"),
        func.min(AttemptRow.intended_at).label("first"),
        func.max(AttemptRow.intended_at).label("last"),
    )
    query = query.join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery).where(DeliveryRow.incident == incident)
    return list(work.execute(query.group_by(*by).order_by(*by)).all())


def troubles(work: Work, incident: str, most: int) -> list[Any]:
    """Recipients' deliveries that did not end well, or wait: per text, state and reason, the most frequent first."""
    by = (*_TEXT, DeliveryRow.state, DeliveryRow.reason)
    found = (DeliveryRow.incident == incident, DeliveryRow.lane == RECIPIENTS_LANE, DeliveryRow.state.in_(TROUBLED))
    count = func.count().label("count")
    query = select(*by, count, func.min(DeliveryRow.id).label("example")).where(*found).group_by(*by)
    return list(work.execute(query.order_by(count.desc(), *by).limit(most)).all())


def accepted(work: Work, plan: str, kind: str, start: datetime, step_ms: int) -> list[tuple[str, int, int]]:
    """Per channel and step since ``start``: how many deliveries of one text of a plan were accepted in it."""
    step = (_ms(work, DeliveryRow.accepted_at, literal(start, DeliveryRow.accepted_at.type)) // step_ms).label("step")
    query = select(DeliveryRow.channel, step, func.count())
    query = query.where(DeliveryRow.plan == plan, DeliveryRow.kind == kind, DeliveryRow.accepted_at.is_not(None))
    rows = work.execute(query.group_by(DeliveryRow.channel, step).order_by(DeliveryRow.channel, step)).all()
    return [(channel, int(number), count) for channel, number, count in rows]


def durations(work: Work, incident: str) -> list[tuple[str, str, str, int, int]]:
    """Per channel, kind, part (queue, adapter, platform) and bucket: how many attempts, the longest duration.

    ``queue`` is that of first attempts: from the release, or the order of the way back, to the intent.
    """
    signed_at = case((DeliveryRow.kind == PUBLISH, DispatchRow.released_at), else_=WayBackRow.ordered_at)
    took = func.coalesce(AttemptRow.provider_ms, 0)
    whole = _ms(work, AttemptRow.ended_at, AttemptRow.intended_at)
    waited = case((AttemptRow.number == 1, _ms(work, AttemptRow.intended_at, signed_at)))
    parts: dict[str, ColumnElement[Any]] = {
        "queue": waited,
        "adapter": case((whole > took, whole - took), (whole.is_not(None), 0)),
        "platform": AttemptRow.__table__.c.provider_ms,
    }
    measured = (
        select(DeliveryRow.channel, DeliveryRow.kind, *(part.label(name) for name, part in parts.items()))
        .join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery)
        .outerjoin(DispatchRow, DispatchRow.plan == DeliveryRow.plan)
        .outerjoin(WayBackRow, and_(WayBackRow.plan == DeliveryRow.plan, WayBackRow.kind == DeliveryRow.kind))
        .where(DeliveryRow.incident == incident)
        .cte("measured")
    )
    counted = []
    for name in parts:
        taken = measured.c[name]
        bucket = _bucket(taken)
        by = (measured.c.channel, measured.c.kind)
        query = select(
            *by, literal(name).label("part"), func.count().label("count"), func.max(taken).label("longest")
        )
        counted.append(query.where(taken.is_not(None)).group_by(*by, bucket))
    rows = work.execute(union_all(*counted).order_by("channel", "kind", "part", "longest")).all()
    return [(channel, kind, part, count, max(0, int(longest))) for channel, kind, part, count, longest in rows]


def _bucket(taken: Any) -> ColumnElement[Any]:
    """The duration with all but its first digits made zero."""
    *shorter, longest = (10**power for power in range(STEPS))
    return case(
        *((taken < DIGITS * step, taken // step * step) for step in shorter), else_=taken // longest * longest
    )


def _ms(work: Work, later: Any, earlier: Any) -> ColumnElement[Any]:
    """Whole milliseconds between two times."""
    if work.connection.dialect.name == "sqlite":
        days = func.julianday(later) - func.julianday(earlier)
        return cast(func.round(days * 86_400_000), Integer)
    return cast(extract("epoch", later - earlier) * 1_000, BigInteger)
