"""Real servers for the tests, started as their users would start them and gone when the tests are.

Rules
  1. A missing system part is a loud skip (pytest -rs lists it), and a failure where CI_STRICT=1.
  2. Every server is a child that the kernel ends with the test process, so a killed run leaves nothing behind.
  3. Sockets only, no ports: any number of test processes side by side.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from dispatcher.embedded.errors import RedisMissing
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.redis import RedisServer, private_redis
from ops.postgres import PostgresMissing, PostgresServer, temporary_postgres

T = TypeVar("T")

_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


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


@contextmanager
def postgres_running() -> Iterator[PostgresServer]:
    """Run a PostgreSQL without durability in a temporary folder."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(temporary_postgres(**_NOT_DURABLE))
        except PostgresMissing as error:
            missing("PostgreSQL", str(error))
        yield server


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
