"""The incident in order: marks for a swim-lane chart, the ledger's telling entries, and who read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.ids import short
from dispatcher.domain.message import SPOKEN
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.stops import NOES, STOP_KINDS
from dispatcher.service.ledger import LedgerLine, line_of
from dispatcher.service.reviewing.judged import Denial
from dispatcher.service.reviewing.sent import FirstPublic
from dispatcher.service.reviewing.signed import HaltRead, Signature, recorded
from dispatcher.service.reviewing.timed import WentBack
from dispatcher.store import history
from dispatcher.store.database import Work

MOST_ENTRIES = 500
READINGS = ("review.read", "ledger.read", "evidence.exported", "evidence.redacted")
"""Families of ledger entries about who read or exported the record."""

TELLING = (
    ("incident.", "plan.", "statement.", "halt.", "way_back.ordered", "submission.refused", "release.refused"),
    ("message.", "clearance.", "hand_off.", "confirmation.refused", "spend.", "task.done", "database."),
)
"""Kinds and families of entries that a timeline has, those of the first rank before those of the second."""

SAID = {
    "incident.declared": "declared by {actor}: {title}",
    "incident.activated": "activated by {actor}",
    "incident.amended": "amended by {actor}",
    "incident.evidence": "evidence recorded by {actor}",
    "incident.moved": "{source} → {target}",
    "message.revised": "revision {number} by {actor}",
}
"""The entries that are marks by themselves, and how they read."""

MARKED = frozenset(StatementKind) - {StatementKind.HALT, StatementKind.RESUME}
"""Signatures that are marks by themselves; halts are, with their ends, however they concern the incident."""


@dataclass(frozen=True, slots=True)
class Event:
    """A mark in the swim-lane timeline; ``label`` says it in words.

    ``track`` is incident, message, signatures, clearance, public, way_back or stops. ``kind`` is a word that its
    shape may go by, such as declared, approve, clear, public, correct, halt.
    """

    at: datetime
    track: str
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Who read or exported the record, by kind of ledger entry: how often, when first and last."""

    kind: str
    person: str | None
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Timeline:
    """The incident's ledger entries: how many of each kind, and the most telling, 500 at the most."""

    total: int
    kinds: Mapping[str, int]
    entries: tuple[LedgerLine, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """What was read of the incident that has its marks; ``signatures`` are all that are about it or its plans."""

    signatures: Iterable[Signature]
    first_public: Iterable[FirstPublic]
    ways_back: Iterable[WentBack]
    halts: Iterable[HaltRead]
    denials: Iterable[Denial]


def timeline(work: Work, incident: str, most: int = MOST_ENTRIES) -> Timeline:
    """An incident's entries, counted, and the newest of the most telling."""
    kinds, chosen = history.counted(work, incident), list[LedgerLine]()
    for rank in TELLING:
        left = most - len(chosen)
        if left:
            chosen += map(line_of, history.entries(work, limit=left, incident=incident, kinds=rank))
    return Timeline(sum(kinds.values()), kinds, tuple(sorted(chosen, key=lambda line: line.id)))


def readings(work: Work, incident: str) -> tuple[Reading, ...]:
    """Who read the incident's record or took it away."""
    found: dict[tuple[str, str | None], Reading] = {}
    for row in history.each(work, incident, READINGS):
        kind, person = row.kind, line_of(row).facts.get("actor")
        known = found.get((kind, person))
        first, count = (known.first, known.count) if known else (row.recorded_at, 0)
        found[kind, person] = Reading(kind, person, count + 1, first, row.recorded_at)
    return tuple(found.values())


def events(entries: Iterable[LedgerLine], read: Marked) -> tuple[Event, ...]:
    """The marks of an incident, from its telling entries and from what was read of it."""
    found = [
        *_entered(entries),
        *_signed(read.signatures),
        *_went_out(read),
        *_stopped(read.halts),
        *_refused(read.denials),
    ]
    return tuple(sorted(found, key=lambda event: event.at))


def _entered(entries: Iterable[LedgerLine]) -> Iterator[Event]:
    """What the incident and its messages did, and each leg of the gate: those of one moment are one mark."""
    legs: dict[tuple[datetime, str, str], list[str]] = {}
    for entry in entries:
        facts, family = entry.facts, entry.kind.partition(".")[0]
        if entry.kind == "clearance.moved":
            legs.setdefault((entry.at, facts["plan"], facts["target"]), []).append(facts["channel"])
        elif entry.kind in SAID:
            yield Event(entry.at, family, entry.kind.partition(".")[2], SAID[entry.kind].format(**facts))
    for (at, plan, target), channels in legs.items():
        yield Event(at, "clearance", target, f"{', '.join(channels)}: {_spoken(target)} (plan {short(plan)})")


def _signed(signatures: Iterable[Signature]) -> Iterator[Event]:
    for at, said in recorded(signatures, *MARKED):
        track = "stops" if said.kind in STOP_KINDS - NOES.keys() else "signatures"
        yield Event(at, track, str(said.kind), f"{said.said_by} ({_spoken(said.role)}): {_spoken(said.kind)}")


def _went_out(read: Marked) -> Iterator[Event]:
    for first in read.first_public:
        yield Event(first.at, "public", str(first.kind), f"first {SPOKEN[first.kind]} on {first.channel}")
    for way in read.ways_back:
        yield Event(way.ordered_at, "way_back", str(way.kind), f"{way.ordered_by} ordered the {SPOKEN[way.kind]}")


def _stopped(halts: Iterable[HaltRead]) -> Iterator[Event]:
    for halt in halts:
        what = f"{halt.scope} {halt.target}".strip()
        yield Event(halt.at, "stops", "halt", f"{halt.by} halted {what}")
        if halt.ended_at:
            yield Event(halt.ended_at, "stops", "resume", f"{' and '.join(halt.resumed_by)} resumed {what}")


def _refused(denials: Iterable[Denial]) -> Iterator[Event]:
    """A mark for what was refused for one fact, wherever that was."""
    same: dict[tuple[str, str, str], list[Denial]] = {}
    for denial in denials:
        same.setdefault((denial.kind, denial.clause, denial.fact), []).append(denial)
    for (kind, clause, fact), found in same.items():
        channels = ", ".join(dict.fromkeys(one.channel for one in found if one.channel))
        first = min(one.first for one in found)
        what = " ".join(filter(None, (clause, channels)))
        yield Event(first, "clearance", "refused", f"{_spoken(kind)} {what}: {fact}")


def _spoken(word: str) -> str:
    """A stored word as people write it."""
    return word.replace("_", " ").replace(".", " ")
