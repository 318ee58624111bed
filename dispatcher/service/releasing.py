"""Releasing: one officer's signature lets every delivery of a plan go at once.

Rules
  1. One plan, one release, all its channels: every channel must be clear. An officer who does not want to wait for
     one of them submits a plan without it.
  2. What is refused is refused before anybody signs, with every reason, and the refusal is in the ledger.
  3. The release is one small transaction whatever the number of deliveries: their rows were made at submit. Whoever
     calls may ring the lanes' doorbells after the commit; a bell that does not ring loses nothing.
  4. Asking the gate here saves a person a wasted signature. What counts is the sender's own answer.

The way of a release::

    judge every channel → sign → statement, dispatch, doorbells, plan released, ledger entry → commit → ring
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from channels.contract import DeliveryKind, Json
from dispatcher.domain.errors import DispatcherError, Forbidden, GateClosed, Stale
from dispatcher.domain.ids import short
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Envelope, Mode, StatementKind
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.judging import ChannelFinding, judge
from dispatcher.store import deliveries, records
from dispatcher.store.database import Work
from dispatcher.store.records import StoredPlan

Ring = Callable[[str, str, str], None]
"""Rings a doorbell: lane, mode, dispatch."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The signed release of one plan. ``lanes`` are those its deliveries travel in."""

    id: str
    plan: str
    incident: str
    mode: Mode
    released_at: datetime
    released_by: str
    lanes: tuple[str, ...]


def release(desk: Desk, plan_name: str, pen: Pen, ring: Ring | None = None) -> Dispatch:
    """Release a plan. Raises GateClosed with a reason per channel and clause, Stale, SignatureNeeded, Forbidden."""
    person = desk.person(pen)
    role = desk.role(person, _may_release(desk))
    stored = _cleared(desk, plan_name, person.id)
    kinds: dict[str, Json] = {"kinds": [str(DeliveryKind.PUBLISH)]}
    envelope = pen.sign(desk.compose(StatementKind.RELEASE, stored.digest, person, role, stored.plan.mode, kinds))
    with desk.store.write() as work:
        dispatch = _dispatch(desk, work, stored, envelope)
    if ring is not None:
        _ring(ring, dispatch)
    return dispatch


def _cleared(desk: Desk, plan_name: str, person: str) -> StoredPlan:
    """The plan, if only the release is missing. A refusal is recorded before it is raised."""
    with desk.store.write() as work:
        stored = records.plan(work, plan_name)
        reasons = _reasons(judge(desk, work, stored))
        if reasons:
            failures: list[Json] = [{"clause": clause, "fact": fact, "mend": mend} for clause, fact, mend in reasons]
            work.record(
                "release.refused",
                incident=stored.plan.incident,
                actor=person,
                plan=stored.digest,
                failures=failures,
            )
    look = f"look: dispatcher clearance show {short(stored.digest)}"
    if stored.state != "submitted":
        raise Stale(f"plan {short(stored.digest)} is {stored.state}: it is released once only", look)
    if reasons:
        raise GateClosed("the plan is not clear, nothing was released", look, reasons)
    return stored


def _dispatch(desk: Desk, work: Work, stored: StoredPlan, envelope: Envelope) -> Dispatch:
    plan, lanes = stored.plan, records.lanes(work)
    records.move_plan(work, stored.digest, "submitted", "released")
    statement = desk.record(work, envelope, plan.mode, plan.incident)
    dispatch = Dispatch(
        id=desk.new_id("dsp"),
        plan=stored.digest,
        incident=plan.incident,
        mode=plan.mode,
        released_at=work.now,
        released_by=statement.person,
        lanes=tuple(sorted({lanes[destination.account] for destination in plan.destinations})),
    )
    deliveries.add_dispatch(work, _row(dispatch, statement.id), dispatch.lanes)
    work.record(
        "plan.released",
        incident=dispatch.incident,
        actor=dispatch.released_by,
        plan=dispatch.plan,
        dispatch=dispatch.id,
        lanes=list(dispatch.lanes),
    )
    return dispatch


def _may_release(desk: Desk) -> tuple[Role, ...]:
    version = desk.trust.policy.in_force(desk.now())
    if version is None:
        raise Forbidden("no policy is in force", "two policy owners sign one")
    return version.may_release


def _reasons(findings: list[ChannelFinding]) -> tuple[tuple[str, str, str], ...]:
    return tuple((f.clause, f"{finding.channel}: {f.fact}", f.mend) for finding in findings for f in finding.lacking)


def _row(dispatch: Dispatch, statement: str) -> dict[str, str]:
    return {
        "id": dispatch.id,
        "plan": dispatch.plan,
        "incident": dispatch.incident,
        "mode": str(dispatch.mode),
        "released_by": dispatch.released_by,
        "statement": statement,
    }


def _ring(ring: Ring, dispatch: Dispatch) -> None:
    for lane in dispatch.lanes:
        try:
            ring(lane, str(dispatch.mode), dispatch.id)
        except (DispatcherError, OSError) as error:
            structlog.get_logger("releasing").warning("doorbell_lost", lane=lane, reason=str(error))
