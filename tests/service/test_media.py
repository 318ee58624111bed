"""Pictures between the officer's file and the folder of media."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.capabilities import MediaKind, MediaLimit
from channels.contract import Part
from channels.media.picture import clean
from dispatcher.domain.errors import Invalid
from dispatcher.domain.statement import Mode
from dispatcher.sending.media import MediaFolder
from dispatcher.service import media as shelf
from dispatcher.service.media import Given
from tests.channels.media.dirty import saved

ALT = (Part("en-GB", "Map"),)
PNG = Given(saved("PNG"), {"en-GB": "Map"})
LIMIT = MediaLimit(MediaKind.PICTURE, ("image/png",), 1_000_000, 1_000, 1_000, 4, 100)


@pytest.mark.parametrize(("mode", "marked"), [(Mode.LIVE, False), (Mode.EXERCISE, True)])
def test_only_the_picture_of_an_exercise_is_marked(tmp_path: Path, mode: Mode, marked: bool) -> None:
    """A live one shows what it shows."""
    medium = shelf.stored(MediaFolder(tmp_path), PNG, ("en-GB",), mode)
    assert medium.digest == clean(saved("PNG"), exercise=marked).digest


def test_what_is_made_to_fit_is_stored_beside_the_original(tmp_path: Path) -> None:
    """Under its own digest, with the same text; made twice, it is one file."""
    folder = MediaFolder(tmp_path)
    whole = shelf.stored(folder, PNG, ("en-GB",), Mode.LIVE)
    narrow = MediaLimit(MediaKind.PICTURE, ("image/png",), 1_000_000, 90, 1_000, 4, 100)
    (first,), (second,) = shelf.fitted(folder, (whole,), (narrow,)), shelf.fitted(folder, (whole,), (narrow,))
    assert first == second
    assert (first.width, first.height, first.alt) == (90, 68, ALT)
    assert sorted(tmp_path.iterdir()) == sorted([folder.file(whole), folder.file(first)])


def test_a_channel_that_takes_none_gets_none(tmp_path: Path) -> None:
    """And one that takes them gets them all."""
    folder = MediaFolder(tmp_path)
    media = (shelf.stored(folder, PNG, ("en-GB",), Mode.LIVE),)
    assert shelf.fitted(folder, media, ()) == ()
    assert shelf.fitted(folder, media, (LIMIT,)) == media


def test_what_cannot_be_made_to_fit_says_so(tmp_path: Path) -> None:
    """With what to do."""
    folder = MediaFolder(tmp_path)
    media = (shelf.stored(folder, PNG, ("en-GB",), Mode.LIVE),)
    with pytest.raises(Invalid, match="cannot be made to fit 10 bytes"):
        shelf.fitted(folder, media, (MediaLimit(MediaKind.PICTURE, ("image/png",), 10, 1_000, 1_000, 4, 100),))
