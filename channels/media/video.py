"""Videos made clean: their pictures and sound taken as they are into a new MP4, and nothing else (``av`` is FFmpeg).

Rules
  1. Nothing is encoded again: pictures are H.264 and sound is AAC, which every platform takes. Else it is refused.
  2. One track of pictures, at most one of sound. Metadata, chapters, cover pictures, subtitles, time codes and data
     are left behind, and so are the messages (SEI) between the pictures. The same input gives the same bytes.
  3. How the camera was held is kept, as a quarter turn in the track's header, which every player obeys: turning the
     pictures would encode them again, and without it a telephone's video lies on its side. Mirrored or bent: refused.
  4. The index comes first, so that a player can begin before it has all.
  5. Whatever the bytes are, the only error is MediaError.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.stream import Disposition

from channels.capabilities import MediaKind
from channels.media.boxes import MAX_SAMPLES, film_of, residue
from channels.media.structure import MAX_FILM_BYTES, MP4, MediaError, also, digest_of, film_form

MAX_EDGE = 4_096
"""Pixels of an edge at most, which is TikTok's limit (reference: platforms 1.6); most players decode no more."""

MIN_EDGE = 64
"""Below this nothing can be made out."""

MAX_S = 600
"""Seconds at most, which is TikTok's limit by API (reference: platforms 1.6)."""

MAX_TRACKS = 16
"""A camera's file has three or four."""

CONVERT = "convert it to MP4 with H.264 pictures and AAC sound"
_EARLY = "the video ends early: export it again"
_COLOURS = ("yuv420p", "yuvj420p")
_MOST_CHANNELS = 2  # X takes neither more, nor AAC's other profiles
_LACKING_S = Fraction(1, 4)  # headers round, and sound seldom ends with the pictures
_RUN_IN = 4  # parts of sound that stand before the beginning, for its decoder
_UNITS = "filter_units=pass_types=1-5|7-9"  # see channels.media.boxes
_OPTIONS = {"movflags": "faststart", "fflags": "+bitexact"}


@dataclass(frozen=True, slots=True)
class CleanedVideo:
    """A clean video. Width and height in pixels, as shown; ``sound``: whether it has any."""

    width: int
    height: int
    duration_ms: int
    sound: bool
    data: bytes = field(repr=False)
    kind: MediaKind = MediaKind.VIDEO
    mime: str = MP4

    @property
    def digest(self) -> str:
        """What names its exact bytes."""
        return digest_of(self.data)


def clean(data: bytes) -> CleanedVideo:
    """Make a video clean. Raises MediaError."""
    if len(data) > MAX_FILM_BYTES:
        raise MediaError(f"the file has {len(data):,} bytes; at most {MAX_FILM_BYTES:,} are taken: make it smaller")
    form = film_form(data)
    if other := also(data, scripts_within=1_024):
        raise MediaError(f"the file is a video and {other} at once: export the video again by itself")
    made = _remuxed(data, form)
    if found := residue(made):
        raise MediaError(f"the video could not be made clean: {', '.join(found)} is left in it; {CONVERT}")
    film = film_of(made)
    return CleanedVideo(film.width, film.height, film.duration_ms, film.sound, made)


def still(data: bytes) -> bytes:
    """The first picture of a clean video as PNG, upright, for people to look at. Raises MediaError."""
    out = BytesIO()
    try:
        with av.open(BytesIO(data), "r", format="mp4", options={"max_pixels": str(MAX_EDGE**2)}) as source:
            frame: Any = next(source.decode(video=0))
            frame.to_image().rotate(frame.rotation, expand=True).save(out, "PNG")
    except Exception as error:  # rule 5
        raise MediaError(f"the video is damaged ({type(error).__name__}): export it again") from error
    return out.getvalue()


def _remuxed(data: bytes, form: str) -> bytes:
    """The file anew, through a file because the index is put first in a second pass."""
    try:
        with (
            TemporaryDirectory(prefix="dispatcher-") as folder,
            av.open(BytesIO(data), format=form, options={"max_pixels": str(MAX_EDGE**2)}) as source,
        ):
            target = Path(folder) / "clean.mp4"
            _copy(source, _tracks(source), target)
            return target.read_bytes()
    except MediaError:
        raise
    except Exception as error:  # rule 5: a demuxer may raise anything over hostile bytes
        raise MediaError(f"the video is damaged ({type(error).__name__}): export it again") from error


