"""Children: their logs, their ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.embedded.process import describe, rotate, tail


@pytest.mark.parametrize(("code", "words"), [(3, "ended with exit code 3"), (-9, "was killed by SIGKILL")])
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    """Exit codes and signals are told apart."""
    assert describe(code) == words


def test_a_log_beyond_its_limit_is_moved_aside(tmp_path: Path) -> None:
    """The old lines are kept in one older file, and the log starts again."""
    log = tmp_path / "relay.jsonl"
    log.write_text("old\n" * 10)
    rotate(log, limit_bytes=20)
    assert (log.read_text(), (tmp_path / "relay.jsonl.1").read_text()) == ("", "old\n" * 10)


def test_a_writer_goes_on_after_the_log_was_moved(tmp_path: Path) -> None:
    """A child that has its log open appends to the new one."""
    log = tmp_path / "relay.jsonl"
    with log.open("ab", buffering=0) as child:
        child.write(b"old\n" * 10)
        rotate(log, limit_bytes=20)
        child.write(b"new\n")
    assert log.read_bytes() == b"new\n"


def test_a_small_log_stays(tmp_path: Path) -> None:
    """Nothing is moved within the limit."""
    log = tmp_path / "relay.jsonl"
    log.write_text("line\n")
    rotate(log, limit_bytes=20)
    assert [path.name for path in tmp_path.iterdir()] == ["relay.jsonl"]


def test_an_empty_log_is_told(tmp_path: Path) -> None:
    """A message that should quote a log says so when there is nothing to quote."""
    assert tail(tmp_path / "none.jsonl") == f"(nothing in {tmp_path}/none.jsonl)"
