"""Pictures are made to fit what a channel takes: smaller where needed, never larger, cut or bent."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from channels.capabilities import MediaKind, MediaLimit
from channels.media.picture import MIN_EDGE, Cleaned, clean, fit
from channels.media.structure import MediaError, residue

BOTH = ("image/jpeg", "image/png")
WIDE = MediaLimit(MediaKind.PICTURE, BOTH, 10_000_000, 4_096, 4_096, 4, 1_000)


def noise(width: int, height: int, form: str = "PNG") -> Cleaned:
    """A clean picture that hardly compresses."""
    out = BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(out, form)
    return clean(out.getvalue(), exercise=False)


NOISE = noise(800, 400)


def test_a_picture_that_fits_stays_itself() -> None:
    """At the very limit, byte for byte."""
    limit = replace(WIDE, max_bytes=len(NOISE.data), max_width=800, max_height=400)
    assert fit(NOISE, limit) is NOISE


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        (replace(WIDE, max_width=400), (400, 200)),
        (replace(WIDE, max_height=100), (200, 100)),
        (replace(WIDE, max_width=799), (799, 400)),
    ],
)
def test_a_picture_is_made_smaller_in_proportion(limit: MediaLimit, size: tuple[int, int]) -> None:
    """By whichever edge is too long."""
    made = fit(NOISE, limit)
    assert (made.width, made.height) == size
    with Image.open(BytesIO(made.data)) as image:
        assert image.size == size


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_picture_of_too_many_bytes_is_packed_tighter_before_it_is_made_smaller(form: str) -> None:
    """As JPEG it keeps its pixels."""
    picture = noise(800, 400, form)
    made = fit(picture, replace(WIDE, max_bytes=len(fit(picture, replace(WIDE, mimes=("image/jpeg",))).data) - 1))
    assert (made.mime, made.width, made.height) == ("image/jpeg", 800, 400)
    assert len(made.data) < len(picture.data)


def test_a_form_that_the_channel_does_not_take_is_changed() -> None:
    """PNG becomes JPEG where only that is taken, and JPEG becomes nothing else."""
    assert fit(NOISE, replace(WIDE, mimes=("image/jpeg",))).mime == "image/jpeg"
    with pytest.raises(MediaError, match="cannot be made to fit"):
        fit(noise(100, 100, "JPEG"), replace(WIDE, mimes=("image/png",)))


def test_a_picture_that_cannot_fit_is_refused() -> None:
    """Rather than made too small to be seen."""
    with pytest.raises(MediaError, match="cannot be made to fit 100 bytes"):
        fit(NOISE, replace(WIDE, max_bytes=100))


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.integers(MIN_EDGE, 400), st.integers(MIN_EDGE, 400)),
    st.tuples(st.integers(64, 500), st.integers(64, 500)),
    st.integers(1, 30_000),
)
def test_what_fits_is_within_every_limit(size: tuple[int, int], edges: tuple[int, int], most: int) -> None:
    """Within bytes and pixels, no larger than before, in proportion to a pixel, clean, and the same every time."""
    out = BytesIO()
    Image.radial_gradient("L").resize(size).save(out, "PNG")
    picture = clean(out.getvalue(), exercise=False)
    limit = replace(WIDE, max_bytes=most, max_width=edges[0], max_height=edges[1])
    try:
        made = fit(picture, limit)
    except MediaError:
        return
    assert len(made.data) <= most
    assert made.width <= min(edges[0], size[0])
    assert made.height <= min(edges[1], size[1])
    assert abs(made.width * size[1] - made.height * size[0]) <= max(size)
    assert residue(made.data) == ()
    assert fit(picture, limit) == made
