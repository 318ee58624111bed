"""The checks of the conformance suite that are not about a network: pages are written, not sent."""

from pathlib import Path

import pytest

from channels.conformance import Subject, cases, run
from channels.contract import Account
from channels.public_page.adapter import Adapter
from channels.public_page.simulator import PageServer

CASES = (
    "rendering is pure and reads back",
    "rendering refuses a missing language",
    "a probe that works publishes nothing",
    "a withdrawal may be repeated",
)


@pytest.mark.parametrize("case", CASES)
def test_the_adapter_keeps_the_contract(tmp_path: Path, case: str) -> None:
    """Over a real folder."""
    settings = {"folder": str(tmp_path)}
    subject = Subject(
        Adapter, PageServer, lambda _: Account("p-1", "public_page", "City", ("en", "cy"), settings), {}
    )
    assert case in cases(subject)
    run(case, subject)
