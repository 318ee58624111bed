"""The floor on disk: written only where it rises, durable before it counts, nothing left open."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.gate.policy import Beginning
from dispatcher.statements.floor import EPOCH, Floor, Mark, raise_floor

LOW = Floor(Mark(1, "root"), Mark(3, "roster"), Mark(0, "policy"))
HIGH = Floor(Mark(1, "root"), Mark(4, "newer roster"), Mark(0, "policy"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A floor that a host has reached."""
    raise_floor(tmp_path / "floor.json", LOW)
    return tmp_path / "floor.json"


def test_a_floor_that_is_not_higher_is_not_written_again(path: Path) -> None:
    """The file stays the very file that it was."""
    before = path.stat().st_ino
    raise_floor(path, LOW)
    assert path.stat().st_ino == before


def test_a_floor_is_on_disk_whole_before_it_counts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its bytes are flushed under another name, then it takes the old one's place, then the folder is flushed."""
    before, flush, seen = path.read_bytes(), os.fsync, []

    def noted(descriptor: int) -> None:
        found = os.fstat(descriptor)
        what = "folder" if stat.S_ISDIR(found.st_mode) else found.st_size
        seen.append((what, path.read_bytes() == before))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    raise_floor(path, HIGH)
    assert seen == [(path.stat().st_size, True), ("folder", False)]


def test_the_folder_is_let_go_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that loads its trust for years does not run out of descriptors."""
    opened: list[int] = []
    closed: list[int] = []
    opening, closing = os.open, os.close

    def noted_open(*where: object) -> int:
        opened.append(opening(*where))  # type: ignore[arg-type]  # passed on as it came
        return opened[-1]

    def noted_close(descriptor: int) -> None:
        closed.append(descriptor)
        closing(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", noted_open)
        patched.setattr(os, "close", noted_close)
        raise_floor(path, HIGH)
    assert (len(opened), closed) == (1, opened)


def test_a_loosening_may_begin_at_the_very_moment_of_its_signatures(path: Path) -> None:
    """A moment earlier it would have loosened what was already past."""
    signed_at = Mark(1_000, "newer policy")
    looser = Beginning("looser", "ab" * 32, EPOCH + timedelta(microseconds=1_000), loosens=True)
    raise_floor(path, Floor(LOW.root, LOW.roster, signed_at, (looser,)))
    assert b"looser" in path.read_bytes()
