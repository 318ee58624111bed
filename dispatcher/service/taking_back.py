"""The way back: one officer's signature corrects, withdraws or ends what a plan put out, on every channel that can.

Rules (reference: platforms 0.3, ux 118)
  1. The armed texts were approved with the message, so that one person who may release may send them: taking back is
     easier than sending.
  2. What has not begun of the message is cancelled at once. What is public gets its delivery now; what is still under
     way gets it when it turns out to be public, and not before.
  3. No channel waits for another: where one is not clear, the others go, and it says what is missing.
  4. Where a platform has no way back for a machine, a task for a person opens at once with the post and the text.
  5. Asking the gate here saves a person a wasted signature. What counts is the sender's own answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from channels.contract import Json
from dispatcher.domain.errors import DispatcherError, GateClosed, Invalid, Stale
from dispatcher.domain.ids import short
from dispatcher.domain.message import DELIVERED_AS, SPOKEN, TextKind
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.decide import decide
from dispatcher.sending.prepared import prepare
from dispatcher.service.accounts import lane_of
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.judging import cases_of
from dispatcher.service.releasing import Ring
from dispatcher.store import deliveries, records, sweep, ways_back
from dispatcher.store.database import Work
from dispatcher.store.records import StoredPlan

SAID_BY_THIS = "G03"
"""The clause that the order itself mends."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a person has to do: the post, where it is, and the text, by language."""

    id: str
    plan: str
    delivery: str
    channel: str
    account: str
    kind: TextKind
    reference: str | None
    url: str | None
    texts: dict[str, str]
    opened_at: datetime
    done_at: datetime | None
    done_by: str | None
    note: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """An order: how much was made at once and cancelled, the tasks, and accounts that are not clear, with reasons."""

    plan: str
    incident: str
    kind: TextKind
    ordered_by: str
    ordered_at: datetime
    made: int
    cancelled: int
    tasks: tuple[Task, ...]
    lacking: tuple[tuple[str, str, str], ...]


def take_back(desk: Desk, plan_name: str, kind: TextKind, pen: Pen, ring: Ring | None = None) -> TakenBack:
    """Send an armed text of a released plan. Raises GateClosed where no account is clear, Stale, SignatureNeeded."""
    person = desk.person(pen)
    role = desk.role(person, desk.policy().may_release)
    stored, renderings, lacking = _clear(desk, plan_name, kind)
    kinds: dict[str, Json] = {"kinds": [str(DELIVERED_AS[kind])], "text": str(kind)}
    life = stored.plan.armed_not_after - desk.clock()
    envelope = desk.sign(pen, (role,), StatementKind.RELEASE, stored.digest, stored.plan.mode, kinds, life)
    with desk.store.write() as work:
        statement = desk.record(work, envelope, stored.plan.mode, stored.plan.incident)
        ordered_at = work.now
        _order(work, stored, kind, renderings, statement.id, person.id)
        made = ways_back.follow(work, stored.digest)
        opened = [task for task in ways_back.tasks(work, plan=stored.digest) if task.kind == kind]
        tasks = tuple(_task(desk, work, task) for task in opened)
    cancelled = _cancel(desk, stored.digest, kind)
    _ring(ring, stored.plan, desk, renderings)
    return TakenBack(
        plan=stored.digest,
        incident=stored.plan.incident,
        kind=kind,
        ordered_by=person.id,
        ordered_at=ordered_at,
        made=made - len(tasks),
        cancelled=cancelled,
        tasks=tasks,
        lacking=lacking,
    )


def tasks(desk: Desk, *, open_only: bool = True) -> list[Task]:
    """What people have to do, the oldest first."""
    with desk.store.read() as work:
        return [_task(desk, work, row) for row in ways_back.tasks(work, open_only=open_only)]


def done(desk: Desk, task_name: str, person: str, note: str) -> Task:
    """Write down that somebody did a task. Raises NotFound, Invalid without a note, Stale where it was done."""
    if not note.strip():
        raise Invalid("say what was done", "for example: --note 'deleted in the app at 18:05'")
    with desk.store.write() as work:
        row = ways_back.task(work, task_name)
        if not ways_back.done(work, row.id, person, note):
            raise Stale(f"task {short(row.id)} was done by {row.done_by}", "see what is left: dispatcher task list")
        about = {"incident": row.incident, "plan": row.plan, "delivery": row.delivery}
        work.record("task.done", **about, actor=person, task=row.id, account=row.account, text=row.kind, note=note)
        return _task(desk, work, ways_back.task(work, row.id))