def _tracks(source: Any) -> list[Any]:
    """The track of pictures, and that of sound where there is one; refused by what stands in the header."""
    if len(source.streams) > MAX_TRACKS:
        raise MediaError(f"the video has {len(source.streams)} tracks; at most {MAX_TRACKS} are taken: {CONVERT}")
    films = [one for one in source.streams.video if not one.disposition & Disposition.attached_pic]
    sounds = list(source.streams.audio)
    if len(films) != 1 or len(sounds) > 1:
        raise MediaError(
            f"the file has {len(films)} tracks of pictures and {len(sounds)} of sound: export it with one of "
            "pictures and at most one of sound"
        )
    for one, wanted in ((films[0], "h264"), *((sound, "aac") for sound in sounds)):
        name = one.codec_context.name if one.codec_context else "an unknown form"
        if name != wanted:
            raise MediaError(f"the video's {_called(one)} is {name}, which not every platform takes: {CONVERT}")
    if any(one.profile != "LC" or one.channels > _MOST_CHANNELS for one in sounds):
        raise MediaError(f"the video's sound is not plain AAC-LC in mono or stereo: {CONVERT}, in stereo")
    _refuse_size(films[0].width, films[0].height)
    if (colours := films[0].codec_context.pix_fmt) not in _COLOURS:
        raise MediaError(f"the video's colours are {colours or 'unreadable'}: {CONVERT}, 8 bits, 4:2:0")
    return [*films, *sounds]


def _copy(source: Any, tracks: list[Any], target: Path) -> None:
    film = tracks[0]
    with av.open(str(target), "w", format="mp4", options=_OPTIONS) as made:
        written = {one.index: made.add_stream_from_template(one, opaque=True) for one in tracks}
        units = BitStreamFilterContext(_UNITS, film, written[film.index])
        for packet in _packets(source, tracks):
            for part in units.filter(packet) if packet.stream is film else [packet]:
                part.stream = written[packet.stream.index]
                made.mux(part)
        for part in units.filter(None):
            part.stream = written[film.index]
            made.mux(part)


def _packets(source: Any, tracks: list[Any]) -> Iterator[Any]:
    """What the tracks are made of, in the file's order. Refused: too long, ends early, hides a part that was cut.

    What is not to be shown and has something shown behind it is needed to decode that; what has not is left behind.
    """
    count, unshown = 0, {one.index: list[Any]() for one in tracks}
    ends = {one.index: Fraction(0) for one in tracks}
    for packet in source.demux(*tracks):
        if not packet.size:
            continue
        index, count = packet.stream.index, count + 1
        if packet.is_corrupt:
            raise MediaError(_EARLY)
        if packet.is_discard:
            unshown[index].append(packet)
            continue
        ends[index] = max(ends[index], ((packet.pts or 0) + (packet.duration or 0)) * packet.time_base)
        if ends[index] > MAX_S or count > MAX_SAMPLES:
            raise MediaError(f"the video is too long; at most {MAX_S // 60} minutes are taken: cut it")
        if len(unshown[index]) > (0 if packet.stream is tracks[0] else _RUN_IN):
            raise MediaError("the video holds a part that was cut and is still in the file: export it again")
        yield from unshown[index]
        unshown[index].clear()
        yield packet
    if any(ends[one.index] + _LACKING_S < (one.duration or 0) * one.time_base for one in tracks):
        raise MediaError(_EARLY)


def _refuse_size(width: int, height: int) -> None:
    if max(width, height) > MAX_EDGE:
        raise MediaError(f"the video has {width} by {height} pixels; at most {MAX_EDGE:,} an edge: make it smaller")
    if min(width, height) < MIN_EDGE:
        raise MediaError(f"the video has {width} by {height} pixels; at least {MIN_EDGE} by {MIN_EDGE} are needed")


def _called(track: Any) -> str:
    return "sound" if track.type == "audio" else "picture"
