"""Closing: an incident's messaging is stood down, what is owed afterwards is done, and the incident is closed.

Rules (reference: policy 6.4)
  1. A stand-down is a signed stop: senders know it like a halt, and nobody resumes it. Corrections still pass.
  2. What is owed is worked out from what was signed and sent, never kept as a list of its own: the exempted app
     deleted and access to it removed within 24 hours, everything in doubt settled, money reconciled, a hot review
     within 72 hours and a formal one within 28 days; after breaking the glass, a review within 24 hours by somebody
     who did not. Figures are policy's.
  3. An incident closes when nothing is owed any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.domain import canonical
from dispatcher.domain.errors import Forbidden, Invalid
from dispatcher.domain.ids import short
from dispatcher.domain.incident import Incident
from dispatcher.domain.lifecycle import CLEARANCE, IncidentState, SpendState
from dispatcher.domain.people import Role
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.mitigations import names
from dispatcher.gate.policy import CheckedBy, PolicyVersion
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.evidence import account_subject
from dispatcher.store import deliveries, records, spends, sweep, ways_back
from dispatcher.store.database import Work
from dispatcher.store.tables import SPENDS

STANDS_FOR = timedelta(days=3_653)
REVIEWING = (Role.REVIEWER, Role.DUTY_DIRECTOR, Role.POLICY_OWNER)
ENDING_ACCESS = {"M11": "the app is deleted from {}'s device", "M07": "nobody has access to {} any more"}
"""Mitigations to be attested again once an incident is over."""

UNSURE = ("sending", "in_doubt", "held", "handed_over")


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something owed: what, until when, whether it is done, and the command that does it."""

    what: str
    due_at: datetime
    done: bool
    command: str


@dataclass(frozen=True, slots=True)
class Owed:
    """An incident with everything that it leaves to do, done or not."""

    incident: Incident
    obligations: tuple[Obligation, ...]

    @property
    def open(self) -> tuple[Obligation, ...]:
        """What is not done yet."""
        return tuple(obligation for obligation in self.obligations if not obligation.done)


def stand_down(desk: Desk, incident_name: str, pen: Pen, reason: str = "") -> Owed:
    """End the messaging of an incident: what has not begun is cancelled. Raises Stale, SignatureNeeded, NotFound."""
    with desk.store.read() as work:
        incident = records.incident(work, incident_name)
    body = {"incident": incident.id, "reason": reason}
    roles = desk.policy().may_release
    kind, subject = StatementKind.STAND_DOWN, _subject(incident.id)
    envelope = desk.sign(pen, roles, kind, subject, incident.mode, body, STANDS_FOR)
    with desk.store.write() as work:
        records.move_incident(work, incident.id, IncidentState.ACTIVE, IncidentState.STOOD_DOWN)
        desk.record(work, envelope, incident.mode, incident.id)
        plans = [stored.digest for stored in records.plans_of(work, incident.id)]
        for plan in plans:
            for channel, state in records.clearance_states(work, plan).items():
                if CLEARANCE.allows(state, "stood_down"):
                    records.move_clearance(work, plan, incident.id, channel, state, "stood_down")
    for plan in plans:
        left = True
        while left:  # in turns, so that others can write meanwhile; the signature stops it already
            with desk.store.write() as work:
                left = bool(sweep.cancel_unsent(work, plan, "stood down"))
    return owed(desk, incident.id)


def review(desk: Desk, name: str, pen: Pen, finding: str, evidence: str) -> Owed:
    """Sign a review: of an incident (``hot`` or ``formal``, with ``evidence`` the digest of its file), or of a plan
    for which the glass was broken. ``name`` is INCIDENT/hot, INCIDENT/formal, or a plan.

    Raises Invalid for anything else, Forbidden for somebody who broke the glass.
    """
    if not finding.strip():
        raise Invalid("a review says what was found", "give --finding TEXT")
    about, _, which = name.partition("/")
    person = desk.person(pen).id
    with desk.store.read() as work:
        if which in ("hot", "formal"):
            incident = records.incident(work, about)
            subject = _subject(incident.id)
        elif which:
            raise Invalid(f"{which} is no review", "name INCIDENT/hot, INCIDENT/formal, or a plan")
        else:
            plan = records.plan(work, about)
            incident, subject = records.incident(work, plan.plan.incident), plan.digest
            if person in {s.person for s in desk.said(work, StatementKind.BREAK_GLASS, subject, incident.mode)}:
                raise Forbidden(f"{person} broke the glass and cannot review it", "ask somebody who did not")
    said = {"review": which or "break_glass", "finding": finding, "evidence": evidence}
    envelope = desk.sign(pen, REVIEWING, StatementKind.REVIEW, subject, incident.mode, said, STANDS_FOR)
    with desk.store.write() as work:
        desk.record(work, envelope, incident.mode, incident.id)
    return owed(desk, incident.id)


