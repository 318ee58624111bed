"""Fixtures for the workers' tests: the far sides, and deployments that are closed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels.simulator.server import Simulator
from tests.stage import Stage, far_sides, stage_at

Make = Callable[..., Stage]


@pytest.fixture
def far() -> Iterator[Simulator]:
    """All simulated platforms, with an empty journal."""
    with far_sides() as simulator:
        yield simulator


@pytest.fixture
def make(tmp_path: Path, far: Simulator) -> Iterator[Make]:
    """Makes the deployment of a test."""
    made: list[Stage] = []

    def at(**options: object) -> Stage:
        made.append(stage_at(tmp_path, far, **options))  # type: ignore[arg-type]
        return made[-1]

    yield at
    for stage in made:
        stage.desk.store.close()


@pytest.fixture
def stage(make: Make, redis_url: str) -> Stage:
    """A deployment with Redis, an account on every channel and a list of sixty numbers."""
    made = make(redis=redis_url)
    for channel in ("x", "bluesky", "webhook", "notify"):
        made.account(channel)
    made.numbers(60)
    return made
