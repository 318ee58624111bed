"""The way back: one officer's signature corrects, withdraws or ends what a plan put out, on every channel that can.

Rules (reference: platforms 0.3, ux 118)
  1. The signature revokes the plan and names the text to send, so that nothing of the message leaves any more,
     whatever becomes of the rows. The armed texts were approved with the message: one person who may release may
     send them, because taking back is easier than sending.
  2. What has not begun of the message is cancelled at once. What is public gets its delivery now; what is still under
     way gets it when it turns out to be public, and not before.
  3. No channel waits for another: where one is not clear, the others go, and it says what is missing. Once that is
     mended, the same order is given again for the rest.
  4. Where a platform has no way back for a machine, a task for a person opens at once with the post and the text.
  5. Asking the gate here saves a person a wasted signature. What counts is the sender's own answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels.contract import Json
from dispatcher.domain.errors import GateClosed, Invalid, Stale
from dispatcher.domain.ids import short
from dispatcher.domain.message import DELIVERED_AS, SPOKEN, TextKind
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode, Statement, StatementKind
from dispatcher.gate.decide import decide
from dispatcher.sending.prepared import read_texts
from dispatcher.service.accounts import lane_of
from dispatcher.service.clearing import cancel_unsent
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.judging import cases_of
from dispatcher.service.releasing import Ring, ring_lanes
from dispatcher.store import deliveries, records, ways_back
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
class Lacking:
    """Why an account is not sent the text: the clause, the fact, and who can mend it."""

    clause: str
    account: str
    fact: str
    mend: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """An order: how much was made at once and cancelled, the tasks, and why other accounts get nothing.

    ``in_hands`` are the accounts whose operators hold the message and may not have posted it yet: they must be told.
    """

    plan: str
    incident: str
    mode: Mode
    kind: TextKind
    ordered_by: str
    ordered_at: datetime
    made: int
    cancelled: int
    tasks: tuple[Task, ...]
    lacking: tuple[Lacking, ...]
    in_hands: tuple[str, ...]


def take_back(
    desk: Desk, plan_name: str, kind: TextKind, pen: Pen, ring: Ring | None = None, reason: str = ""
) -> TakenBack:
    """Revoke a released plan and send one of its armed texts, by one signature.

    Raises GateClosed where no account is clear, Stale where it was never released or every account was told already,
    SignatureNeeded.
    """
    role = desk.role(desk.person(pen), desk.policy().may_release)
    sent, renderings, lacking = _clear(desk, plan_name, kind)
    stored = sent.stored
    body: dict[str, Json] = {"reason": reason, "kinds": [str(DELIVERED_AS[kind])], "text": str(kind)}
    life = stored.plan.armed_not_after - desk.clock()
    envelope = desk.sign(pen, (role,), StatementKind.REVOKE, stored.digest, stored.plan.mode, body, life)
    with desk.store.write() as work:
        statement = desk.record(work, envelope, stored.plan.mode, stored.plan.incident)
        ordered_at = work.now
        made, opened = _order(work, sent, kind, renderings, statement)
    cancelled = cancel_unsent(desk, stored.digest, f"overtaken by its {SPOKEN[kind]}")
    if ring is not None:
        ring_lanes(ring, sent.dispatch, stored.plan.mode, _lanes(stored.plan, renderings), sent.traceparent)
    return TakenBack(
        plan=stored.digest,
        incident=stored.plan.incident,
        mode=stored.plan.mode,
        kind=kind,
        ordered_by=statement.person,
        ordered_at=ordered_at,
        made=made - len(opened),
        cancelled=cancelled,
        tasks=opened,
        lacking=lacking,
        in_hands=_in_hands(desk, stored.digest),
    )


def tasks(desk: Desk, *, open_only: bool = True) -> list[Task]:
    """What people have to do, the oldest first."""
    with desk.store.read() as work:
        return [_task(work, row) for row in ways_back.tasks(work, open_only=open_only)]


def done(desk: Desk, task_name: str, person: str, note: str) -> Task:
    """Write down that somebody did a task. Raises NotFound, Invalid without a note, Stale where it was done."""
    if not note.strip():
        raise Invalid("say what was done", "for example: --note 'deleted in the app at 18:05'")
    with desk.store.write() as work:
        row = ways_back.task(work, task_name)
        if not ways_back.done(work, row.id, person, note):
            raise Stale(f"task {short(row.id)} was done by {row.done_by}", "dispatcher task list")
        about = {"incident": row.incident, "plan": row.plan, "delivery": row.delivery}
        work.record("task.done", **about, actor=person, task=row.id, account=row.account, text=row.kind, note=note)
        return _task(work, ways_back.task(work, row.id))


@dataclass(frozen=True, slots=True)
class _Sent:
    """A plan that went out: its dispatch with its trace, and the accounts that have an order of this text already."""

    stored: StoredPlan
    dispatch: str
    traceparent: str
    told: frozenset[str]


def _clear(desk: Desk, plan_name: str, kind: TextKind) -> tuple[_Sent, dict[str, str], tuple[Lacking, ...]]:
    """The plan, the text's rendering of each account that is clear and not told yet, and why others are not."""
    with desk.store.read() as work:
        sent = _sent(work, plan_name, kind)
        cases = cases_of(desk, work, records.bundle(work, sent.stored.digest), kind)
    renderings, lacking = dict[str, str](), list[Lacking]()
    for case, destination in zip(cases, sent.stored.plan.destinations, strict=True):
        if destination.account in sent.told:
            continue
        failures = [f for f in decide(case.evidence, case.facts, case.now).failures if f.clause != SAID_BY_THIS]
        lacking += [Lacking(f.clause, destination.account, f.fact, f.mend) for f in failures]
        if not failures:
            renderings[destination.account] = destination.renderings[kind]
    if not renderings:
        look = f"dispatcher clearance show {short(sent.stored.digest)}"
        reasons = tuple((one.clause, f"{one.account}: {one.fact}", one.mend) for one in lacking)
        raise GateClosed("no account is clear for this, nothing was sent", look, reasons)
    return sent, renderings, tuple(lacking)


