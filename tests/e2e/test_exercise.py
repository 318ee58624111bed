"""An exercise as its people hold it: one storm on a small list, by its commands; then one that is broken off."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dispatcher.embedded.state import read_state
from ops.exercise.stage import DISPATCHER
from tests.e2e.processes import environment_of
from tests.servers import until

pytestmark = pytest.mark.system

LIMIT_S = 300
"""Far above what it takes: other tests may be running beside it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with short waits, whose simulator does not run."""
    made = tmp_path_factory.mktemp("exercise") / "deployment"
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    typed(made, "init", str(made), "--kind", "test", "--name", "example-city", "--simulator", address, "--quick")
    return made


@pytest.fixture(scope="module")
def card(folder: Path) -> Any:
    """The scorecard of a storm that the script played."""
    return typed(folder, "exercise", "run", "storm", "--numbers", "40")


def typed(folder: Path, *words: str) -> Any:
    """One command's JSON; its talk where it fails."""
    command = [str(DISPATCHER), "--json", "--deployment", str(folder), *words]
    done = subprocess.run(
        command, env=environment_of(None), capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-6_000:]
    return json.loads(done.stdout)


def test_the_storm_passes_with_every_fault_met(card: Any) -> None:
    """429s, an outage, lost connections and killed workers: nothing lost, nothing doubled, all of it corrected."""
    assert (card["outcome"], card["lost"], card["doubled"]) == ("passed", 0, 0), card
    assert all(one["count"] for one in card["faults"]), card["faults"]
    times = card["times"]
    assert all(times[name] is not None for name in times if name != "halted"), times
    assert times["corrected_all"] < 60_000


def test_its_scorecard_is_on_record(folder: Path, card: Any) -> None:
    """It can be read again, and nothing of it runs any more."""
    assert typed(folder, "exercise", "show", card["run"])["run"] == card["run"]
    assert read_state(folder) is None
    assert "policy asks for an exercise" not in json.dumps(typed(folder, "exercise", "list"))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_exercise_that_is_broken_off_says_so_and_stops_what_it_started(
    folder: Path, ending: signal.Signals
) -> None:
    """Ctrl-C or SIGTERM: exit code 130, a scorecard of what there was, no roles and no simulator left behind."""
    command = [str(DISPATCHER), "--deployment", str(folder), "exercise", "run", "riot", "--people", "author"]
    talk = folder / "run" / "talk.txt"
    with talk.open("w") as output:
        run = subprocess.Popen(command, env=environment_of(None), stdout=output, stderr=output)
        until(lambda: "AWAITED: author" in talk.read_text() or None, "somebody is awaited", 60)
        run.send_signal(ending)
        assert run.wait(60) == 130, talk.read_text()
    newest = typed(folder, "exercise", "list")["runs"][0]
    assert (newest["scenario"], newest["outcome"]) == ("riot", "broken_off")
    assert newest["run"] in talk.read_text()
    assert read_state(folder) is None
