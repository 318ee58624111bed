"""Who leads a role: one row, one term. A leader that lost its term changes nothing more."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from dispatcher.store.database import Work
from dispatcher.store.tables import LEADERS


def lead(work: Work, role: str, owner: str, lasting: timedelta) -> int | None:
    """Become or stay leader; returns the term, or None while somebody else leads.

    A term that ends later than ``lasting`` from now was given by a clock that has been set back since: it is over.
    The leader's row stays locked until the transaction ends, so that what a leader writes in it, it writes alone.
    """
    row = work.execute(select(LEADERS).where(LEADERS.c.role == role)).first()
    until = work.now + lasting
    if row is None:
        try:
            work.execute(insert(LEADERS).values(role=role, term=1, owner=owner, until=until))
        except IntegrityError:
            return None
        return 1
    if row.owner != owner and work.now < row.until <= until:
        return None
    term: int = row.term if row.owner == owner else row.term + 1
    at = (LEADERS.c.role == role, LEADERS.c.term == row.term, LEADERS.c.owner == row.owner)
    taken = work.execute(update(LEADERS).where(*at).values(term=term, owner=owner, until=until))
    return term if taken.rowcount == 1 else None


def resign(work: Work, role: str, owner: str) -> None:
    """Let the next one lead at once."""
    work.execute(update(LEADERS).where(LEADERS.c.role == role, LEADERS.c.owner == owner).values(until=work.now))


def terms(work: Work) -> list[tuple[str, str, datetime]]:
    """Role, owner and end of every term there is."""
    return [tuple(row) for row in work.execute(select(LEADERS.c.role, LEADERS.c.owner, LEADERS.c.until)).all()]
