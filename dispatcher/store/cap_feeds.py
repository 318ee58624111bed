"""The feeds that are watched: when each is polled next, how its last poll went, and which entries are known.

A feed is polled by one process at a time: to take it puts its next poll an interval off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from dispatcher.store.database import Work
from dispatcher.store.tables import CAP_FEEDS

OVERDUE_AFTER = 3
"""Intervals without a list that could be read, after which a feed is an alarm."""

AT_LEAST = timedelta(minutes=1)


def keep(work: Work, mode: str, feeds: Mapping[str, int]) -> None:
    """Watch these feeds of a mode, each with its interval in seconds, and no others."""
    known = {row.name: row for row in rows(work, mode)}
    for name, every_s in feeds.items():
        if name not in known:
            begun = {"name": name, "mode": mode, "every_s": every_s, "began_at": work.now, "due_at": work.now}
            with suppress(IntegrityError), work.connection.begin_nested():  # another process was first
                work.execute(insert(CAP_FEEDS).values(**begun, found=_found([], [])))
        elif known[name].every_s != every_s:
            work.execute(update(CAP_FEEDS).where(*_at(mode, name)).values(every_s=every_s))
    for name in known.keys() - feeds.keys():
        work.execute(delete(CAP_FEEDS).where(*_at(mode, name)))


def take(work: Work, mode: str, names: Collection[str]) -> list[Any]:
    """Those of these feeds that are due; each is due again an interval from now."""
    query = select(CAP_FEEDS).where(CAP_FEEDS.c.mode == mode, CAP_FEEDS.c.name.in_(list(names)))
    due = work.execute(query.where(CAP_FEEDS.c.due_at <= work.now).with_for_update(skip_locked=True)).all()
    return [row for row in due if _claimed(work, row)]


def _claimed(work: Work, row: Any) -> bool:
    again = update(CAP_FEEDS).where(*_at(row.mode, row.name), CAP_FEEDS.c.due_at == row.due_at)
    claimed: bool = work.execute(again.values(due_at=work.now + timedelta(seconds=row.every_s))).rowcount == 1
    return claimed


def put(work: Work, mode: str, name: str, faults: Sequence[str], **values: Any) -> None:
    """Write down how a poll went; ``seen``, ``etag``, ``modified`` and ``ok_at`` where the list was read.

    That it began to fail, or is mended, has a ledger entry.
    """
    row = work.execute(select(CAP_FEEDS).where(*_at(mode, name))).first()
    if row is None:
        return  # it was taken off the list meanwhile
    seen = values.pop("seen", row.found["seen"])
    if faults and not row.found["faults"]:
        work.record("cap.feed_failing", feed=name, mode=mode, faults=list(faults))
    elif row.found["faults"] and not faults:
        work.record("cap.feed_mended", feed=name, mode=mode)
    known = {**values, "polled_at": work.now, "found": _found(faults, seen)}
    work.execute(update(CAP_FEEDS).where(*_at(mode, name)).values(**known))


def rows(work: Work, mode: str | None = None) -> list[Any]:
    """All that are watched, by name."""
    query = select(CAP_FEEDS).order_by(CAP_FEEDS.c.mode, CAP_FEEDS.c.name)
    return list(work.execute(query if mode is None else query.where(CAP_FEEDS.c.mode == mode)).all())


def overdue(row: Any, now: datetime) -> bool:
    """Whether a feed's list could not be read for three intervals, and for a minute."""
    lasting = max(AT_LEAST, timedelta(seconds=OVERDUE_AFTER * row.every_s))
    return bool(now - (row.ok_at or row.began_at) > lasting)


def _found(faults: Sequence[str], seen: Sequence[str]) -> dict[str, Any]:
    return {"faults": list(faults), "seen": list(seen)}


def _at(mode: str, name: str) -> tuple[Any, Any]:
    return CAP_FEEDS.c.mode == mode, CAP_FEEDS.c.name == name
