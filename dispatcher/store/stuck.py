"""Deliveries that go no further by themselves, and probes that fail: what there is, and what of it is on record.

Counts come from the index of counts, however many deliveries are held; of their reasons so many are read for
each plan, account and number of attempts.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from dispatcher.store import history
from dispatcher.store.database import Work
from dispatcher.store.tables import ACCOUNTS, DELIVERIES, INCIDENTS, PLANS, PROBES

STUCK, FREE = "deliveries.stuck", "deliveries.free"
FAILING, PASSING = "probe.failing", "probe.passing"
STATES = ("held", "in_doubt")

SAMPLE = 100
REMEMBERED = 1_000
"""So many of the ledger's entries about this are read, the newest."""

Key = tuple[str, str, str]
"""Incident, account and reason; of a probe the account alone."""


@dataclass(frozen=True, slots=True)
class Group:
    """Deliveries of a plan, text and account that are in one state after so many attempts, and the first of them."""

    incident: str
    title: str
    plan: str
    state: str
    channel: str
    account: str
    count: int
    first: tuple[Any, ...]


def groups(work: Work, mode: str) -> list[Group]:
    """What is held or in doubt, in a mode's incidents that are not closed."""
    stuck = select(DELIVERIES.c.id).where(DELIVERIES.c.plan == PLANS.c.digest, DELIVERIES.c.state.in_(STATES))
    query = select(PLANS.c.digest, PLANS.c.incident, INCIDENTS.c.title)
    query = query.join(INCIDENTS, INCIDENTS.c.id == PLANS.c.incident).where(PLANS.c.mode == mode, stuck.exists())
    plans = {row.digest: row for row in work.execute(query.where(INCIDENTS.c.state != "closed")).all()}
    columns = (DELIVERIES.c.plan, DELIVERIES.c.state, DELIVERIES.c.kind, DELIVERIES.c.channel, DELIVERIES.c.account)
    by = (*columns, DELIVERIES.c.attempts)
    some = (DELIVERIES.c.plan.in_(plans), DELIVERIES.c.state.in_(STATES))
    counted = work.execute(select(*by, func.count()).where(*some).group_by(*by)).all() if plans else []
    return [
        Group(
            *(
                plans[row.plan].incident,
                plans[row.plan].title,
                row.plan,
                row.state,
                row.channel,
                row.account,
                row[-1],
            ),
            tuple(_first(work, [column == value for column, value in zip(by, row, strict=False)])),
        )
        for row in counted
    ]


def _first(work: Work, at: Collection[Any]) -> list[Any]:
    query = select(DELIVERIES.c.id, DELIVERIES.c.reason, DELIVERIES.c.first_intent_at).where(*at)
    return list(work.execute(query.limit(SAMPLE)).all())


def failing(work: Work, mode: str) -> list[Any]:
    """The accounts whose last probe failed, by name."""
    query = select(ACCOUNTS.c.id, ACCOUNTS.c.channel, PROBES.c.probed_at)
    query = query.join(PROBES, PROBES.c.account == ACCOUNTS.c.id)
    return list(work.execute(query.where(ACCOUNTS.c.mode == mode, PROBES.c.ok.is_(False)).order_by(ACCOUNTS.c.id)))


def told(work: Work) -> dict[Key, tuple[datetime, dict[str, Any]]]:
    """What is on record as so now: since when, and the entry's facts."""
    found: dict[Key, tuple[datetime, dict[str, Any]]] = {}
    for entry in history.entries(work, limit=REMEMBERED, kinds=(STUCK, FREE, FAILING, PASSING)):
        facts = json.loads(entry.body)
        key = (facts.get("incident") or "", facts["account"], facts.get("reason", ""))
        if entry.kind in (STUCK, FAILING):
            found[key] = (entry.recorded_at, facts)
        else:
            found.pop(key, None)
    return found
