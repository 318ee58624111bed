"""Videos as people have them, made by FFmpeg and by hand; each dirty one carries the secret in all that it carries.

Nothing here uses the code that cleans; :func:`fields` are a second reader of what it makes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from io import BytesIO
from typing import Any

import av

from tests.channels.media.dirty import SECRET, WORD, Dirty, saved

SIZE = (64, 96)
RATE, PICTURES = 25, 25
TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts")
_HEADS = {**dict.fromkeys(_CONTAINERS, 0), b"stsd": 8, b"avc1": 78, b"mp4a": 28}
Place = tuple[tuple[bytes, ...], tuple[int, ...]]
MIRRORED = (-1, 0, 0, 1)
METADATA = {"title": WORD, "comment": WORD, "location": "+51.5074-000.1278/", "creation_time": "2026-11-22T12:00:00Z"}


@cache
def film(
    form: str = "mp4",
    *,
    size: tuple[int, int] = SIZE,
    codecs: tuple[str, ...] = ("libx264", "aac"),
    flags: str = "",
    metadata: bool = False,
    chapters: bool = False,
    colours: str = "yuv420p",
    reordered: bool = False,
    layout: str = "stereo",
) -> bytes:
    """A second of grey that brightens, with silence where there is a second codec; a track for each codec."""
    out = BytesIO()
    options = {"movflags": flags} if flags else {}
    with av.open(out, "w", format=form, options=options) as made:
        if metadata:
            made.metadata.update(METADATA)
        if chapters:
            made.set_chapters(
                [{"id": 1, "start": 0, "end": 900, "time_base": Fraction(1, 1000), "metadata": METADATA}]
            )
        tracks = [_track(made, name, size, colours, reordered, layout) for name in codecs]
        if metadata:
            for track in tracks:
                track.metadata.update({"handler_name": WORD, "language": "cym", **METADATA})
        for track in tracks:
            for packet in _encoded(track):
                made.mux(packet)
    return out.getvalue()


def _track(made: Any, name: str, size: tuple[int, int], colours: str, reordered: bool, layout: str) -> Any:
    if name in ("aac", "libopus", "pcm_s16le"):
        return made.add_stream(name, rate=48_000, layout=layout)
    kept = {"preset": "medium" if reordered else "ultrafast"} if name == "libx264" else {}
    track = made.add_stream(name, rate=RATE, options=kept)
    (track.width, track.height), track.pix_fmt = size, colours
    if colours == "yuvj420p":  # as cameras say it: which colours, and how wide a pixel is
        context = track.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 1, 1, 1
        context.sample_aspect_ratio = Fraction(4, 3)
    return track


def _encoded(track: Any) -> Iterator[Any]:
    context = track.codec_context
    if track.type == "audio":
        many = context.frame_size or 1024
        for at in range(48_000 // many):
            sound = av.AudioFrame(format=context.format.name, layout=context.layout.name, samples=many)
            for plane in sound.planes:
                plane.update(bytes(plane.buffer_size))
            sound.sample_rate, sound.pts, sound.time_base = 48_000, at * many, Fraction(1, 48_000)
            yield from track.encode(sound)
    else:
        for at in range(PICTURES):
            shown = av.VideoFrame(track.width, track.height, track.pix_fmt)
            for plane in shown.planes:
                plane.update(bytes([at * 8]) * plane.buffer_size)
            shown.pts, shown.time_base = at, Fraction(1, RATE)
            yield from track.encode(shown)
    yield from track.encode(None)


def box(name: bytes, body: bytes) -> bytes:
    """One box."""
    return struct.pack(">I4s", len(body) + 8, name) + body


def places(data: bytes, at: int = 0, end: int | None = None, around: tuple[int, ...] = ()) -> Iterator[Place]:
    """Every box and those it holds: their names from the outside inwards, and where each of these begins."""
    while at < (len(data) if end is None else end):
        here, size = (*around, at), int.from_bytes(data[at : at + 4])
        name = data[at + 4 : at + 8]
        yield tuple(data[one + 4 : one + 8] for one in here), here
        if name in _HEADS:
            yield from places(data, at + 8 + _HEADS[name], at + size, here)
        at += size


def inserted(data: bytes, path: tuple[bytes, ...], more: bytes) -> bytes:
    """A file with more at the end of the first box at this path."""
    return grown(data, next(here for names, here in places(data) if names == path), more)


def grown(data: bytes, around: tuple[int, ...], more: bytes) -> bytes:
    """A file with more at the end of the innermost of these boxes; what comes behind moves, and the index says so."""
    end = around[-1] + int.from_bytes(data[around[-1] :][:4])
    made = bytearray(data[:end] + more + data[end:])
    for place in around:
        made[place : place + 4] = struct.pack(">I", int.from_bytes(made[place : place + 4]) + len(more))
    return moved(bytes(made), end, len(more))


def moved(data: bytes, behind: int, by: int) -> bytes:
    """The file with every place in its index that is behind a point moved on."""
    made, at = bytearray(data), -1
    while (at := data.find(b"stco", at + 1)) >= 0:
        for place in range(at + 12, at + 12 + 4 * int.from_bytes(data[at + 8 : at + 12]), 4):
            old = int.from_bytes(data[place : place + 4])
            made[place : place + 4] = struct.pack(">I", old + by if old >= behind else old)
    return bytes(made)


def patched(data: bytes, name: bytes, at: int, value: bytes) -> bytes:
    """The file with other bytes within the first box of this name, counted from its body."""
    place = data.index(name) + 4 + at
    return data[:place] + value + data[place + len(value) :]


def turned(data: bytes, quarter: tuple[int, ...]) -> bytes:
    """The file with another matrix of its first track."""
    a, b, c, d = (one << 16 for one in quarter)
    return patched(data, b"tkhd", 40, struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30))


DIRT: Mapping[str, Callable[[bytes], bytes]] = {
    "nothing else": lambda d: d,
    "user data": lambda d: inserted(
        d, (b"moov",), box(b"udta", box(b"\xa9xyz", struct.pack(">HH", len(SECRET), 0x15C7) + SECRET))
    ),
    "a track's user data": lambda d: inserted(d, (b"moov", b"trak"), box(b"udta", box(b"name", SECRET))),
    "XMP": lambda d: d + box(b"uuid", b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac" + SECRET),
    "a full free box": lambda d: d + box(b"free", SECRET),
    "an unknown box": lambda d: inserted(d, (b"moov", b"trak", b"mdia"), box(b"seCr", SECRET)),
    "media data that nothing names": lambda d: d + box(b"mdat", SECRET),
    "trailing data": lambda d: d + SECRET,
    "times": lambda d: patched(d, b"mvhd", 4, b"\xe4\0\0\0\xe4\0\0\0"),
    "a coder's name": lambda d: patched(d, b"avc1\0\0", 42, bytes([len(SECRET)]) + SECRET),
    "a quarter turn": lambda d: turned(d, TURNS[90]),
    "half a turn": lambda d: turned(d, TURNS[180]),
    "a cover picture": lambda d: inserted(
        d, (b"moov",), box(b"udta", box(b"meta", bytes(4) + _ILST + box(b"ilst", _COVER)))
    ),
}
_ILST = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
_COVER = box(b"covr", box(b"data", b"\0\0\0\x0d\0\0\0\0" + saved("JPEG") + SECRET))
WAYS: Mapping[str, dict[str, Any]] = {
    "MP4": {"metadata": True},
    "MP4 with chapters": {"chapters": True},
    "MP4 with reordered pictures": {"metadata": True, "reordered": True},
    "MP4 with tags of QuickTime": {"metadata": True, "flags": "use_metadata_tags"},
    "MOV": {"form": "mov", "metadata": True, "chapters": True},
    "silent MP4": {"codecs": ("libx264",), "metadata": True},
    "MP4 in a camera's colours": {"colours": "yuvj420p", "metadata": True},
    "fragments": {"flags": "frag_keyframe+empty_moov+default_base_moof", "metadata": True},
}


def files() -> Iterator[Dirty]:
    """Every way of writing a video with each kind of dirt; Matroska besides."""
    for about, way in WAYS.items():
        whole = film(**way)
        for dirt, add in DIRT.items():
            yield Dirty(f"{about}: {dirt}", add(whole))
    for name, way in {"Matroska": {"metadata": True}, "Matroska with chapters": {"chapters": True}}.items():
        yield Dirty(name, film("matroska", **way))


def fields(data: bytes) -> list[str]:
    """Every field of metadata in a cleaned file, as FFmpeg reads it, and what of the secret is left in its bytes."""
    usual = {"major_brand", "minor_version", "compatible_brands"}
    with av.open(BytesIO(data)) as opened:
        found = [f"metadata {name}" for name in opened.metadata.keys() - usual]
        found += [f"chapter {one['id']}" for one in opened.chapters()]
        for stream in opened.streams:
            found += [f"track {name}" for name in stream.metadata.keys() - {"handler_name", "language"}]
            handlers = {"video": "VideoHandler", "audio": "SoundHandler"}
            if stream.metadata.get("handler_name") != handlers.get(stream.type):
                found.append(f"a track of {stream.type} by {stream.metadata.get('handler_name')}")
            if stream.metadata.get("language", "und") != "und":
                found.append(f"language {stream.metadata['language']}")
        found += [f"{one.type} track {one.index}" for one in opened.streams if one.type not in ("video", "audio")]
        shown = list(opened.decode(video=0))
        found += [f"message {one.type.name}" for frame in shown for one in frame.side_data if one.type.name in _SEI]
    return found + (["the secret"] if SECRET in data else []) + (["the coder's message"] if b"x264" in data else [])


_SEI = ("SEI_UNREGISTERED", "A53_CC", "S12M_TIMECODE")


def shown(data: bytes) -> list[bytes]:
    """The grey of each picture, as FFmpeg decodes it."""
    with av.open(BytesIO(data)) as opened:
        return [bytes(frame.planes[0])[:1] for frame in opened.decode(video=0)]
