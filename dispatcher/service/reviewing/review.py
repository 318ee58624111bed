"""A review: an incident as its reviewer reads it (reference: policy 4, what a log must answer in one query)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.incident import Incident
from dispatcher.service.desk import Desk
from dispatcher.service.judging import CLAUSES
from dispatcher.service.ledger import line_of
from dispatcher.service.reviewing.events import Event, Marked, Reading, Timeline, events, readings, timeline
from dispatcher.service.reviewing.judged import Denial, PolicyRead, denials, in_force
from dispatcher.service.reviewing.known import Known, Written, known, written
from dispatcher.service.reviewing.minutes import Course, Path, paths
from dispatcher.service.reviewing.plans import PlanRead, read_plan
from dispatcher.service.reviewing.sent import (
    Answers,
    Delivered,
    FirstPublic,
    Tally,
    Trouble,
    answers,
    counted,
    first_public,
    posts,
    troubles,
)
from dispatcher.service.reviewing.signed import HaltRead, Signature, halts, read
from dispatcher.service.reviewing.timed import Latency, Progress, WentBack, latency, progress, went_back
from dispatcher.store import history, records, statements
from dispatcher.store.database import Work


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


def review(desk: Desk, incident_name: str, person: str | None = None) -> Review:
    """Everything about an incident. ``person`` is who reads it. Raises NotFound, Invalid.

    Each reading is itself in the ledger. Only that is written: nothing is locked while an incident is read, so that
    what is still moving may have moved on from one part of it to the next.
    """
    with desk.store.read() as work:
        incident = records.incident(work, incident_name)
    with desk.store.write() as work:
        work.record("review.read", incident=incident.id, actor=person)
    with desk.store.read() as work:
        return _read(desk, work, incident)


def _read(desk: Desk, work: Work, incident: Incident) -> Review:
    stored, roster = records.plans_of(work, incident.id), desk.trust.roster
    signatures = _signatures(desk, work, incident, [one.digest for one in stored])
    counts, answered = counted(work, incident.id), answers(work, incident.id)
    plans = tuple(read_plan(desk, work, one, signatures[one.digest], counts, answered) for one in stored)
    standing = _standing(desk, work, incident, plans)
    revoked = {plan.digest for plan in plans if plan.stopped_in_ms is not None}
    delivered = posts(work, incident, revoked)
    found, troubled = troubles(work, incident.id, counts)
    firsts, revisions = first_public(counts, delivered), written(work, incident.id)
    stops = halts(desk, work, incident, [one.plan for one in stored])
    back = tuple(one for plan in plans for one in went_back(work, plan, counts))
    denied, entries = denials(work, incident.id), timeline(work, incident.id)
    everything = [one for about in signatures.values() for one in about]
    course = Course(
        incident,
        roster,
        _activated(work, incident.id),
        revisions,
        plans,
        signatures[""],
        standing,
        stops,
        counts,
        delivered,
    )
    return Review(
        incident=incident,
        read_at=work.now,
        known=known(work, roster, incident.id),
        revisions=revisions,
        plans=plans,
        signatures=signatures[""],
        standing=standing,
        policies=in_force(desk.trust.policy, incident.declared_at, work.now),
        clauses=CLAUSES,
        denials=denied,
        tallies=counts,
        answers=answered,
        deliveries=delivered,
        troubles=found,
        troubled=troubled,
        progress=progress(work, counts),
        latency=latency(work, incident.id),
        first_public=firsts,
        ways_back=back,
        halts=stops,
        paths=paths(course),
        events=events(entries.entries, Marked(everything, firsts, back, stops, denied)),
        readings=readings(work, incident.id),
        timeline=entries,
    )


def _signatures(
    desk: Desk, work: Work, incident: Incident, plans: Sequence[str]
) -> Mapping[str, tuple[Signature, ...]]:
    """Everything signed in the incident by the plan that it is about, and what is about none under the empty name."""
    said = statements.said_of(work, incident.id, plans)
    signed = list(zip(said, read(desk, incident.mode, said), strict=True))
    return {
        plan: tuple(signature for row, signature in signed if (row.subject if row.subject in plans else "") == plan)
        for plan in ("", *plans)
    }


def _standing(desk: Desk, work: Work, incident: Incident, plans: Sequence[PlanRead]) -> tuple[Signature, ...]:
    """What stood about the channels and accounts of the plans, from the first submission on."""
    since = min((plan.submitted_at for plan in plans), default=incident.declared_at)
    channels = {channel for plan in plans for channel in plan.stored.plan.channels}
    accounts = {None, *(one.account for plan in plans for one in plan.stored.plan.destinations)}
    signed = read(desk, incident.mode, statements.said_standing(work, str(incident.mode), since))
    return tuple(
        one
        for one in signed
        if one.said and one.said.body.get("channel") in channels and one.said.body.get("account") in accounts
    )


def _activated(work: Work, incident: str) -> tuple[datetime, str] | None:
    entries = (line_of(row) for row in history.each(work, incident, ["incident.activated"]))
    return next(((entry.at, str(entry.facts["actor"])) for entry in entries), None)
