"""A deployment per test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.office import Office, office_at


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A fresh test deployment with its desk, at the time it is: a provider and its tokens know no other."""
    with office_at(tmp_path / "deployment") as made:
        made.clock.now = datetime.now(UTC).replace(microsecond=0)
        yield made
