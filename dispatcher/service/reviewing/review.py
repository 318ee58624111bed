"""A review: an incident as its reviewer reads it (reference: policy 4, what a log must answer in one query)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.incident import Incident
from dispatcher.service.reviewing.events import Event, Reading, Timeline
from dispatcher.service.reviewing.judged import Denial, PolicyRead
from dispatcher.service.reviewing.known import Known, Written
from dispatcher.service.reviewing.minutes import Path
from dispatcher.service.reviewing.plans import PlanRead
from dispatcher.service.reviewing.sent import Answers, Delivered, FirstPublic, Tally, Trouble
from dispatcher.service.reviewing.signed import HaltRead, Signature
from dispatcher.service.reviewing.timed import Latency, Progress, WentBack


@dataclass(frozen=True, slots=True)
class Review:
    """An incident as its reviewer reads it.

    ``signatures`` are those about the incident and about no plan of it, ``standing`` the assessments, exemptions and
    attestations of its channels and accounts that counted at some time from its first plan on. ``clauses`` says what
    each clause of the gate asks. ``troubles`` are the largest, 200 at the most, of ``troubled`` deliveries in all.
    """

    incident: Incident
    read_at: datetime
    known: tuple[Known, ...]
    revisions: tuple[Written, ...]
    plans: tuple[PlanRead, ...]
    signatures: tuple[Signature, ...]
    standing: tuple[Signature, ...]
    policies: tuple[PolicyRead, ...]
    clauses: Mapping[str, str]
    denials: tuple[Denial, ...]
    tallies: tuple[Tally, ...]
    answers: tuple[Answers, ...]
    deliveries: tuple[Delivered, ...]
    troubles: tuple[Trouble, ...]
    troubled: int
    progress: tuple[Progress, ...]
    latency: tuple[Latency, ...]
    first_public: tuple[FirstPublic, ...]
    ways_back: tuple[WentBack, ...]
    halts: tuple[HaltRead, ...]
    paths: tuple[Path, ...]
    events: tuple[Event, ...]
    readings: tuple[Reading, ...]
    timeline: Timeline
