"""What the sweeper finds: leases that ran out, time that passed, status that came back. Nothing is ever lost.

Every function moves a bounded number of rows and says how many, so that a crowd of them takes turns with the rest.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from dispatcher.store import records
from dispatcher.store.database import Work
from dispatcher.store.tables import DeliveryRow, DispatchRow, OutboxRow, PlanRow

MOST = 1_000
OPEN = ("ready", "leased", "sending", "in_doubt", "held", "handed_over")
GAPS = ("rejected", "cancelled", "expired", "missing")
POISONED_AFTER = 3
"""Leases that ended without an intent before a delivery is held (reference: reliability 1.3)."""

_MACHINES = and_(  # what moves on without people
    DeliveryRow.plan.in_(select(DispatchRow.plan)),
    or_(
        DeliveryRow.state.in_(("ready", "leased", "sending")),
        and_(DeliveryRow.state == "held", DeliveryRow.reason == "stale_status"),
    ),
)


def lost_leases(work: Work) -> int:
    """Leases that ran out before any intent: back to ready, or held once that has happened three times."""
    late = and_(DeliveryRow.state == "leased", DeliveryRow.lease_until < work.now)
    poisoned = and_(late, DeliveryRow.leases >= POISONED_AFTER)
    others = and_(late, DeliveryRow.leases < POISONED_AFTER)
    held = _move(work, poisoned, "leased", "held", "poison")
    return held + _move(work, others, "leased", "ready", "lease ran out before any byte left", due_at=work.now)


def lost_sends(work: Work, quiet: timedelta) -> int:
    """Leases that ran out after the intent: in doubt, to be looked at when the quiet period is over."""
    late = and_(DeliveryRow.state == "sending", DeliveryRow.lease_until < work.now)
    return _move(work, late, "sending", "in_doubt", "the worker was lost while sending", due_at=work.now + quiet)


def over_time(work: Work) -> int:
    """Deliveries whose window passed before any byte left."""
    count = 0
    for state in ("ready", "held", "handed_over"):
        late = and_(DeliveryRow.state == state, DeliveryRow.expires_at <= work.now)
        count += _move(work, and_(late, DeliveryRow.reason != "ambiguous"), state, "expired", "the window has passed")
    return count


def stale_ended(work: Work, mode: str) -> int:
    """Deliveries of a mode held for want of its fresh status: ready again, for the gate to judge."""
    held = and_(DeliveryRow.state == "held", DeliveryRow.reason == "stale_status", DeliveryRow.mode == mode)
    return _move(work, held, "held", "ready", "a fresh status arrived", due_at=work.now)


def cancel_unsent(work: Work, plan_digest: str, reason: str) -> int:
    """Cancel what has not begun, as far as one turn goes: 0 when nothing is left. What is being sent ends itself."""
    of_plan = and_(DeliveryRow.plan == plan_digest, DeliveryRow.kind == "publish")  # the way back stays open
    return sum(
        _move(work, and_(of_plan, DeliveryRow.state == state), state, "cancelled", reason)
        for state in ("ready", "leased")
    )


def settled_plans(work: Work) -> int:
    """Released plans all of whose deliveries have ended."""
    running = select(DeliveryRow.id).where(DeliveryRow.plan == PlanRow.digest, DeliveryRow.state.in_(OPEN))
    ended = select(PlanRow.digest, PlanRow.incident).where(PlanRow.state == "released", ~running.exists())
    rows = work.execute(ended.limit(MOST)).all()
    for digest, incident in rows:
        gaps = select(DeliveryRow.id).where(DeliveryRow.plan == digest, DeliveryRow.state.in_(GAPS))
        state = "settled_with_gaps" if work.execute(gaps.limit(1)).first() else "settled"
        records.move_plan(work, digest, incident, "released", state)
        for channel, clearance in records.clearance_states(work, digest).items():
            if clearance == "clear":
                records.move_clearance(work, digest, incident, channel, "clear", "used_up")
    return len(rows)


def doubted(work: Work) -> dict[str, int]:
    """Deliveries by state that :func:`doubt` has still to mark."""
    count = select(DeliveryRow.state, func.count()).where(_MACHINES).group_by(DeliveryRow.state)
    return dict(work.execute(count.order_by(DeliveryRow.state)).all())


def doubt(work: Work, quiet: timedelta) -> int:
    """Put in doubt what a machine would move on by itself, of released plans; 0 when nothing is left to mark.

    Rows go through every state on the way, because the database takes no other.
    """
    ids = list(work.execute(select(DeliveryRow.id).where(_MACHINES).order_by(DeliveryRow.id).limit(MOST)).scalars())
    for source, target in pairwise(("held", "ready", "leased", "sending")):
        step = update(DeliveryRow).where(DeliveryRow.id.in_(ids), DeliveryRow.state == source)
        work.execute(step.values(state=target))
    found = and_(DeliveryRow.id.in_(ids), DeliveryRow.state == "sending")
    fresh = {"due_at": work.now + quiet, "looked": 0, "absent": 0}
    return _move(work, found, "sending", "in_doubt", "the database was restored from a backup", **fresh) if ids else 0


def doorbells(work: Work, again_after: timedelta) -> list[tuple[int, str, str, str, str]]:
    """Outbox rows to ring: never rung, or rung a while ago with work still due.

    Returns id, lane, mode, dispatch, and the traceparent of its release.
    """
    stale = or_(OutboxRow.rung_at.is_(None), OutboxRow.rung_at < work.now - again_after)
    due = select(DeliveryRow.id).join(DispatchRow, DispatchRow.plan == DeliveryRow.plan)
    due = due.where(DispatchRow.id == OutboxRow.dispatch, DeliveryRow.lane == OutboxRow.lane)
    due = due.where(DeliveryRow.state == "ready", DeliveryRow.due_at <= work.now)
    columns = (OutboxRow.id, OutboxRow.lane, OutboxRow.mode, OutboxRow.dispatch)
    trace = select(DispatchRow.traceparent).where(DispatchRow.id == OutboxRow.dispatch).scalar_subquery()
    query = select(*columns, trace).where(stale, due.exists()).order_by(OutboxRow.id).limit(MOST)
    return [(row[0], row[1], row[2], row[3], row[4]) for row in work.execute(query).all()]


def rung(work: Work, ids: list[int]) -> None:
    """Remember when these were rung."""
    if ids:
        work.execute(update(OutboxRow).where(OutboxRow.id.in_(ids)).values(rung_at=work.now))


def _move(work: Work, where: ColumnElement[bool], source: str, target: str, reason: str, **values: Any) -> int:
    ids = [row[0] for row in work.execute(select(DeliveryRow.id).where(where).limit(MOST)).all()]
    if not ids:
        return 0
    still = (DeliveryRow.id.in_(ids), DeliveryRow.state == source, where)  # it may have moved on meanwhile
    free = {"owner": None, "lease_until": None, "fence": DeliveryRow.fence + 1}
    change = update(DeliveryRow).where(*still).values(state=target, reason=reason, **free, **values)
    moved = work.execute(change.returning(DeliveryRow.id, DeliveryRow.incident, DeliveryRow.plan)).all()
    plans: dict[tuple[str, str], list[str]] = {}
    for id_, incident, plan in moved:
        plans.setdefault((incident, plan), []).append(id_)
    for (incident, plan), deliveries in plans.items():
        facts: dict[str, Any] = {"reason": reason, "count": len(deliveries), "deliveries": sorted(deliveries)[:20]}
        work.record("deliveries.swept", incident=incident, plan=plan, source=source, target=target, **facts)
    return len(moved)
