"""Counting what a stop would keep from going out, up to a bound, whatever the number of deliveries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, literal_column, or_, select

from dispatcher.store.database import Work
from dispatcher.store.tables import ACCOUNTS, DELIVERIES, PLANS

OPEN_PLANS = ("submitted", "released")
WAITING = ("leased", "held")
"""States besides ready in which nothing has left yet."""

PLANS_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Counted:
    """How many deliveries wait, of how many plans; ``more`` where counting stopped at its bound."""

    deliveries: int
    plans: int
    more: bool


def accounts_of(work: Work, mode: str, channel: str) -> list[str]:
    """The accounts of a channel in a mode."""
    query = select(ACCOUNTS.c.id).where(ACCOUNTS.c.mode == mode, ACCOUNTS.c.channel == channel)
    return list(work.execute(query.order_by(ACCOUNTS.c.id)).scalars())


def plans(work: Work, mode: str, incident: str | None = None) -> list[str]:
    """The plans of a mode, or of one incident, of which something may still go out; the newest first."""
    query = select(PLANS.c.digest).where(PLANS.c.mode == mode, PLANS.c.state.in_(OPEN_PLANS))
    query = query if incident is None else query.where(PLANS.c.incident == incident)
    return list(work.execute(query.order_by(PLANS.c.created_at.desc()).limit(PLANS_MOST)).scalars())


def count(
    work: Work, of: Sequence[str], kinds: Collection[str] | None, accounts: Collection[str] | None, most: int
) -> Counted:
    """Deliveries of these plans that wait, of these kinds and accounts (None: all), no more than ``most``."""
    found = concerned = 0
    for plan in of:
        here = _of_plan(work, plan, kinds, accounts, most + 1 - found)
        found, concerned = found + here, concerned + bool(here)
        if found > most:
            return Counted(most, concerned, more=True)
    return Counted(found, concerned, more=len(of) == PLANS_MOST)


def _of_plan(
    work: Work, plan: str, kinds: Collection[str] | None, accounts: Collection[str] | None, most: int
) -> int:
    ready = DELIVERIES.c.state == literal_column("'ready'")  # as its index has it
    waiting = or_(*(DELIVERIES.c.state == state for state in WAITING))
    return sum(_number(work, most, plan, state, kinds, accounts) for state in (ready, waiting))


def _number(work: Work, most: int, plan: str, state: Any, kinds: Any, accounts: Any) -> int:
    query = select(DELIVERIES.c.id).where(DELIVERIES.c.plan == plan, state)
    if kinds is not None:
        query = query.where(DELIVERIES.c.kind.in_(sorted(kinds)))
    if accounts is not None:
        query = query.where(DELIVERIES.c.account.in_(sorted(accounts)))
    bounded = query.limit(most).subquery()
    return int(work.execute(select(func.count()).select_from(bounded)).scalar_one())
