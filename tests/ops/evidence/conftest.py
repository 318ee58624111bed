"""A good pack on disk, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.channels.tiktok.conftest import chromium  # noqa: F401 - a fixture for the modules here
from tests.ops.evidence import made


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack in which nothing is wrong."""
    return made.zipped(tmp_path_factory.mktemp("pack") / "good.zip", made.members())
