"""An upgrade without downtime: the code before the last migration and the code of now, at work on one deployment.

The old code comes from this repository's own history, the commit before the schema last changed; without a history
the tests are skipped. Its processes are real ones, and run on the newest schema.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from channels.simulator.server import Simulator
from dispatcher.service import deploying
from tests.servers import until
from tests.stage import Stage, far_sides, stage_at

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
NUMBERS = 150
RUN = "import dispatcher; assert dispatcher.__file__.startswith({!r}); from dispatcher.cli.main import run; run()"


def git(*words: str) -> str:
    """What git says, or nothing."""
    done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.fixture(scope="session")
def old_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it was before the last migration came."""
    newest = str(max((ROOT / "migrations/versions").glob("0*")).relative_to(ROOT))
    added = ("log", "--diff-filter=A", "--format=%H", "--", newest)
    changed = git(*added).partition("\n")[0] if (ROOT / ".git").exists() else ""
    before = git("rev-parse", "--verify", f"{changed}^") if changed else ""
    if not before:
        pytest.skip("there is no history here: a copy without .git, or a shallow one")
    folder = tmp_path_factory.mktemp("old")
    packed = folder.with_suffix(".tar")
    assert git("archive", "--format=tar", f"--output={packed}", before) == ""
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    assert {file.name for file in (folder / "migrations/versions").glob("0*")} < {
        file.name for file in (ROOT / "migrations/versions").glob("0*")
    }
    return folder


@contextmanager
def old_role(code: Path, stage: Stage, role: str) -> Iterator[subprocess.Popen[bytes]]:
    """A role of the old version, from its own code and no other."""
    words = ["--deployment", str(stage.folder), "worker", role, "--mode", "exercise"]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    log = (stage.folder / "logs" / f"old-{role}").open("wb")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-c", RUN.format(str(code)), *words], cwd=code, env=environment, stdout=log, stderr=log
        ) as child,
    ):
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()


@pytest.fixture
def far() -> Iterator[Simulator]:
    """All simulated platforms."""
    with far_sides() as simulator:
        yield simulator


NEW_RULES = r"(?ms)^\[policy\.sensitivity\.\w+\]\n.*?\n\n|^exercise_max_age_days = \d+\n"
"""What the old code's policy does not have."""


def known_before(read: Callable[[str, str], str]) -> Callable[[str, str], str]:
    """Reads the example policy without rules that only the new code knows."""
    return lambda package, name: re.sub(NEW_RULES, "", read(package, name))


@pytest.mark.parametrize(
    ("old", "new"),
    [(("recipients",), ("relay", "accounts")), (("relay", "accounts"), ("recipients",))],
    ids=["old lists", "old relay and accounts"],
)
def test_two_versions_send_one_plan_side_by_side(
    old: Sequence[str],
    new: Sequence[str],
    old_code: Path,
    tmp_path: Path,
    far: Simulator,
    story_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Released by the new code's command, sent by both: everything once, and each lane by the version that runs.

    Roles that only the new code knows come onto the roster, and rules into the policy, once nobody runs the old one.
    """
    monkeypatch.setattr(deploying, "services", lambda *_about: ())
    monkeypatch.setattr(deploying, "_resource", known_before(deploying._resource))
    stage = stage_at(tmp_path, far, redis=redis_url, database=story_url, fresh=True)
    for channel in ("x", "bluesky", "notify"):
        stage.account(channel)
    stage.numbers(NUMBERS)
    plan = stage.cleared(lists=["city"])
    with ExitStack() as stack:
        children = {role: stack.enter_context(old_role(old_code, stage, role)) for role in old}

        def begun() -> bool:
            for role, child in children.items():
                assert child.poll() is None, (stage.folder / "logs" / f"old-{role}").read_text()[-2_000:]
            return {entry["role"] for entry in stage.ledger("role.started")} >= {*old, *new}

        def released() -> bool:
            stage.release(plan)
            return True

        stage.work(begun, released, lambda: stage.ended(plan), lambda: stage.plan_state(plan) == "settled", roles=new)
        until(lambda: stage.plan_state(plan) == "settled", "the plan is settled")
        pids = {role: child.pid for role, child in children.items()}
    assert (stage.published(), stage.doubled()) == ({"x": 1, "bluesky": 1, "notify": NUMBERS}, 0)
    owners = {entry["owner"] for entry in stage.ledger("role.started")}
    for role, pid in pids.items():
        assert any(owner.startswith(f"{role}:{pid}:") for owner in owners), "the old process itself"
    stage.desk.store.close()
