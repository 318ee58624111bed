"""Opening the database, and the one unit of work in which everything is written.

Rules
  1. SQLite runs with WAL, ``synchronous=FULL`` and foreign keys; a write transaction takes the write lock at once
     (``BEGIN IMMEDIATE``), so that it never fails half-way with "database is locked".
  2. PostgreSQL runs with ``synchronous_commit=on``, and ends a transaction whose client has fallen silent: a process
     that was stopped, or a host that was lost, keeps no lock.
  3. A unit of work is one transaction; ledger entries added to it are written in it, in the writer's chain.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from channels.contract import Clock, Json
from dispatcher.domain.errors import Unavailable
from dispatcher.ledger.chain import Chain, Entry
from dispatcher.store.tables import LEDGER

BUSY_TIMEOUT_MS = 10_000
ASK_AGAIN_MS = 3
IDLE_TIMEOUT_MS = 30_000
READ_ONLY_TRANSACTION = "25006"
"""PostgreSQL's code for it (its manual, appendix A): a standby, or a primary that was told to take no writes."""


@dataclass
class Work:
    """One open transaction. ``now`` is the database's time: leases and windows are judged by it.

    With ``past``, ``now`` is another moment, and statements recorded after it are not read.
    """

    connection: Connection
    now: datetime
    entries: list[Entry] = field(default_factory=list)
    past: bool = False

    def record(
        self,
        kind: str,
        *,
        incident: str | None = None,
        actor: str | None = None,
        plan: str | None = None,
        delivery: str | None = None,
        **facts: Any,
    ) -> None:
        """Add a ledger entry to this transaction. ``facts`` are JSON values without floats."""
        subject: dict[str, Json] = {"incident": incident, "actor": actor, "plan": plan, "delivery": delivery}
        body = {key: value for key, value in subject.items() if value is not None}
        self.entries.append(Entry(kind, self.now, incident, {**body, **facts}))

    @property
    def dialect(self) -> str:
        """The database's kind: ``sqlite`` or ``postgresql``."""
        return self.connection.dialect.name

    def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Run one SQL statement in this transaction."""
        return self.connection.execute(statement, parameters)


class Store:
    """The database and this process's ledger chain. Safe to share between threads; writes take turns."""

    def __init__(self, engine: Engine, clock: Clock, writer: str) -> None:
        self.engine = engine
        self.clock = clock
        self.writer = writer
        self._chain: Chain | None = Chain(writer)
        self._turn = threading.Lock()

    @contextmanager
    def write(self) -> Iterator[Work]:
        """One write transaction; commits at the end, or rolls back and forgets its ledger entries."""
        with self._turn, _reachable(), self.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                _begin(connection)
            work = Work(connection, self._now(connection))
            yield work
            chain = self._append(work)
            self._chain = None  # a commit that fails may have come through: the database knows
            connection.commit()
            self._chain = chain

    @contextmanager
    def read(self, *, at_once: bool = False) -> Iterator[Work]:
        """One read transaction; with ``at_once``, everything in it is read as it was at one moment."""
        with _reachable(), self.engine.connect() as connection:
            if at_once:
                on_sqlite = connection.dialect.name == "sqlite"
                connection.exec_driver_sql(
                    "BEGIN" if on_sqlite else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
                )
            yield Work(connection, self._now(connection))

    def _append(self, work: Work) -> Chain | None:
        if not work.entries:
            return self._chain
        rows, chain = (self._chain or self._head(work)).extend(work.entries)
        work.connection.execute(LEDGER.insert(), rows)
        return chain

    def _head(self, work: Work) -> Chain:
        newest = select(LEDGER.c.sequence, LEDGER.c.leaf).where(LEDGER.c.writer == self.writer)
        row = work.execute(newest.order_by(LEDGER.c.sequence.desc()).limit(1)).first()
        return Chain(self.writer, *row) if row else Chain(self.writer)

    def _now(self, connection: Connection) -> datetime:
        if connection.dialect.name == "sqlite":
            return self.clock()
        moment: datetime = connection.execute(select(text("clock_timestamp()"))).scalar_one()
        return moment.astimezone(UTC)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_engine(url: str) -> Engine:
    """Open a database by SQLAlchemy URL: ``sqlite:///path`` or ``postgresql+psycopg://…``."""
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        options = f"-c synchronous_commit=on -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS}"
        engine = create_engine(url, pool_pre_ping=True, connect_args={"options": options})
    event.listen(engine, "handle_error", _give_up_read_only)
    return engine


def _begin(connection: Connection) -> None:
    """Take SQLite's write lock. SQLite's own wait sleeps ever longer and loses to whoever comes later: ask often.

    It is the driver that is asked: what is asked hundreds of times a second is to cost little.
    """
    driver: Any = connection.connection.driver_connection
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    driver.execute(f"PRAGMA busy_timeout={ASK_AGAIN_MS}")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    break
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails as SQLAlchemy says it
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where Store.write says so, not where the driver guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _give_up_read_only(context: ExceptionContext) -> None:
    """A connection that was opened while the database could only be read stays so: the next one is a new one."""
    error = context.original_exception
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary == sqlite3.SQLITE_READONLY or getattr(error, "sqlstate", None) == READ_ONLY_TRANSACTION:
        context.is_disconnect = True


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error, OperationalError) and not error.connection_invalidated:
            raise
        raise Unavailable(_plain(error), "check the disk and the database, then run the command again") from error


def _plain(error: DBAPIError) -> str:
    reason = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
    return f"the database did not take this: {reason}. Nothing was changed."