def _clear(
    desk: Desk, plan_name: str, kind: TextKind
) -> tuple[StoredPlan, dict[str, str], tuple[tuple[str, str, str], ...]]:
    """The plan, the text's rendering of each account that is clear, and why the others are not."""
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
        _sent(work, stored, kind)
        cases = cases_of(desk, work, records.bundle(work, stored.digest), kind)
    renderings, lacking = dict[str, str](), list[tuple[str, str, str]]()
    for case, destination in zip(cases, stored.plan.destinations, strict=True):
        failures = [f for f in decide(case.evidence, case.facts, case.now).failures if f.clause != SAID_BY_THIS]
        lacking += [(f.clause, f"{destination.account}: {f.fact}", f.mend) for f in failures]
        if not failures:
            renderings[destination.account] = destination.renderings[kind]
    if not renderings:
        look = f"look: dispatcher clearance show {short(stored.digest)}"
        raise GateClosed("no account is clear for this, nothing was sent", look, tuple(lacking))
    return stored, renderings, tuple(lacking)


def _sent(work: Work, stored: StoredPlan, kind: TextKind) -> None:
    name = short(stored.digest)
    if deliveries.dispatch_of(work, stored.digest) is None:
        raise Stale(f"plan {name} was never released", f"take its clearance back: dispatcher clearance revoke {name}")
    if (at := ways_back.ordered_at(work, stored.digest, kind)) is not None:
        raise Stale(f"this was ordered for plan {name} at {at:%H:%M:%S} UTC already", f"see: dispatcher watch {name}")
    if not any(kind in destination.renderings for destination in stored.plan.destinations):
        raise Invalid(f"plan {name} has no such text", "arm it and submit a new plan: dispatcher message arm")


def _order(
    work: Work, stored: StoredPlan, kind: TextKind, renderings: dict[str, str], statement: str, person: str
) -> None:
    plan = stored.plan
    about = {"plan": stored.digest, "incident": plan.incident}
    ways_back.order(
        work,
        **about,
        kind=str(kind),
        mode=str(plan.mode),
        ordered_by=person,
        statement=statement,
        expires_at=plan.armed_not_after,
        renderings=renderings,
    )
    work.record("way_back.ordered", **about, actor=person, text=str(kind), accounts=len(renderings))
    dispatch = deliveries.dispatch_of(work, stored.digest)
    lanes = _lanes(plan, renderings)
    ways_back.ring(work, dispatch.id if dispatch else "", str(plan.mode), lanes)


def _lanes(plan: Plan, accounts: Iterable[str]) -> list[str]:
    clear = set(accounts)
    return sorted({str(lane_of(d.channel)) for d in plan.destinations if d.account in clear})


def _cancel(desk: Desk, plan: str, kind: TextKind) -> int:
    """Cancel what has not begun, in turns, so that others can write. Returns how many."""
    cancelled, left = 0, 1
    while left:
        with desk.store.write() as work:
            left = sweep.cancel_unsent(work, plan, f"overtaken by its {SPOKEN[kind]}")
        cancelled += left
    return cancelled


def _ring(ring: Ring | None, plan: Plan, desk: Desk, accounts: Iterable[str]) -> None:
    if ring is None:
        return
    with desk.store.read() as work:
        dispatch = deliveries.dispatch_of(work, plan.digest)
    for lane in _lanes(plan, accounts):
        try:
            ring(lane, str(plan.mode), dispatch.id if dispatch else "")
        except (DispatcherError, OSError) as error:
            structlog.get_logger("taking_back").warning("doorbell_lost", lane=lane, reason=str(error))


def _task(desk: Desk, work: Work, row: Any) -> Task:
    stored = records.plan(work, row.plan)
    prepared = prepare(records.bundle(work, row.plan), desk.verifier(stored.plan.mode), work.now)
    rendering = prepared.texts.renderings.get(row.rendering)
    parts = rendering.parts if rendering else ()
    listed = row.list is not None
    return Task(
        id=row.id,
        plan=row.plan,
        delivery=row.delivery,
        channel=row.channel,
        account=row.account,
        kind=TextKind(row.kind),
        reference=None if listed else row.reference,
        url=None if listed else row.url,
        texts={part.language: part.text for part in parts},
        opened_at=row.opened_at,
        done_at=row.done_at,
        done_by=row.done_by,
        note=row.note,
    )
