"""Generated documents are what the code says."""

import ast
import re
from pathlib import Path

import pytest

from ops.docs import DOCUMENTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_generated_document_is_up_to_date(name):
    """The file in docs/ is the one that the generator makes now."""
    path, make = DOCUMENTS[name]

    assert make() == (ROOT / path).read_text(), f"run: python -m ops.docs {name} --write"


PROMISES = (ROOT / "docs" / "promises.md").read_text()
LINKS = sorted(set(re.findall(r"\(\.\./(tests/[^)]+)\)", PROMISES)))


def test_every_promise_of_the_reference_has_its_row():
    """All twenty-six, in order."""
    assert re.findall(r"^\| (\d+) \|", PROMISES, re.MULTILINE) == [str(number) for number in range(1, 27)]


@pytest.mark.parametrize("link", LINKS)
def test_a_promise_names_a_test_that_exists(link):
    """The file is there, and a test of that name in it."""
    path, _, name = link.partition("::")
    made = ast.walk(ast.parse((ROOT / path).read_text()))

    assert name in {part.name for part in made if isinstance(part, ast.FunctionDef)}


def test_a_promise_names_a_make_target_that_exists():
    """What is said to run at night can be run."""
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"`make ([a-z-]+)`", PROMISES)) <= targets
