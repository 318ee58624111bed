"""What was known, and what was written: the incident's facts, its evidence, the revisions of its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.contract import Json, LanguageText
from dispatcher.domain.incident import Item
from dispatcher.domain.message import TextKind


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
