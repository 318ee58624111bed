"""How Alembic reaches the database: the connection is handed in by ``dispatcher.store.migrate``.

On PostgreSQL a lock keeps two migrations apart, and a statement that would wait for others gives up soon
(reference: code-models 2.7).
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from dispatcher.store.tables import METADATA

ADVISORY_LOCK = 0x6469737061746368


def _run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
