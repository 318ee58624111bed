"""Pictures as people have them: full of what must not leave, and an independent reader that would find it.

``FILES`` are made from every form, mode and kind of metadata; each carries :data:`SECRET` in all that it carries.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageCms

SECRET = b"planted-in-the-picture"
WORD = SECRET.decode()
SIZE = (96, 72)
GPS, ORIENTATION, DESCRIPTION, THUMBNAIL = 0x8825, 0x0112, 0x010E, 0x0201


@dataclass(frozen=True)
class Dirty:
    """One file, and what was put into it."""

    name: str
    data: bytes


def scene(mode: str = "RGB") -> Image.Image:
    """A picture of which every corner differs."""
    image = Image.new("RGB", SIZE, "white")
    for place, colour in (((0, 0), "red"), ((48, 0), "lime"), ((0, 36), "blue"), ((48, 36), "yellow")):
        image.paste(colour, (*place, place[0] + 48, place[1] + 36))
    return image.convert(mode)


def exif(orientation: int = 1) -> bytes:
    """EXIF with a place on earth, a description and an orientation."""
    found = Image.Exif()
    found[DESCRIPTION] = WORD
    found[ORIENTATION] = orientation
    found.get_ifd(GPS).update({1: "N", 2: (51.0, 30.0, 12.0), 3: "W", 4: (0.0, 7.0, 39.0), 29: WORD})
    return found.tobytes()


def xmp() -> bytes:
    """An XMP packet."""
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><dc:creator>' + SECRET + b"</dc:creator></rdf:RDF></x:xmpmeta>"
    )


def srgb() -> bytes:
    """An ICC profile whose description is the secret's place."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def segment(marker: int, body: bytes) -> bytes:
    """One JPEG segment."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def in_jpeg(data: bytes, *segments: bytes) -> bytes:
    """A JPEG with these segments right after its start."""
    return data[:2] + b"".join(segments) + data[2:]


def chunk(name: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def in_png(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with these chunks after its header."""
    return data[:33] + b"".join(chunks) + data[33:]


def in_riff(data: bytes, name: bytes, body: bytes) -> bytes:
    """A WebP with one more chunk at its end."""
    padded = body + b"\0" * (len(body) % 2)
    whole = data[12:] + name + struct.pack("<I", len(body)) + padded
    return b"RIFF" + struct.pack("<I", len(whole) + 4) + b"WEBP" + whole


def saved(form: str, mode: str = "RGB", **more: object) -> bytes:
    """The scene as a file."""
    out = BytesIO()
    scene(mode).save(out, form, **more)  # type: ignore[arg-type]
    return out.getvalue()


def small() -> bytes:
    """A thumbnail."""
    out = BytesIO()
    scene().resize((32, 24)).save(out, "JPEG", comment=SECRET)
    return out.getvalue()