def _sent(work: Work, plan_name: str, kind: TextKind) -> _Sent:
    stored = records.plan(work, plan_name)
    name, dispatch = short(stored.digest), deliveries.dispatch_of(work, stored.digest)
    if dispatch is None:
        raise Stale(
            f"plan {name} was never released: what can be taken back is its clearance",
            f"dispatcher clearance revoke {name}",
        )
    if not any(kind in destination.renderings for destination in stored.plan.destinations):
        raise Invalid(f"plan {name} has no such text: it takes a new plan", "dispatcher message arm --help")
    told = frozenset(
        account for way in ways_back.of(work, stored.digest) if way.kind == kind for account in way.renderings
    )
    if told >= {destination.account for destination in stored.plan.destinations}:
        raise Stale(f"its {SPOKEN[kind]} was ordered for plan {name} already", f"dispatcher watch {name}")
    return _Sent(stored, dispatch.id, dispatch.traceparent, told)


def _order(
    work: Work, sent: _Sent, kind: TextKind, renderings: dict[str, str], said: Statement
) -> tuple[int, tuple[Task, ...]]:
    """Write the order down; how much was made at once, and the tasks among it."""
    plan, about = sent.stored.plan, {"plan": sent.stored.digest, "incident": sent.stored.plan.incident}
    before = {row.id for row in ways_back.tasks(work, plan=sent.stored.digest)}
    made = ways_back.order(
        work,
        **about,
        kind=str(kind),
        mode=str(plan.mode),
        ordered_by=said.person,
        statement=said.id,
        expires_at=plan.armed_not_after,
        renderings=renderings,
    )
    work.record("way_back.ordered", **about, actor=said.person, text=str(kind), accounts=len(renderings))
    deliveries.add_bells(work, sent.dispatch, str(plan.mode), _lanes(plan, renderings))
    opened = (row for row in ways_back.tasks(work, plan=sent.stored.digest) if row.id not in before)
    return made, tuple(_task(work, row) for row in opened)


def _lanes(plan: Plan, accounts: Mapping[str, str]) -> list[str]:
    return sorted({str(lane_of(one.channel)) for one in plan.destinations if one.account in accounts})


def _in_hands(desk: Desk, plan: str) -> tuple[str, ...]:
    with desk.store.read() as work:
        rows = deliveries.counts(work, plan)
    wanted = (TextKind.PUBLISH, ways_back.HANDED_OVER)
    return tuple(account for kind, _, account, state, _, _ in rows if (kind, state) == wanted)


def _task(work: Work, row: Any) -> Task:
    rendering = read_texts(records.bundle(work, row.plan)).renderings.get(row.rendering)
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
        texts={part.language: part.text for part in rendering.parts} if rendering else {},
        opened_at=row.opened_at,
        done_at=row.done_at,
        done_by=row.done_by,
        note=row.note,
    )
