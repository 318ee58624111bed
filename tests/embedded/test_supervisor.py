"""``dispatcher up``'s core with a real Redis and real roles, killed in every way."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis

from dispatcher.domain.statement import Mode
from dispatcher.embedded.errors import AlreadyRunning, DeploymentUnusable, ProcfileInvalid, RedisMissing, StepFailed
from dispatcher.embedded.redis import find_redis_server
from dispatcher.embedded.state import UpState, read_state
from dispatcher.embedded.supervisor import Limits, Supervisor
from tests.servers import fill, missing, running, small_disk, until

pytestmark = pytest.mark.system

QUICK = Limits(backoff_first_s=0.05, stop_grace_s=1, leftovers_s=0.3, free_floor_bytes=0)
PROGRAM = """
import sys
from pathlib import Path
from dispatcher.domain.statement import Mode
from dispatcher.embedded.supervisor import Limits, Supervisor
Supervisor(Path(sys.argv[1]), Mode.EXERCISE, Limits(**eval(sys.argv[2]))).run()
"""
WAITING = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
POLITE = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))
print('ready', flush=True)
signal.pause()
"""
PARENT = (
    "import subprocess,signal; print(subprocess.Popen(['tail','-f','/dev/null']).pid, flush=True); signal.pause()"
)
ENVIRONMENT = "import json,os,signal; print(json.dumps(dict(os.environ)), flush=True); signal.pause()"


