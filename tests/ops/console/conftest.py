"""A console over an empty deployment, shown what a test puts before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.sender_bootstrap import now
from dispatcher.service.desk import Desk
from tests.office import Office, office_at
from tests.ops.console.seen import Scripted, busy
from tests.ops.console.served import Served, deployment_at, served


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A deployment with nothing in it."""
    return deployment_at(tmp_path_factory.mktemp("console") / "deployment")


@pytest.fixture(scope="module")
def looks() -> Scripted:
    """What the console sees: everything at once, until a test puts something else."""
    return Scripted(busy(now()), now)


@pytest.fixture(scope="module")
def console(desk: Desk, looks: Scripted) -> Iterator[Served]:
    """A console that is served."""
    with served(desk, looks) as running:
        yield running


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A fresh test deployment with its desk, on a clock that stands."""
    with office_at(tmp_path / "deployment") as made:
        yield made
