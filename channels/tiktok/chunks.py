"""A file in chunks: how TikTok wants it cut, and putting it there (reference: platforms 1.4).

Rules
  1. A file of up to 64 MiB goes as one chunk, a larger one in chunks of 10 MiB: whether TikTok's bounds are MB or MiB
     is not documented, and this keeps clear of both.
  2. There are ``size // chunk_size`` chunks. What is left over belongs to the last one; there is no small tail.
  3. Chunks go one after the other. One that was lost or met a server's fault goes again, once: bytes that TikTok has
     already are told by 416 with what it wants next.
  4. Nothing is published before the last byte has arrived.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from channels.http import Ambiguous, Answer

ONE_CHUNK_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 10 * 1024 * 1024
_STORED = re.compile(r"bytes 0-([0-9]{1,12})/[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """The bytes ``[start, end)`` of a file of ``size`` bytes."""

    start: int
    end: int
    size: int

    @property
    def content_range(self) -> str:
        """As the header ``Content-Range`` has it."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is cut. Raises ValueError for an empty file."""

    size: int
    chunk_size: int

    def __post_init__(self) -> None:
        if not 0 < self.chunk_size <= self.size:
            raise ValueError("a file has at least one byte, and a chunk no more than the file")

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return self.size // self.chunk_size

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """All of them, in order."""
        starts = range(0, self.count * self.chunk_size, self.chunk_size)
        ends = [*starts[1:], self.size]
        return tuple(Chunk(start, end, self.size) for start, end in zip(starts, ends, strict=True))


def plan(size: int) -> Plan:
    """How to cut a file of ``size`` bytes. Raises ValueError for an empty one."""
    return Plan(size, size if size <= ONE_CHUNK_BYTES else CHUNK_BYTES)


async def put_all(cut: Plan, put: Callable[[Chunk], Awaitable[Answer]]) -> Answer:
    """Put every chunk, one after the other; returns the last answer: 201 where all has arrived.

    ``put`` sends one chunk. Raises TransportError where a chunk is lost twice, or nothing of it was sent.
    """
    for chunk in cut.chunks:
        answer = await _put(chunk, put)
        if answer.status == 201 or not (answer.status == 206 and chunk.end < cut.size):
            return answer
    return answer


async def _put(chunk: Chunk, put: Callable[[Chunk], Awaitable[Answer]]) -> Answer:
    try:
        answer = await put(chunk)
    except Ambiguous:
        return _told(await put(chunk), chunk)
    return answer if answer.status < 500 else _told(await put(chunk), chunk)


def _told(answer: Answer, chunk: Chunk) -> Answer:
    """The answer to a chunk that went twice: where the first one had arrived whole, it counts as stored."""
    stored = _STORED.fullmatch(answer.headers.get("Content-Range", ""))
    if answer.status == 416 and stored and int(stored[1]) == chunk.end - 1:
        return Answer(201 if chunk.end == chunk.size else 206, answer.headers, answer.body, answer.elapsed_ms)
    return answer
