"""Locks between processes, kept by the kernel.

A lock is an ``flock`` on a file that names its holder's pid. It ends with the last process that inherited it, so
there is no stale lock, however a process died, and a child can keep its parent's lock.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from dispatcher.embedded.errors import AlreadyRunning

_POLL_S = 0.05


class Lock:
    """Hold the lock file ``path``; ``fd`` may be passed to children, and the lock then lives as long as they do.

    ``what`` names the locked thing in the message. A busy lock is waited for ``wait_s`` at most.
    Raises AlreadyRunning.
    """

    __slots__ = ("fd",)

    def __init__(self, path: Path, what: str, *, wait_s: float = 0) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + wait_s
        while not _try_lock(self.fd):
            if time.monotonic() >= deadline:
                pid = holder(path)
                os.close(self.fd)
                held = f"process {pid or 'unknown'} holds {path}, or what it started still does"
                raise AlreadyRunning(f"{what} is already running: {held}. Wait a moment, or end it.", pid)
            time.sleep(_POLL_S)
        self.name(os.getpid())

    def name(self, pid: int) -> None:
        """Write down who holds the lock, for the message that others will read."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{pid}\n".encode(), 0)

    def close(self) -> None:
        """Let go of our own hold; children that inherited ``fd`` keep theirs."""
        os.close(self.fd)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(path: Path) -> int | None:
    """Return the pid written in the lock file ``path``, or None."""
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def alive(pid: int) -> bool:
    """Say whether a process with this pid exists (a zombie still does)."""
    return Path(f"/proc/{pid}").exists()
