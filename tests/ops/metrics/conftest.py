"""Fixtures of the exporter's tests: far sides, and a deployment with an account on each of some channels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.simulator.server import Simulator
from tests.stage import Stage, far_sides, stage_at


@pytest.fixture
def far() -> Iterator[Simulator]:
    """All simulated platforms."""
    with far_sides() as simulator:
        yield simulator


@pytest.fixture
def stage(tmp_path: Path, far: Simulator, redis_url: str) -> Iterator[Stage]:
    """A deployment with Redis and two accounts."""
    made = stage_at(tmp_path, far, redis=redis_url)
    for channel in ("x", "webhook"):
        made.account(channel)
    yield made
    made.desk.store.close()
