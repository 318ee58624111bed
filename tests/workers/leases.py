"""A released plan's rows, written by hand, and leases without a database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, text, update

from dispatcher.sender_bootstrap import now
from dispatcher.store import leasing, migrate, queue
from dispatcher.store.database import Store, open_engine
from dispatcher.store.leasing import Leased
from dispatcher.store.tables import (
    ATTEMPTS,
    DELIVERIES,
    DISPATCHES,
    INCIDENTS,
    LEDGER,
    METADATA,
    OUTBOX,
    PLANS,
    STATEMENTS,
)

SECOND = timedelta(seconds=1)
LONG = timedelta(minutes=5)
"""A lease that outlasts any test."""

GONE = timedelta(seconds=-1)
"""A lease that has run out as soon as it is taken."""


@contextmanager
def opened(url: str, writer: str = "tests") -> Iterator[Store]:
    """A process's store on a database that has its tables."""
    store = Store(open_engine(url), now, writer)
    try:
        yield store
    finally:
        store.close()


@dataclass
class Table:
    """The deliveries table of a fresh database. Plans are named by one word; ``plan`` makes one with its incident."""

    store: Store

    def plan(self, name: str = "plan-1", *, released: bool = True) -> None:
        """A plan that is released, unless said otherwise."""
        with self.store.write() as work:
            at = work.now - timedelta(minutes=1)
            work.execute(insert(INCIDENTS).values(_incident(name, at)))
            work.execute(insert(STATEMENTS).values(_statement(name, at)))
            work.execute(insert(PLANS).values(_plan(name, at)))
            if released:
                work.execute(update(PLANS).where(PLANS.c.digest == name).values(state="released"))
                work.execute(insert(DISPATCHES).values(_dispatch(name, at)))

    def add(self, count: int = 1, *, plan: str = "plan-1", **changes: Any) -> list[str]:
        """Ready deliveries that are due; returns their ids."""
        with self.store.write() as work:
            rows = [{**_delivery(plan, number, work.now), **changes} for number in range(count)]
            for row in rows:
                row["id"] = f"{plan}-{row['account']}-{row['destination']}"
            work.execute(insert(DELIVERIES), rows)
        return [row["id"] for row in rows]

    def bell(self, plan: str = "plan-1") -> int:
        """A doorbell that was never rung."""
        with self.store.write() as work:
            values = {"lane": "accounts", "mode": "exercise", "dispatch": f"dsp-{plan}", "created_at": work.now}
            return int(work.execute(insert(OUTBOX).values(values).returning(OUTBOX.c.id)).scalar_one())

    def lease(
        self,
        owner: str = "w/1",
        *,
        lasting: timedelta = LONG,
        limit: int = 100,
        lane: str = "accounts",
        held: frozenset[str] | None = None,
    ) -> list[Leased]:
        """Lease what is due in a lane, of the accounts held where they are given."""
        with self.store.write() as work:
            return leasing.lease(work, lane, "exercise", owner, limit, lasting, held=held)

    def intend(self, leased: list[Leased], owner: str = "w/1", headroom: timedelta = SECOND) -> list[Leased]:
        """Commit the intent to send."""
        with self.store.write() as work:
            return queue.intend(work, dict.fromkeys(leased, "decision-1"), owner, headroom)

    def set(self, delivery: str, **values: Any) -> None:
        """Change a row by hand."""
        with self.store.write() as work:
            work.execute(update(DELIVERIES).where(DELIVERIES.c.id == delivery).values(**values))

    def row(self, delivery: str) -> Any:
        """A delivery as it stands."""
        with self.store.read() as work:
            return work.execute(select(DELIVERIES).where(DELIVERIES.c.id == delivery)).one()

    def states(self) -> list[str]:
        """The states of all deliveries, sorted."""
        with self.store.read() as work:
            return sorted(work.execute(select(DELIVERIES.c.state)).scalars())

    def attempts(self, delivery: str) -> list[Any]:
        """The attempts at a delivery."""
        query = select(ATTEMPTS).where(ATTEMPTS.c.delivery == delivery).order_by(ATTEMPTS.c.number)
        with self.store.read() as work:
            return list(work.execute(query).all())

    def plan_state(self, name: str = "plan-1") -> str:
        """Where a plan stands."""
        with self.store.read() as work:
            return str(work.execute(select(PLANS.c.state).where(PLANS.c.digest == name)).scalar_one())

    def ledger(self, *kinds: str) -> list[dict[str, Any]]:
        """The bodies of the ledger's entries of these kinds, in order."""
        query = select(LEDGER.c.body).where(LEDGER.c.kind.in_(kinds)).order_by(LEDGER.c.id)
        with self.store.read() as work:
            return [json.loads(body) for body in work.execute(query).scalars()]


