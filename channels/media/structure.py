"""What a file is, and what a picture's is made of, segment by segment; nothing is decoded here.

Rules
  1. A file is what its first bytes say, and nothing else besides: one that another program would read as an
     archive, a document or a script is refused.
  2. Of a cleaned file only what the pixels need is allowed; everything else is named.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

MAX_BYTES = 25_000_000
"""What is taken of a picture from outside: more than telephones write."""

MAX_FILM_BYTES = 100_000_000
"""What is taken of a video: 140 seconds, X's most, at 5.7 million bits a second. A sender holds it in memory."""

MARK = "EXERCISE"
"""The word that stands on whatever is shown in an exercise (design: gate 12)."""

MP4 = "video/mp4"
MAX_SCANS = 100
"""Passes over a JPEG's pixels: cameras write one, progressive files about ten. Thousands would take hours."""

_SIGNATURES = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG"),
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP"),
)
_FILMS = (
    (re.compile(rb"....(ftyp|moov|mdat|wide|free|skip)", re.DOTALL), "mov"),  # MP4 and QuickTime: what may come first
    (re.compile(rb"\x1a\x45\xdf\xa3"), "matroska"),  # and WebM
)
_SCRIPT = re.compile(rb"<script|<\?php|<!doctype|<html|<svg", re.IGNORECASE)
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # in a scan: what is no stuffing, restart or filling
_SCAN, _END, _JFIF = 0xDA, 0xD9, 0xE0
_TRAILING, _DAMAGED = -1, -2  # stand where a marker would
_PLAIN_JFIF = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"  # version 1.1, no density, no thumbnail
_JPEG_NEEDED = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, _SCAN})  # frame, tables, restarts, scan
_PNG_NEEDED = frozenset({"IHDR", "IDAT", "IEND"})
_NAMES = {
    _JFIF: "JFIF thumbnail or density",
    0xE1: "EXIF or XMP",
    0xE2: "ICC profile or further pictures",
    0xED: "IPTC",
    0xEE: "Adobe",
    0xFE: "comment",
    _TRAILING: "trailing data",
    _DAMAGED: "a damaged file",
}


class MediaError(ValueError):
    """The file cannot be taken as it is. The message says what is wrong and what to do."""


def digest_of(data: bytes) -> str:
    """What names exactly these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def form_of(data: bytes) -> str:
    """JPEG, PNG, GIF or WEBP, by the first bytes. Raises MediaError for anything else, and for two files in one."""
    form = next((name for signature, name in _SIGNATURES if signature.match(data)), None)
    if form is None:
        raise MediaError(
            "this is no JPEG, PNG, GIF or WebP picture and no MP4, MOV or Matroska video: save it as one of these"
        )
    if other := also(data):
        raise MediaError(f"the file is a {form} picture and {other} at once: export the picture again by itself")
    if form == "JPEG" and sum(marker == _SCAN for marker, _ in _jpeg(data)) > MAX_SCANS:
        raise MediaError(f"the picture is written in more than {MAX_SCANS} passes: save it again")
    return form


def film_form(data: bytes) -> str:
    """``mov`` for MP4 and QuickTime, ``matroska`` for it and WebM, by the first bytes; "" for what is no video."""
    return next((name for signature, name in _FILMS if signature.match(data)), "")


def also(data: bytes, *, scripts_within: int | None = None) -> str:
    """What else a file could be read as; "" where nothing. A script counts within so many bytes, or anywhere."""
    if b"PK\x05\x06" in data[-65_557:] and b"PK\x01\x02" in data:  # the end of an archive, and its index
        return "a ZIP archive"
    if b"%PDF-" in data[:1024]:
        return "a PDF document"
    if b"Rar!\x1a\x07" in data or b"7z\xbc\xaf\x27\x1c" in data:
        return "an archive"
    return "a script" if _SCRIPT.search(data, 0, scripts_within or len(data)) else ""


def residue(data: bytes) -> tuple[str, ...]:
    """What is in a cleaned picture's file besides its pixels: the name of each such part, none when it is clean."""
    if data.startswith(b"\xff\xd8\xff"):
        extra = (marker for marker, body in _jpeg(data) if _is_extra(marker, body))
        return tuple(dict.fromkeys(_NAMES.get(marker, f"JPEG segment {marker:#x}") for marker in extra))
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return tuple(dict.fromkeys(name for name in _png(data) if name not in _PNG_NEEDED))
    return ("neither JPEG nor PNG",)


def _is_extra(marker: int, body: bytes) -> bool:
    return marker not in _JPEG_NEEDED and (marker, body) != (_JFIF, _PLAIN_JFIF)


def _jpeg(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of each segment of a JPEG, without its start and end; what follows the end is one too."""
    at = 2
    while (marker := data[at + 1 : at + 2]) and data[at] == 0xFF:
        if marker[0] == _END:
            if rest := data[at + 2 :]:
                yield _TRAILING, rest
            return
        if marker[0] == 0xFF:  # filling before a marker
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4])
        yield marker[0], data[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)
        if marker[0] == _SCAN:
            following = _MARKER.search(data, at)
            at = following.start() if following else len(data)
    yield _DAMAGED, b""


def _png(data: bytes) -> Iterator[str]:
    """The name of each chunk of a PNG; what follows the end is one too."""
    at = 8
    while header := data[at : at + 8]:
        name = header[4:].decode("ascii", "replace")
        yield name
        at += 12 + int.from_bytes(header[:4])
        if name == "IEND":
            if at < len(data):
                yield "trailing data"
            return
    yield "a damaged file"
