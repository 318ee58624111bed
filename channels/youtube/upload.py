"""A resumable upload: putting a file at its session, and finding out how much of it is there.

Rules (reference: platforms 5)
  1. A file goes in chunks of 8 MiB, a multiple of 256 KiB, and what is left over.
  2. 308 says in ``Range`` how much is there; without that header nothing is. What was sent is not what arrived.
  3. After a lost answer or a server's fault the session is asked, and the upload goes on from what it says.
  4. 200 and 201 come with what was made of the file. Any other answer is a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from channels.http import Ambiguous, Answer

CHUNK_BYTES = 8 * 1024 * 1024
TROUBLES = 2
"""After more answers in a row than this without a new byte there, the upload is left to the next attempt."""

RESUME = 308
_THERE = re.compile(r"bytes=0-([0-9]{1,15})")

Put = Callable[[bytes, str], Awaitable[Answer]]
"""Sends these bytes with this ``Content-Range``."""


async def put_all(data: bytes, put: Put, *, begun: bool) -> Answer:
    """Put a file, or the rest of one whose upload has ``begun``; returns the answer that ended it (rule 4).

    Raises TransportError where nothing more could be put.
    """
    there, most, troubles = None if begun else 0, 0, 0
    while True:
        lost = None
        try:
            answer = await put(*piece(data, there))
        except Ambiguous as error:
            lost, there = error, None
        else:
            if answer.status != RESUME and answer.status < 500:
                return answer
            there = received(answer, len(data))
        troubles = 0 if there is not None and there > most else troubles + 1
        most = max(most, there or 0)
        if troubles > TROUBLES:
            if lost is not None:
                raise lost
            return answer


def piece(data: bytes, there: int | None) -> tuple[bytes, str]:
    """What to put next and its ``Content-Range``; nothing, to ask, where it is not known what is there or all is."""
    if there is None or there == len(data):
        return b"", f"bytes */{len(data)}"
    end = min(there + CHUNK_BYTES, len(data))
    return data[there:end], f"bytes {there}-{end - 1}/{len(data)}"


def received(answer: Answer, size: int) -> int | None:
    """How many of a file's ``size`` bytes are there, by a 308; None where the answer does not tell."""
    if answer.status != RESUME:
        return None
    if "Range" not in answer.headers:
        return 0
    match = _THERE.fullmatch(answer.headers["Range"])
    return int(match[1]) + 1 if match and int(match[1]) < size else None
