"""Two versions side by side: what an older version's code says to the database still holds on the newest schema.

Before every migration but the first there was code that knew the tables of that time. A rolling restart runs it
beside the new one; so each migration may only add, and what it adds must not be needed to write a row.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    insert,
    select,
    update,
)

from dispatcher.domain import lifecycle
from dispatcher.store import migrate
from dispatcher.store.database import open_engine

BEGINS = {(machine.table, machine.column): min(machine.initial) for machine in lifecycle.ALL}
KEEPS_ALL = ("ledger", "checkpoints", "statements", "revisions", "renderings")
VERSIONS = [s.revision for s in ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions()][:0:-1]


def known_at(url: str, version: str) -> tuple[Engine, MetaData]:
    """A database at that version's migration, and its tables as code of that time knew them."""
    engine = open_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        connection.commit()
    known = MetaData()
    known.reflect(engine)
    return engine, known


def a_row(table: Table) -> dict[str, Any]:
    """Something in every column that the old code knew."""
    values: dict[str, Any] = {}
    for column in table.columns:
        match column.type:
            case DateTime():
                values[column.name] = datetime(2026, 11, 1, tzinfo=UTC)
            case Integer():
                values[column.name] = 1
            case LargeBinary():
                values[column.name] = b"1"
            case JSON():
                values[column.name] = {}
            case Text():
                values[column.name] = BEGINS.get((table.name, column.name), "1")
            case _:
                values[column.name] = True
    return values


def says(connection: Connection, table: Table) -> None:
    """The old code's statements: a row written, read and changed."""
    row = a_row(table)
    connection.execute(insert(table).values(row))
    assert set(connection.execute(select(table)).one()._mapping) == set(row)
    if table.name not in KEEPS_ALL:
        connection.execute(update(table).values({name: value for name, value in row.items() if name != "state"}))


@pytest.mark.system
@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_versions_statements_run_on_the_newest_schema(version: str, database_url: str) -> None:
    """Every table that it knew is written, read and changed by the columns that it knew."""
    engine, known = known_at(database_url, version)
    migrate.upgrade(engine)
    tables = [table for table in known.sorted_tables if table.name != "alembic_version"]
    with engine.begin() as connection:
        for table in tables:
            says(connection, table)
    engine.dispose()
    assert len(tables) > 15
