"""The rules of a resumable upload: what goes next, what a 308 says, and when it is left (reference: platforms 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from channels.http import Ambiguous, Answer
from channels.youtube.upload import CHUNK_BYTES, piece, put_all, received

MIB = 1024 * 1024
LOST = Ambiguous("disconnected", "lost")


def answer(status: int, there: int | None = None) -> Answer:
    """An answer that says so many bytes are there."""
    return Answer(status, {} if there is None else {"Range": f"bytes=0-{there - 1}"}, b"", 1.0)


def test_a_chunk_is_a_multiple_of_256_kib() -> None:
    """As YouTube wants all but the last."""
    assert CHUNK_BYTES % (256 * 1024) == 0


@pytest.mark.parametrize(
    ("size", "there", "count", "content_range"),
    [
        (1_000, 0, 1_000, "bytes 0-999/1000"),
        (20 * MIB, 0, 8 * MIB, "bytes 0-8388607/20971520"),
        (20 * MIB, 8 * MIB, 8 * MIB, "bytes 8388608-16777215/20971520"),
        (20 * MIB, 16 * MIB, 4 * MIB, "bytes 16777216-20971519/20971520"),
        (20 * MIB, 524_288, 8 * MIB, "bytes 524288-8912895/20971520"),
        (16 * MIB, 8 * MIB, 8 * MIB, "bytes 8388608-16777215/16777216"),
        (1_000, 1_000, 0, "bytes */1000"),
        (1_000, None, 0, "bytes */1000"),
    ],
)
def test_what_goes_next_follows_what_is_there(size: int, there: int | None, count: int, content_range: str) -> None:
    """Nothing, with the question how far it is, where that is not known or all is there."""
    data, said = piece(bytes(size), there)
    assert (len(data), said) == (count, content_range)


@pytest.mark.parametrize(
    ("status", "headers", "there"),
    [
        (308, {}, 0),
        (308, {"Range": "bytes=0-0"}, 1),
        (308, {"Range": "bytes=0-524287"}, 524_288),
        (308, {"Range": "bytes=0-999999"}, 1_000_000),
        (308, {"Range": "bytes=0-1000000"}, None),
        (308, {"Range": "bytes=5-9"}, None),
        (308, {"Range": "0-9"}, None),
        (308, {"Range": "bytes=0-" + "9" * 400}, None),
        (503, {"Range": "bytes=0-9"}, None),
    ],
)
def test_a_308_says_how_much_is_there(status: int, headers: dict[str, str], there: int | None) -> None:
    """No header says that nothing is; a senseless one says nothing, and so does any other answer."""
    assert received(Answer(status, headers, b"", 1.0), 1_000_000) == there


@pytest.mark.parametrize(
    ("begun", "answers", "asked"),
    [
        (False, [answer(200)], [0]),
        (False, [answer(308, 8 * MIB), answer(308, 16 * MIB), answer(201)], [0, 8, 16]),
        (False, [answer(308, 2 * MIB), answer(308, 10 * MIB), answer(308, 18 * MIB), answer(200)], [0, 2, 10, 18]),
        (False, [LOST, answer(308, 8 * MIB), answer(200)], [0, None, 8]),
        (False, [LOST, answer(200)], [0, None]),
        (False, [answer(503), answer(308), answer(200)], [0, None, 0]),
        (True, [answer(308, 16 * MIB), answer(200)], [None, 16]),
        (True, [answer(200)], [None]),
        (True, [answer(404)], [None]),
        (True, [answer(308, 20 * MIB), answer(200)], [None, None]),
        (False, [answer(503), answer(503), answer(503)], [0, None, None]),
        (False, [answer(308), answer(308), answer(308)], [0, 0, 0]),
        (False, [LOST, LOST, LOST], [0, None, None]),
        (False, [LOST, answer(308, 8 * MIB), LOST, answer(308, 16 * MIB), answer(200)], [0, None, 8, None, 16]),
    ],
)
def test_an_upload_goes_on_from_what_is_there(
    begun: bool, answers: Sequence[Answer | Ambiguous], asked: Sequence[int | None]
) -> None:
    """``asked`` is where each call begins, in MiB, None a question. Three in a row without a new byte end it."""
    size, left, said = 20 * MIB, list(answers), []

    async def put(data: bytes, content_range: str) -> Answer:
        start = content_range.removeprefix("bytes ").partition("-")[0]
        said.append(int(start) // MIB if data else None)
        found = left.pop(0)
        if isinstance(found, Ambiguous):
            raise found
        return found

    async def ended() -> Answer | Ambiguous:
        try:
            return await put_all(bytes(size), put, begun=begun)
        except Ambiguous as error:
            return error

    assert asyncio.run(ended()) is answers[-1]
    assert (said, left) == (list(asked), [])
