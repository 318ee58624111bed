"""Searching the ledger in bounded steps: a page of results never costs more than so many entries looked at.

Rules
  1. One step goes through at most SPAN ids and takes at most EXAMINED entries apart, the newest first. Where older
     entries are left it says so, and from where the next step goes on: nobody takes "none so far" for "none".
  2. What fits is decided by ``dispatcher.domain.wanted``, as for ``dispatcher ledger search``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from dispatcher.domain.wanted import Wanted
from dispatcher.service.desk import Desk
from dispatcher.service.ledger import LedgerLine, line_of
from dispatcher.store import history
from dispatcher.store.database import Work

SPAN = 50_000
EXAMINED = 3_000
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Step:
    """``lines`` newest first. ``below``: the id that the next step goes on from, None where nothing older is left.

    ``back_to`` is when the oldest entry that was looked at was recorded; None where none was.
    """

    lines: tuple[LedgerLine, ...]
    below: int | None
    back_to: datetime | None


def step(desk: Desk, wanted: Wanted, below: int | None = None) -> Step:
    """The newest SHOWN entries that fit, with ids under ``below``, as far as one step looks."""
    with desk.store.read() as work:
        ids = _ids(work, wanted, below)
        here = range(max(ids.start, ids.stop - SPAN), ids.stop)
        asked: dict[str, Any] = {name: getattr(wanted, name) for name in ("incident", "kinds", "since", "until")}
        rows = list(islice(history.newest_first(work, **asked, ids=here), EXAMINED))
    return _shown(rows, wanted, ids, here)


def _shown(rows: Sequence[Any], wanted: Wanted, ids: range, here: range) -> Step:
    names = [name.encode() for name in wanted.names]
    found: list[LedgerLine] = []
    for row in rows:
        if not all(name in row.body for name in names):
            continue
        line = line_of(row)
        if wanted.fits(line.kind, line.at, line.facts):
            found.append(line)
        if len(found) == SHOWN:
            return Step(tuple(found), _more(row.id, ids), row.recorded_at)
    reached = rows[-1].id if len(rows) == EXAMINED else here.start
    return Step(tuple(found), _more(reached, ids), rows[-1].recorded_at if rows else None)


def _more(reached: int, ids: range) -> int | None:
    return reached if reached > ids.start else None


def _ids(work: Work, wanted: Wanted, below: int | None) -> range:
    """The ids that may hold what is wanted; generously, because times and ids are in step only roughly."""
    newest = history.newest_id(work)
    stop = newest + 1 if below is None else max(1, min(below, newest + 1))
    if wanted.until is not None:
        stop = min(stop, history.id_at(work, wanted.until) + history.LATE_IDS)
    start = 1
    if wanted.since is not None:
        start = max(1, history.id_at(work, wanted.since) - history.LATE_IDS)
    return range(min(start, stop), stop)
