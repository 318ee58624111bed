"""The examples in the docstrings hold."""

from __future__ import annotations

import doctest

from channels.text import invisible
from ops import drawing
from ops.review import words


def test_the_examples_hold() -> None:
    """Durations, counts, labels, and what is spelled out."""
    for module in (drawing, words, invisible):
        assert doctest.testmod(module).failed == 0
