"""Children: their logs, their ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.embedded.process import describe, tail


@pytest.mark.parametrize(("code", "words"), [(3, "ended with exit code 3"), (-9, "was killed by SIGKILL")])
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    """Exit codes and signals are told apart."""
    assert describe(code) == words


def test_an_empty_log_is_told(tmp_path: Path) -> None:
    """A message that should quote a log says so when there is nothing to quote."""
    assert tail(tmp_path / "none.jsonl") == f"(nothing in {tmp_path}/none.jsonl)"
