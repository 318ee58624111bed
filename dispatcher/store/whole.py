"""Whether the deliveries that a plan's signed bytes ask for are all there. What is gone leaves no trace of its own.

One query counts all plans that are looked at, from the index that keeps a delivery from being made twice; it reads no
row. Whoever counts says how often that may be (``dispatcher.service.missing``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from dispatcher.store import history
from dispatcher.store.database import Work
from dispatcher.store.tables import DELIVERIES, DISPATCHES, INCIDENTS, LEADERS, PLANS, STATEMENTS

MISSING, WHOLE = "deliveries.missing", "deliveries.whole"
WAITING = ("submitted", "released")
"""The states of a plan of which something may still go out."""

MOST_PLANS = 500
"""How many plans are named in one query."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A plan that is looked at, where it stands, and how many statements about it there are."""

    digest: str
    incident: str
    state: str
    statements: int


def waiting(work: Work, mode: str, also: Collection[str], released_since: datetime | None) -> list[Waiting]:
    """The plans of a mode that are not settled, those named, and with a moment those released since then."""
    said = select(func.count()).select_from(STATEMENTS).where(STATEMENTS.c.subject == PLANS.c.digest)
    wanted = [PLANS.c.state.in_(WAITING), *([PLANS.c.digest.in_(list(also))] if also else [])]
    if released_since is not None:
        wanted.append(PLANS.c.digest.in_(select(DISPATCHES.c.plan).where(DISPATCHES.c.released_at >= released_since)))
    columns = (PLANS.c.digest, PLANS.c.incident, PLANS.c.state, said.scalar_subquery())
    rows = work.execute(select(*columns).where(PLANS.c.mode == mode, or_(*wanted)).order_by(PLANS.c.digest))
    return [Waiting(*row) for row in rows.all()]


def bodies(work: Work, digests: Iterable[str]) -> dict[str, bytes]:
    """The signed bytes of these plans."""
    query = select(PLANS.c.digest, PLANS.c.body).where(PLANS.c.digest.in_(list(digests)))
    return {row.digest: row.body for row in work.execute(query).all()}


def counted(work: Work, digests: Collection[str]) -> dict[str, dict[str, int]]:
    """How many deliveries of its message each plan has, by account."""
    found: dict[str, dict[str, int]] = {}
    ordered = sorted(digests)
    columns = (DELIVERIES.c.plan, DELIVERIES.c.account, func.count())
    for start in range(0, len(ordered), MOST_PLANS):
        some = (DELIVERIES.c.plan.in_(ordered[start : start + MOST_PLANS]), DELIVERIES.c.kind == "publish")
        rows = work.execute(select(*columns).where(*some).group_by(DELIVERIES.c.plan, DELIVERIES.c.account)).all()
        for plan, account, count in rows:
            found.setdefault(plan, {})[account] = count
    return found


def leads(work: Work, mode: str, owner: str) -> bool:
    """Whether this is the relay that leads: of several, one tells."""
    at = (LEADERS.c.role == f"relay-{mode}", LEADERS.c.owner == owner, LEADERS.c.until > work.now)
    return work.execute(select(LEADERS.c.term).where(*at)).first() is not None


def told(work: Work) -> dict[str, tuple[datetime, dict[str, Any]]]:
    """What is on record as missing now, by plan: when that was found, and the entry's facts."""
    found: dict[str, tuple[datetime, dict[str, Any]]] = {}
    for entry in history.entries(work, kinds=(MISSING, WHOLE)):
        facts = json.loads(entry.body)
        if entry.kind == MISSING:
            found[facts["plan"]] = (entry.recorded_at, facts)
        else:
            found.pop(facts["plan"], None)
    return found


def standing(work: Work) -> dict[str, tuple[datetime, dict[str, Any]]]:
    """The same, of incidents that are not closed."""
    known = told(work)
    wanted = {facts["incident"] for _, facts in known.values() if facts.get("incident")}
    query = select(INCIDENTS.c.id).where(INCIDENTS.c.id.in_(wanted), INCIDENTS.c.state == "closed")
    closed = set(work.execute(query).scalars()) if wanted else set()
    return {plan: one for plan, one in known.items() if one[1].get("incident") not in closed}
