"""What was known, and what was written: the incident's facts, its evidence, the revisions of its messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.contract import Json, LanguageText
from dispatcher.domain import documents
from dispatcher.domain.incident import EVIDENCE, Item
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Roster
from dispatcher.service.ledger import LedgerLine, line_of
from dispatcher.store import history, records
from dispatcher.store.database import Work

KNOWING = ("incident.declared", "incident.amended", "incident.evidence")


@dataclass(frozen=True, slots=True)
class Known:
    """What became known at one moment: a version of the incident's facts, or one item of evidence.

    ``how`` is declared, amended or evidence. ``said_at`` is when its source said so, which for facts is when they
    were recorded; ``facts`` what this version says anew (METHANE items among them), by name. ``roles`` are those
    that ``person`` held at ``recorded_at``; a feed has none.
    """

    recorded_at: datetime
    said_at: datetime
    how: str
    person: str
    roles: tuple[str, ...]
    severity: str | None
    facts: Mapping[str, Json]
    item: Item | None = None


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
    facts, person = entry.facts, str(entry.facts["actor"])
    roles = roster.roles_of(person, entry.at)
    items: list[Json] = [facts["item"]] if "item" in facts else []
    if not items:
        told = dict(facts["facts"])
        listed = told.pop(EVIDENCE, [])
        items = listed if isinstance(listed, list) else []
        how = entry.kind.rpartition(".")[2]
        yield Known(entry.at, entry.at, how, person, roles, str(facts["severity"]), told)
    for document in items:
        item: Item = documents.read(Item, document, EVIDENCE)
        yield Known(entry.at, item.at, EVIDENCE, person, roles, None, {}, item)
