"""Pictures and videos between the officer's file and the folder of media."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from channels.capabilities import MediaKind, MediaLimit
from channels.contract import Part
from channels.media import video
from channels.media.picture import clean
from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.domain.statement import Mode
from dispatcher.sending.media import MediaFolder
from dispatcher.service import media as shelf
from dispatcher.service.media import Given
from tests.channels.media.dirty import saved
from tests.channels.media.films import film
from tests.filmed import CAPTIONS

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


def test_a_post_carries_one_kind(tmp_path: Path) -> None:
    """Where a channel takes several, the first of its limits that the message has."""
    folder = MediaFolder(tmp_path)
    shown = Given(film(), {"en-GB": "Flood"}, {"en-GB": CAPTIONS})
    picture, video = (shelf.stored(folder, given, ("en-GB",), Mode.LIVE) for given in (PNG, shown))
    moving = MediaLimit(MediaKind.VIDEO, (video.mime,), 1_000_000, 1_000, 1_000, 1, 100)
    assert shelf.fitted(folder, (video, picture), (LIMIT, moving)) == (picture,)
    assert shelf.fitted(folder, (video, picture), (moving, LIMIT)) == (video,)
    assert shelf.fitted(folder, (video,), (LIMIT, moving)) == (video,)


def test_what_cannot_be_made_to_fit_says_so(tmp_path: Path) -> None:
    """With what to do."""
    folder = MediaFolder(tmp_path)
    media = (shelf.stored(folder, PNG, ("en-GB",), Mode.LIVE),)
    with pytest.raises(Invalid, match="cannot be made to fit 10 bytes"):
        shelf.fitted(folder, media, (MediaLimit(MediaKind.PICTURE, ("image/png",), 10, 1_000, 1_000, 4, 100),))


FILM, SILENT = film(metadata=True), film(codecs=("libx264",))
WORDS = b"WEBVTT\n\nNOTE secret\n\n00:00.000 --> 00:01.000\nStay in\n"
BOTH = ("en-GB", "cy")


def given(data: bytes = FILM, *captions: str, words: bytes = WORDS) -> Given:
    """A video described in both languages, with captions in these."""
    return Given(data, dict.fromkeys(BOTH, "The river"), dict.fromkeys(captions, words))


def test_a_video_is_stored_clean_with_its_captions(tmp_path: Path) -> None:
    """Each under the digest of its clean bytes; every channel that takes videos gets these very ones."""
    folder = MediaFolder(tmp_path)
    medium = shelf.stored(folder, given(FILM, *BOTH), BOTH, Mode.LIVE)
    assert (medium.kind, medium.mime, medium.digest) == (MediaKind.VIDEO, "video/mp4", video.clean(FILM).digest)
    assert folder.read(medium.captions[1]) == b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nStay in\n"
    assert {file.suffix for file in tmp_path.iterdir()} == {".mp4", ".vtt"}
    limit = replace(LIMIT, kind=MediaKind.VIDEO, mimes=("video/mp4",))
    assert shelf.fitted(folder, (medium,), (LIMIT, limit)) == (medium,)
    assert shelf.fitted(folder, (medium,), (LIMIT,)) == ()


@pytest.mark.parametrize("mode", Mode)
def test_only_the_captions_of_an_exercise_are_marked(tmp_path: Path, mode: Mode) -> None:
    """Nothing can be written on a video's pictures."""
    folder = MediaFolder(tmp_path)
    medium = shelf.stored(folder, given(FILM, *BOTH), BOTH, mode)
    assert (b"\nEXERCISE\nStay in\n" in folder.read(medium.captions[0])) is (mode is Mode.EXERCISE)


@pytest.mark.parametrize(
    ("made", "mode", "why"),
    [
        (given(FILM), Mode.LIVE, "no captions in en-GB, and it has sound"),
        (given(FILM, "en-GB"), Mode.LIVE, "no captions in cy, and it has sound"),
        (given(SILENT), Mode.EXERCISE, "no captions in en-GB, and in an exercise they carry the word"),
        (given(SILENT, "cy"), Mode.LIVE, "no captions in en-GB, and it has some in another language"),
        (given(FILM, *BOTH, words=b"Stay in"), Mode.LIVE, "captions in en-GB: .*begin with WEBVTT"),
        (
            given(FILM, *BOTH, words=WORDS.replace(b"01.0", b"01.5")),
            Mode.LIVE,
            "line 5: the cue ends after the video",
        ),
        (replace(given(FILM, *BOTH), alt={"cy": "Yr afon"}), Mode.LIVE, "no alternative text in en-GB"),
        (given(saved("PNG"), *BOTH), Mode.LIVE, "a picture has no captions"),
    ],
)
def test_what_is_missing_or_wrong_is_said(tmp_path: Path, made: Given, mode: Mode, why: str) -> None:
    """And nothing is stored that a message could carry."""
    with pytest.raises(Invalid, match=why):
        shelf.stored(MediaFolder(tmp_path), made, BOTH, mode)
    assert not list(tmp_path.glob("*.mp4"))


def test_a_silent_video_needs_no_captions(tmp_path: Path) -> None:
    """What it shows is in the text in its place."""
    assert shelf.stored(MediaFolder(tmp_path), given(SILENT), BOTH, Mode.LIVE).captions == ()


@pytest.mark.parametrize("which", [".mp4", ".vtt"])
def test_a_lost_file_is_found_before_anybody_signs(tmp_path: Path, which: str) -> None:
    """When the message is made to fit, be it the video or its captions."""
    folder = MediaFolder(tmp_path)
    medium = shelf.stored(folder, given(FILM, *BOTH), BOTH, Mode.LIVE)
    next(file for file in tmp_path.iterdir() if file.suffix == which).unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        shelf.fitted(folder, (medium,), (replace(LIMIT, kind=MediaKind.VIDEO),))
