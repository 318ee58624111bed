"""Pictures and videos brought to X before a post names them (reference: platforms 3.4).

Rules
  1. Uploading publishes nothing: whatever happens to it, nothing is in doubt, and the next attempt may repeat it.
  2. A picture goes in one call, and its text in another. A video goes in segments; X takes no text in place of one.
  3. The id of a video is noted before its first segment, and after each how far it is: an attempt goes on where the
     one before it stopped, for all bytes need not go through within the time of one. What X forgot begins anew.
  4. A video is posted when X has prepared it; until then the delivery waits for as long as X says.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Protocol

from channels.capabilities import MediaKind
from channels.contract import Clock, Job, Medium, Note, Outcome, Verdict
from channels.http import Answer, TransportError, multipart
from channels.media.carried import unpublished
from channels.x import wire

UPLOAD = "/2/media/upload"
SEGMENT = 4_000_000
"""Bytes of one segment: X takes a thousand (reference: platforms 3.4), of 5 MB each by its API's first version."""

_NOTED = re.compile(r"video (\d{1,20}) (\d{1,4})")


class Call(Protocol):
    """One call to X, with the account's token. Raises TransportError."""

    def __call__(self, method: str, path: str, timeout_s: float, **more: Any) -> Awaitable[Answer]:
        """Make it."""


class Uploads:
    """What one attempt uploads, until its time is up."""

    def __init__(self, call: Call, clock: Clock, until: datetime) -> None:
        self._call_x = call
        self._clock = clock
        self._until = until

    async def of(self, job: Job, note: Note) -> list[str] | Outcome:
        """The ids of the job's media, ready to be posted, or why there are none yet."""
        ids = []
        try:
            for medium in job.rendering.media:
                data = job.media[medium.digest]
                film = medium.kind is MediaKind.VIDEO
                made = await (self._video(medium, data, job.handle, note) if film else self._picture(medium, data))
                if isinstance(made, Outcome):
                    return made
                ids.append(made)
        except TransportError as error:
            return unpublished(error.outcome())
        return ids

    async def _picture(self, medium: Medium, data: bytes) -> str | Outcome:
        kind, form = multipart(
            {"media_category": "tweet_image", "media_type": medium.mime}, "media", medium.mime, data
        )
        sent = {"headers": {"Content-Type": kind}, "data": form}
        media_id = wire.uploaded(await self._call("POST", UPLOAD, **sent), self._clock())
        if isinstance(media_id, Outcome):
            return media_id
        told = {"id": media_id, "metadata": {"alt_text": {"text": medium.alt[0].text}}}
        answer = await self._call("POST", "/2/media/metadata", json=told)
        return wire.described(answer, media_id, self._clock()) or media_id

    async def _video(self, medium: Medium, data: bytes, handle: str | None, note: Note) -> str | Outcome:
        """Go on with what an earlier attempt noted; where X refuses that, begin anew."""
        if noted := _NOTED.fullmatch(handle or ""):
            media_id, done = noted[1], int(noted[2])
            outcome = await self._go_on(media_id, done, data, note)
            if outcome is None or outcome.verdict is not Verdict.REJECTED or outcome.code == "video":
                return outcome or media_id
        told = {"media_type": medium.mime, "total_bytes": len(data), "media_category": "tweet_video"}
        made = wire.uploaded(await self._call("POST", f"{UPLOAD}/initialize", json=told), self._clock())
        if isinstance(made, Outcome):
            return made
        await note(f"video {made} 0")
        return await self._go_on(made, 0, data, note) or made

    async def _go_on(self, media_id: str, done: int, data: bytes, note: Note) -> Outcome | None:
        """Send what is missing of a video, from a segment on, and ask whether it is ready; None where it is."""
        segments = range(0, len(data), SEGMENT)
        for number in range(done, len(segments)):
            piece = data[segments[number] :][:SEGMENT]
            kind, form = multipart({"segment_index": str(number)}, "media", "application/octet-stream", piece)
            sent = {"headers": {"Content-Type": kind}, "data": form}
            answer = await self._call("POST", f"{UPLOAD}/{media_id}/append", **sent)
            if (refused := wire.appended(answer, self._clock())) is not None:
                return refused
            await note(f"video {media_id} {number + 1}")
        if done > len(segments):
            asked = {"command": "STATUS", "media_id": media_id}
            return wire.processed(await self._call("GET", UPLOAD, params=asked), media_id, self._clock())
        answer = await self._call("POST", f"{UPLOAD}/{media_id}/finalize")
        if answer.status < 300:
            await note(f"video {media_id} {len(segments) + 1}")
        return wire.processed(answer, media_id, self._clock())

    def _call(self, method: str, path: str, **more: Any) -> Awaitable[Answer]:
        left_s = max(0.0, (self._until - self._clock()).total_seconds())
        return self._call_x(method, path, left_s, **more)
