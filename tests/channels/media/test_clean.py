"""Pictures leave clean: nothing but pixels, upright, in sRGB, the same bytes every time."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from channels.media import structure
from channels.media.picture import MARK, MAX_EDGE, MIN_EDGE, clean
from channels.media.structure import MAX_BYTES, MAX_SCANS, MediaError, digest_of, form_of, residue
from tests.channels.media.dirty import (
    SECRET,
    SIZE,
    chunk,
    fields,
    files,
    in_jpeg,
    in_png,
    saved,
    scene,
    segment,
    srgb,
    turned,
)

FILES = list(files())
CORNERS = {(5, 5): "red", (90, 5): "lime", (5, 66): "blue", (90, 66): "yellow"}


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def looks_like_the_scene(image: Image.Image) -> bool:
    """Whether every corner has its colour, within what JPEG changes."""
    wanted = {place: Image.new("RGB", (1, 1), colour).getpixel((0, 0)) for place, colour in CORNERS.items()}
    found = {place: image.convert("RGB").getpixel(place) for place in CORNERS}
    return all(
        abs(a - b) < 40
        for place in CORNERS
        for a, b in zip(found[place], wanted[place], strict=True)  # type: ignore[arg-type]
    )


def test_there_are_two_hundred_files() -> None:
    """As many as the promise names (reference: reliability 7, promise 21)."""
    assert len({one.data for one in FILES}) >= 200


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_no_field_of_metadata_is_left(form: str) -> None:
    """Two readers find none in any cleaned file, and the file's own check agrees."""
    left = {one.name: fields(clean(one.data, exercise=False).data) for one in FILES if one.name.startswith(form)}
    assert {name: found for name, found in left.items() if found} == {}


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_check_sees_what_was_put_in(form: str) -> None:
    """Each of the dirty files has a residue; a cleaned one has none."""
    ours = [one for one in FILES if one.name.startswith(form)]
    assert [one.name for one in ours if not residue(one.data)] == []
    assert [one.name for one in ours if residue(clean(one.data, exercise=False).data)] == []


