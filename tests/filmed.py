"""Jobs with a video, for the tests of adapters."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from channels.contract import Caption, Job, Medium, Part
from channels.media.structure import digest_of
from channels.media.video import CleanedVideo, clean
from tests.channels.media.films import film

CAPTIONS = b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nStay in\n"
SHOWN = "The river over its banks"


@cache
def video() -> CleanedVideo:
    """A second of video with sound."""
    return clean(film())


def medium(*languages: str) -> Medium:
    """The same as a message has it, in these languages, or as a rendering has it, in one."""
    made, spoken = video(), languages or ("en",)
    shape = (len(made.data), made.width, made.height)
    alt = tuple(Part(tag, SHOWN) for tag in spoken)
    captions = tuple(Caption(tag, digest_of(CAPTIONS), len(CAPTIONS)) for tag in spoken)
    return Medium(made.digest, made.kind, made.mime, *shape, alt, made.duration_ms, captions)


def filmed(job: Job) -> Job:
    """The same job with the video."""
    held = {video().digest: video().data, digest_of(CAPTIONS): CAPTIONS}
    return replace(job, rendering=replace(job.rendering, media=(medium(),)), media=held)
