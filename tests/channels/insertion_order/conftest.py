"""Every order is made into a PDF, which needs its font."""

from __future__ import annotations

import pytest

from channels.insertion_order import pdf
from tests.servers import missing


@pytest.fixture(autouse=True)
def font() -> None:
    """DejaVu Sans is on this machine."""
    if not any(path.exists() for path in pdf.FONTS):
        missing("DejaVu Sans", "apt-get install fonts-dejavu-core")
