"""The demo as a test: the whole exercise by its commands, with the workers killed on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import environment_of

pytestmark = pytest.mark.system

KEYS = {
    "deliveries",
    "by_state",
    "attempts",
    "provider_requests",
    "lost",
    "doubled",
    "held",
    "refused_before_clearance",
    "release_to_first_request_ms",
    "seconds",
}
LIMIT_S = 600
"""Far above what it takes: other tests may be running beside it."""


def played(folder: Path) -> Any:
    """Play the demo in a folder of its own, and return its ``build/demo.json``; its output where it fails."""
    command = [sys.executable, "-m", "ops.demo", "--fault", "kill"]
    environment = environment_of(None) | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr
    assert "EXERCISE" in done.stdout
    return json.loads((folder / "build" / "demo.json").read_text())


def test_the_demo_ends_with_nothing_lost_or_doubled(tmp_path: Path) -> None:
    """Exit code 0, all the figures, and by the far sides' own count every destination exactly once."""
    figures = played(tmp_path)
    assert figures.keys() >= KEYS
    assert (figures["lost"], figures["doubled"], figures["refused_before_clearance"]) == (0, 0, 1)
    assert figures["by_state"].keys() <= {"accepted", "visible", "handed_over", "held"}
    assert figures["deliveries"] == sum(figures["by_state"].values()) >= 12 + 5
