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
from dispatcher.store.tables import DELIVERIES, DISPATCHES, OUTBOX, PLANS

MOST = 1_000
OPEN = ("ready", "leased", "sending", "in_doubt", "held", "handed_over")
GAPS = ("rejected", "cancelled", "expired", "missing")
POISONED_AFTER = 3
"""Leases that ended without an intent before a delivery is held (reference: reliability 1.3)."""

_MACHINES = and_(  # what moves on without people
    DELIVERIES.c.plan.in_(select(DISPATCHES.c.plan)),
    or_(
        DELIVERIES.c.state.in_(("ready", "leased", "sending")),
        and_(DELIVERIES.c.state == "held", DELIVERIES.c.reason == "stale_status"),
    ),
)


def lost_leases(work: Work) -> int:
    """Leases that ran out before any intent: back to ready, or held once that has happened three times."""
    late = and_(DELIVERIES.c.state == "leased", DELIVERIES.c.lease_until < work.now)
    poisoned = and_(late, DELIVERIES.c.leases >= POISONED_AFTER)
    others = and_(late, DELIVERIES.c.leases < POISONED_AFTER)
    held = _move(work, poisoned, "leased", "held", "poison")
    return held + _move(work, others, "leased", "ready", "lease ran out before any byte left", due_at=work.now)


def lost_sends(work: Work, quiet: timedelta) -> int:
    """Leases that ran out after the intent: in doubt, to be looked at when the quiet period is over."""
    late = and_(DELIVERIES.c.state == "sending", DELIVERIES.c.lease_until < work.now)
    return _move(work, late, "sending", "in_doubt", "the worker was lost while sending", due_at=work.now + quiet)


def over_time(work: Work) -> int:
    """Deliveries whose window passed before any byte left. Nothing of what has time left is read, however much."""
    count = 0
    for state in ("ready", "held", "handed_over"):
        at = (DELIVERIES.c.state == state, DELIVERIES.c.lease_until.is_(None), DELIVERIES.c.reason != "ambiguous")
        late = and_(DELIVERIES.c.expires_at <= work.now, *at)
        count += _move(work, late, state, "expired", "the window has passed")
    return count


def stale_ended(work: Work, mode: str) -> int:
    """Deliveries of a mode held for want of its fresh status: ready again, for the gate to judge."""
    held = and_(DELIVERIES.c.state == "held", DELIVERIES.c.reason == "stale_status", DELIVERIES.c.mode == mode)
    return _move(work, held, "held", "ready", "a fresh status arrived", due_at=work.now)


def cancel_unsent(work: Work, plan_digest: str, reason: str) -> int:
    """Cancel what has not begun, as far as one turn goes: 0 when nothing is left. What is being sent ends itself."""
    of_plan = and_(DELIVERIES.c.plan == plan_digest, DELIVERIES.c.kind == "publish")  # the way back stays open
    return sum(
        _move(work, and_(of_plan, DELIVERIES.c.state == state), state, "cancelled", reason)
        for state in ("ready", "leased")
    )


def settled_plans(work: Work) -> int:
    """Released plans all of whose deliveries have ended."""
    running = select(DELIVERIES.c.id).where(DELIVERIES.c.plan == PLANS.c.digest, DELIVERIES.c.state.in_(OPEN))
    ended = select(PLANS.c.digest, PLANS.c.incident).where(PLANS.c.state == "released", ~running.exists())
    rows = work.execute(ended.limit(MOST)).all()
    for digest, incident in rows:
        gaps = select(DELIVERIES.c.id).where(DELIVERIES.c.plan == digest, DELIVERIES.c.state.in_(GAPS))
        state = "settled_with_gaps" if work.execute(gaps.limit(1)).first() else "settled"
        records.move_plan(work, digest, incident, "released", state)
        for channel, clearance in records.clearance_states(work, digest).items():
            if clearance == "clear":
                records.move_clearance(work, digest, incident, channel, "clear", "used_up")
    return len(rows)


