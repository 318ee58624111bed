"""Processes of the end-to-end tests: each is one that the kernel ends with the tests."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dispatcher.embedded.process import ending_with


@contextmanager
def process(command: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with its output in a file; it ends with the block, at the latest with the tests."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment_of(None),
            preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
        )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(30)


def environment_of(key: Path | None) -> dict[str, str]:
    """The environment of a command: nobody's agent, at most one key."""
    environment = {name: value for name, value in os.environ.items() if name not in ("SSH_AUTH_SOCK", "TERM")}
    return environment | ({"DISPATCHER_KEY": str(key)} if key else {})
