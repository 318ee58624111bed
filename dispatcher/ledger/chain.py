"""A writer's chain: every entry holds the hash of the one before it.

Rules (reference: reliability 3.2)
  1. Each process writes its own chain, so that no two wait for one another.
  2. ``leaf = SHA-256(0x00 ‖ prev ‖ body)``; the first ``prev`` is the hash of the writer's name.
  3. The body is canonical JSON and holds the writer, its sequence number and the time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time

SCHEMA = "ledger-entry/v1"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be recorded, before it has its place in a chain."""

    kind: str
    at: datetime
    incident: str | None
    facts: Mapping[str, Json]


class Chain:
    """The head of one writer's chain. Immutable: :meth:`extend` returns the next head, taken over after commit."""

    __slots__ = ("_prev", "_sequence", "writer")

    def __init__(self, writer: str, sequence: int = 0, prev: str | None = None) -> None:
        self.writer = writer
        self._sequence = sequence
        self._prev = prev or hashlib.sha256(writer.encode()).hexdigest()

    def extend(self, entries: Sequence[Entry]) -> tuple[list[dict[str, Any]], Chain]:
        """The rows of these entries, and the chain's head after them."""
        rows, sequence, prev = [], self._sequence, self._prev
        for entry in entries:
            sequence += 1
            body = encode(self.writer, sequence, entry)
            leaf = leaf_of(prev, body)
            rows.append(
                {
                    "writer": self.writer,
                    "sequence": sequence,
                    "prev": prev,
                    "leaf": leaf,
                    "kind": entry.kind,
                    "incident": entry.incident,
                    "recorded_at": entry.at,
                    "body": body,
                }
            )
            prev = leaf
        return rows, Chain(self.writer, sequence, prev)


def encode(writer: str, sequence: int, entry: Entry) -> bytes:
    """The canonical bytes of an entry at its place."""
    return canonical.encode(
        {
            "schema": SCHEMA,
            "writer": writer,
            "sequence": sequence,
            "kind": entry.kind,
            "recorded_at": format_time(entry.at),
            "facts": dict(entry.facts),
        }
    )


def leaf_of(prev: str, body: bytes) -> str:
    """The hash that ties an entry to the one before it."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(prev) + body).hexdigest()
