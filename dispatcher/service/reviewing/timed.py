"""How long sending took: progress, latency, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.message import TextKind


@dataclass(frozen=True, slots=True)
class Curve:
    """How many of a channel's deliveries had been accepted by each of the progress's ``ends``, never falling."""

    channel: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Acceptances of one kind of text over the time in which it went out; ``ends`` of at most 200 equal steps."""

    kind: TextKind
    start: datetime
    ends: tuple[datetime, ...]
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """How durations lie, in milliseconds, at most 1 % too long; ``most`` is exact."""

    count: int
    median: int
    p95: int
    most: int


@dataclass(frozen=True, slots=True)
class Latency:
    """Where the time of one channel's deliveries of one kind of text went; None where nothing was measured.

    ``queue``: from the signature (the release, or the order of the way back) to a delivery's first attempt.
    ``adapter``: of each attempt, from its intent to its recorded answer, without the platform. ``platform``: of each
    attempt, what the platform took.
    """

    channel: str
    kind: TextKind
    queue: Spread | None
    adapter: Spread | None
    platform: Spread | None


@dataclass(frozen=True, slots=True)
class WentBack:
    """An order to correct, withdraw or end what a plan put out, and how long its effect took.

    ``made`` deliveries and ``tasks`` for people came of it, of which ``accepted`` and ``done`` took effect.
    ``first_ms`` and ``last_ms``: from the order to the first and the last of these so far. ``stood_ms``: how long the
    message had been public when it was ordered; None where it was not.
    """

    plan: str
    kind: TextKind
    ordered_at: datetime
    ordered_by: str
    reason: str
    accounts: int
    made: int
    accepted: int
    tasks: int
    done: int
    first_ms: int | None
    last_ms: int | None
    stood_ms: int | None
