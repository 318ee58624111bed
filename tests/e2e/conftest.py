"""Fixtures of the end-to-end tests: one deployment with its roles running, per module that asks and per process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.tiktok.conftest import chromium  # noqa: F401 - a fixture for the modules here
from tests.e2e.deployment import Deployment, deployment_at

CAST = (
    ("x", "x-city"),
    ("bluesky", "bluesky-city"),
    ("webhook", "webhook-council"),
    ("cap_feed", "feed-city"),
    ("notify", "sms-city"),
    ("tiktok", "tiktok-city"),
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A test deployment with its simulator, without accounts and roles."""
    with deployment_at(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="module")
def cast(empty: Deployment) -> Deployment:
    """The cast's exercise accounts and a list of numbers."""
    for channel, name in CAST:
        empty.add(channel, name)
    empty.add_list("residents")
    return empty


@pytest.fixture(scope="module")
def exercise(cast: Deployment) -> Iterator[Deployment]:
    """The same with its roles running."""
    with cast.up() as running:
        yield running
