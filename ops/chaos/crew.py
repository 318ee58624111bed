"""The processes of a campaign: each is started again when it dies, and can be killed, stopped and counted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dispatcher.embedded.errors import EmbeddedError
from dispatcher.embedded.process import ending_with
from ops.bench.office import MODE

DISPATCHER = Path(sys.executable).with_name("dispatcher")
NICE = ("nice", "-n", "5")
"""Workers leave the processors to the far sides, which would have machines of their own."""

AGAIN_S = 0.2
Start = Callable[[], "subprocess.Popen[bytes]"]


@dataclass(slots=True)
class Part:
    """One process that is kept alive. ``ends`` counts how it ended: the code, negative for a signal."""

    name: str
    start: Start
    process: subprocess.Popen[bytes] | None = None
    ends: Counter[int] = field(default_factory=Counter)
    back_at: float = 0.0
    woken_at: float | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs, or was stopped and will run."""
        return self.process is not None and self.process.returncode is None

    def look(self) -> None:
        """Wake it, reap it and start it again, each when it is time."""
        now = time.monotonic()
        if self.process is not None and self.alive and self.process.poll() is not None:
            self.ends[self.process.returncode] += 1
            self.back_at, self.woken_at = max(self.back_at, now + AGAIN_S), None
        if self.woken_at is not None and now >= self.woken_at:
            self.wake()
        if not self.alive and now >= self.back_at:
            with contextlib.suppress(EmbeddedError):  # what it held is let go in a moment
                self.process = self.start()

    def signal(self, number: signal.Signals, away_s: float = 0.0) -> bool:
        """Send a signal, after whose harm it stays away so long; returns whether there was somebody to hear it."""
        if self.process is None or self.process.returncode is not None:
            return False
        self.back_at = time.monotonic() + away_s
        self.process.send_signal(number)  # which looks first whether it has ended
        return True

    def pause(self, lasting_s: float) -> bool:
        """Stop it for so long; returns whether there was anything to stop."""
        self.woken_at = time.monotonic() + lasting_s
        return self.signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let a stopped process go on."""
        self.signal(signal.SIGCONT)
        self.woken_at = None


@dataclass(slots=True)
class Host:
    """A machine: a deployment folder, and its workers in one process group."""

    folder: Path
    roles: Sequence[str]
    group: int = 0
    parts: list[Part] = field(init=False)

    def __post_init__(self) -> None:
        self.parts = [Part(f"{self.folder.name}/{role}", partial(self._start, role)) for role in self.roles]

    def kill(self) -> int:
        """Kill the whole group by kill -9; returns how many of its workers were alive."""
        hit = sum(part.alive for part in self.parts)
        if hit:
            os.killpg(self.group, signal.SIGKILL)
        return hit

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        try:
            process = self._spawn(role, self.group)
        except (PermissionError, ProcessLookupError):  # nobody of the group is left
            process = self._spawn(role, 0)
        self.group = os.getpgid(process.pid)
        return process

    def _spawn(self, role: str, group: int) -> subprocess.Popen[bytes]:
        words = ["--deployment", str(self.folder), "worker", role, "--mode", str(MODE)]
        with (self.folder / "logs" / f"{role}.jsonl").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                [*NICE, str(DISPATCHER), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=group,
                preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
            )


def stop(parts: Iterable[Part], within_s: float) -> bool:
    """Ask all to end at once; returns whether they did so in time. Whoever did not is killed."""
    asked = [part.process for part in parts if part.process is not None and part.process.poll() is None]
    for process in asked:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + within_s
    in_time = True
    for process in asked:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            in_time = False
            process.kill()
            process.wait()
    return in_time


def leftovers(root: Path) -> list[str]:
    """The command lines of processes that still work below a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = place.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if f"{root}/" in words:
                found.append(words)
    return found
