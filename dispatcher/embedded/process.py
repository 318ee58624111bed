"""One child process: started so that it cannot outlive us unnoticed, watched without a thread, ended as a group.

Rules
  1. A child leads its own session, so that a Ctrl-C at the terminal reaches the supervisor alone.
  2. The kernel sends the child SIGTERM when we die, even by SIGKILL (prctl(2): PR_SET_PDEATHSIG; it follows the
     thread that forked, so children are started from the main thread only).
  3. When the leader has ended, what is left of its group is killed before the leader is reaped: while it is a zombie
     its number cannot be given to another group.
  4. Output is appended straight to the log file, not through us: a full pipe never stops a child.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_EXIT_PARENT_GONE = 113
LOG_TAIL_LINES = 12


def spawn(
    argv: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str], keep_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start ``argv`` under the rules above, appending both its outputs to ``log``.

    Raises OSError when the log cannot be opened or the program cannot be started.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - argv comes from the deployment's Procfile, no shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=dict(env),
            pass_fds=keep_fds,
            start_new_session=True,
            preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
        )


def ending_with(parent: int) -> Callable[[], None]:
    """Return what a child runs between fork and exec so that it ends when ``parent`` does."""

    def in_child() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(_EXIT_PARENT_GONE)

    return in_child


async def exited(child: subprocess.Popen[bytes]) -> int:
    """Wait for ``child`` to end, kill what is left of its group, and return its code (negative: the signal)."""
    if child.returncode is None:
        await _readable(os.pidfd_open(child.pid))
        signal_group(child, signal.SIGKILL)
    return child.wait()


async def _readable(pidfd: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send ``number`` to the whole group of an unreaped child; a group that is gone is no error."""
    if child.returncode is None:
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            return


def describe(code: int) -> str:
    """Say in words how a child ended: ``ended with exit code 3``, ``was killed by SIGKILL``."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"


def tail(log: Path) -> str:
    """Return the last lines of a log, or a sentence where there are none."""
    lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:] if log.exists() else []
    return "\n".join(lines) or f"(nothing in {log})"
