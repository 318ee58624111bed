"""The schema on both databases: the tables, the moves it refuses, the rows it keeps."""

from __future__ import annotations

from collections import deque

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, Text, inspect, text
from sqlalchemy.exc import DBAPIError

from dispatcher.domain import lifecycle
from dispatcher.domain.lifecycle import Lifecycle
from dispatcher.store import cap_alerts, migrate, records
from dispatcher.store.database import Store, open_engine
from dispatcher.store.foreign import TIMELINES
from dispatcher.store.sightings import SIGHTINGS
from dispatcher.store.tables import CAP_ALERTS, METADATA
from tests.builders import revision
from tests.cast import NOW

KEYS = {
    "incidents": "id",
    "plans": "digest",
    "clearances": "channel",
    "deliveries": "id",
    "spends": "channel",
    "cap_alerts": "id",
}
MACHINES = pytest.mark.parametrize("machine", lifecycle.ALL, ids=lambda machine: machine.name)


def way(machine: Lifecycle, state: str) -> list[str]:
    """The states of a shortest way from a beginning to ``state``."""
    ways = deque([[start] for start in sorted(machine.initial)])
    while ways:
        found = ways.popleft()
        if found[-1] == state:
            return found
        ways.extend([*found, target] for target in sorted(machine.moves[found[-1]]) if target not in found)
    raise AssertionError(f"{state} cannot be reached")


@pytest.fixture
def alert(store: Store) -> None:
    """Somebody else's alert in the store."""
    texts = [column.name for column in CAP_ALERTS.columns if isinstance(column.type, Text)]
    empty = {"data": None, "parent": None, "incident": None, "decided_at": None}
    known = {"found": {"faults": []}, "standing": "held", "received_at": NOW, "sent_at": NOW, **empty}
    with store.write() as work:
        assert cap_alerts.add(work, {**dict.fromkeys(texts, "x"), **known}, "relay")


def takes(connection: Connection, statement: str) -> bool:
    """Whether the database takes a statement; what it refuses is undone."""
    step = connection.begin_nested()
    try:
        connection.execute(text(statement))
    except DBAPIError:
        step.rollback()
        return False
    step.commit()
    return True


def begins(connection: Connection, machine: Lifecycle, state: str) -> bool:
    """Whether the database takes a copy of the table's one row, named ``new``, that begins in ``state``."""
    fresh = {KEYS[machine.table]: "'new'", "destination": "'new'", "sha256": "'new'", machine.column: f"'{state}'"}
    columns = [column.name for column in METADATA.tables[machine.table].columns]
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(fresh.get(name, f'"{name}"') for name in columns)
    return takes(connection, f"INSERT INTO {machine.table} ({names}) SELECT {values} FROM {machine.table}")


def moves(connection: Connection, machine: Lifecycle, state: str) -> bool:
    """Whether the database takes a raw UPDATE of that copy to ``state``."""
    key = KEYS[machine.table]
    return takes(connection, f"UPDATE {machine.table} SET {machine.column} = '{state}' WHERE {key} = 'new'")


def test_the_newest_migration_makes_the_tables_that_the_code_knows(engine: Engine) -> None:
    """Nothing is left for another migration to do."""
    assert SIGHTINGS.metadata is TIMELINES.metadata is METADATA  # declared beside their queries
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, METADATA) == []


def test_a_second_upgrade_does_nothing(engine: Engine) -> None:
    """The database is at the head, before and after."""
    migrate.upgrade(engine)
    assert migrate.current(engine) == migrate.head()


def test_a_new_database_has_no_migration(database_url: str) -> None:
    """So that a start against it can say what to do."""
    engine = open_engine(database_url)
    assert migrate.current(engine) is None
    assert inspect(engine).get_table_names() == []
    engine.dispose()


@MACHINES
@pytest.mark.usefixtures("delivery", "alert")
def test_the_database_takes_exactly_the_moves_of_the_lifecycle(machine: Lifecycle, store: Store) -> None:
    """Every pair of states is tried by a raw UPDATE, whatever program might send it."""
    taken = set()
    with store.write() as work:
        for source, target in ((s, t) for s in machine.moves for t in machine.moves if s != t):
            step = work.connection.begin_nested()
            first, *rest = way(machine, source)
            assert begins(work.connection, machine, first)
            assert all(moves(work.connection, machine, state) for state in rest)
            if moves(work.connection, machine, target):
                taken.add((source, target))
            step.rollback()
    assert sorted(taken) == list(machine.edges)


@MACHINES
@pytest.mark.usefixtures("delivery", "alert")
def test_a_row_begins_in_a_state_that_begins(machine: Lifecycle, store: Store) -> None:
    """A row cannot be slipped in half-way along."""
    taken = set()
    with store.write() as work:
        for state in machine.moves:
            step = work.connection.begin_nested()
            if begins(work.connection, machine, state):
                taken.add(state)
            step.rollback()
    assert taken == machine.initial


@pytest.mark.parametrize("table", ["ledger", "statements", "revisions", "renderings"])
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
@pytest.mark.usefixtures("planned")
def test_what_happened_and_what_was_signed_never_changes(table: str, change: str, store: Store) -> None:
    """Neither an update, not even one that changes nothing, nor a deletion gets through."""
    with store.write() as work:
        records.add_revision(work, revision(), "author-1")
    column = "id" if table in ("ledger", "statements") else "digest"
    with store.write() as work:
        assert not takes(work.connection, change.format(table, column))
        assert work.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() > 0
