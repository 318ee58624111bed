"""A writer's chain: every entry holds the hash of the one before it.

Rules (reference: reliability 3.2)
  1. Each process writes its own chain, so that no two wait for one another.
  2. ``leaf = SHA-256(0x00 ‖ prev ‖ entry)``; the first ``prev`` is the hash of the writer's name. It is a leaf of the
     tree of RFC 6962 as well: one hash ties an entry to its chain and to its place among all entries.
  3. An entry is canonical JSON and holds the writer, its sequence number and the time.
  4. A row keeps each part of it once: the facts as bytes, the rest in columns; ``prev`` is the writer's row before.
     Rows that hold their ``prev`` were written by older versions and keep the whole entry as bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time

SCHEMA = "ledger-entry/v1"

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading a row may end in that nobody here wrote: SQLite keeps anything in any column."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be recorded, before it has its place in a chain."""

    kind: str
    at: datetime
    incident: str | None
    facts: Mapping[str, Json]


class Record(NamedTuple):
    """One row of the ledger with its entry's canonical bytes. A tuple: there are millions."""

    id: int
    writer: str
    sequence: int
    prev: str
    leaf: str
    kind: str
    incident: str | None
    entry: bytes
    recorded_at: str


class Chain:
    """The head of one writer's chain. Immutable: :meth:`extend` returns the next head, taken over after commit."""

    __slots__ = ("_prev", "_sequence", "writer")

    def __init__(self, writer: str, sequence: int = 0, prev: str | None = None) -> None:
        self.writer = writer
        self._sequence = sequence
        self._prev = prev or beginning(writer)

    def extend(self, entries: Sequence[Entry]) -> tuple[list[dict[str, Any]], Chain]:
        """The rows of these entries, and the chain's head after them."""
        rows, sequence, prev = [], self._sequence, self._prev
        for entry in entries:
            sequence += 1
            facts = canonical.encode(dict(entry.facts))
            prev = leaf_of(prev, entry_of(self.writer, sequence, entry.kind, format_time(entry.at), facts))
            rows.append(
                {
                    "writer": self.writer,
                    "sequence": sequence,
                    "prev": "",
                    "leaf": prev,
                    "kind": entry.kind,
                    "incident": entry.incident,
                    "recorded_at": entry.at,
                    "body": facts,
                }
            )
        return rows, Chain(self.writer, sequence, prev)


def entry_of(writer: str, sequence: int, kind: str, at: str, facts: bytes) -> bytes:
    """The canonical bytes of an entry, of names that JSON writes as they are."""
    rest = f',"kind":"{kind}","recorded_at":"{at}","schema":"{SCHEMA}","sequence":{sequence},"writer":"{writer}"}}'
    return b'{"facts":' + facts + rest.encode()


def facts_of(prev: str, body: bytes) -> Mapping[str, Any]:
    """What a row of the ledger says (rule 4). Raises CanonicalError for bytes that nobody here wrote."""
    read: Any = canonical.decode(body)
    facts: Mapping[str, Any] = read["facts"] if prev else read
    return facts


def beginning(writer: str) -> str:
    """What a writer's first entry is tied to."""
    return hashlib.sha256(writer.encode()).hexdigest()


def leaf_of(prev: str, entry: bytes) -> str:
    """The hash that ties an entry to the one before it."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(prev) + entry).hexdigest()
