"""The values that one look at a deployment comes to. All times are UTC and aware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dispatcher.service.probing import Probed
from dispatcher.service.stopping import Halted


class Tone(StrEnum):
    """How a line is to be shown: each has its own word and shape, and never a colour alone."""

    DONE = "done"
    GOING = "going"
    WAITING = "waiting"
    TROUBLE = "trouble"
    STOPPED = "stopped"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class ChannelNow:
    """One channel of one plan of an incident, in a sentence that a press officer understands.

    ``sentence``: such as ``waiting for the minister since 14:02:00`` or ``live since 14:03:07``, without the name of
    the channel. ``counts`` are deliveries of the message by state, of which ``reached`` are out. ``unreached_since``
    is when the approval was complete (or the plan released), while something that was approved is not yet public;
    None once nothing is awaited. ``clearance`` is the state of that lifecycle; ``clear_until`` when its window ends.
    """

    channel: str
    plan: str
    sentence: str
    tone: Tone
    counts: Mapping[str, int]
    reached: int
    total: int
    clearance: str
    clear_until: datetime | None
    unreached_since: datetime | None


@dataclass(frozen=True, slots=True)
class MatrixLine:
    """One text to one account: its deliveries by state, and the attempts at them."""

    plan: str
    text: str
    channel: str
    account: str
    states: Mapping[str, int]
    attempts: int


@dataclass(frozen=True, slots=True)
class IncidentNow:
    """One incident that is not closed, with each channel of its plans. ``halts`` says in words what is stopped.

    ``matrix`` has a line for each text to each account of its plans, those that were given up too.
    """

    id: str
    mode: str
    kind: str
    severity: int
    title: str
    state: str
    declared_at: datetime
    channels: tuple[ChannelNow, ...]
    halts: tuple[str, ...] = ()
    matrix: tuple[MatrixLine, ...] = ()


@dataclass(frozen=True, slots=True)
class LaneNow:
    """One lane in one mode: a queue and who works at it.

    ``waiting`` is due now, ``delayed`` later, ``in_flight`` leased or being sent. ``oldest_due_at`` is of what waits.
    ``per_minute`` is what has ended in the last minute; ``empty_in_s`` what is left at that pace, None where that
    cannot be said. ``live`` counts its processes that were heard of lately. ``rings`` is the length of its doorbell
    queue in Redis, None where Redis was not asked or did not answer.
    """

    lane: str
    mode: str
    waiting: int
    delayed: int
    in_flight: int
    in_doubt: int
    held: int
    oldest_due_at: datetime | None
    per_minute: int
    empty_in_s: int | None
    live: int
    last_done_at: datetime | None
    last_done: str = ""
    rings: int | None = None


@dataclass(frozen=True, slots=True)
class WorkerNow:
    """One process of a role; ``live`` is whether it was heard of within ``timing.silence_ms``."""

    owner: str
    role: str
    mode: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    doing: str
    doing_since: datetime | None
    in_flight: int
    heard_at: datetime | None
    live: bool


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that wants a person: ``what`` in words, ``command`` to look or act with (it may have to be signed).

    ``kind`` is one of KINDS in ``attention``; ``count`` how many such things there are in one. ``delivery`` and
    ``incident`` name what a page can link to.
    """

    kind: str
    what: str
    command: str
    mode: str
    since: datetime | None
    count: int = 1
    incident: str | None = None
    delivery: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """One look at everything, taken at ``at`` in ``took_ms``. ``number`` rises by one with each that differs."""

    number: int
    at: datetime
    took_ms: float
    deployment: str
    kind: str
    incidents: tuple[IncidentNow, ...]
    lanes: tuple[LaneNow, ...]
    workers: tuple[WorkerNow, ...]
    attention: tuple[Matter, ...]
    halts: tuple[Halted, ...]
    probes: tuple[Probed, ...]
    checkpoint_at: datetime | None
    ledger_waiting_since: datetime | None
    ledger_size: int
