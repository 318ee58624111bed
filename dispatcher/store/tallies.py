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
from dispatcher.store.leasing import RECIPIENTS_LANE
from dispatcher.store.tables import ATTEMPTS, DELIVERIES, DISPATCHES, WAYS_BACK

PUBLISH = "publish"
TROUBLED = ("rejected", "held", "in_doubt", "missing", "cancelled", "expired", "handed_over")
"""States of a delivery to a recipient that a reviewer asks about."""

DIGITS, STEPS = 1_000, 8
"""Up to so many milliseconds a bucket is 1 ms wide; at each tenfold of that, its width is tenfold too."""

_TEXT = (DELIVERIES.c.plan, DELIVERIES.c.channel, DELIVERIES.c.account, DELIVERIES.c.kind)


def states(work: Work, incident: str) -> list[Any]:
    """Per plan, channel, account, kind, whether to a list's recipients (``listed``) and state: how many deliveries.

    With the attempts at them, how many took several, the first intent, and the first and the last acceptance.
    """
    listed = (DELIVERIES.c.lane == RECIPIENTS_LANE).label("listed")
    by = (*_TEXT, listed, DELIVERIES.c.state)
    query = select(
        *by,
        func.count().label("count"),
        func.sum(DELIVERIES.c.attempts).label("attempts"),
        func.sum(case((DELIVERIES.c.attempts > 1, 1), else_=0)).label("retried"),
        func.min(DELIVERIES.c.first_intent_at).label("first_intent_at"),
        func.min(DELIVERIES.c.accepted_at).label("first_accepted_at"),
        func.max(DELIVERIES.c.accepted_at).label("last_accepted_at"),
    )
    return list(work.execute(query.where(DELIVERIES.c.incident == incident).group_by(*by).order_by(*by)).all())


def answers(work: Work, incident: str) -> list[Any]:
    """Per plan, channel, account, kind, verdict and code: how many attempts, when first and last, and one reason."""
    by = (*_TEXT, ATTEMPTS.c.verdict, ATTEMPTS.c.code)
    query = select(
        *by,
        func.min(ATTEMPTS.c.reason).label("reason"),
        func.count().label("count"),
        func.min(ATTEMPTS.c.intended_at).label("first"),
        func.max(ATTEMPTS.c.intended_at).label("last"),
    )
    query = query.join(DELIVERIES, DELIVERIES.c.id == ATTEMPTS.c.delivery).where(DELIVERIES.c.incident == incident)
    return list(work.execute(query.group_by(*by).order_by(*by)).all())


def troubles(work: Work, incident: str, most: int) -> list[Any]:
    """Recipients' deliveries that did not end well, or wait: per text, state and reason, the most frequent first."""
    by = (*_TEXT, DELIVERIES.c.state, DELIVERIES.c.reason)
    of_lists = (DELIVERIES.c.incident == incident, DELIVERIES.c.lane == RECIPIENTS_LANE)
    found = (*of_lists, DELIVERIES.c.state.in_(TROUBLED))
    count = func.count().label("count")
    query = select(*by, count, func.min(DELIVERIES.c.id).label("example")).where(*found).group_by(*by)
    return list(work.execute(query.order_by(count.desc(), *by).limit(most)).all())


def accepted(work: Work, plan: str, kind: str, start: datetime, step_ms: int) -> list[tuple[str, int, int]]:
    """Per channel and step since ``start``: how many deliveries of one text of a plan were accepted in it."""
    since = literal(start, DELIVERIES.c.accepted_at.type)
    step = (_ms(work, DELIVERIES.c.accepted_at, since) // step_ms).label("step")
    query = select(DELIVERIES.c.channel, step, func.count())
    query = query.where(DELIVERIES.c.plan == plan, DELIVERIES.c.kind == kind, DELIVERIES.c.accepted_at.is_not(None))
    rows = work.execute(query.group_by(DELIVERIES.c.channel, step).order_by(DELIVERIES.c.channel, step)).all()
    return [(channel, int(number), count) for channel, number, count in rows]


def durations(work: Work, incident: str) -> list[tuple[str, str, str, int, int]]:
    """Per channel, kind, part (queue, adapter, platform) and bucket: how many attempts, the longest duration.

    ``queue`` is that of first attempts: from the release, or the order of the way back, to the intent.
    """
    signed_at = case((DELIVERIES.c.kind == PUBLISH, DISPATCHES.c.released_at), else_=WAYS_BACK.c.ordered_at)
    took = func.coalesce(ATTEMPTS.c.provider_ms, 0)
    whole = _ms(work, ATTEMPTS.c.ended_at, ATTEMPTS.c.intended_at)
    waited = case((ATTEMPTS.c.number == 1, _ms(work, ATTEMPTS.c.intended_at, signed_at)))
    parts: dict[str, ColumnElement[Any]] = {
        "queue": waited,
        "adapter": case((whole > took, whole - took), (whole.is_not(None), 0)),
        "platform": ATTEMPTS.c.provider_ms,
    }
    measured = (
        select(DELIVERIES.c.channel, DELIVERIES.c.kind, *(part.label(name) for name, part in parts.items()))
        .join(DELIVERIES, DELIVERIES.c.id == ATTEMPTS.c.delivery)
        .outerjoin(DISPATCHES, DISPATCHES.c.plan == DELIVERIES.c.plan)
        .outerjoin(WAYS_BACK, and_(WAYS_BACK.c.plan == DELIVERIES.c.plan, WAYS_BACK.c.kind == DELIVERIES.c.kind))
        .where(DELIVERIES.c.incident == incident)
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
    if work.dialect == "sqlite":
        days = func.julianday(later) - func.julianday(earlier)
        return cast(func.round(days * 86_400_000), Integer)
    return cast(extract("epoch", later - earlier) * 1_000, BigInteger)
