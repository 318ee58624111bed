"""Counting what is under way, at a cost that does not grow with what has ended.

Counts per plan come from an index of their own (``ix_deliveries_counts``): a million deliveries take about a tenth of
a second. What is listed is bounded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import func, select

from channels.registry import Lane
from dispatcher.domain.statement import Mode
from dispatcher.store.database import Work
from dispatcher.store.tables import (
    ACCOUNTS,
    DELIVERIES,
    DISPATCHES,
    HAND_OFFS,
    INCIDENTS,
    PLANS,
    STATEMENTS,
)

MOST_PLANS = 200
MOST_ROWS = 500
"""Of plans, and of deliveries of one kind, so many are looked at, the newest."""


def plans(work: Work) -> list[Any]:
    """The newest plans of incidents that are not closed, and when each was released; the oldest first.

    Where there are more than are looked at, exercises are left out before anything live.
    """
    columns = (PLANS.c.digest, PLANS.c.incident, PLANS.c.mode, PLANS.c.state, PLANS.c.created_at, PLANS.c.body)
    query = select(*columns, DISPATCHES.c.released_at, DISPATCHES.c.id.label("dispatch"))
    query = query.join(INCIDENTS, INCIDENTS.c.id == PLANS.c.incident).where(INCIDENTS.c.state != "closed")
    query = query.outerjoin(DISPATCHES, DISPATCHES.c.plan == PLANS.c.digest)
    live_first = (PLANS.c.mode != str(Mode.LIVE), PLANS.c.created_at.desc())
    newest = work.execute(query.order_by(*live_first).limit(MOST_PLANS)).all()
    return sorted(newest, key=lambda row: row.created_at)


def signed_last(work: Work, plan: str) -> datetime | None:
    """When something about a plan was signed last."""
    moment: datetime | None = work.execute(
        select(func.max(STATEMENTS.c.recorded_at, type_=STATEMENTS.c.recorded_at.type)).where(
            STATEMENTS.c.subject == plan
        )
    ).scalar_one()
    return moment


def posts(work: Work, plan: str, accounts: Collection[str]) -> list[Any]:
    """The deliveries of a plan's message to these accounts themselves, with their state and when they got there."""
    columns = (DELIVERIES.c.id, DELIVERIES.c.channel, DELIVERIES.c.account, DELIVERIES.c.state, DELIVERIES.c.reason)
    to_itself = (DELIVERIES.c.kind == "publish", DELIVERIES.c.destination == DELIVERIES.c.account)
    query = select(*columns, DELIVERIES.c.accepted_at, DELIVERIES.c.url)
    query = query.where(DELIVERIES.c.plan == plan, DELIVERIES.c.account.in_(accounts), *to_itself)
    return list(work.execute(query.limit(MOST_ROWS)).all())


def due(work: Work, plan: str, account: str) -> tuple[datetime | None, int]:
    """When the first of what is ready for an account is due, and how much of it is due later."""
    ready = (DELIVERIES.c.plan == plan, DELIVERIES.c.account == account, DELIVERIES.c.state == "ready")
    first = work.execute(select(DELIVERIES.c.due_at).where(*ready).order_by(DELIVERIES.c.due_at).limit(1)).scalar()
    later = select(DELIVERIES.c.id).where(*ready, DELIVERIES.c.due_at > work.now).limit(MOST_ROWS)
    return first, len(work.execute(later).all())


def in_state(work: Work, state: str) -> list[Any]:
    """The first deliveries in a state that waits for people or a platform: with their reason and since when.

    So many of each lane and mode: a list that is held hides no post, and an exercise nothing that is live.
    """
    columns = (
        DELIVERIES.c.id,
        DELIVERIES.c.incident,
        DELIVERIES.c.plan,
        DELIVERIES.c.mode,
        DELIVERIES.c.channel,
        DELIVERIES.c.account,
        DELIVERIES.c.reason,
        DELIVERIES.c.due_at,
        DELIVERIES.c.first_intent_at,
        HAND_OFFS.c.expires_at.label("hand_off_until"),
    )
    query = select(*columns).join(INCIDENTS, INCIDENTS.c.id == DELIVERIES.c.incident)
    query = query.outerjoin(HAND_OFFS, HAND_OFFS.c.delivery == DELIVERIES.c.id)
    query = query.where(DELIVERIES.c.state == state, INCIDENTS.c.state != "closed").limit(MOST_ROWS)
    found: list[Any] = []
    for mode, lane in product(Mode, Lane):
        at = (DELIVERIES.c.lane == str(lane), DELIVERIES.c.mode == str(mode))
        found += work.execute(query.where(*at)).all()
    return found


def modes_of_accounts(work: Work) -> dict[str, str]:
    """The mode of each account."""
    return {row[0]: row[1] for row in work.execute(select(ACCOUNTS.c.id, ACCOUNTS.c.mode)).all()}


def page(work: Work, place: Mapping[str, str], offset: int, limit: int) -> list[Any]:
    """Deliveries at a place of the index of counts, in its order.

    ``place``: plan and state, and perhaps kind, channel and account, so that the database reads no row in vain.
    """
    at = [DELIVERIES.c[name] == value for name, value in place.items()]
    order = (DELIVERIES.c.plan, DELIVERIES.c.state, DELIVERIES.c.kind, DELIVERIES.c.channel, DELIVERIES.c.account)
    query = select(DELIVERIES).where(*at).order_by(*order, DELIVERIES.c.attempts)
    return list(work.execute(query.offset(offset).limit(limit)).all())