@pytest.mark.parametrize("dirt", [b"", SECRET])
def test_the_check_names_each_part(dirt: bytes) -> None:
    """In words where there are some, each once."""
    file = in_jpeg(saved("JPEG"), segment(0xFE, SECRET), segment(0xFE, SECRET), segment(0xE1, SECRET)) + dirt
    assert residue(file) == ("comment", "EXIF or XMP", *(["trailing data"] if dirt else []))
    picture = in_png(saved("PNG"), chunk(b"tEXt", SECRET)) + dirt
    assert residue(picture) == ("tEXt", *(["trailing data"] if dirt else []))
    assert residue(saved("GIF", "P")) == ("neither JPEG nor PNG",)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_file_that_breaks_off_is_no_clean_one(form: str) -> None:
    """Without its end nobody knows what would follow."""
    data = clean(saved(form), exercise=False).data
    assert residue(data[: len(data) // 2]) == ("a damaged file",)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(form: str, orientation: int) -> None:
    """However the camera was held, the pixels stand as they are to be seen."""
    picture = opened(clean(turned(form, orientation), exercise=False).data)
    assert picture.size == SIZE
    assert looks_like_the_scene(picture)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_picture_stays_what_it_was(mode: str) -> None:
    """Its size and its colours."""
    assert looks_like_the_scene(opened(clean(saved("PNG", mode), exercise=False).data))


def test_what_was_transparent_is_white() -> None:
    """Whatever colour was hidden beneath."""
    out = BytesIO()
    Image.new("RGBA", SIZE, (255, 0, 0, 0)).save(out, "PNG")
    assert opened(clean(out.getvalue(), exercise=False).data).getcolors() == [(SIZE[0] * SIZE[1], (255, 255, 255))]


def test_colours_are_converted_to_srgb() -> None:
    """A picture in a space where red and green change places is shown with both in the right one."""
    swapped = srgb().replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    image = opened(clean(saved("PNG", icc_profile=swapped), exercise=False).data)
    red, green, blue = image.getpixel((5, 5))  # type: ignore[misc]
    assert green > 250 > 5 > max(red, blue)


def test_a_damaged_profile_is_refused() -> None:
    """Nobody knows which colours were meant."""
    with pytest.raises(MediaError, match="damaged"):
        clean(saved("PNG", icc_profile=srgb()[:200]), exercise=False)


@pytest.mark.parametrize("exercise", [True, False])
def test_the_same_file_gives_the_same_bytes(exercise: bool) -> None:
    """Its digest names the picture whoever cleans it, and whenever."""
    for one in FILES[::17]:
        assert clean(one.data, exercise=exercise).digest == clean(one.data, exercise=exercise).digest


def test_cleaning_twice_changes_no_pixel_of_a_png() -> None:
    """What is clean already comes out as it was."""
    once = clean(saved("PNG"), exercise=False)
    assert clean(once.data, exercise=False) == once


def test_the_cleaned_picture_says_what_it_is() -> None:
    """Form, size and digest are those of its bytes."""
    made = clean(saved("WEBP"), exercise=False)
    assert (made.mime, made.width, made.height, made.digest) == ("image/jpeg", *SIZE, digest_of(made.data))
    assert "data" not in repr(made)


def test_a_huge_picture_is_made_smaller() -> None:
    """The longer edge ends at the most that is kept, in proportion."""
    out = BytesIO()
    Image.new("RGB", (6000, 1500)).save(out, "PNG")
    made = clean(out.getvalue(), exercise=False)
    assert (made.width, made.height) == (MAX_EDGE, MAX_EDGE // 4)


@pytest.mark.parametrize("size", [(96, 72), (400, 80), (80, 400), (1600, 900)])
@pytest.mark.parametrize("colour", ["white", "black", "gray"])
def test_exercise_stands_on_a_picture_for_an_exercise(size: tuple[int, int], colour: str) -> None:
    """White and black across the middle, over most of the width, on whatever is behind."""
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    marked = opened(clean(out.getvalue(), exercise=True).data)
    plain = opened(clean(out.getvalue(), exercise=False).data)
    assert plain.getcolors(1) is not None
    changed = Image.new("L", size)
    changed.putdata(
        [255 * (a != b) for a, b in zip(marked.get_flattened_data(), plain.get_flattened_data(), strict=True)]
    )
    left, top, right, bottom = changed.getbbox() or (0, 0, 0, 0)
    assert left < size[0] / 2 < right
    assert top < size[1] / 2 < bottom
    assert right - left > 0.5 * min(size[0], 3 * size[1])
    seen = {colour for _, colour in marked.getcolors(1 << 24) or []}
    assert {(0, 0, 0), (255, 255, 255)} <= seen
    assert MARK == "EXERCISE"


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def archive() -> bytes:
    """A ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened_archive:
        opened_archive.writestr("run.sh", "echo")
    return out.getvalue()


def moving(form: str) -> bytes:
    """A picture of two frames."""
    out = BytesIO()
    scene().save(out, form, save_all=True, append_images=[scene().rotate(180)], duration=100)
    return out.getvalue()


def scans(count: int) -> bytes:
    """A JPEG that repeats its one pass over the pixels."""
    data = saved("JPEG")
    at = data.index(b"\xff\xda")
    return data[:at] + data[at:-2] * count + data[-2:]


REFUSED = {
    "nothing": (b"", "no JPEG, PNG, GIF or WebP"),
    "a text": (b"Storm tonight", "no JPEG, PNG, GIF or WebP"),
    "a TIFF": (saved("TIFF"), "no JPEG, PNG, GIF or WebP"),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no JPEG, PNG, GIF or WebP"),
    "too many bytes": (saved("JPEG") + b"\0" * MAX_BYTES, "at most 25,000,000"),
    "too many pixels": (bomb(8_001, 8_000), "at most 64,000,000"),
    "far too many pixels": (bomb(60_000, 60_000), "damaged|at most 64,000,000"),
    "too many passes": (scans(MAX_SCANS + 1), "more than 100 passes"),
    "a moving GIF": (moving("GIF"), "moves"),
    "a moving PNG": (moving("PNG"), "moves"),
    "a moving WebP": (moving("WEBP"), "moves"),
    "deep colours": (saved("PNG", "I;16"), "8 bits"),
    "half a JPEG": (saved("JPEG")[:400], "damaged"),
    "half a PNG": (saved("PNG")[:-40], "damaged"),
    "PNG bytes under a JPEG's first": (b"\xff\xd8\xff" + saved("PNG")[3:], "damaged"),
    "JPEG and ZIP": (saved("JPEG") + archive(), "ZIP archive at once"),
    "PNG and ZIP": (saved("PNG") + archive(), "ZIP archive at once"),
    "GIF and ZIP": (saved("GIF", "P") + archive(), "ZIP archive at once"),
    "JPEG and PDF": (in_jpeg(saved("JPEG"), segment(0xFE, b"%PDF-1.7 ")), "PDF document at once"),
    "PNG and PDF": (in_png(saved("PNG"), chunk(b"tEXt", b"%PDF-1.7 ")), "PDF document at once"),
    "PNG and PHP": (in_png(saved("PNG"), chunk(b"tEXt", b"<?php system(1);")), "script at once"),
    "GIF and HTML": (saved("GIF", "P") + b"<ScRiPt>alert(1)</script>", "script at once"),
    "JPEG and RAR": (saved("JPEG") + b"Rar!\x1a\x07\0", "an archive at once"),
    "WebP and 7z": (saved("WEBP") + b"7z\xbc\xaf\x27\x1c", "an archive at once"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bombs_and_files_that_are_two_things_are_refused(name: str) -> None:
    """With a sentence that says what is wrong."""
    data, why = REFUSED[name]
    with pytest.raises(MediaError, match=why):
        clean(data, exercise=False)


def test_a_picture_too_small_to_be_seen_is_refused() -> None:
    """At the edge of the limit it is taken."""
    for edge, taken in ((MIN_EDGE, True), (MIN_EDGE - 1, False)):
        out = BytesIO()
        Image.new("RGB", (MIN_EDGE, edge)).save(out, "PNG")
        if taken:
            assert clean(out.getvalue(), exercise=False).height == edge
        else:
            with pytest.raises(MediaError, match="at least 64 by 64"):
                clean(out.getvalue(), exercise=False)


def test_as_many_passes_as_allowed_are_taken() -> None:
    """A JPEG of many passes is no bomb yet."""
    assert form_of(scans(MAX_SCANS)) == "JPEG"


def test_further_pictures_of_a_cameras_file_are_dropped() -> None:
    """The first one is what was meant; previews and depth stay behind."""
    out = BytesIO()
    scene().save(out, "MPO", save_all=True, append_images=[scene().rotate(180)])
    made = clean(out.getvalue(), exercise=False)
    assert fields(made.data) == []
    assert looks_like_the_scene(opened(made.data))


WHOLE = [saved("JPEG"), saved("PNG"), saved("WEBP"), saved("GIF", "P"), FILES[0].data, turned("JPEG", 6)]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_damaged_bytes_are_cleaned_or_refused_and_never_break_anything(whole: bytes, data: st.DataObject) -> None:
    """Whatever is done to a file, the answer is a clean picture or one sentence."""
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    try:
        made = clean(bytes(damaged), exercise=False)
    except MediaError as error:
        assert len(str(error)) > 20  # noqa: PT017 - either end is right
        return
    assert fields(made.data) == []


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP"]), st.binary())
def test_hostile_bytes_are_refused_and_never_break_anything(start: bytes, rest: bytes) -> None:
    """Behind any signature."""
    with pytest.raises(MediaError):
        clean(start + rest, exercise=True)
    assert residue(start + rest)
    assert structure.digest_of(start + rest).startswith("sha256:")