@contextmanager
def table_at(url: str) -> Iterator[Table]:
    """Make the tables where there are none, and one released plan."""
    engine = open_engine(url)
    if migrate.current(engine) is None:
        migrate.upgrade(engine)
    engine.dispose()
    with opened(url) as store:
        table = Table(store)
        table.plan()
        yield table


def empty(url: str) -> None:
    """Empty every table of a PostgreSQL database."""
    tables = ", ".join(f'"{name}"' for name in METADATA.tables)
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    engine.dispose()


def a_lease(**changes: Any) -> Leased:
    """A delivery in a worker's hands, without a database: first attempt, an hour left."""
    at = now()
    values: dict[str, Any] = {
        **_delivery("plan-1", 0, at),
        "id": "dlv-1",
        "fence": 1,
        "original": None,
        "attempts": 0,
        "failures": 0,
        "handle": None,
        "first_intent_at": at,
        "looked": 0,
        "absent": 0,
        "reason": "",
        "intended_at": at,
        "dispatch": "dsp-1",
        "route": None,
        "traceparent": "",
        **changes,
    }
    return Leased(**{name: values[name] for name in Leased.__slots__})


def _incident(plan: str, at: Any) -> dict[str, Any]:
    return {
        "id": f"inc-{plan}",
        "mode": "exercise",
        "kind": "severe_weather",
        "severity": 3,
        "title": "Storm",
        "state": "active",
        "declared_at": at,
        "declared_by": "author-1",
        "source": {},
        "facts": {},
    }


def _statement(plan: str, at: Any) -> dict[str, Any]:
    return {
        "id": f"stm-{plan}",
        "kind": "release",
        "subject": plan,
        "person": "director-1",
        "role": "duty_director",
        "mode": "exercise",
        "incident": f"inc-{plan}",
        "not_before": at,
        "expires": at + timedelta(days=1),
        "envelope": {"payload": "", "signature": ""},
        "recorded_at": at,
    }


def _plan(plan: str, at: Any) -> dict[str, Any]:
    return {
        "digest": plan,
        "incident": f"inc-{plan}",
        "message": "msg-1",
        "mode": "exercise",
        "state": "submitted",
        "generation": 1,
        "body": b"",
        "created_at": at,
    }


def _dispatch(plan: str, at: Any) -> dict[str, Any]:
    return {
        "id": f"dsp-{plan}",
        "plan": plan,
        "incident": f"inc-{plan}",
        "mode": "exercise",
        "released_at": at,
        "released_by": "director-1",
        "statement": f"stm-{plan}",
    }


def _delivery(plan: str, number: int, at: Any) -> dict[str, Any]:
    return {
        "plan": plan,
        "incident": f"inc-{plan}",
        "mode": "exercise",
        "lane": "accounts",
        "channel": "x",
        "account": "x-1",
        "kind": "publish",
        "rendering": "ab" * 32,
        "destination": f"{number:04}",
        "list": None,
        "position": None,
        "due_at": at - SECOND,
        "expires_at": at + timedelta(hours=1),
    }
