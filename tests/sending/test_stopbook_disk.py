"""When a stop is on the disk, and with what around it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.sending.stopbook import StopBook
from dispatcher.statements.verify import Verifier
from tests.builders import status
from tests.cast import DEPLOYMENT, NOW, STATUS_SIGNER, roster, signed

HALT = signed(StatementKind.HALT, "ops-1", scope="all", target="")


def book(path: Path) -> StopBook:
    """The book of a sender that has just started."""
    return StopBook(path, Verifier(roster(), DEPLOYMENT, Mode.LIVE), STATUS_SIGNER.key)


def test_a_stop_is_flushed_to_the_disk_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for all that was told at once, behind a newline of its own."""
    path, flush, sizes = tmp_path / "deep" / "sender" / "stops.jsonl", os.fsync, []

    def noted(descriptor: int) -> None:
        sizes.append(os.fstat(descriptor).st_size)
        flush(descriptor)

    kept = book(path)
    monkeypatch.setattr(os, "fsync", noted)
    kept.take([HALT], status(["ab" * 32]), NOW)
    assert sizes == [path.stat().st_size]
    assert path.read_bytes().startswith(b"\n{")


def test_what_is_known_already_is_not_written_again(tmp_path: Path) -> None:
    """The relay tells everything every time; the file grows by what is new."""
    path = tmp_path / "stops.jsonl"
    kept = book(path)
    kept.take([HALT], None, NOW)
    before = path.read_bytes()
    for known in (kept, book(path)):
        known.take([HALT], None, NOW)
    assert path.read_bytes() == before
