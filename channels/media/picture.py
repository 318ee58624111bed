"""Pictures made clean and made to fit.

Rules
  1. A picture is decoded and encoded again, so that nothing but its pixels is left: turned upright, in sRGB, on white
     where it was transparent. The same input gives the same bytes.
  2. Output is JPEG, or PNG where the original was PNG or GIF. Every platform takes both.
  3. Pictures that move are refused. Further pictures in a camera's file (previews, depth) are dropped.
  4. A picture is never enlarged, never cropped, and keeps its proportions.
  5. Whatever the bytes are, the only error is MediaError.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image, ImageCms, ImageDraw, ImageFont, ImageOps

from channels.capabilities import MediaKind, MediaLimit
from channels.media.structure import MARK, MAX_BYTES, MediaError, digest_of, form_of, residue

JPEG, PNG = "image/jpeg", "image/png"
MAX_PIXELS = 64_000_000
"""What telephones make at most today, with room; decoded it takes 200 MB."""

MAX_EDGE = 4_096
"""Pixels that are kept of the longer edge: what X shows at most, and more than anybody else does."""

MIN_EDGE = 64
"""Below this nothing can be made out."""

_LOSSLESS = ("PNG", "GIF")
_QUALITIES = (90, 80, 70)
_SHRINK = 0.8
_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_EIGHT_BIT = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A clean picture. Width and height in pixels."""

    kind: MediaKind
    mime: str
    width: int
    height: int
    data: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """What names its exact bytes."""
        return digest_of(self.data)


def clean(data: bytes, *, exercise: bool) -> Cleaned:
    """Make a picture clean; one for an exercise says so across its middle. Raises MediaError."""
    if len(data) > MAX_BYTES:
        raise MediaError(f"the file has {len(data):,} bytes; at most {MAX_BYTES:,} are taken: make it smaller")
    form = form_of(data)
    picture = _decoded(data, form)
    picture.thumbnail((MAX_EDGE, MAX_EDGE), Image.Resampling.LANCZOS)
    if min(picture.size) < MIN_EDGE:
        raise MediaError(f"the picture has {_pixels(picture)}; at least {MIN_EDGE} by {MIN_EDGE} are needed")
    if exercise:
        _mark(picture)
    return _encoded(picture, PNG if form in _LOSSLESS else JPEG)


def fit(cleaned: Cleaned, limit: MediaLimit) -> Cleaned:
    """The clean picture as a channel with this limit takes it; itself where that will do. Raises MediaError."""
    scale = min(1.0, limit.max_width / cleaned.width, limit.max_height / cleaned.height)
    if scale == 1.0 and cleaned.mime in limit.mimes and len(cleaned.data) <= limit.max_bytes:
        return cleaned
    picture = _decoded(cleaned.data, form_of(cleaned.data))
    while min(size := (round(cleaned.width * scale), round(cleaned.height * scale))) >= MIN_EDGE:
        scaled = picture.resize(size, Image.Resampling.LANCZOS)
        for mime, quality in ((cleaned.mime, _QUALITIES[0]), *((JPEG, quality) for quality in _QUALITIES)):
            made = _encoded(scaled, mime, quality)
            if mime in limit.mimes and len(made.data) <= limit.max_bytes:
                return made
        scale *= _SHRINK
    raise MediaError(f"the picture cannot be made to fit {limit.max_bytes:,} bytes: use a simpler or less narrow one")


def _decoded(data: bytes, form: str) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about damaged metadata, all of which goes
        try:
            with Image.open(BytesIO(data), formats=(form,)) as image:
                _refuse(image, form)
                image.load()
                return _in_srgb(ImageOps.exif_transpose(image))
        except MediaError:
            raise
        except Exception as error:  # rule 5: a decoder may raise anything over hostile bytes
            raise MediaError(f"the picture is damaged ({type(error).__name__}): export it again") from error


def _refuse(image: Image.Image, form: str) -> None:
    """Refuse by what stands before the pixels."""
    if image.width * image.height > MAX_PIXELS:
        raise MediaError(f"the picture has {_pixels(image)}; at most {MAX_PIXELS:,} are taken: make it smaller")
    several = image.format == "MPO" and form == "JPEG"  # a JPEG followed by its previews: the first one counts
    if image.format != form and not several:
        raise MediaError(f"the file says that it is {form} and is {image.format}: export it again")
    if getattr(image, "is_animated", False) and not several:
        raise MediaError("the picture moves: save one frame of it as PNG")
    if image.mode not in _EIGHT_BIT:
        raise MediaError(f"the picture's pixels are of the kind {image.mode}: save it with 8 bits per colour")


def _in_srgb(image: Image.Image) -> Image.Image:
    """The pixels alone, in sRGB; what was transparent is white."""
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    plain = image if image.mode in ("L", "CMYK") else image.convert("RGB")
    if profile:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = _SPACES[source.profile.xcolor_space.strip()]
        plain = plain if plain.mode == space else plain.convert(space)
        plain = ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or plain
    made = Image.new("RGB", plain.size)
    made.paste(plain.convert("RGB"))
    return made


def _mark(picture: Image.Image) -> None:
    """Write the word across the middle, where no platform's preview cuts it off (design: gate 12)."""
    width, height = picture.size
    across = ImageFont.load_default(100).getlength(MARK) / 100
    size = min(0.9 * width / across, height / 2)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    place = (width / 2, height / 2)
    draw.text(place, MARK, "white", font, anchor="mm", stroke_width=max(1, size / 16), stroke_fill="black")


def _encoded(picture: Image.Image, mime: str, quality: int = _QUALITIES[0]) -> Cleaned:
    out = BytesIO()
    if mime == PNG:
        picture.save(out, "PNG", compress_level=9)
    else:
        picture.save(out, "JPEG", quality=quality, subsampling=0, optimize=True)
    if found := residue(out.getvalue()):
        raise MediaError(f"the picture could not be made clean: {', '.join(found)} is left in it")
    return Cleaned(MediaKind.PICTURE, mime, *picture.size, out.getvalue())


def _pixels(image: Image.Image) -> str:
    return f"{image.width} by {image.height} pixels"
