"""Reading the ledger, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatcher.ledger.chain import facts_of
from dispatcher.service.desk import Desk
from dispatcher.store import history, records


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


def tail(desk: Desk, limit: int = 50, incident: str | None = None, kinds: Sequence[str] = ()) -> list[LedgerLine]:
    """The newest entries, oldest first.

    ``kinds`` are whole kinds (``plan.released``) or families (``statement.``). Raises NotFound for no such incident.
    """
    with desk.store.read() as work:
        named = records.incident(work, incident).id if incident else None
        return [line_of(row) for row in history.entries(work, limit=limit, incident=named, kinds=kinds)]


def line_of(row: Any) -> LedgerLine:
    """A row of the ledger, read."""
    place = (row.id, row.recorded_at, row.kind, row.incident, row.writer, row.sequence, row.leaf)
    return LedgerLine(*place, facts=facts_of(row.prev, row.body))
