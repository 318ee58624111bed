"""A database with a role per kind of process, and what the server refused to any of them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from dispatcher.store.database import open_engine
from dispatcher.store.migrate import upgrade
from ops.postgres import PostgresServer
from tests.stage import Stage

ROLES = Path(__file__).parents[2] / "ops" / "deploy" / "postgresql" / "roles.sql"


def as_role(url: str, kind: str) -> str:
    """The same database, as another role."""
    return make_url(url).set(username=f"dispatcher_{kind}").render_as_string(hide_password=False)


def rewritten(stage: Stage, url: str) -> None:
    """Another address in deployment.toml."""
    file = stage.folder / "deployment.toml"
    file.write_text(re.sub(r'^database = ".*"', f'database = "{url}"', file.read_text(), flags=re.MULTILINE))


@contextmanager
def guarded_database(server: PostgresServer) -> Iterator[str]:
    """A database with its roles, migrated by its owner: the file runs before, and again after."""
    name = f"t{uuid.uuid4().hex}"
    url = server.create_database(name)
    _run(server, name, ROLES.read_text())
    engine = open_engine(as_role(url, "owner"))
    upgrade(engine)
    engine.dispose()
    _run(server, name, ROLES.read_text())
    yield url
    server.drop_database(name)


@contextmanager
def nothing_refused(server: PostgresServer) -> Iterator[None]:
    """Fails where the server refused a statement of the block, whatever became of that; it writes each down."""
    log = server.base / "log"
    before = log.stat().st_size
    yield
    with log.open("rb") as file:
        file.seek(before)
        said = file.read().decode(errors="replace").splitlines()
    assert [line for line in said if "permission denied" in line] == []


def _run(server: PostgresServer, database: str, statements: str) -> None:
    """Run a file of SQL as the superuser, as ``psql -f`` does."""
    with psycopg.connect(f"user=postgres dbname={database} host={server.base}", autocommit=True) as connection:
        connection.execute(statements.encode())
