"""The incident in order: marks for a swim-lane chart, the ledger's telling entries, and who read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatcher.service.ledger import LedgerLine


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
