"""The stage: a fresh deployment, the simulator and ``dispatcher up``, all ended with the demo."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dispatcher.embedded.process import ending_with
from ops.reading import having_read

T = TypeVar("T")

DISPATCHER = Path(sys.executable).with_name("dispatcher")
TIMING = """
chunk = 20

# An exercise on one machine: everything is quick, and said so. The defaults are in dispatcher/settings.py.
[timing]
lease_ms = 5000
quiet_ms = 2500
look_again_ms = 1100
retry_ms = 300
retry_most_ms = 2000
status_ms = 1000
sweep_ms = 200
poll_ms = 1000
ring_again_ms = 1000
"""
CHANNELS = ("x", "bluesky", "notify", "webhook", "cap_feed", "tiktok")
CHANNEL_TIMING = "\n".join(f"[channel.{name}]\ntimeout_ms = 1500\nlag_ms = 1000\n" for name in CHANNELS)


class DemoFailed(Exception):
    """Something that the demo relies on did not happen; the message says what."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays."""

    deployment: Path
    simulator: str

    def act(self, person: str | None, *words: str, fails: int | None = None, quiet: bool = False) -> Any:
        """Run one command as a person and return its JSON. ``fails``: the exit code that is expected instead."""
        if fails is None:
            words = having_read(words, lambda *read: self.act(person, *read, quiet=True))
        if not quiet:
            print(f"\n$ dispatcher {' '.join(_short(word) for word in words)}{f'   [{person}]' if person else ''}")
        environment = {**os.environ, "DISPATCHER_DEPLOYMENT": str(self.deployment)}
        environment.pop("SSH_AUTH_SOCK", None)
        if person:
            environment["DISPATCHER_KEY"] = str(self.deployment / "keys" / "exercise" / person)
        done = subprocess.run(  # noqa: S603 - our own program
            [str(DISPATCHER), "--json", *words], capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode != (fails or 0):
            raise DemoFailed(
                f"dispatcher {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        if not quiet:
            for line in done.stderr.strip().splitlines()[-4:]:
                print(f"  {line}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def fault(self, **order: object) -> None:
        """Arm one fault at the simulator."""
        self._ask("/_sim/faults", json.dumps(order).encode())

    def disarm(self) -> None:
        """Take all armed faults back."""
        self._ask("/_sim/faults", method="DELETE")

    def journal(self) -> dict[str, Any]:
        """What the simulated platforms saw."""
        document: dict[str, Any] = json.loads(self._ask("/_sim/journal"))
        return document

    def roles(self) -> dict[str, int]:
        """The process of each role."""
        state = json.loads((self.deployment / "run" / "up.json").read_text())
        roles: dict[str, int] = state["roles"]
        return roles

    def _ask(self, path: str, body: bytes | None = None, method: str | None = None) -> bytes:
        address = self.simulator + path
        request = urllib.request.Request(address, data=body, method=method)  # noqa: S310 - the simulator's own address
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            data: bytes = answer.read()
            return data


@contextmanager
def set_up(build: Path) -> Iterator[Stage]:
    """Make a fresh deployment in ``build/demo`` with a simulator beside it."""
    root = build / "demo"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    with simulator_at(root) as url:
        stage = Stage(root / "deployment", url)
        words = ("init", str(stage.deployment), "--kind", "test", "--name", "example-city", "--simulator", url)
        stage.act(None, *words)
        settings = stage.deployment / "deployment.toml"
        settings.write_text(_replace_timing(settings.read_text()))
        yield stage


@contextmanager
def running(stage: Stage) -> Iterator[None]:
    """Run ``dispatcher up`` for the time of the story."""
    with (stage.deployment.parent / "up.log").open("wb") as log:
        up = subprocess.Popen(  # noqa: S603 - our own program
            [str(DISPATCHER), "--deployment", str(stage.deployment), "up", "--mode", "exercise"],
            stdout=log,
            stderr=log,
        )
        try:
            until(lambda: (stage.deployment / "run" / "up.json").exists() or None, "the roles are up", 20)
            yield
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=20)


def until(look: Callable[[], T | None], what: str, seconds: float) -> T:
    """Look again and again until something is there. Raises DemoFailed when it does not come in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise DemoFailed(f"waited {seconds:.0f} s in vain: {what}")


@contextmanager
def simulator_at(root: Path) -> Iterator[str]:
    """Run all far sides as one process, and yield their address; the journal is in ``root`` when they have ended."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "channels.simulator", "--journal", str(root / "journal.json")],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield json.loads(line)["url"]
        finally:
            process.terminate()


def _replace_timing(text: str) -> str:
    head = text.split("[timing]", maxsplit=1)[0].replace("chunk = ", "# chunk = ")
    return f"{head}{TIMING}\n{CHANNEL_TIMING}"


def _short(word: str) -> str:
    return word if len(word) < 80 else f"{word[:77]}…"