class Up:
    """One supervised deployment in a process of its own."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None

    def roles(self, **programs: str) -> Up:
        """Write the Procfile: each role is a Python program."""
        lines = [f"{name}: python -c {shlex.quote(f'exec({program!r})')}" for name, program in programs.items()]
        (self.root / "Procfile").write_text("\n".join(lines))
        return self

    def start(self) -> UpState:
        """Start the supervisor, and return its report once everything runs."""
        limits = {
            name: getattr(QUICK, name)
            for name in ("backoff_first_s", "stop_grace_s", "leftovers_s", "free_floor_bytes")
        }
        command = [sys.executable, "-c", PROGRAM, str(self.root), repr(limits)]
        errors = self.root.with_name("stderr").open("w")
        self.process = subprocess.Popen(command, stderr=errors, text=True, env=os.environ | self.environment)
        errors.close()
        return until(self.report, "up.json")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the supervisor a signal and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)

    def report(self) -> UpState | None:
        """Return what up.json says now; a supervisor that ended fails the test with its last words."""
        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail(f"the supervisor ended early:\n{self.stderr()}")
        return read_state(self.root)

    def stderr(self) -> str:
        return self.root.with_name("stderr").read_text()

    def log(self, name: str) -> str:
        path = self.root / "logs" / f"{name}.jsonl"
        return path.read_text() if path.exists() else ""

    def restarted(self, name: str) -> UpState:
        """Wait until ``name`` was started again."""

        def again() -> UpState | None:
            state = self.report()
            return state if state and state.restarts[name] else None

        return until(again, f"{name} was started again")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """A deployment that is not up yet; whatever it started is gone afterwards."""
    try:
        find_redis_server()
    except RedisMissing as error:
        missing("redis-server", str(error))
    root = tmp_path / "deployment"
    root.mkdir()
    with brought_down(Up(root, {"PLANTED_SECRET": "s3cret"})) as deployment:
        yield deployment


@contextmanager
def brought_down(deployment: Up) -> Iterator[Up]:
    """Stop the supervisor at the end, and whatever outlived it."""
    yield deployment
    if deployment.process and deployment.process.poll() is None:
        deployment.stop()
    report = deployment.root / "run" / "up.json"
    if report.exists():
        for pid in pids(UpState(**json.loads(report.read_text()))):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def here(root: Path, limits: Limits = QUICK) -> Supervisor:
    return Supervisor(root, Mode.EXERCISE, limits)


def pids(state: UpState) -> list[int]:
    return [state.redis, *state.roles.values()]


def gone(numbers: list[int]) -> Callable[[], bool]:
    return lambda: not any(map(running, numbers))


def test_everything_runs_once_the_report_is_there(up: Up) -> None:
    """up.json names the mode and the pid of every role and of Redis, and all of them run."""
    state = up.roles(one=WAITING, two=WAITING).start()
    assert (state.mode, set(state.roles)) == ("exercise", {"one", "two"})
    assert all(map(running, pids(state)))


def test_a_step_ends_before_the_roles_start(up: Up) -> None:
    """The migration has done its work when the first role starts."""
    up.roles(
        migrate="open('migrated', 'w').close()",
        one=f"import os; print(os.path.exists('migrated'), flush=True); {WAITING}",
    )
    assert "migrate" not in up.start().roles
    until(lambda: up.log("one"), "the role's line")
    assert up.log("one") == "True\n"


def test_a_failed_step_starts_nothing(up: Up) -> None:
    """When the migration fails its end is quoted, no role starts and Redis is stopped again."""
    up.roles(migrate="raise SystemExit('no such revision')", one="open('started', 'w')")
    with pytest.raises(StepFailed, match=r"(?s)`migrate` ended with exit code 1, so nothing else.*no such revision"):
        here(up.root).run()
    assert not (up.root / "started").exists()


def test_sigterm_stops_everything_in_order(up: Up) -> None:
    """SIGTERM reaches every role, the supervisor returns, and nothing is left but logs and data."""
    state = up.roles(one=POLITE, two=WAITING).start()
    assert up.stop() == 0
    assert gone(pids(state))()
    assert read_state(up.root) is None


def test_roles_are_asked_before_they_are_killed(up: Up) -> None:
    """A role that handles SIGTERM ends by itself."""
    up.roles(one=POLITE).start()
    until(lambda: up.log("one"), "the role is ready")
    up.stop(signal.SIGINT)
    assert up.log("one") == "ready\nbye\n"


def test_a_deaf_role_is_killed_after_the_grace(up: Up) -> None:
    """A role that ignores SIGTERM does not keep the supervisor from ending."""
    state = up.roles(one=STUBBORN).start()
    until(lambda: "deaf" in up.log("one"), "the role is deaf")
    assert up.stop() == 0
    assert gone(pids(state))()


def test_a_killed_role_is_started_again(up: Up) -> None:
    """After SIGKILL the role runs again under a new pid, and a line says what happened."""
    first = up.roles(one=WAITING).start()
    os.kill(first.roles["one"], signal.SIGKILL)
    assert up.restarted("one").roles["one"] != first.roles["one"]
    assert "one was killed by SIGKILL; starting it again in 0.05 s" in up.stderr()


def test_a_role_that_exits_is_started_again(up: Up) -> None:
    """A role that ends by itself is started again, with its exit code told."""
    up.roles(one="raise SystemExit(3)", two=WAITING).start()
    up.restarted("one")
    assert "one ended with exit code 3" in up.stderr()


def test_restarts_slow_down(up: Up) -> None:
    """A role that dies again and again is started ever more slowly."""
    up.roles(one="raise SystemExit(3)", two=WAITING).start()
    until(lambda: "in 0.2 s" in up.stderr(), "the third restart")
    assert [delay in up.stderr() for delay in ("in 0.05 s", "in 0.1 s", "in 0.2 s")] == [True] * 3


def test_a_killed_roles_children_go_with_it(up: Up) -> None:
    """What a role had started is killed before the role is started again."""
    state = up.roles(one=PARENT).start()
    child = int(until(lambda: up.log("one"), "the child's pid"))
    os.kill(state.roles["one"], signal.SIGKILL)
    up.restarted("one")
    until(gone([child]), "the child is gone")


def test_a_killed_redis_is_started_again_with_its_data(up: Up) -> None:
    """After SIGKILL Redis is back on the same socket with what was written."""
    first = up.roles(one=WAITING).start()
    with redis.Redis.from_url(first.redis_url) as client:
        client.set("doorbell", "rung")
    os.kill(first.redis, signal.SIGKILL)
    second = up.restarted("redis")
    with redis.Redis.from_url(second.redis_url) as client:
        assert until(lambda: answer(client), "Redis answers") == b"rung"
    assert first.redis_url == second.redis_url


def answer(client: redis.Redis) -> object:
    with suppress(redis.ConnectionError, redis.BusyLoadingError):
        return client.get("doorbell")
    return None


def test_a_killed_supervisor_leaves_no_orphan(up: Up) -> None:
    """After SIGKILL of the supervisor its roles and Redis end too."""
    state = up.roles(one=WAITING, two=POLITE).start()
    up.stop(signal.SIGKILL)
    until(gone(pids(state)), "no orphan is left")


def test_it_starts_again_after_it_was_killed(up: Up) -> None:
    """A supervisor that was killed leaves nothing that keeps the next from starting."""
    up.roles(one=WAITING).start()
    up.stop(signal.SIGKILL)
    assert running(up.start().roles["one"])


def test_a_second_up_is_refused(up: Up) -> None:
    """The second names the process that holds the deployment, and the first goes on."""
    state = up.roles(one=WAITING).start()
    with pytest.raises(AlreadyRunning, match=f"already running: process {state.supervisor} holds"):
        here(up.root).run()
    assert all(map(running, pids(state)))


def test_a_deaf_orphan_keeps_a_second_up_away(up: Up) -> None:
    """While a role of a killed supervisor lives, a new one is refused: nothing runs twice."""
    up.roles(one=STUBBORN).start()
    until(lambda: "deaf" in up.log("one"), "the role is deaf")
    up.stop(signal.SIGKILL)
    with pytest.raises(AlreadyRunning, match="or what it started still does"):
        here(up.root).run()


def test_roles_see_where_they_belong_and_no_secret(up: Up) -> None:
    """A role's environment has its deployment and mode, and nothing else that was around."""
    up.roles(one=ENVIRONMENT).start()
    environment = until(lambda: up.log("one"), "the role's environment")
    assert f'"DISPATCHER_DEPLOYMENT": "{up.root}"' in environment
    assert '"DISPATCHER_MODE": "exercise"' in environment
    assert "s3cret" not in environment


