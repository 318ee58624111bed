"""A store on SQLite and on PostgreSQL, with rows to move about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from dispatcher.domain.incident import Incident, Severity
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Spend
from dispatcher.domain.statement import Mode
from dispatcher.store import deliveries, migrate, records, spends, statements
from dispatcher.store.database import Store, open_engine
from tests.builders import INCIDENT, Drafted, draft, everything_signed, verified
from tests.cast import NOW


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database at the newest migration."""
    made = open_engine(database_url)
    migrate.upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def store(engine: Engine) -> Store:
    """A store of one process. On SQLite its time stands at NOW."""
    return Store(engine, lambda: NOW, "test:1")


@pytest.fixture
def drafted() -> Drafted:
    """A plan over one account on X, with money for it."""
    return draft("x", spend=(Spend("x", "storms", 100, 2026),))


@pytest.fixture
def planned(store: Store, drafted: Drafted) -> Drafted:
    """The plan, its incident and everything signed about it, in the store."""
    incident = Incident(
        INCIDENT, Mode.LIVE, "severe_weather", Severity.S3, "Storm", IncidentState.ACTIVE, NOW, "author-1"
    )
    with store.write() as work:
        records.add_incident(work, incident)
        records.add_renderings(work, drafted.renderings)
        records.add_plan(work, drafted.plan, "msg-1")
        records.add_clearances(work, drafted.plan.digest, drafted.plan.channels)
        spends.add(work, drafted.plan)
        for envelope in everything_signed(drafted.plan):
            (said,) = verified([envelope])
            statements.add(work, said, envelope, INCIDENT)
    return drafted


@pytest.fixture
def delivery(store: Store, planned: Drafted) -> str:
    """One unreleased delivery of the plan; returns its id."""
    destination = planned.plan.destinations[0]
    row = {
        "id": "dlv-0123456789",
        "plan": planned.plan.digest,
        "incident": INCIDENT,
        "mode": "live",
        "lane": "accounts",
        "channel": "x",
        "account": destination.account,
        "kind": "publish",
        "rendering": destination.renderings[TextKind.PUBLISH],
        "due_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    with store.write() as work:
        deliveries.add(work, row)
    return str(row["id"])
