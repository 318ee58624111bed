"""Copies of checkpoints outside the database: one file per folder, one note after another, only ever appended to.

Whoever changes the database cannot change what stands here, as long as the folders are on other hosts' storage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from dispatcher.ledger.notes import NoteRefused, read_note, split_notes

TAIL = 8_192
"""Bytes that hold the last note and its witnesses' lines, with room to spare."""


def file_in(folder: Path, deployment: str) -> Path:
    """Where a deployment's checkpoints stand in a folder."""
    return folder / f"{deployment}.checkpoints"


def append(file: Path, notes: Iterable[str]) -> None:
    """Add notes, apart from what somebody may have left half-written, and see them onto the disk. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        out.writelines(f"\n\n{note}" for note in notes)
        out.flush()
        os.fsync(out.fileno())


def last(file: Path, reads: Callable[[str], object] = read_note) -> str | None:
    """The last note that ``reads`` does not refuse, or None where there is none yet. Raises OSError."""
    if not file.exists():
        return None
    with file.open("rb") as source:
        source.seek(max(0, source.seek(0, os.SEEK_END) - TAIL))
        found = list(split_notes(source.read().decode(errors="replace")))
    for note in reversed(found):
        with suppress(NoteRefused):
            reads(note)
            return note
    return None


def every(file: Path) -> list[str]:
    """All notes, those that cannot be read included. Raises OSError."""
    return list(split_notes(file.read_bytes().decode(errors="replace")))