JPEG: Mapping[str, Callable[[bytes], bytes]] = {
    "exif": lambda d: in_jpeg(d, segment(0xE1, b"Exif\0\0" + exif().removeprefix(b"Exif\0\0"))),
    "xmp": lambda d: in_jpeg(d, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp())),
    "iptc": lambda d: in_jpeg(
        d, segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x1c\x1c\x02\x78\0\x16" + SECRET)
    ),
    "comment": lambda d: in_jpeg(d, segment(0xFE, SECRET)),
    "icc": lambda d: in_jpeg(d, segment(0xE2, b"ICC_PROFILE\0\x01\x01" + srgb())),
    "thumbnail": lambda d: in_jpeg(d, segment(0xE0, b"JFXX\0\x10" + small())),
    "unknown segment": lambda d: in_jpeg(d, segment(0xE9, SECRET)),
    "trailing": lambda d: d + SECRET,
    "trailing video": lambda d: d + b"\0\0\0\x18ftypmp42" + SECRET,
}
PNG: Mapping[str, Callable[[bytes], bytes]] = {
    "exif": lambda d: in_png(d, chunk(b"eXIf", exif().removeprefix(b"Exif\0\0"))),
    "xmp": lambda d: in_png(d, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp())),
    "text": lambda d: in_png(d, chunk(b"tEXt", b"Author\0" + SECRET)),
    "zipped text": lambda d: in_png(d, chunk(b"zTXt", b"Comment\0\0" + zlib.compress(SECRET))),
    "icc": lambda d: in_png(d, chunk(b"iCCP", b"p\0\0" + zlib.compress(srgb()))),
    "time": lambda d: in_png(d, chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 22, 1, 2, 3))),
    "unknown chunk": lambda d: in_png(d, chunk(b"seCr", SECRET)),
    "trailing": lambda d: d + SECRET,
}
WEBP: Mapping[str, Callable[[bytes], bytes]] = {
    "unknown chunk": lambda d: in_riff(d, b"SECR", SECRET),
    "trailing": lambda d: d + SECRET,
}
GIF: Mapping[str, Callable[[bytes], bytes]] = {
    "comment": lambda d: d[:-1] + b"\x21\xfe" + bytes([len(SECRET)]) + SECRET + b"\0\x3b",
    "xmp": lambda d: d[:-1] + b"\x21\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\0\x3b",
    "trailing": lambda d: d + SECRET,
}
BASES: Mapping[str, tuple[Mapping[str, Callable[[bytes], bytes]], tuple[str, ...], tuple[dict[str, object], ...]]] = {
    "JPEG": (
        JPEG,
        ("RGB", "L", "CMYK"),
        ({"quality": 90}, {"quality": 40, "progressive": True}, {"dpi": (300, 300)}),
    ),
    "PNG": (PNG, ("RGB", "RGBA", "L", "LA", "P", "1"), ({"compress_level": 1}, {"dpi": (300, 300)})),
    "WEBP": (WEBP, ("RGB", "RGBA"), ({"lossless": True}, {"exif": exif()}, {"xmp": xmp()}, {"icc_profile": srgb()})),
    "GIF": (GIF, ("P", "L"), ({}, {"comment": SECRET}, {"transparency": 0})),
}


def files() -> Iterator[Dirty]:
    """Every form in every mode, written in every way, with each kind of metadata and with all of them at once."""
    for form, (additions, modes, ways) in BASES.items():
        for mode in modes:
            for way in ways:
                plain = saved(form, mode, **way)
                about = f"{form} {mode} {' '.join(way)}"
                whole = plain
                for name, add in additions.items():
                    yield Dirty(f"{about}: {name}", add(plain))
                    whole = add(whole) if not name.startswith("trailing") else whole
                yield Dirty(f"{about}: everything", whole + SECRET)


def turned(form: str, orientation: int) -> bytes:
    """The scene stored turned, with the EXIF that says how to hold it."""
    undo = {1: (), 2: (0,), 3: (3,), 4: (1,), 5: (5,), 6: (2,), 7: (6,), 8: (4,)}[orientation]
    image = scene()
    for step in undo:
        image = image.transpose(Image.Transpose(step))
    out = BytesIO()
    image.save(out, form, exif=exif(orientation))
    return out.getvalue()


def fields(data: bytes) -> list[str]:
    """Every field of metadata in a cleaned file: by the library's own parsers, then by a walk of our own."""
    with Image.open(BytesIO(data)) as image:
        image.load()
        found = [
            f"info {name}" for name in image.info if name not in ("jfif", "jfif_version", "jfif_unit", "jfif_density")
        ]
        found += [f"exif {tag:#x}" for tag in image.getexif()]
        found += ["frames"] if getattr(image, "n_frames", 1) > 1 else []
    found += ["the secret"] if SECRET in data else []
    return found + [
        name for name in parts(data) if name not in ("IHDR", "IDAT", "IEND", "c0", "c4", "db", "da", "e0")
    ]


def parts(data: bytes) -> Iterator[str]:
    """The name of each chunk or segment of a PNG or a JPEG, and what stands behind its end."""
    if data.startswith(b"\x89PNG"):
        at = 8
        while at < len(data):
            length, name = struct.unpack(">I4s", data[at : at + 8])
            yield name.decode()
            at += length + 12
        return
    at, end = 2, data.rindex(b"\xff\xd9")
    if end + 2 != len(data):
        yield "trailing"
    while at < end:
        assert data[at] == 0xFF, f"no segment at {at}"
        yield f"{data[at + 1]:02x}"
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        if data[at + 1] == 0xE0:
            assert length == 16, "JFIF with a thumbnail"
        if data[at + 1] == 0xDA:  # all that follows is pixels: no marker but stuffing and restarts
            marks = re.findall(rb"\xff[^\0\xd0-\xd7]", data[at + 2 + length : end])
            yield from (f"{mark.hex()} in the scan" for mark in marks)
            return
        at += 2 + length
