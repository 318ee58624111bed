"""Where the minutes went: who was waited for, from the declaration to the first public post."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MACHINE = "machine"
"""The role of a span in which no person was waited for."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a path: from when to when, who was waited for in which role, and for what.

    ``role`` is ``MACHINE``, with ``who`` empty, where no person was waited for.
    """

    start: datetime
    end: datetime
    who: str
    role: str
    what: str


@dataclass(frozen=True, slots=True)
class Path:
    """Where the minutes went, of one message: from ``start`` to its first public post, or to the last act so far.

    Its spans follow each other without a gap and do not overlap. ``plan`` is the one that became public first, else
    the newest. What has not happened is None.
    """

    message: str
    plan: str | None
    start: datetime
    submitted_at: datetime | None
    cleared_at: datetime | None
    released_at: datetime | None
    public_at: datetime | None
    spans: tuple[Span, ...]
