"""The registry of processes: each says what it is and what it has under way, and is believed until it falls silent.

It is for people. No lease, no term and no alarm goes by it; those have rows of their own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from dispatcher.store.database import Work
from dispatcher.store.tables import WORKERS

FORGOTTEN_AFTER = timedelta(days=1)
"""How long a process that is gone stays listed."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a role; ``owner`` is its name in leases, terms and logs."""

    owner: str
    role: str
    mode: str
    host: str
    pid: int
    version: str


@dataclass(frozen=True, slots=True)
class Doing:
    """What it has under way: ``in_flight`` deliveries since ``doing_since``; ``heard_at``, its last doorbell."""

    doing: str = ""
    doing_since: datetime | None = None
    in_flight: int = 0
    heard_at: datetime | None = None


IDLE = Doing()


def beat(work: Work, process: Process, doing: Doing = IDLE) -> None:
    """Say that this process is alive, and what it does."""
    now = {**asdict(doing), "seen_at": work.now}
    known = update(WORKERS).where(WORKERS.c.owner == process.owner).values(**now)
    if not work.execute(known).rowcount:
        work.execute(delete(WORKERS).where(WORKERS.c.seen_at < work.now - FORGOTTEN_AFTER))
        work.execute(insert(WORKERS).values(**asdict(process), started_at=work.now, **now))


def stop(work: Work, owner: str) -> None:
    """Say that a process ends in good order."""
    gone = {**asdict(IDLE), "stopped_at": work.now, "seen_at": work.now}
    del gone["heard_at"]
    work.execute(update(WORKERS).where(WORKERS.c.owner == owner).values(**gone))


def rows(work: Work) -> list[Any]:
    """The processes that have not ended in good order, by role, mode and start."""
    order = (WORKERS.c.role, WORKERS.c.mode, WORKERS.c.started_at)
    query = select(WORKERS).where(WORKERS.c.stopped_at.is_(None)).order_by(*order)
    return list(work.execute(query.limit(500)).all())
