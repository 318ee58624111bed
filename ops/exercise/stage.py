"""The stage: a deployment, the simulator and ``dispatcher up``; what the stage started ends with the exercise.

Rules
  1. Whatever a command of an exercise does, it does in mode exercise: the roles are started in that mode, and roles
     that run live are left alone and refused.
  2. The simulator is the one at the deployment's own address, on this machine; it is started where none answers.
  3. Who acts signs with a key that lies in ``keys/exercise`` of the deployment, and nobody's agent is asked.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from dispatcher.domain.errors import DispatcherError, Forbidden, Invalid
from dispatcher.domain.statement import Mode
from dispatcher.embedded.process import ending_with, spawn
from dispatcher.embedded.state import read_state
from ops.reading import having_read

T = TypeVar("T")
Tell = Callable[[str], None]

DISPATCHER = Path(sys.executable).with_name("dispatcher")
LONG = 80
LOOPBACK = ("127.0.0.1", "localhost")
UP_WITHIN_S, ENDS_WITHIN_S, ANSWERS_WITHIN_S = 30.0, 20.0, 5.0


class ExerciseFailed(DispatcherError):
    """Something that the exercise relies on did not happen; the message says what."""

    exit_code = 6
    word = "exercise_failed"


def aloud(line: str) -> None:
    """Tell on stdout, at once."""
    print(line, flush=True)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the exercise plays; ``tell`` says what is done."""

    deployment: Path
    simulator: str
    tell: Tell = aloud

    def act(self, person: str | None, *words: str, fails: int | None = None, quiet: bool = False) -> Any:
        """Run one command as a person and return its JSON. ``fails``: the exit code that is expected instead."""
        if fails is None:
            words = having_read(words, lambda *read: self.act(person, *read, quiet=True))
        if not quiet:
            typed = " ".join(word if len(word) < LONG else f"{word[: LONG - 3]}…" for word in map(shlex.quote, words))
            self.tell(f"\n$ dispatcher {typed}{f'   [{person}]' if person else ''}")
        command, environment = [str(DISPATCHER), "--json", *words], self._environment(person)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603 - ours
        told = done.stderr.strip().splitlines()
        if done.returncode != (fails or 0):
            why = "\n".join(map(_said, told[-8:]))
            raise ExerciseFailed(f"dispatcher {' '.join(words[:2])} ended with {done.returncode}: {why}")
        if not quiet:
            for line in told[-4:]:
                self.tell(f"  {_said(line)}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def key(self, person: str) -> Path:
        """Where a person's exercise key would lie."""
        return self.deployment / "keys" / "exercise" / person

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
        """The process of each role. Raises ExerciseFailed where they do not run, or run live."""
        state = read_state(self.deployment)
        if state is None or state.mode != Mode.EXERCISE:
            raise ExerciseFailed("no role of this deployment runs in mode exercise", "dispatcher up --mode exercise")
        return state.roles

    def _environment(self, person: str | None) -> dict[str, str]:
        environment = {**os.environ, "DISPATCHER_DEPLOYMENT": str(self.deployment)}
        for name in ("SSH_AUTH_SOCK", "DISPATCHER_KEY"):
            environment.pop(name, None)
        return environment | ({"DISPATCHER_KEY": str(self.key(person))} if person else {})

    def _ask(self, path: str, body: bytes | None = None, method: str | None = None) -> bytes:
        address = self.simulator + path
        request = urllib.request.Request(address, data=body, method=method)  # noqa: S310 - the simulator's own address
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S) as answer:  # noqa: S310
            data: bytes = answer.read()
            return data


@contextmanager
def running(stage: Stage) -> Iterator[None]:
    """Have ``dispatcher up --mode exercise`` running: for the time of the story, unless it runs already.

    Raises Forbidden where it runs live, ExerciseFailed where it does not come up.
    """
    state = read_state(stage.deployment)
    if state is not None:
        if state.mode != Mode.EXERCISE:
            raise Forbidden(
                "the roles of this deployment run live, and no process serves both modes: nothing was "
                "touched; hold the exercise on another deployment",
                "dispatcher init FOLDER --kind test --name NAME",
            )
        yield
        return
    up = _started(stage, [str(DISPATCHER), "--deployment", str(stage.deployment), "up", "--mode", "exercise"], "up")
    try:
        until(lambda: read_state(stage.deployment), "the roles are up", UP_WITHIN_S, alive=up)
        yield
    finally:
        _end(up)


@contextmanager
def simulator_at(root: Path, port: int = 0) -> Iterator[str]:
    """Run all far sides as one process, and yield their address; the journal is in ``root`` when they have ended."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "channels.simulator", "--port", str(port), "--journal", str(root / "journal.json")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise ExerciseFailed(f"the simulator cannot listen on port {port}", "free the port and try again")
            yield json.loads(line)["url"]
        finally:
            process.terminate()


@contextmanager
def far_side(stage: Stage) -> Iterator[None]:
    """Have the simulator of the deployment answering: started, and ended again, where none does. Raises Invalid."""
    if answers(stage):
        yield
        return
    address = urlsplit(stage.simulator)
    if address.hostname not in LOOPBACK or not address.port:
        raise Invalid(
            f"no simulator answers at {stage.simulator}, and on another host none can be started from here",
            "start it there: python -m channels.simulator --port PORT",
        )
    stage.tell(f"No simulator answers at {stage.simulator}: it is started for this exercise.")
    with simulator_at(stage.deployment / "run", address.port):
        yield


def answers(stage: Stage) -> bool:
    """Whether a simulator answers at the deployment's address. Raises Invalid where something else does."""
    try:
        stage.journal()
    except urllib.error.HTTPError as error:
        raise Invalid(
            f"what answers at {stage.simulator} is no simulator (status {error.code})",
            "name the simulator's address as `simulator` in deployment.toml",
        ) from error
    except OSError:
        return False
    return True


@contextmanager
def set_up(build: Path, kind: str = "demo") -> Iterator[Stage]:
    """Make a fresh deployment in ``build/KIND``, with short waits and a simulator beside it."""
    import shutil

    root = build / kind
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    with simulator_at(root) as url:
        stage = Stage(root / "deployment", url)
        words = ("--kind", "test", "--name", "example-city", "--simulator", url, "--quick")
        stage.act(None, "init", str(stage.deployment), *words)
        yield stage


def until(
    look: Callable[[], T | None],
    what: str,
    seconds: float,
    *,
    alive: subprocess.Popen[bytes] | None = None,
    every_s: float = 0.05,
) -> T:
    """Look again and again until something is there.

    Raises ExerciseFailed when it does not come in time, or when the process that it is to come from has ended.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        if alive is not None and alive.poll() is not None:
            raise ExerciseFailed(f"it ended with {alive.returncode} before this: {what}", "dispatcher log")
        time.sleep(every_s)
    raise ExerciseFailed(f"waited {seconds:.0f} s in vain: {what}", "dispatcher status")


def _started(stage: Stage, command: Sequence[str], name: str) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that Ctrl-C reaches the exercise alone, which then ends it in order."""
    log = stage.deployment / "run" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return spawn(command, log=log, cwd=Path.cwd(), env=os.environ)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def _said(line: str) -> str:
    """A line of talk; of an error, which ``--json`` makes a document, its message and its first reasons."""
    if not line.startswith("{"):
        return line
    known = json.loads(line)
    reasons = "; ".join(reason["fact"] for reason in known.get("reasons", [])[:2])
    return f"{known['message']}{f': {reasons}' if reasons else ''}"
