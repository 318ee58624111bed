"""The doorbell's own link test, as the registry of processes has it: who heard the bell, and which lane is deaf.

A bell reaches one process of its lane: what counts is when any of them heard one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from channels.registry import Lane
from dispatcher.store.database import Work
from dispatcher.store.tables import WORKERS

EVERY = timedelta(minutes=1)
"""How often each lane is rung without a reason."""

DEAF_AFTER = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Deaf:
    """A lane that lives and has not heard its bell for too long: ``since`` it last did, or began."""

    lane: str
    mode: str
    since: datetime


def living(work: Work, mode: str, lasting: timedelta) -> list[str]:
    """The lanes of a mode of which a process was heard of within ``lasting``: the others' bells would pile up."""
    return sorted({lane for lane, of in _lanes(work, lasting) if of == mode})


def deaf(work: Work, lasting: timedelta) -> list[Deaf]:
    """The lanes that live and are deaf."""
    found = [Deaf(lane, mode, since) for (lane, mode), since in _lanes(work, lasting).items()]
    return [one for one in found if work.now - one.since > DEAF_AFTER]


def _lanes(work: Work, lasting: timedelta) -> dict[tuple[str, str], datetime]:
    """Every lane that lives, and when one of its processes last heard the bell, else when the first of them began."""
    lives = (WORKERS.c.role.in_([str(lane) for lane in Lane]), WORKERS.c.seen_at > work.now - lasting)
    newest, first = func.max(WORKERS.c.heard_at), func.min(WORKERS.c.started_at)
    query = select(WORKERS.c.role, WORKERS.c.mode, newest, first).where(*lives, WORKERS.c.stopped_at.is_(None))
    rows = work.execute(query.group_by(WORKERS.c.role, WORKERS.c.mode).order_by(WORKERS.c.role, WORKERS.c.mode)).all()
    return {(role, mode): heard_at or began for role, mode, heard_at, began in rows}
