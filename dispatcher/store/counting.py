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
    AccountRow,
    DeliveryRow,
    DispatchRow,
    HandOffRow,
    IncidentRow,
    PlanRow,
    StatementRow,
)

MOST_PLANS = 200
MOST_ROWS = 500
"""Of plans, and of deliveries of one kind, so many are looked at, the newest."""


def plans(work: Work) -> list[Any]:
    """The newest plans of incidents that are not closed, and when each was released; the oldest first.

    Where there are more than are looked at, exercises are left out before anything live.
    """
    columns = (PlanRow.digest, PlanRow.incident, PlanRow.mode, PlanRow.state, PlanRow.created_at, PlanRow.body)
    query = select(*columns, DispatchRow.released_at, DispatchRow.id.label("dispatch"))
    query = query.join(IncidentRow, IncidentRow.id == PlanRow.incident).where(IncidentRow.state != "closed")
    query = query.outerjoin(DispatchRow, DispatchRow.plan == PlanRow.digest)
    live_first = (PlanRow.mode != str(Mode.LIVE), PlanRow.created_at.desc())
    newest = work.execute(query.order_by(*live_first).limit(MOST_PLANS)).all()
    return sorted(newest, key=lambda row: row.created_at)


def signed_last(work: Work, plan: str) -> datetime | None:
    """When something about a plan was signed last."""
    moment: datetime | None = work.execute(
        select(func.max(StatementRow.recorded_at, type_=StatementRow.recorded_at.type)).where(
            StatementRow.subject == plan
        )
    ).scalar_one()
    return moment


def posts(work: Work, plan: str, accounts: Collection[str]) -> list[Any]:
    """The deliveries of a plan's message to these accounts themselves, with their state and when they got there."""
    columns = (DeliveryRow.id, DeliveryRow.channel, DeliveryRow.account, DeliveryRow.state, DeliveryRow.reason)
    to_itself = (DeliveryRow.kind == "publish", DeliveryRow.destination == DeliveryRow.account)
    query = select(*columns, DeliveryRow.accepted_at, DeliveryRow.url)
    query = query.where(DeliveryRow.plan == plan, DeliveryRow.account.in_(accounts), *to_itself)
    return list(work.execute(query.limit(MOST_ROWS)).all())


def due(work: Work, plan: str, account: str) -> tuple[datetime | None, int]:
    """When the first of what is ready for an account is due, and how much of it is due later."""
    ready = (DeliveryRow.plan == plan, DeliveryRow.account == account, DeliveryRow.state == "ready")
    first = work.execute(select(DeliveryRow.due_at).where(*ready).order_by(DeliveryRow.due_at).limit(1)).scalar()
    later = select(DeliveryRow.id).where(*ready, DeliveryRow.due_at > work.now).limit(MOST_ROWS)
    return first, len(work.execute(later).all())


def in_state(work: Work, state: str) -> list[Any]:
    """The first deliveries in a state that waits for people or a platform: with their reason and since when.

    So many of each lane and mode: a list that is held hides no post, and an exercise nothing that is live.
    """
    columns = (
        DeliveryRow.id,
        DeliveryRow.incident,
        DeliveryRow.plan,
        DeliveryRow.mode,
        DeliveryRow.channel,
        DeliveryRow.account,
        DeliveryRow.reason,
        DeliveryRow.due_at,
        DeliveryRow.first_intent_at,
        HandOffRow.expires_at.label("hand_off_until"),
    )
    query = select(*columns).join(IncidentRow, IncidentRow.id == DeliveryRow.incident)
    query = query.outerjoin(HandOffRow, HandOffRow.delivery == DeliveryRow.id)
    query = query.where(DeliveryRow.state == state, IncidentRow.state != "closed").limit(MOST_ROWS)
    found: list[Any] = []
    for mode, lane in product(Mode, Lane):
        at = (DeliveryRow.lane == str(lane), DeliveryRow.mode == str(mode))
        found += work.execute(query.where(*at)).all()
    return found


def modes_of_accounts(work: Work) -> dict[str, str]:
    """The mode of each account."""
    return {row[0]: row[1] for row in work.execute(select(AccountRow.id, AccountRow.mode)).all()}


def page(work: Work, place: Mapping[str, str], offset: int, limit: int) -> list[Any]:
    """Deliveries at a place of the index of counts, in its order.

    ``place``: plan and state, and perhaps kind, channel and account, so that the database reads no row in vain.
    """
    at = [getattr(DeliveryRow, name) == value for name, value in place.items()]
    order = (DeliveryRow.plan, DeliveryRow.state, DeliveryRow.kind, DeliveryRow.channel, DeliveryRow.account)
    query = select(DeliveryRow.__table__).where(*at).order_by(*order, DeliveryRow.attempts)
    return list(work.execute(query.offset(offset).limit(limit)).all())
