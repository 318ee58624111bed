"""Rows of the console's sessions, and of the one-time links that were used. Who reads them can sign in with none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.store.database import Work
from dispatcher.store.tables import SESSIONS

KEPT = timedelta(days=1)
"""How long a row stays after it has ended: rows are no record, the ledger is."""

USED = "used:"
"""How the id of a one-time link's row begins, which is never a session."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One session as it is written."""

    id: str
    person: str
    name: str
    role: str
    issuer: str
    subject: str
    made_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


def add(work: Work, session: Stored) -> None:
    """Write a new session, and drop rows that ended long ago."""
    work.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < work.now - KEPT))
    work.execute(insert(SESSIONS).values(**{name: getattr(session, name) for name in Stored.__slots__}))


def find(work: Work, id_: str) -> Stored | None:
    """A session that nobody has ended, by its id."""
    query = select(SESSIONS).where(SESSIONS.c.id == id_, SESSIONS.c.ended_at.is_(None))
    row = work.execute(query).first()
    return None if row is None or id_.startswith(USED) else Stored(**row._mapping)


def touch(work: Work, id_: str) -> None:
    """Somebody was here now."""
    work.execute(update(SESSIONS).where(SESSIONS.c.id == id_).values(seen_at=work.now))


def end(work: Work, id_: str) -> bool:
    """End a session; False where it had ended already."""
    return _end(work, [SESSIONS.c.id == id_])


def use(work: Work, link: str, person: str, until: datetime) -> bool:
    """Use a link up, by the id of its statement; False where somebody has done so already, on whichever host."""
    values = Stored(USED + link, person, "", "", "", "", work.now, work.now, until, work.now)
    dialect = sqlite if work.dialect == "sqlite" else postgresql
    row = dialect.insert(SESSIONS).values(**{name: getattr(values, name) for name in Stored.__slots__})
    added = row.on_conflict_do_nothing().returning(SESSIONS.c.id)  # PostgreSQL counts no rows here
    return work.execute(added).first() is not None


def _end(work: Work, where: Iterable[ColumnElement[bool]]) -> bool:
    change = update(SESSIONS).where(*where, SESSIONS.c.ended_at.is_(None)).values(ended_at=work.now)
    return bool(work.execute(change).rowcount)
