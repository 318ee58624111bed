"""Reading the ledger, entry by entry, and following it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.wanted import Wanted
from dispatcher.ledger.chain import facts_of
from dispatcher.service.desk import Desk
from dispatcher.store import deliveries, history, records
from dispatcher.store.database import Work


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One ledger entry. ``id`` is its place in this database; writer and sequence its place in its own chain."""

    id: int
    at: datetime
    kind: str
    incident: str | None
    writer: str
    sequence: int
    leaf: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The newest entries that were wanted, oldest first; ``more``: older ones fit too."""

    entries: tuple[LedgerLine, ...]
    more: bool


def tail(desk: Desk, limit: int = 50, incident: str | None = None, kinds: Sequence[str] = ()) -> list[LedgerLine]:
    """The newest entries, oldest first.

    ``kinds`` are whole kinds (``plan.released``) or families (``statement.``). Raises NotFound for no such incident.
    """
    return list(find(desk, meant(desk, Wanted(incident=incident, kinds=tuple(kinds))), limit).entries)


def meant(desk: Desk, wanted: Wanted) -> Wanted:
    """The same with the incident's whole name. Raises NotFound, and Invalid for a beginning that fits several."""
    if not wanted.incident:
        return wanted
    with desk.store.read() as work:
        return replace(wanted, incident=records.incident(work, wanted.incident).id)


def find(desk: Desk, wanted: Wanted, limit: int) -> Found:
    """The newest ``limit`` entries that fit. They are read one by one, so that only those are held."""
    columns: dict[str, Any] = {
        name: getattr(wanted, name) for name in ("incident", "kinds", "since", "until", "names")
    }
    with desk.store.read() as work:
        lines = (line_of(row) for row in history.newest_first(work, **columns))
        newest = list(islice((line for line in lines if _fits(line, wanted)), limit + 1))
    return Found(tuple(reversed(newest[:limit])), len(newest) > limit)


class Following:
    """The entries that are written from now on. An entry is told once, whichever order its writers commit in."""

    def __init__(self, desk: Desk, wanted: Wanted) -> None:
        self._desk = desk
        self._wanted = wanted
        with desk.store.read() as work:
            self._known = history.ids_above(work)

    def told(self, lines: Iterable[LedgerLine]) -> None:
        """Leave these out: the reader has them already."""
        self._known.update(line.id for line in lines)

    def news(self) -> list[LedgerLine]:
        """What has come since the last look and fits, oldest first."""
        with self._desk.store.read() as work:
            ids = history.ids_above(work, max(self._known, default=0))
            lines = [line_of(row) for row in history.entries_by_id(work, ids - self._known)]
        self._known = ids
        return [line for line in lines if _fits(line, self._wanted)]


def note_reading(desk: Desk, person: str, command: str, given: Mapping[str, Json]) -> None:
    """Record that somebody reads the record: by which command, and what they typed. Raises Unavailable."""
    asked = json.loads(canonical.typed(json.dumps(given, ensure_ascii=False)))
    with desk.store.write() as work:
        incident = _read_about(work, asked)
        work.record("ledger.read", incident=incident, actor=person, command=command, given=asked)


def _read_about(work: Work, asked: Mapping[str, Json]) -> str | None:
    """The incident that was asked about, by itself or by a plan or delivery of it; None where none is known."""
    finders: Mapping[str, Callable[[str], str]] = {
        "incident": lambda name: records.incident(work, name).id,
        "plan": lambda name: records.plan(work, name).plan.incident,
        "delivery": lambda name: str(deliveries.find(work, name).incident),
    }
    for what, find in finders.items():
        for given in filter(None, (asked.get(what), asked.get("name"))):
            with suppress(NotFound, Invalid):  # what nobody knows is looked for too
                return find(str(given))
    return None


def _fits(line: LedgerLine, wanted: Wanted) -> bool:
    return wanted.fits(line.kind, line.at, line.facts)


def line_of(row: Any) -> LedgerLine:
    """A row of the ledger, read."""
    place = (row.id, row.recorded_at, row.kind, row.incident, row.writer, row.sequence, row.leaf)
    return LedgerLine(*place, facts=facts_of(row.prev, row.body))
