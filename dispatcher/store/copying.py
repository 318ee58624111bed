"""A copy of the whole database as it was at one moment, and a database made from such a copy.

Rules
  1. Nobody waits: writers go on while a copy is made, and what they commit meanwhile is not in it.
  2. SQLite is copied by its own backup call, PostgreSQL by ``pg_dump`` of one exported snapshot; what is counted
     comes from the same moment.
  3. A copy goes into an empty database only. A password is given to PostgreSQL's programs by the environment, where
     other users of the host cannot read it.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, make_url, select, table
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.store.database import open_engine
from dispatcher.store.ledger_tables import CHECKPOINTS

FILES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
"""What a copy is called, by kind of database."""

_INSTALLED = Path("/usr/lib/postgresql")
_COMPLAINT = 400


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds: rows per table, the migration, and the note of the newest signed head of the ledger.

    ``tools`` is the major version of the program that wrote it, 0 for SQLite.
    """

    kind: str
    migration: str | None
    head: str
    counts: Mapping[str, int]
    tools: int = 0


def kind_of(database: str) -> str:
    """``sqlite`` or ``postgresql``."""
    return make_url(database).get_backend_name()


def copy(database: str, folder: Path) -> Copied:
    """Copy a database into its file in ``folder``. Raises Unavailable where it, or a program, cannot be had."""
    kind = kind_of(database)
    try:
        return _copy_sqlite(database, folder) if kind == "sqlite" else _copy_postgresql(database, folder)
    except (sqlite3.Error, DBAPIError) as error:
        raise Unavailable(f"the database cannot be copied: {error}", "is it up, and is there room?") from error


def load(copied: Path, kind: str, tools: int, database: str) -> None:
    """Make an empty database what the copy was. Raises Invalid for one of another kind or in use, Unavailable."""
    if kind_of(database) != kind:
        raise Invalid(f"the backup is of {kind}, and {shown(database)} is not", "name a database of the same kind")
    if kind == "sqlite":
        target = Path(str(make_url(database).database))
        if target.exists():
            raise Invalid(f"{target} is in use: nothing was touched", "name a folder that is not there yet")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copied, target)
        target.chmod(0o600)
        return
    with _engine(database) as engine:
        refuse_in_use(engine, database)
    words = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
    _run("pg_restore", tools, database, *words, str(copied))


def look(database: str) -> Copied:
    """What a database holds now, as :func:`copy` says it. Raises what the driver does for a damaged one."""
    with _engine(database) as engine, engine.connect() as connection:
        return _counted(connection, kind_of(database))


def refuse_in_use(engine: Engine, database: str) -> None:
    """Raise Invalid for a database where anybody keeps anything, in any schema; Unavailable for one not there.

    A rehearsal empties the database when it is done: what it did not bring must not be in it.
    """
    try:
        found = _kept_in(engine)
    except DBAPIError as error:
        raise Unavailable(f"{shown(database)} cannot be reached: {error.orig}", "make it: createdb NAME") from error
    if found:
        raise Invalid(f"{shown(database)} has tables: nothing was touched", "name an empty database: createdb NAME")


def _kept_in(engine: Engine) -> list[str]:
    """Tables, views and sequences, in whichever schema. Raises DBAPIError."""
    asked = inspect(engine)
    if engine.dialect.name == "sqlite":
        return asked.get_table_names()
    schemas = [name for name in asked.get_schema_names() if name != "information_schema"]
    readers = (
        asked.get_table_names,
        asked.get_view_names,
        asked.get_materialized_view_names,
        asked.get_sequence_names,
    )
    return [name for schema in schemas for read in readers for name in read(schema)]


def empty(database: str) -> None:
    """Take out of a PostgreSQL database all that :func:`load` put there."""
    with _engine(database) as engine, engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")


def _copy_sqlite(database: str, folder: Path) -> Copied:
    target = folder / FILES["sqlite"]
    source = f"file:{make_url(database).database}?mode=ro"
    with closing(sqlite3.connect(source, uri=True)) as live, closing(sqlite3.connect(target)) as made:
        live.backup(made)  # all pages in one step: one moment, and in WAL mode writers go on
        made.execute("PRAGMA journal_mode=DELETE")  # the copy is one file
    target.chmod(0o600)
    found = look(f"sqlite:///{target}")
    for rest in folder.glob(f"{target.name}-*"):
        rest.unlink()
    return found


def _copy_postgresql(database: str, folder: Path) -> Copied:
    with _engine(database) as engine, engine.connect() as connection:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")  # it stays open meanwhile
        snapshot = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
        found = _counted(connection, "postgresql")
        server = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
        target = folder / FILES["postgresql"]
        words = ("--format=custom", f"--snapshot={snapshot}", f"--file={target}")
        tools = _run("pg_dump", server, database, *words)
    target.chmod(0o600)
    return Copied(found.kind, found.migration, found.head, found.counts, tools)


def _counted(connection: Connection, kind: str) -> Copied:
    names = sorted(inspect(connection).get_table_names())
    counts = {
        name: int(connection.execute(select(func.count()).select_from(table(name))).scalar_one()) for name in names
    }
    migration = head = None
    if "alembic_version" in counts:
        migration = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if CHECKPOINTS.name in counts:
        newest = select(CHECKPOINTS.c.note).order_by(CHECKPOINTS.c.size.desc()).limit(1)
        head = connection.execute(newest).scalar()
    return Copied(kind, migration, str(head or ""), counts)


@contextmanager
def _engine(database: str) -> Iterator[Engine]:
    engine = open_engine(database)
    try:
        yield engine
    finally:
        engine.dispose()


def _run(name: str, server: int, database: str, *words: str) -> int:
    """Run a program of PostgreSQL's no older than ``server``; returns its major version. Raises Unavailable."""
    program, version = _program(name, server)
    url = make_url(database)
    command = [str(program), "--dbname", _libpq(url), *words]
    password = {"PGPASSWORD": url.password} if isinstance(url.password, str) else {}
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, with our words
        command, capture_output=True, text=True, check=False, env={**os.environ, **password}
    )
    if done.returncode:
        raise Unavailable(
            f"{name} ended with {done.returncode}: {done.stderr.strip()[-_COMPLAINT:]}",
            "is the database up, may this user read it all, and is there room?",
        )
    return version


def _program(name: str, least: int) -> tuple[Path, int]:
    """The program, on PATH or where Debian puts each version, and its version. Raises Unavailable."""
    places = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep) if place]
    places += sorted(_INSTALLED.glob("*/bin"))
    seen = []
    for program in (place / name for place in places):
        if os.access(program, os.X_OK):
            seen.append(_major(program))
            if seen[-1] >= least:
                return program, seen[-1]
    told = f"{name} is of PostgreSQL {max(seen)}, too old for {least}" if seen else f"there is no {name} here"
    raise Unavailable(told, f"install PostgreSQL's client programs, version {least} or later, and run this again")


def _major(program: Path) -> int:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - as above
    found = re.search(r"\b(\d+)[.\d]*", told.stdout)
    return int(found[1]) if found else 0


def _libpq(url: URL) -> str:
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def shown(database: str) -> str:
    """A database's address without its password."""
    return make_url(database).render_as_string(hide_password=True)
