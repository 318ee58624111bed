"""Videos leave clean: the same pictures and sound in a file with nothing else in it, the same bytes every time."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.media import boxes
from channels.media.boxes import residue
from channels.media.structure import MAX_FILM_BYTES, MediaError, digest_of
from channels.media.video import clean
from tests.channels.media.dirty import SECRET
from tests.channels.media.films import (
    DIRT,
    MIRRORED,
    PICTURES,
    SIZE,
    TURNS,
    box,
    fields,
    files,
    film,
    grown,
    inserted,
    patched,
    places,
    shown,
    turned,
)
from tests.channels.media.test_clean import archive

FILES = list(files())
CLEAN = clean(film(metadata=True))
SILENT = clean(film(codecs=("libx264",)))


def test_there_are_a_hundred_files() -> None:
    """With what the two hundred pictures do not have: chapters, tracks, fragments, edit lists."""
    assert len({one.data for one in FILES}) >= 100


def test_no_field_of_metadata_is_left() -> None:
    """FFmpeg and a walk of our own find none in any cleaned file."""
    left = {}
    for one in FILES:
        made = clean(one.data).data
        left[one.name] = (*fields(made), *residue(made))
    assert {name: found for name, found in left.items() if found} == {}


def test_every_picture_is_shown_as_it_was() -> None:
    """Nothing is encoded again, cut or left out, whatever the file was."""
    wrong = [one.name for one in FILES[::6] if shown(clean(one.data).data) != shown(one.data)]
    assert wrong == []
    assert len(shown(CLEAN.data)) == PICTURES


def test_both_readers_see_what_was_put_in() -> None:
    """Each of the dirty files has a residue, and all but the plainest a field."""
    assert [one.name for one in FILES if not residue(one.data)] == []
    assert len([one for one in FILES if fields(one.data)]) > 90


@pytest.mark.parametrize("dirt", sorted(DIRT.keys() - {"nothing else", "a quarter turn", "half a turn"}))
def test_one_thing_put_into_a_clean_file_is_named(dirt: str) -> None:
    """By the walk that whoever sends makes of it, which decodes nothing."""
    assert residue(CLEAN.data) == ()
    assert residue(DIRT[dirt](CLEAN.data))


MENDED = {
    "a box twice": lambda d: inserted(d, (b"moov", b"trak"), box(b"tkhd", bytes(84))),
    "a track's time": lambda d: patched(d, b"tkhd", 4, b"\xe4"),
    "a medium's time": lambda d: patched(d, b"mdhd", 11, b"\1"),
    "a language": lambda d: patched(d, b"mdhd", 20, b"\x15\xc7"),
    "a handler's name": lambda d: patched(d, b"hdlr", 24, b"Secret"),
    "words before the handler": lambda d: patched(d, b"hdlr", 4, b"Seek"),
    "another handler": lambda d: patched(d, b"soun", -4, b"data"),
    "a bent matrix": lambda d: patched(d, b"tkhd", 44, b"\0\0\0\1"),
    "a mirror": lambda d: turned(d, MIRRORED),
    "a movie's own matrix": lambda d: patched(d, b"mvhd", 40, b"\0\0\0\1"),
    "hidden pictures": lambda d: patched(d, b"elst", 12, struct.pack(">i", 5_120)),
    "another brand": lambda d: patched(d, b"ftyp", 0, b"mp42"),
    "media elsewhere": lambda d: patched(d, b"dref", 15, b"\0"),
    "sound of another version": lambda d: patched(d, b"mp4a\0\0", 10, b"Seek"),
    "settings with more in them": lambda d: d.replace(b"avcC\1", b"avcC\2"),
    "a message between pictures": lambda d: patched(d, b"mdat", 4, b"\x06"),
    "a gap in the media data": lambda d: inserted(d, (b"mdat",), SECRET),
    "a sample that is longer": lambda d: patched(d, b"stsz", 12, b"\0\0\0\1"),
    "a billion samples": lambda d: patched(d, b"stsz", 4, b"\0\0\0\1\x40\0\0\0"),
    "no pictures": lambda d: d.replace(b"vide", b"soun"),
    "the index behind": lambda d: d[:32] + d[d.index(b"mdat") - 4 :] + d[32 : d.index(b"mdat") - 4],
    "a box that ends late": lambda d: patched(d, b"mdat", -8, b"\x7f"),
    "a box without an end": lambda d: d + b"\0\0\0\0free",
    "nothing behind the type": lambda d: d[:32],
}


@pytest.mark.parametrize("name", MENDED)
def test_a_file_that_was_tampered_with_is_not_clean(name: str) -> None:
    """Field by field, whatever is not as the remuxing writes it."""
    tampered = MENDED[name](SILENT.data if name == "a message between pictures" else CLEAN.data)
    assert tampered != CLEAN.data
    assert residue(tampered)


@pytest.mark.parametrize("way", [{"reordered": True}, {"colours": "yuvj420p"}])
def test_no_box_may_hold_more_than_it_needs(way: dict[str, Any]) -> None:
    """At the end of any of them, in either track, a few bytes are noticed."""
    whole = clean(film(**way)).data
    found = list(places(whole))
    rare = {b"ctts"} if "reordered" in way else {b"colr", b"pasp"}
    assert {b"sbgp", b"esds", b"btrt", b"smhd", b"free", b"mdat"} | rare <= {names[-1] for names, _ in found}
    assert [names for names, here in found if not residue(grown(whole, here, SECRET))] == []


def test_the_same_video_gives_the_same_bytes() -> None:
    """So that whoever cleans it, and whenever, people sign the same digest."""
    for one in FILES[::17]:
        assert clean(one.data) == clean(one.data)


def test_the_cleaned_video_says_what_it_is() -> None:
    """Size, length, sound and digest are those of its bytes; the index comes before the pictures."""
    assert (CLEAN.width, CLEAN.height, CLEAN.sound, CLEAN.digest) == (*SIZE, True, digest_of(CLEAN.data))
    assert abs(CLEAN.duration_ms - 1_000) <= 40
    assert not SILENT.sound
    assert CLEAN.data.index(b"moov") < CLEAN.data.index(b"mdat")
    assert "data" not in repr(CLEAN)


@pytest.mark.parametrize("degrees", TURNS)
def test_a_video_is_held_as_the_camera_was(degrees: int) -> None:
    """A quarter turn stays in the header, and width and height are those that are seen."""
    made = clean(turned(film(), TURNS[degrees]))
    assert (made.width, made.height) == (SIZE if degrees in (0, 180) else SIZE[::-1])
    with av.open(BytesIO(made.data)) as opened:
        assert next(opened.decode(video=0)).rotation % 360 == -degrees % 360


def slowed() -> bytes:
    """A video whose 25 pictures stand for 28 seconds each."""
    slow = patched(film(codecs=("libx264",)), b"mdhd", 12, struct.pack(">I", 18))
    return patched(slow, b"elst", 8, struct.pack(">I", 720_000))


def shortened() -> bytes:
    """A video whose bytes end where one of its pictures or sounds does, half a second before the end."""
    table = CLEAN.data.index(b"stco") + 8
    places = struct.iter_unpack(">I", CLEAN.data[table + 4 :][: 4 * int.from_bytes(CLEAN.data[table : table + 4])])
    return CLEAN.data[: list(places)[12][0]]


REFUSED = {
    "too many bytes": (lambda: film() + bytes(MAX_FILM_BYTES), "at most 100,000,000"),
    "a header alone": (lambda: b"\0\0\0\x18ftypmp42", "damaged"),
    "half a video": (lambda: CLEAN.data[: len(CLEAN.data) // 2], "damaged|ends early"),
    "half of its pictures and sound": (shortened, "ends early"),
    "a video without its last bytes": (lambda: CLEAN.data[:-40], "ends early"),
    "sound alone": (lambda: film(codecs=("aac",)), "0 tracks of pictures and 1 of sound"),
    "two tracks of pictures": (lambda: film(codecs=("libx264", "libx264")), "2 tracks of pictures"),
    "two tracks of sound": (lambda: film(codecs=("libx264", "aac", "aac")), "2 of sound"),
    "VP9": (lambda: film("webm", codecs=("libvpx-vp9",)), "picture is vp9.*convert it to MP4 with H.264"),
    "MPEG-4 part 2": (lambda: film(codecs=("mpeg4",)), "picture is mpeg4.*convert it to MP4"),
    "Opus": (lambda: film("matroska", codecs=("libx264", "libopus")), "sound is opus.*convert it to MP4"),
    "sound as it is": (lambda: film("mov", codecs=("libx264", "pcm_s16le")), "sound is pcm_s16le.*AAC sound"),
    "sound of six channels": (lambda: film(layout="5.1"), "not plain AAC-LC in mono or stereo"),
    "other colours": (lambda: film(colours="yuv444p"), "yuv444p.*4:2:0"),
    "far too large": (lambda: film(size=(8_000, 640), codecs=("libx264",)), "8000 by 640 pixels"),
    "too wide": (lambda: film(size=(4_098, 64), codecs=("libx264",)), "4098 by 64 pixels; at most 4,096"),
    "too small": (lambda: film(size=(62, 64)), "62 by 64 pixels; at least 64"),
    "too long": (slowed, "at most 10 minutes"),
    "mirrored": (lambda: turned(film(), MIRRORED), "tkhd is left in it"),
    "a beginning that was cut and is still there": (
        lambda: patched(film(codecs=("libx264",)), b"elst", 12, struct.pack(">i", 5_120)),
        "a part that was cut",
    ),
    "a video and ZIP": (lambda: film() + archive(), "ZIP archive at once"),
    "a video and PDF": (lambda: inserted(film(), (b"ftyp",), b"%PDF-1.7 "), "PDF document at once"),
    "a video and HTML": (lambda: inserted(film(), (b"ftyp",), b"<script>alert(1)"), "script at once"),
    "a video and RAR": (lambda: film() + b"Rar!\x1a\x07\0", "an archive at once"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bombs_other_codecs_and_files_that_are_two_things_are_refused(name: str) -> None:
    """With a sentence that says what is wrong, and what to do."""
    made, why = REFUSED[name]
    with pytest.raises(MediaError, match=why):
        clean(made())


def test_an_end_that_was_cut_is_left_behind() -> None:
    """What an edit list does not show at the end is not in the cleaned file either."""
    made = clean(patched(film(codecs=("libx264",)), b"elst", 8, struct.pack(">i", 400)))
    assert shown(made.data) == shown(film())[:10]
    assert made.duration_ms == 400
    assert len(made.data) < len(SILENT.data)


def test_pixels_that_only_the_header_claims_count_for_nothing() -> None:
    """What is decoded to look is bounded by the pictures themselves, not by what a header says of them."""
    made = clean(patched(film(), b"avc1\0\0\0", 21, struct.pack(">HH", 60_000, 60_000)))
    assert len(shown(made.data)) == PICTURES


WHOLE = [film(), film("matroska"), FILES[0].data, film(flags="frag_keyframe+empty_moov")]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_damaged_bytes_are_cleaned_or_refused_and_never_break_anything(whole: bytes, data: st.DataObject) -> None:
    """Whatever is done to a file, the answer is a clean video or one sentence."""
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    try:
        made = clean(bytes(damaged))
    except MediaError as error:
        assert len(str(error)) > 20  # noqa: PT017 - either end is right
        return
    assert boxes.residue(made.data) == ()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CLEAN.data) - 1), st.binary(max_size=8), st.booleans())
def test_the_walk_never_breaks_on_a_damaged_file(at: int, more: bytes, over: bool) -> None:
    """Whatever the bytes are, the answer is a list of names."""
    changed = CLEAN.data[:at] + more + CLEAN.data[at + len(more) * over :]
    assert all(isinstance(name, str) for name in residue(changed))
    assert all(isinstance(name, str) for name in residue(changed[:at]))
