"""Whose name it is that was given for something else: an incident's where a plan's is wanted, and which plan is its.

Asked only once a name was not found. Nothing is done with the answer but to say it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from dispatcher.domain.ids import short
from dispatcher.store.database import Work
from dispatcher.store.tables import DELIVERIES, INCIDENTS, PLANS, REVISIONS

OWN: dict[str, Any] = {
    "incident": INCIDENTS.c.id,
    "message": REVISIONS.c.message,
    "plan": PLANS.c.digest,
    "delivery": DELIVERIES.c.id,
}
"""The column that holds the names of each kind."""
SHOWN = {
    "incident": "incident show",
    "message": "message preview",
    "plan": "clearance show",
    "delivery": "delivery show",
}
"""What shows one of them."""
RELATED: tuple[tuple[dict[str, Any], Any], ...] = (
    ({"incident": PLANS.c.incident, "message": PLANS.c.message, "plan": PLANS.c.digest}, PLANS.c.created_at.desc()),
    ({"incident": REVISIONS.c.incident, "message": REVISIONS.c.message}, REVISIONS.c.created_at.desc()),
    ({"incident": DELIVERIES.c.incident, "plan": DELIVERIES.c.plan, "delivery": DELIVERIES.c.id}, None),
)
"""Rows that name several kinds, and the order in which the newest comes first."""


def mistaken(work: Work, value: str, wanted: str) -> tuple[str, str] | None:
    """What ``value`` names instead of what was wanted, and what to type; None where it names nothing."""
    for kind, column in OWN.items():
        if kind == wanted or wanted not in OWN:
            continue
        begins = select(column).where(func.substr(column, 1, len(value)) == value).distinct().limit(2)
        found = work.execute(begins).scalars().all()
        if len(found) == 1:
            article = "an" if kind[0] in "aeiou" else "a"
            told = f"{value} is {article} {kind}, not {'an' if wanted[0] in 'aeiou' else 'a'} {wanted}"
            more, step = _step(work, kind, found[0], wanted)
            return f"{told}; {more}", step
    return None


def _step(work: Work, kind: str, name: str, wanted: str) -> tuple[str, str]:
    for columns, newest in RELATED:
        if kind in columns and wanted in columns:
            query = select(columns[wanted]).where(columns[kind] == name)
            its = work.execute((query if newest is None else query.order_by(newest)).limit(1)).scalar()
            if its is not None:
                typed = short(str(its)) if wanted == "plan" else str(its)
                said = f"its {'newest ' if newest is not None else ''}{wanted} is {typed}"
                return said, f"dispatcher {SHOWN[wanted]} {typed}"
    return f"it has no {wanted} yet", "dispatcher status"
