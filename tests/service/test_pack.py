"""The form of a pack, as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.domain.errors import Invalid
from dispatcher.service.pack import written


def test_a_pack_that_gets_too_large_says_how_it_gets_smaller(tmp_path: Path) -> None:
    """And leaves no file behind."""
    with pytest.raises(Invalid) as refused, written(tmp_path / "pack.zip") as pack:  # noqa: PT012 - one pack
        pack.room = 10
        pack.add("deliveries.csv", [b"12345", b"67890", b"!"])
    assert refused.value.next_step == "leave the media out: --without-media"
    assert list(tmp_path.iterdir()) == []


def test_only_its_owner_can_read_a_pack(tmp_path: Path) -> None:
    """It names people."""
    with written(tmp_path / "pack.zip") as pack:
        pack.close({}, ())
    assert (tmp_path / "pack.zip").stat().st_mode & 0o077 == 0