def test_logs_are_appended_over_restarts(up: Up) -> None:
    """Lines of the role's first life are still there in its second."""
    state = up.roles(one=f"print('born', flush=True); {WAITING}").start()
    until(lambda: "born" in up.log("one"), "the first line")
    os.kill(state.roles["one"], signal.SIGKILL)
    until(lambda: up.log("one") == "born\nborn\n", "both lines")


def test_a_faulty_procfile_starts_nothing(up: Up) -> None:
    """A Procfile that cannot be read is refused before Redis starts."""
    (up.root / "Procfile").write_text("what is this")
    with pytest.raises(ProcfileInvalid):
        here(up.root).run()
    assert not (up.root / "redis" / "redis.conf").exists()


def test_a_full_disk_stops_it_before_anything_starts(tmp_path: Path) -> None:
    """On a full disk `up` says so, and neither Redis nor a role was started."""
    with small_disk(tmp_path / "disk", 1024 * 1024) as disk:
        (disk / "Procfile").write_text("one: sh")
        fill(disk)
        with pytest.raises(DeploymentUnusable, match="Nothing was started"):
            here(disk).run()
        assert not (disk / "redis" / "redis.conf").exists()


def test_a_disk_that_fills_up_does_not_end_the_run(tmp_path: Path) -> None:
    """On a disk that is full by now a killed role is started again all the same, and the report follows later."""
    with small_disk(tmp_path / "disk", 4 * 1024 * 1024) as disk, brought_down(Up(disk, {})) as up:
        first = up.roles(one=WAITING).start()
        filler = fill(disk)
        os.kill(first.roles["one"], signal.SIGKILL)
        until(lambda: "up.json could not be written" in up.stderr(), "the report fails")
        filler.unlink()
        os.kill(first.redis, signal.SIGKILL)
        assert running(up.restarted("redis").roles["one"])