def close(desk: Desk, incident_name: str, person: str) -> Owed:
    """Close an incident that owes nothing any more. Raises Forbidden naming what it owes, Stale."""
    found = owed(desk, incident_name)
    if found.open:
        first = found.open[0]
        raise Forbidden(f"{len(found.open)} things are owed; first: {first.what}", first.command)
    with desk.store.write() as work:
        records.move_incident(work, found.incident.id, IncidentState.STOOD_DOWN, IncidentState.CLOSED)
        work.record("incident.closed", incident=found.incident.id, actor=person)
    return owed(desk, found.incident.id)


def owed(desk: Desk, incident_name: str) -> Owed:
    """Everything that an incident leaves to do, done or not."""
    version = desk.policy()
    with desk.store.read() as work:
        incident = records.incident(work, incident_name)
        said = desk.said(work, StatementKind.STAND_DOWN, _subject(incident.id), incident.mode)
        found = [*_after_breaking_glass(desk, work, incident, version)]
        if said:
            found += _after_standing_down(desk, work, incident, version, said[0].not_before)
    return Owed(incident, tuple(found))


def _after_breaking_glass(desk: Desk, work: Work, incident: Incident, version: PolicyVersion) -> Iterator[Obligation]:
    for stored in records.plans_of(work, incident.id):
        broken = desk.said(work, StatementKind.BREAK_GLASS, stored.digest, incident.mode)
        if not broken or version.break_glass is None:
            continue
        reviewed = desk.said(work, StatementKind.REVIEW, stored.digest, incident.mode)
        due_at = broken[0].not_before + timedelta(hours=version.break_glass.review_hours)
        what = f"review that the glass was broken for plan {short(stored.digest)}"
        command = f"dispatcher incident review {short(stored.digest)} --finding TEXT --evidence FILE"
        yield Obligation(what, due_at, bool({s.person for s in reviewed} - {s.person for s in broken}), command)


def _after_standing_down(
    desk: Desk, work: Work, incident: Incident, version: PolicyVersion, since: datetime
) -> Iterator[Obligation]:
    rules, id_ = version.stand_down, incident.id
    deletion = since + timedelta(hours=rules.deletion_hours)
    yield from _access(desk, work, incident, version, since, deletion)
    plans = records.plans_of(work, id_)
    unsure = any(state in UNSURE for plan in plans for _, _, _, state, _, _ in deliveries.counts(work, plan.digest))
    command = f"dispatcher delivery list --incident {id_}"
    yield Obligation("every delivery has ended, none is in doubt or waits for people", deletion, not unsure, command)
    tasks = [row for row in ways_back.tasks(work) if row.incident == id_]
    yield Obligation("every task of the way back is done", deletion, not tasks, "dispatcher task list")
    for plan in plans:
        if any(spend.state == SpendState.COMMITTED for spend in spends.listed(work, SPENDS.c.plan == plan.digest)):
            name = short(plan.digest)
            command = f"dispatcher spend reconcile {name} --channel CHANNEL --billed AMOUNT --invoice REF"
            due_at = since + timedelta(days=rules.formal_review_days)
            yield Obligation(f"the money of plan {name} is reconciled", due_at, done=False, command=command)
    reviews = {s.body.get("review") for s in desk.said(work, StatementKind.REVIEW, _subject(id_), incident.mode)}
    for which, span in (
        ("hot", timedelta(hours=rules.hot_review_hours)),
        ("formal", timedelta(days=rules.formal_review_days)),
    ):
        command = f"dispatcher incident review {id_}/{which} --finding TEXT --evidence FILE"
        yield Obligation(f"the {which} review", since + span, which in reviews, command)


def _access(
    desk: Desk, work: Work, incident: Incident, version: PolicyVersion, since: datetime, due_at: datetime
) -> Iterator[Obligation]:
    """What the exempted accounts that were used leave to do."""
    plans = [plan.plan for plan in records.plans_of(work, incident.id) if plan.state not in ("returned", "withdrawn")]
    used = {(d.channel, d.account) for plan in plans for d in plan.destinations}
    for channel, account in sorted(used):
        rule = version.rule(channel)
        for code in rule.mitigations if rule and rule.exemption else ():
            if code in ENDING_ACCESS and version.mitigation[code].checked_by is not CheckedBy.SOFTWARE:
                command = f"dispatcher evidence attest {channel} --account {account} --mitigation {code} …"
                said = desk.said(work, StatementKind.ATTEST, account_subject(channel, account), incident.mode)
                done = any(s.not_before >= since and names(s, code) for s in said)
                yield Obligation(f"{code}: {ENDING_ACCESS[code].format(account)}", due_at, done, command)


def _subject(incident: str) -> str:
    return canonical.digest("stand_down/v1", canonical.encode({"incident": incident}))
