"""A real role tells whoever keeps it running how it is."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.domain.people import DeploymentKind
from dispatcher.service import deploying
from workers.notifying import ALIVE, READY, STOPPING, tell

ROLE = [sys.executable, "-c", "from dispatcher.cli.main import run; run()"]


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[socket.socket]:
    """Who listens, as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(20)
        yield line


@contextmanager
def role(tmp_path: Path, watchdog_us: int) -> Iterator[subprocess.Popen[bytes]]:
    """The egress role of a new deployment; it needs neither database nor Redis."""
    folder = tmp_path / "deployment"
    blueprint = deploying.Blueprint("example-city", DeploymentKind.TEST)
    deploying.init(folder, blueprint, datetime.now(UTC), secrets.token_bytes)
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": str(watchdog_us)}
    told["DISPATCHER_ALIVE_FILE"] = str(tmp_path / "alive")
    words = ["--deployment", str(folder), "worker", "egress", "--mode", "exercise"]
    with subprocess.Popen([*ROLE, *words], env={**os.environ, **told}, stderr=subprocess.DEVNULL) as child:
        try:
            yield child
        finally:
            child.kill()


def test_a_role_says_that_it_is_ready_that_it_runs_and_that_it_stops(tmp_path: Path, ears: socket.socket) -> None:
    """In that order; while it runs, again and again."""
    with role(tmp_path, 150_000) as child:
        assert [ears.recv(99) for _ in range(4)] == [READY, ALIVE, ALIVE, ALIVE]
        child.send_signal(signal.SIGTERM)
        while (heard := ears.recv(99)) == ALIVE:
            pass
        assert heard == STOPPING
        assert (tmp_path / "alive").exists(), "and a container's probe sees a file"
        assert child.wait(20) == 0


def test_a_role_that_hangs_falls_silent(tmp_path: Path, ears: socket.socket) -> None:
    """Nobody else speaks for it: after what was on its way, nothing comes for ten times as long."""
    with role(tmp_path, 150_000) as child:
        ears.recv(99)
        child.send_signal(signal.SIGSTOP)
        ears.settimeout(0.5)
        heard = 0
        with contextlib.suppress(TimeoutError):
            while heard < 10:
                ears.recv(99)
                heard += 1
        assert heard < 10


def test_without_anybody_to_tell_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address, one that is none, one where nobody listens."""
    for address in ("", "relative", "/nowhere/notify", "@nobody-here"):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        tell(READY)
