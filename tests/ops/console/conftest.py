"""An office per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.office import Office, office_at


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A fresh test deployment with its desk."""
    with office_at(tmp_path / "deployment") as made:
        yield made
