"""What a cleaned video's file is made of, box by box; nothing is decoded here (ISO/IEC 14496-12, -14 and -15).

Rules
  1. A clean file is what our remuxing writes and nothing besides: each box at its place, no times, no names but the
     muxer's fixed ones, the index before the pictures. Whatever else is there is named.
  2. Every byte of the media data belongs to a picture or a sound that the index names: nothing lies between them.
  3. Of a picture's units only those that it is shown by are allowed: no messages, no private units.
  4. Nothing is hidden before the first picture: an edit list would not show it, and would leave it in the file.
  5. Inside coded pictures and sounds nobody looks; that would take a decoder.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise

Rule = Callable[[bytes], bool]
"""Whether a box's body is as our remuxing writes it."""

MAX_SAMPLES = 200_000
"""Pictures and sounds of one track: ten minutes at 60 pictures a second are 36,000."""

RUN_IN = 8_192
"""Units of silence that a coder of sound puts before the beginning: AAC's are 1,024 to 5,058."""

_OPENED = {"/moov": 0, "moov/trak": 0, "trak/mdia": 0, "trak/edts": 0, "mdia/minf": 0, "minf/dinf": 0, "minf/stbl": 0}
_OPENED |= {"stbl/stsd": 8, "stsd/avc1": 78, "stsd/mp4a": 28}  # boxes that hold others, and where these begin
_ORDERS = (["ftyp", "moov", "free", "mdat"], ["ftyp", "moov", "mdat"])
_ROTATIONS = {(1, 0, 0, 1): 0, (0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}
_UNITS = frozenset({1, 2, 3, 4, 5, 7, 8, 9})  # slices, parameter sets, delimiters (ITU-T H.264, table 7-1)
_ONE, _UNIT = 1 << 16, 1 << 30  # what fields of 16.16 and 2.30 bits write for 1
_PLAIN = struct.pack(">9i", _ONE, 0, 0, 0, _ONE, 0, 0, 0, _UNIT)  # a matrix that turns nothing
_PICTURES = bytes(8) + b"vide" + bytes(12) + b"VideoHandler\0"
_SOUND = bytes(8) + b"soun" + bytes(12) + b"SoundHandler\0"
_EMPTY_LIST = b"\0\0\0\x35meta" + bytes(4) + b"\0\0\0\x21hdlr" + bytes(8) + b"mdirappl" + bytes(9) + b"\0\0\0\x08ilst"


@dataclass(frozen=True, slots=True)
class Film:
    """A clean video's shape. Width and height in pixels, as shown; ``sound``: whether it has any."""

    width: int
    height: int
    duration_ms: int
    sound: bool


@dataclass(slots=True)
class _Box:
    """A box under its parent's name and its own, and where its body is in the file; media data are not read."""

    path: str
    begins: int
    ends: int
    body: bytes


@dataclass(slots=True)
class _File:
    """What is at the top, and each track's boxes by name."""

    top: list[_Box] = field(default_factory=list)
    tracks: list[dict[str, bytes]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)


def residue(data: bytes) -> tuple[str, ...]:
    """What is in a cleaned video's file besides pictures and sound: the name of each such part, none if clean."""
    file = _read(data)
    try:
        return tuple(dict.fromkeys([*file.odd, *_faults(file, data)]))
    except (KeyError, struct.error):  # a box is missing, or too short
        return (*dict.fromkeys(file.odd), "a damaged file")


def film_of(data: bytes) -> Film:
    """The shape of a clean video; of anything else there is none."""
    tracks = _read(data).tracks
    pictures = next(track for track in tracks if track["hdlr"][8:12] == b"vide")
    scale, duration = struct.unpack(">II", pictures["mdhd"][12:20])
    width, height = (edge // _ONE for edge in struct.unpack(">II", pictures["tkhd"][76:84]))
    if _rotation(pictures["tkhd"]) in (90, 270):
        width, height = height, width
    return Film(width, height, duration * 1_000 // scale, len(tracks) > 1)


def _read(data: bytes) -> _File:
    """Every box, in order; what is not as rule 1 has it is odd."""
    file = _File()
    for box in _walk(data):
        parent, _, name = box.path.partition("/")
        if not (_RULES[box.path](box.body) if box.path in _RULES else box.path in _OPENED):
            file.odd.append(name or "trailing data")
        if not parent:
            file.top.append(box)
        elif box.path == "moov/trak":
            file.tracks.append({})
        elif file.tracks and parent != "moov":
            if name in file.tracks[-1]:
                file.odd.append(f"a second {name}")
            file.tracks[-1][name] = box.body
    return file


def _walk(data: bytes, parent: str = "", begins: int = 0) -> Iterator[_Box]:
    """Each box and what it holds; what is no box comes without a name."""
    at = 0
    while at < len(data):
        size, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8].decode("latin-1")
        if not 8 <= size <= len(data) - at:
            yield _Box(f"{parent}/", begins + at, begins + len(data), b"")
            return
        path, body = f"{parent}/{name}", b"" if name == "mdat" else data[at + 8 : at + size]
        box = _Box(path, begins + at + 8, begins + at + size, body)
        yield box
        if (head := _OPENED.get(box.path)) is not None:
            yield from _walk(box.body[head:], name, box.begins + head)
        at += size


def _faults(file: _File, data: bytes) -> Iterator[str]:
    order = [box.path[1:] for box in file.top]
    if order not in _ORDERS:
        yield "boxes in another order"
        return
    kinds = Counter(track["hdlr"][8:12] for track in file.tracks)
    if kinds[b"vide"] != 1 or kinds[b"soun"] > 1 or len(file.tracks) > 2:
        yield "other tracks than one of pictures and one of sound"
        return
    found = {track["hdlr"][8:12]: list(_samples(track)) for track in file.tracks}
    yield from _hidden(file.tracks)
    media = file.top[-1]
    edges = [(media.begins, 0), *sorted(one for samples in found.values() for one in samples)]
    edges.append((media.ends, 0))
    if any(at + length != following for (at, length), (following, _) in pairwise(edges)):
        yield "media data that no track names"
    elif not all(_is_shown(data, at, at + length) for at, length in found[b"vide"]):
        yield "messages or private units between the pictures"


def _samples(track: Mapping[str, bytes]) -> Iterator[tuple[int, int]]:
    """Where each picture or sound begins in the file, and how long it is."""
    each, count = struct.unpack(">II", track["stsz"][4:12])
    if count > MAX_SAMPLES:
        raise KeyError("more samples than a film has")
    lengths = iter([each] * count if each else _numbers(track["stsz"][12:]))
    runs = {first: many for first, many, _ in struct.iter_unpack(">III", track["stsc"][8:])}
    many = 0
    for number, at in enumerate(_numbers(track["stco"][8:]), 1):
        many = runs.get(number, many)
        for length in islice(lengths, many):
            yield at, length
            at += length  # noqa: PLW2901 - the next one of the same chunk


def _hidden(tracks: list[dict[str, bytes]]) -> Iterator[str]:
    """Rule 4. What an edit list passes over may be a coder's run-in, and pictures that are only stored early."""
    for track in tracks:
        first = int.from_bytes(track["ctts"][12:16], signed=True) if "ctts" in track else 0
        allowed = first if track["hdlr"][8:12] == b"vide" else RUN_IN
        if any(start > allowed for _, start, _ in struct.iter_unpack(">Iii", track.get("elst", b"")[8:])):
            yield "pictures or sound before the beginning"


def _is_shown(data: bytes, at: int, end: int) -> bool:
    """Whether a picture is made of units that it is shown by, each after its length in 4 bytes."""
    while at + 4 < end:
        if data[at + 4] & 31 not in _UNITS:
            return False
        at += 4 + int.from_bytes(data[at : at + 4])
    return at == end


def _rotation(header: bytes) -> int | None:
    """By how many degrees a track is turned clockwise when shown; None where it is bent or mirrored."""
    a, b, u, c, d, v, _, _, w = struct.unpack(">9i", header[40:76])
    turned = tuple(value // _ONE if value % _ONE == 0 else value for value in (a, b, c, d))
    return _ROTATIONS.get(turned) if (u, v, w) == (0, 0, _UNIT) else None


def _numbers(table: bytes) -> list[int]:
    return [number for (number,) in struct.iter_unpack(">I", table)]


def _exactly(wanted: bytes) -> Rule:
    return lambda body: body == wanted


def _table(entry: int, head: int = 8) -> Rule:
    """A table is its head, which ends in the number of entries, and these."""
    return lambda body: len(body) == head + entry * int.from_bytes(body[head - 4 : head])


def _is_plain_movie(body: bytes) -> bool:
    head = struct.pack(">iHH8x", _ONE, 0x0100, 0) + _PLAIN + bytes(24)
    return len(body) == 100 and not any(body[:12]) and body[20:96] == head


def _is_plain_track(body: bytes) -> bool:
    same = body[:4] == b"\0\0\0\3" and not any(body[4:12]) and not any(body[24:34])
    return len(body) == 84 and same and _rotation(body) is not None


def _is_sized(body: bytes) -> bool:
    each, count = int.from_bytes(body[4:8]), int.from_bytes(body[8:12])
    return len(body) == (12 if each else 12 + 4 * count)


def _is_settings(body: bytes) -> bool:
    """H.264's parameter sets, counted, and what newer profiles add; the length of a unit is to have 4 bytes."""
    at, count = 6, body[5] & 31 if len(body) > 6 else 0
    for _ in range(2):
        for _ in range(count):
            at += 2 + int.from_bytes(body[at : at + 2])
        count, at = (body[at] if at < len(body) else 0), at + 1
    return body[:1] == b"\1" and body[4:5] == b"\xff" and at - 1 <= len(body) <= at + 3


_RULES: Mapping[str, Rule] = {
    "/ftyp": _exactly(b"isom\0\0\2\0isomiso2avc1mp41"),
    "/free": _exactly(b""),
    "/mdat": lambda body: True,  # noqa: ARG005 - read by its index
    "moov/mvhd": _is_plain_movie,
    "moov/udta": _exactly(_EMPTY_LIST),
    "trak/tkhd": _is_plain_track,
    "edts/elst": _table(12),
    "mdia/mdhd": lambda body: len(body) == 24 and not any(body[:12]) and body[20:] == b"\x55\xc4\0\0",  # und
    "mdia/hdlr": lambda body: body in (_PICTURES, _SOUND),
    "minf/vmhd": _exactly(b"\0\0\0\1" + bytes(8)),
    "minf/smhd": _exactly(bytes(8)),
    "dinf/dref": _exactly(b"\0\0\0\0\0\0\0\1\0\0\0\x0curl \0\0\0\1"),
    "stsd/avc1": lambda body: not any((*body[:6], *body[8:24], *body[36:40], *body[42:74])),  # no coder's name
    "avc1/avcC": _is_settings,
    "avc1/btrt": lambda body: len(body) == 12,
    "avc1/colr": lambda body: body[:4] == b"nclx" and len(body) == 11,
    "avc1/pasp": lambda body: len(body) == 8,
    "stsd/mp4a": lambda body: not any((*body[:6], *body[8:16])),
    "mp4a/btrt": lambda body: len(body) == 12,
    "mp4a/esds": lambda body: len(body) <= 56,  # its last field is the coder's, of a few bytes
    "stbl/stts": _table(8),
    "stbl/stss": _table(4),
    "stbl/ctts": _table(8),
    "stbl/stsc": _table(12),
    "stbl/stsz": _is_sized,
    "stbl/stco": _table(4),
    "stbl/sgpd": lambda body: body[4:8] == b"roll" and len(body) == 18,
    "stbl/sbgp": lambda body: body[4:8] == b"roll" and _table(8, head=12)(body),
}
"""What may be where, and how it has to be."""
