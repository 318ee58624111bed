"""Cutting a file into chunks: the reference's vectors, and what becomes of a chunk that goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from channels.http import Ambiguous, Answer, NotSent, TransportError
from channels.tiktok.chunks import CHUNK_BYTES, ONE_CHUNK_BYTES, Chunk, Plan, plan, put_all


@pytest.mark.parametrize(
    ("size", "chunk_size", "count", "last"),
    [
        (50_000_123, 10_000_000, 5, "bytes 40000000-50000122/50000123"),
        (3_145_728, 3_145_728, 1, "bytes 0-3145727/3145728"),
        (5_000_000, 5_000_000, 1, "bytes 0-4999999/5000000"),
        (64_000_001, 64_000_000, 1, "bytes 0-64000000/64000001"),
        (150_000_000, 64_000_000, 2, "bytes 64000000-149999999/150000000"),
    ],
)
def test_the_remainder_belongs_to_the_last_chunk(size: int, chunk_size: int, count: int, last: str) -> None:
    """The vectors of reference: platforms 1.4."""
    cut = Plan(size, chunk_size)
    assert (cut.count, len(cut.chunks), cut.chunks[-1].content_range) == (count, count, last)


@pytest.mark.parametrize("size", [1, ONE_CHUNK_BYTES, ONE_CHUNK_BYTES + 1, 3 * CHUNK_BYTES * 10 - 1])
def test_the_chunks_are_the_file_without_gap_or_overlap(size: int) -> None:
    """Each begins where the one before ended, the first at nothing, the last at the end."""
    chunks = plan(size).chunks
    assert [chunk.start for chunk in chunks] == [0, *(chunk.end for chunk in chunks[:-1])]
    assert chunks[-1].end == size


def test_up_to_64_mib_goes_as_one_chunk() -> None:
    """One byte more goes in chunks of 10 MiB."""
    assert plan(ONE_CHUNK_BYTES).chunk_size == ONE_CHUNK_BYTES
    assert plan(ONE_CHUNK_BYTES + 1).chunk_size == CHUNK_BYTES


def test_an_empty_file_has_no_plan() -> None:
    """There is nothing to put."""
    with pytest.raises(ValueError, match="at least one byte"):
        plan(0)


def answered(*script: int | TransportError, size: int = 30) -> tuple[list[str], int]:
    """Put a file in chunks of 10 bytes against answers in turn: what was put, and the last answer's status."""
    ranges, left = list[str](), list[int | TransportError](script)

    async def put(chunk: Chunk) -> Answer:
        ranges.append(chunk.content_range)
        said = left.pop(0)
        if isinstance(said, TransportError):
            raise said
        held = {"Content-Range": f"bytes 0-{chunk.end - 1}/{size}"} if said == 416 else {}
        return Answer(said, held, b"", 1.0)

    return ranges, asyncio.run(put_all(Plan(size, 10), put)).status


FIRST, SECOND, THIRD = (f"bytes {n}0-{n}9/30" for n in range(3))
LOST = Ambiguous("read_timeout", "no answer")


@pytest.mark.parametrize(
    ("script", "put", "status"),
    [
        ((206, 206, 201), (FIRST, SECOND, THIRD), 201),
        ((206, 503, 206, 201), (FIRST, SECOND, SECOND, THIRD), 201),
        ((206, LOST, 206, 201), (FIRST, SECOND, SECOND, THIRD), 201),
        ((206, LOST, 416, 201), (FIRST, SECOND, SECOND, THIRD), 201),
        ((206, 206, LOST, 416), (FIRST, SECOND, THIRD, THIRD), 201),
        ((403,), (FIRST,), 403),
        ((206, 404), (FIRST, SECOND), 404),
        ((206, 416), (FIRST, SECOND), 416),
        ((503, 503), (FIRST, FIRST), 503),
    ],
)
def test_a_chunk_goes_again_once_and_only_where_that_is_safe(
    script: Sequence[int | TransportError], put: Sequence[str], status: int
) -> None:
    """After a server's fault or a lost answer; a chunk that TikTok turns out to have counts as put."""
    real = tuple(FIRST.replace("00-09", "0-9") if one == FIRST else one for one in put)
    assert answered(*script) == (list(real), status)


@pytest.mark.parametrize("fault", [LOST, NotSent("connect", "no way")])
def test_a_chunk_that_is_lost_twice_is_given_up(fault: TransportError) -> None:
    """Whoever asked finds out by the status."""
    with pytest.raises(TransportError):
        answered(206, LOST, fault)
