"""What was known, and what was written: the incident's facts, its evidence, the revisions of its messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.contract import Json, LanguageText
from dispatcher.domain import documents
from dispatcher.domain.canonical import parse_time
from dispatcher.domain.incident import EVIDENCE, Item
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Roster
from dispatcher.service.ledger import LedgerLine, line_of
from dispatcher.store import history, records
from dispatcher.store.database import Work

KNOWING = ("incident.declared", "incident.amended", "incident.evidence", "incident.noted")


@dataclass(frozen=True, slots=True)
class Known:
    """What became known at one moment: a version of the incident's facts, an item of evidence, or a person's note.

    ``how`` is declared, amended, evidence or noted. ``said_at`` is when it happened or its source said so, which is
    when it was recorded unless somebody gave a time; ``late`` why it was not recorded then. ``facts`` is what this
    version says anew (METHANE items among them), by name. ``roles`` are those that ``person`` held at
    ``recorded_at``; a feed has none.
    """

    recorded_at: datetime
    said_at: datetime
    how: str
    person: str
    roles: tuple[str, ...]
    severity: str | None
    facts: Mapping[str, Json]
    item: Item | None = None
    note: str = ""
    late: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """One revision: its texts by kind, who wrote it and when, and everybody's part in it so far."""

    message: str
    number: int
    digest: str
    at: datetime
    person: str
    texts: Mapping[TextKind, tuple[LanguageText, ...]]
    contributors: Mapping[str, tuple[str, ...]]


def known(work: Work, roster: Roster, incident: str) -> tuple[Known, ...]:
    """Every version of what was known."""
    entries = (line_of(row) for row in history.each(work, incident, KNOWING))
    return tuple(one for entry in entries for one in _known(entry, roster))


def written(work: Work, incident: str) -> tuple[Written, ...]:
    """Every revision of the incident's messages."""
    return tuple(
        Written(one.message, one.number, one.digest, at, person, one.texts, one.contributors)
        for one, at, person in records.revisions_written(work, incident)
    )


def _known(entry: LedgerLine, roster: Roster) -> Iterator[Known]:
    facts, person, how = entry.facts, str(entry.facts["actor"]), entry.kind.rpartition(".")[2]
    by, late = (person, roster.roles_of(person, entry.at)), str(facts.get("late", ""))
    said_at = parse_time(facts["occurred_at"]) if "occurred_at" in facts else entry.at
    if "text" in facts:
        yield Known(entry.at, said_at, how, *by, None, {}, note=str(facts["text"]), late=late)
        return
    items: list[Json] = [facts["item"]] if "item" in facts else []
    if not items:
        told = dict(facts["facts"])
        listed = told.pop(EVIDENCE, [])
        items = listed if isinstance(listed, list) else []
        yield Known(entry.at, said_at, how, *by, str(facts["severity"]), told, late=late)
    for document in items:
        item: Item = documents.read(Item, document, EVIDENCE)
        yield Known(entry.at, item.at, EVIDENCE, *by, None, {}, item, late=late)
