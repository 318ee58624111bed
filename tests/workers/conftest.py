"""Fixtures for the workers' tests: the far sides, and deployments that are closed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels.simulator.server import Simulator
from dispatcher.store import migrate
from dispatcher.store.database import open_engine
from ops.postgres import PostgresServer
from tests.stage import Stage, far_sides, stage_at
from tests.workers.leases import Table, empty, table_at

Make = Callable[..., Stage]


@pytest.fixture
def far() -> Iterator[Simulator]:
    """All simulated platforms, with an empty journal."""
    with far_sides() as simulator:
        yield simulator


@pytest.fixture
def make(tmp_path: Path, far: Simulator) -> Iterator[Make]:
    """Makes the deployment of a test."""
    made: list[Stage] = []

    def at(**options: object) -> Stage:
        made.append(stage_at(tmp_path, far, **options))  # type: ignore[arg-type]
        return made[-1]

    yield at
    for stage in made:
        stage.desk.store.close()


@pytest.fixture
def stage(make: Make, redis_url: str) -> Stage:
    """A deployment with Redis, an account on every channel and a list of sixty numbers."""
    made = make(redis=redis_url)
    for channel in ("x", "bluesky", "webhook", "notify"):
        made.account(channel)
    made.numbers(60)
    return made


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: PostgresServer) -> str:
    """A PostgreSQL database with its tables, emptied for every test: making one takes far longer."""
    url = postgres_server.create_database("tables")
    engine = open_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def tables_url(request: pytest.FixtureRequest) -> str:
    """A database with empty tables: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_tables")
        empty(url)
        return url
    return str(request.getfixturevalue("sqlite_url"))


@pytest.fixture
def table(tables_url: str) -> Iterator[Table]:
    """One released plan without deliveries, on both databases."""
    with table_at(tables_url) as made:
        yield made
