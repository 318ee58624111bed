"""A video's captions: WebVTT read strictly, and written in one way only (W3C WebVTT).

Rules
  1. Captions are words and times. Comments, names of cues and what follows a header are left behind; styles, regions,
     places on the screen and markup are refused, because without them people would see something else.
  2. They are read whole or not at all: what a player would skip without a word is an error with its line.
  3. Cues follow one another in time, end after they begin, and end with the video at the latest.
  4. What is written is the same bytes for the same words and times; whoever sends checks that it is.
  5. In an exercise every cue says so on its first line, because nothing can be written on a video's pictures.

A parser of its own, because those at hand (webvtt-py, pysubs2) read as players do: what they do not understand, they
skip, and nobody who signs would know.

>>> written(read(b"WEBVTT - Storm\\n\\n00:01.000 --> 00:02.500\\nStay in\\n"))
b'WEBVTT\\n\\n00:00:01.000 --> 00:00:02.500\\nStay in\\n'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from channels.media.structure import MARK, MediaError
from channels.text import check_text

MAX_BYTES = 500_000
"""A ten minutes' video has about 20,000."""

_COMMENT = re.compile(r"NOTE(?:[ \t].*)?")
_HEADER = re.compile(r"WEBVTT(?:[ \t].*)?")
_TIME = r"(?:(\d{2,3}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"{_TIME}[ \t]+-->[ \t]+{_TIME}(.*)")
_MARKUP = re.compile(r"<|&(?!amp;|lt;|gt;)")
_WRITTEN = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from ``starts_ms`` to ``ends_ms``; ``line`` is where the file has it, counted from 1."""

    starts_ms: int
    ends_ms: int
    text: str
    line: int


def clean(data: bytes, duration_ms: int, *, exercise: bool) -> bytes:
    """Captions from outside for a video of this length, as they are signed and sent. Raises MediaError."""
    cues = read(data)
    for cue in cues:
        if problems := check_text(cue.text):
            raise MediaError(f"line {cue.line}: {problems[0]}")
        if cue.ends_ms > duration_ms:
            raise MediaError(f"line {cue.line}: the cue ends after the video, which ends at {_time(duration_ms)}")
    return written(_marked(cues) if exercise else cues)


def read(data: bytes) -> tuple[Cue, ...]:
    """The cues of a file, in order. Raises MediaError, with the line and what to do."""
    if len(data) > MAX_BYTES:
        raise MediaError(f"the captions have {len(data):,} bytes; at most {MAX_BYTES:,} are taken")
    try:
        lines = re.split(r"\r\n|\r|\n", unicodedata.normalize("NFC", data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise MediaError("the captions are not UTF-8: save them as UTF-8") from error
    if not _HEADER.fullmatch(lines[0]):
        raise MediaError("the captions do not begin with WEBVTT: save them as WebVTT")
    cues = tuple(_cue(number, block) for number, block in _blocks(lines) if not _COMMENT.fullmatch(block[0]))
    if not cues:
        raise MediaError("the captions hold no cue: write what is said")
    for before, after in pairwise(cues):
        if after.starts_ms < before.starts_ms:
            raise MediaError(f"line {after.line}: the cue begins before the one above it; put them in order")
    return cues


def written(cues: Iterable[Cue]) -> bytes:
    """A file of these cues, in the one way that rule 4 has."""
    shown = [f"{_time(cue.starts_ms)} --> {_time(cue.ends_ms)}\n{_escaped(cue.text)}\n" for cue in cues]
    return "\n".join(["WEBVTT\n", *shown]).encode()


def residue(data: bytes) -> tuple[str, ...]:
    """Whether a file of captions holds more than words and times as we write them."""
    try:
        return () if written(read(data)) == data else ("more than words and times",)
    except MediaError as error:
        return (str(error),)


def _marked(cues: Sequence[Cue]) -> Iterator[Cue]:
    for cue in cues:
        yield cue if cue.text.startswith(f"{MARK}\n") else replace(cue, text=f"{MARK}\n{cue.text}")


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The blocks of lines below the header's, each with the number of its first line; blank lines part them."""
    block: list[str] = []
    for number, line in enumerate((*lines, ""), 1):
        if line.strip():
            block.append(line)
        elif block:
            if block[0] is not lines[0]:
                yield number - len(block), block
            elif any("-->" in one for one in block):
                raise MediaError("line 2: leave a blank line between WEBVTT and the first cue")
            block = []


def _cue(line: int, block: list[str]) -> Cue:
    if block[0].split()[0] in ("STYLE", "REGION"):
        raise MediaError(f"line {line}: {block[0].split()[0]} is not taken; leave plain words and times")
    named = len(block) > 1 and "-->" not in block[0]
    timing = _TIMING.fullmatch(block[named].strip())
    if timing is None:
        raise MediaError(f"line {line + named}: no cue's times; write them as 00:00:01.000 --> 00:00:02.500")
    if settings := timing[9].strip():
        raise MediaError(f"line {line + named}: {settings!r} places the cue on the screen; take it out")
    starts, ends = (_milliseconds(timing.groups()[at : at + 4]) for at in (0, 4))
    if ends <= starts:
        raise MediaError(f"line {line + named}: the cue ends before it begins")
    text = "\n".join(" ".join(one.split()) for one in block[named + 1 :])
    if not text:
        raise MediaError(f"line {line + named}: the cue has no words; write them below its times")
    if _MARKUP.search(text) or "-->" in text:
        raise MediaError(
            f"line {line}: the cue's words hold markup; take it out, and write &lt; and &amp; for < and &"
        )
    return Cue(starts, ends, _plain(text), line)


def _plain(text: str) -> str:
    for letter, name in reversed(_WRITTEN):
        text = text.replace(name, letter)
    return text


def _escaped(text: str) -> str:
    for letter, name in _WRITTEN:
        text = text.replace(letter, name)
    return text


def _milliseconds(parts: Sequence[str | None]) -> int:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + thousandths


def _time(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1_000)
    return f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"
