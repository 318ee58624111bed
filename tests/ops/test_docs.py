"""Generated documents are what the code says."""

from pathlib import Path

import pytest

from ops.docs import DOCUMENTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_generated_document_is_up_to_date(name):
    """The file in docs/ is the one that the generator makes now."""
    path, make = DOCUMENTS[name]

    assert make() == (ROOT / path).read_text(), f"run: python -m ops.docs {name} --write"
