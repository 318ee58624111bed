"""Copies of checkpoints: appended to, read from the end, and never trusted half-written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from dispatcher.ledger import copies
from dispatcher.ledger.notes import Checkpoint, seal, split_notes

KEY = SigningKey(bytes(32))
AT = datetime(2026, 11, 22, 18, 5, tzinfo=UTC)
NOTES = [
    seal(Checkpoint("log/a", size, bytes(32), AT), bytes(KEY.verify_key), lambda text: KEY.sign(text).signature)
    for size in range(1, 201)
]


def test_notes_are_appended_and_the_last_is_read(tmp_path: Path) -> None:
    """Over several turns, in a folder that was not there."""
    file = copies.file_in(tmp_path / "far" / "elsewhere", "example-city")
    assert copies.last(file) is None
    for start in range(0, 200, 50):
        copies.append(file, NOTES[start : start + 50])
        assert copies.last(file) == NOTES[start + 49]
    assert list(split_notes(file.read_text())) == NOTES


@pytest.mark.parametrize("written", range(len(NOTES[2].encode()) - 1))
def test_a_note_that_was_cut_in_the_middle_is_none_and_harms_no_other(written: int, tmp_path: Path) -> None:
    """The process that wrote it was killed; the next one goes on behind it."""
    file = tmp_path / "example-city.checkpoints"
    copies.append(file, NOTES[:2])
    with file.open("ab") as half:
        half.write(b"\n\n" + NOTES[2].encode()[:written] + b"\n")
    assert copies.last(file) == NOTES[1]
    copies.append(file, NOTES[3:5])
    assert [note for note in copies.every(file) if note in NOTES] == [*NOTES[:2], *NOTES[3:5]]


def test_each_deployment_has_a_file_of_its_own(tmp_path: Path) -> None:
    """In one folder on one host."""
    assert copies.file_in(tmp_path, "one") != copies.file_in(tmp_path, "other")


@pytest.mark.parametrize("before", ["", "x", "xx"])
def test_the_last_is_read_from_wherever_the_tail_begins(before: str, tmp_path: Path) -> None:
    """In the middle of a letter, too."""
    file = tmp_path / "example-city.checkpoints"
    file.write_text("—" * copies.TAIL + before)
    assert copies.last(file) is None
    copies.append(file, NOTES[:1])
    assert copies.last(file) == NOTES[0]
