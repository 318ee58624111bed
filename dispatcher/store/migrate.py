"""Bring a database to the schema that this code needs, and say which it has."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from dispatcher.store.database import Store

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def upgrade(engine: Engine) -> None:
    """Apply all migrations that are missing, in one transaction."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def migrate(store: Store) -> tuple[str | None, str | None]:
    """The same, with an entry in the ledger where anything was missing. Returns the migration before and now.

    The entry comes after the change: an older schema may have no place for it.
    """
    before = current(store.engine)
    upgrade(store.engine)
    now = current(store.engine)
    if now != before:
        with store.write() as work:
            work.record("schema.migrated", before=before, now=now)
    return before, now


def current(engine: Engine) -> str | None:
    """The database's migration, or None before the first."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The migration that this code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def known() -> frozenset[str]:
    """Every migration that this code has."""
    return frozenset(step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
