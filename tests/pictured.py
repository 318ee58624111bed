"""Jobs with pictures, for the tests of adapters."""

from __future__ import annotations

from dataclasses import replace

from channels.conformance.bench import picture
from channels.contract import Job, Medium, Part

PICTURES = (picture(64), picture(65))
DIGESTS = tuple(one.digest for one in PICTURES)
ALT = ("Map of the flood", "Where to go")


def pictured(job: Job) -> Job:
    """The same job with two pictures, each with its text."""
    media = tuple(
        Medium(one.digest, one.kind, one.mime, len(one.data), one.width, one.height, (Part("en", text),))
        for one, text in zip(PICTURES, ALT, strict=True)
    )
    held = {one.digest: one.data for one in PICTURES}
    return replace(job, rendering=replace(job.rendering, media=media), media=held)
