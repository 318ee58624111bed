"""What an evidence pack takes from the database: rows as they are, one after another, never all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import and_, or_, select

from dispatcher.domain.statement import StatementKind
from dispatcher.store import checkpoints
from dispatcher.store.checkpoints import Ranges
from dispatcher.store.database import Work
from dispatcher.store.statements import STANDING
from dispatcher.store.tables import ATTEMPTS, DELIVERIES, PLANS, RENDERINGS, REVISIONS, STATEMENTS

PAGE = 5_000
_STOPS = (StatementKind.HALT, StatementKind.RESUME)

DELIVERED = (
    *("id", "plan", "channel", "account", "kind", "destination", "position", "state", "reason", "attempts"),
    *("first_intent_at", "accepted_at", "reference", "url"),
)
TRIED = (
    *("delivery", "number", "intended_at", "ended_at", "verdict", "code", "reason", "status", "reference"),
    "provider_ms",
)


def in_tree(work: Work, size: int) -> Ranges:
    """The ids of the tree's first ``size`` entries, in its order."""
    left, found = size, list[list[int]]()
    for first, count in checkpoints.taken_by_all(work):
        if left > 0:
            found.append([first, min(count, left)])
        left -= count
    return found


def context(work: Work, mode: str, since: datetime) -> set[str]:
    """Statements of no incident that one of this mode rested on: halts, and what was standing after ``since``."""
    standing = and_(STATEMENTS.c.kind.in_(list(map(str, STANDING))), STATEMENTS.c.expires > since)
    wanted = or_(standing, STATEMENTS.c.kind.in_(list(map(str, _STOPS))))
    of_mode = (STATEMENTS.c.mode == mode, STATEMENTS.c.incident.is_(None))
    return set(work.execute(select(STATEMENTS.c.id).where(wanted, *of_mode)).scalars())


def statements(work: Work, ids: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The envelopes of these statements, in this order; those that are not there are left out."""
    source = iter(ids)
    while page := list(islice(source, PAGE)):
        query = select(STATEMENTS.c.id, STATEMENTS.c.envelope).where(STATEMENTS.c.id.in_(page))
        found = dict(work.execute(query).all())
        yield from ((one, found[one]) for one in page if one in found)


def plans(work: Work, incident: str) -> list[tuple[str, bytes]]:
    """The plans of an incident: digest and exact bytes."""
    query = select(PLANS.c.digest, PLANS.c.body).where(PLANS.c.incident == incident).order_by(PLANS.c.digest)
    return [tuple(row) for row in work.execute(query).all()]


def revisions(work: Work, incident: str) -> list[tuple[str, bytes]]:
    """The revisions of an incident's messages: digest and exact bytes."""
    query = select(REVISIONS.c.digest, REVISIONS.c.body).where(REVISIONS.c.incident == incident)
    return [tuple(row) for row in work.execute(query.order_by(REVISIONS.c.digest)).all()]


def renderings(work: Work, digests: Sequence[str]) -> list[tuple[str, bytes]]:
    """These renderings: digest and exact bytes."""
    query = select(RENDERINGS.c.digest, RENDERINGS.c.body).where(RENDERINGS.c.digest.in_(digests))
    return [tuple(row) for row in work.execute(query.order_by(RENDERINGS.c.digest)).all()]


def deliveries(work: Work, incident: str) -> Iterator[Any]:
    """Every delivery of an incident, with the columns of :data:`DELIVERED`."""
    columns = [DELIVERIES.c[name] for name in DELIVERED]
    query = select(*columns).where(DELIVERIES.c.incident == incident).order_by(DELIVERIES.c.id)
    yield from work.execute(query.execution_options(yield_per=PAGE))


def attempts(work: Work, incident: str) -> Iterator[Any]:
    """Every attempt at them, with the columns of :data:`TRIED`."""
    columns = [ATTEMPTS.c[name] for name in TRIED]
    query = select(*columns).join(DELIVERIES, DELIVERIES.c.id == ATTEMPTS.c.delivery)
    query = query.where(DELIVERIES.c.incident == incident).order_by(ATTEMPTS.c.delivery, ATTEMPTS.c.number)
    yield from work.execute(query.execution_options(yield_per=PAGE))
