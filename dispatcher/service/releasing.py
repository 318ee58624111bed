"""Releasing: one officer's signature lets every delivery of a plan go at once.

Rules
  1. One plan, one release, all its channels: every channel must be clear. An officer who does not want to wait for
     one of them submits a plan without it.
  2. What is refused is refused before anybody signs, with every reason, and the refusal is in the ledger.
  3. The release is one small transaction whatever the number of deliveries: their rows were made at submit. Whoever
     calls may ring the lanes' doorbells after the commit; a bell that does not ring loses nothing.
  4. Asking the gate here saves a person a wasted signature. What counts is the sender's own answer.
  5. A person confirms before anything is signed, so that nothing signed is left of what was given up; what changed
     meanwhile is found by asking the gate once more. That it was given up is in the ledger.

The way of a release::

    judge every channel → confirm → judge again → sign
    → plan released, money committed, statement, dispatch, doorbells → commit → ring
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from channels.contract import DeliveryKind, Json
from dispatcher.domain.errors import DispatcherError, GateClosed, Stale
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import SUPERSEDED
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Envelope, Mode, StatementKind
from dispatcher.gate.evidence import Failure
from dispatcher.service.accounts import lane_of
from dispatcher.service.confirming import How
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.judging import Read, judge, who_can
from dispatcher.store import deliveries, records, spends
from dispatcher.store.database import Work
from dispatcher.store.records import StoredPlan
from dispatcher.tracing.context import continued

Ring = Callable[[str, str, str, str], None]
"""Rings a doorbell: lane, mode, dispatch, and the traceparent of its release."""

Confirm = Callable[[StoredPlan], How]
"""Has a person confirm a plan that is clear: how they did. Raises what ends the release instead."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The signed release of one plan. ``lanes`` are those its deliveries travel in.

    ``traceparent`` is its place in a trace, which attempts are linked to.
    """

    id: str
    plan: str
    incident: str
    mode: Mode
    released_at: datetime
    released_by: str
    lanes: tuple[str, ...]
    traceparent: str


def release(
    desk: Desk, plan_name: str, pen: Pen, ring: Ring | None = None, parent: str = "", confirm: Confirm | None = None
) -> Dispatch:
    """Release a plan, as part of the trace of ``parent`` where that is one, else of a new one.

    ``confirm`` is asked once everything is clear; without it, nobody is there who could confirm.
    Raises GateClosed with a reason per channel and clause, Stale, SignatureNeeded, Forbidden.
    """
    person = desk.person(pen)
    role = desk.role(person, desk.policy().may_release)
    read = Read()
    stored, how = _cleared(desk, plan_name, person.id, read), ""
    if confirm is not None:
        how = str(confirm(stored))
        stored = _cleared(desk, stored.digest, person.id, read)
    kinds: dict[str, Json] = {"kinds": [str(DeliveryKind.PUBLISH)]}
    envelope = desk.sign(pen, (role,), StatementKind.RELEASE, stored.digest, stored.plan.mode, kinds)
    with desk.store.write() as work:
        dispatch = _dispatch(desk, work, stored, envelope, continued(parent, desk.random_bytes).traceparent, how)
    if ring is not None:
        ring_lanes(ring, dispatch.id, dispatch.mode, dispatch.lanes, dispatch.traceparent)
    return dispatch


def _cleared(desk: Desk, plan_name: str, person: str, read: Read) -> StoredPlan:
    """The plan, if only the release is missing. A refusal is recorded before it is raised."""
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
        lacking = [(finding.channel, f) for finding in judge(desk, work, stored, read) for f in finding.lacking]
    look = f"dispatcher clearance show {short(stored.digest)}"
    if lacking:
        failures: list[Json] = [{**failure.document(), "channel": channel} for channel, failure in lacking]
        with desk.store.write() as work:
            subject = {"incident": stored.plan.incident, "actor": person, "plan": stored.digest}
            work.record("release.refused", **subject, failures=failures)
    if stored.state != "submitted":
        raise _not_now(stored)
    if lacking:
        reasons = tuple((f.clause, f"{channel}: {f.fact}", _who(desk, f, stored.plan)) for channel, f in lacking)
        raise GateClosed("the plan is not clear, nothing was released", look, reasons)
    return stored


def _not_now(stored: StoredPlan) -> Stale:
    """Why a plan that does not wait is not released: it was, or another takes its place."""
    name = short(stored.digest)
    if stored.state in SUPERSEDED:
        why = f"plan {name} was {stored.state}: its text was edited or rejected; nothing was released"
        return Stale(why, "dispatcher status")
    why = f"plan {name} is {stored.state}: it was released already, which is done once only"
    return Stale(why, f"dispatcher watch {name}")


def _who(desk: Desk, failure: Failure, plan: Plan) -> str:
    """Who can mend it: the roles, each with its people, those on call first; else the words of the clause."""
    people = who_can(desk, [failure], plan)
    return "; ".join(f"{role} ({', '.join(found)})" for role, found in people.items()) or failure.mend


def give_up(desk: Desk, plan_name: str, person: str, why: str) -> bool:
    """Write down that a person gave a release up; whether that came in time, before it was committed."""
    with desk.store.write() as work:
        stored = records.plan(work, plan_name)
        if stored.state == "released":
            return False
        about = {"incident": stored.plan.incident, "plan": stored.digest}
        work.record("release.aborted", **about, actor=person, why=why)
    return True


def _dispatch(desk: Desk, work: Work, stored: StoredPlan, envelope: Envelope, traceparent: str, how: str) -> Dispatch:
    plan = stored.plan
    records.move_plan(work, stored.digest, plan.incident, "submitted", "released")
    spends.commit(work, plan)
    statement = desk.record(work, envelope, plan.mode, plan.incident)
    about = {"plan": stored.digest, "incident": plan.incident}
    dispatch = Dispatch(
        id=desk.new_id("dsp"),
        mode=plan.mode,
        released_at=work.now,
        released_by=statement.person,
        lanes=tuple(sorted({str(lane_of(destination.channel)) for destination in plan.destinations})),
        traceparent=traceparent,
        **about,
    )
    row = {"id": dispatch.id, "mode": str(plan.mode), "released_by": statement.person, "statement": statement.id}
    deliveries.add_dispatch(work, {**about, **row, "traceparent": traceparent}, dispatch.lanes)
    confirmed = {"confirmed": how} if how else {}
    lanes = list(dispatch.lanes)
    work.record("plan.released", **about, actor=statement.person, dispatch=dispatch.id, lanes=lanes, **confirmed)
    return dispatch


def ring_lanes(ring: Ring, dispatch: str, mode: Mode, lanes: Iterable[str], traceparent: str) -> None:
    """Ring after a commit. A bell that does not ring is a warning: the lanes look by themselves."""
    for lane in lanes:
        try:
            ring(lane, str(mode), dispatch, traceparent)
        except (DispatcherError, OSError) as error:
            import structlog  # not loaded by whoever has nothing to log: it takes as long as a judgement

            structlog.get_logger("releasing").warning("doorbell_lost", lane=lane, reason=str(error))
