"""Without a terminal nothing is asked, and ``yes |`` confirms nothing: exit code 7, and what to give instead."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import Office
from tests.cli.sessions.conftest import Scenes
from tests.terminal import OUTSIDE, PROGRAM

YES = "y\n" * 1_000


def piped(office: Office, person: str, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """A command in a pipe."""
    environment = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
    environment |= {"DISPATCHER_KEY": str(office.key(person)), "DISPATCHER_DEPLOYMENT": str(office.folder)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(
        command, input=given, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("given", ["", YES])
def test_a_release_in_a_pipe_sends_nothing(scene: Scenes, given: str) -> None:
    """It names the option, and where the token is shown; not the token."""
    at = scene("cleared")
    token, before = at.token, at.office.kinds()
    done = piped(at.office, "director-1", "release", at.name, given=given)
    assert done.returncode == 7
    assert f"Next: dispatcher clearance read {at.name}" in done.stderr
    assert token not in done.stdout + done.stderr
    assert at.office.kinds() == before


def test_a_walk_in_a_pipe_names_the_commands(scene: Scenes) -> None:
    """Nothing is declared."""
    at = scene("empty")
    before = at.office.kinds()
    done = piped(at.office, "author-1", "night", given=YES)
    assert done.returncode == 7
    assert "Next: dispatcher incident declare --help" in done.stderr
    assert at.office.kinds() == before


def test_a_template_s_slots_in_a_pipe_are_named_together(scene: Scenes) -> None:
    """Each as the option to give; nothing is drafted, whatever the pipe holds."""
    at = scene("drafted")
    before = at.office.kinds()
    done = piped(at.office, "author-1", "message", "draft", at.incident, "--template", "flood", given=YES)
    assert done.returncode == 2
    assert "--slot river=" in done.stderr
    assert at.office.kinds() == before