def doubted(work: Work) -> dict[str, int]:
    """Deliveries by state that :func:`doubt` has still to mark."""
    count = select(DELIVERIES.c.state, func.count()).where(_MACHINES).group_by(DELIVERIES.c.state)
    return dict(work.execute(count.order_by(DELIVERIES.c.state)).all())


def doubt(work: Work, quiet: timedelta) -> int:
    """Put in doubt what a machine would move on by itself, of released plans; 0 when nothing is left to mark.

    Rows go through every state on the way, because the database takes no other.
    """
    ids = list(work.execute(select(DELIVERIES.c.id).where(_MACHINES).order_by(DELIVERIES.c.id).limit(MOST)).scalars())
    for source, target in pairwise(("held", "ready", "leased", "sending")):
        step = update(DELIVERIES).where(DELIVERIES.c.id.in_(ids), DELIVERIES.c.state == source)
        work.execute(step.values(state=target))
    found = and_(DELIVERIES.c.id.in_(ids), DELIVERIES.c.state == "sending")
    fresh = {"due_at": work.now + quiet, "looked": 0, "absent": 0}
    return _move(work, found, "sending", "in_doubt", "the database was restored from a backup", **fresh) if ids else 0


def doorbells(work: Work, again_after: timedelta) -> list[tuple[int, str, str, str, str]]:
    """Outbox rows to ring: never rung, or rung a while ago with work still due.

    Returns id, lane, mode, dispatch, and the traceparent of its release.
    """
    stale = or_(OUTBOX.c.rung_at.is_(None), OUTBOX.c.rung_at < work.now - again_after)
    due = select(DELIVERIES.c.id).join(DISPATCHES, DISPATCHES.c.plan == DELIVERIES.c.plan)
    due = due.where(DISPATCHES.c.id == OUTBOX.c.dispatch, DELIVERIES.c.lane == OUTBOX.c.lane)
    due = due.where(DELIVERIES.c.state == "ready", DELIVERIES.c.due_at <= work.now)
    columns = (OUTBOX.c.id, OUTBOX.c.lane, OUTBOX.c.mode, OUTBOX.c.dispatch)
    trace = select(DISPATCHES.c.traceparent).where(DISPATCHES.c.id == OUTBOX.c.dispatch).scalar_subquery()
    query = select(*columns, trace).where(stale, due.exists()).order_by(OUTBOX.c.id).limit(MOST)
    return [(row[0], row[1], row[2], row[3], row[4]) for row in work.execute(query).all()]


def rung(work: Work, ids: list[int]) -> None:
    """Remember when these were rung."""
    if ids:
        work.execute(update(OUTBOX).where(OUTBOX.c.id.in_(ids)).values(rung_at=work.now))


def _move(work: Work, where: ColumnElement[bool], source: str, target: str, reason: str, **values: Any) -> int:
    ids = [row[0] for row in work.execute(select(DELIVERIES.c.id).where(where).limit(MOST)).all()]
    if not ids:
        return 0
    still = (DELIVERIES.c.id.in_(ids), DELIVERIES.c.state == source, where)  # it may have moved on meanwhile
    free = {"owner": None, "lease_until": None, "fence": DELIVERIES.c.fence + 1}
    change = update(DELIVERIES).where(*still).values(state=target, reason=reason, **free, **values)
    moved = work.execute(change.returning(DELIVERIES.c.id, DELIVERIES.c.incident, DELIVERIES.c.plan)).all()
    plans: dict[tuple[str, str], list[str]] = {}
    for id_, incident, plan in moved:
        plans.setdefault((incident, plan), []).append(id_)
    for (incident, plan), deliveries in plans.items():
        facts: dict[str, Any] = {"reason": reason, "count": len(deliveries), "deliveries": sorted(deliveries)[:20]}
        work.record("deliveries.swept", incident=incident, plan=plan, source=source, target=target, **facts)
    return len(moved)
