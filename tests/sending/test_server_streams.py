"""Connections as the kernel carries them: many after another, full, half closed, and never read."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
import structlog

from channels.contract import Json
from dispatcher.sending import wire
from dispatcher.sending.order import MAX_ORDERS
from dispatcher.sending.permit import Permit
from dispatcher.sending.server import MAX_CONNECTIONS, _Switchboard
from dispatcher.sending.sockets import short_address
from tests.sending.kit import run
from tests.sending.socketed import LONG_S, Noting, Place, eventually, planned, serving, talk

TELL = wire.pack({"verb": "tell", "stops": [], "status": None})
TOLD = wire.pack({"answer": None})
REST = b"x" * 50_000
"""Less than a stream waits for, and more than a small buffer of the kernel holds."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A sender of X with a cleared plan."""
    return Place(tmp_path, planned())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the sender is served: in a folder whose parents are not there yet."""
    return tmp_path / "deployment" / "run" / "sender.sock"


async def sending(place: Place) -> bytes:
    """The frame that uses a fresh permit."""
    (permit,) = await place.sender.permit(place.bundle, [place.drafted.order("x")])
    assert isinstance(permit, Permit)
    return wire.pack({"verb": "send", "permit": wire.permit_document(permit)})


def test_connections_that_have_ended_make_room_for_others(place: Place, path: Path) -> None:
    """There are only so many at once, and any number one after another."""

    async def main() -> set[bytes]:
        async with serving(place.sender, path):
            return {await talk(path, TELL, half_close=True) for _ in range(MAX_CONNECTIONS + 1)}

    assert run(main) == {TOLD}


def test_an_asker_who_hung_up_when_noting_is_what_the_adapter_hears_of(place: Place, path: Path) -> None:
    """The outcome that nobody may be there to read says why it went no further."""
    place.put("x", Noting("upload-1"))

    async def main() -> bytes:
        async with serving(place.sender, path):
            return await talk(path, await sending(place), half_close=True)

    assert b"the adapter failed: NotNotedError" in run(main)


def test_a_sound_request_behind_an_acknowledgement_that_is_none_is_not_answered(place: Place, path: Path) -> None:
    """Where frames no longer begin where they should, none of them is believed."""
    place.put("x", Noting("upload-1"))

    async def main() -> bytes:
        async with serving(place.sender, path):
            return await talk(path, await sending(place) + b"\xff\xff\xff\xff" + TELL, half_close=True)

    answered = run(main)
    assert (b'"in_doubt"' in answered, answered.endswith(TOLD)) == (True, False)


def test_an_asker_who_does_not_read_its_answer_is_not_waited_for(place: Place, path: Path) -> None:
    """Writing has its time as reading has; the connection is closed with that reason."""
    orders: list[Json] = [place.drafted.order("x", account="x" * 2_000).document()] * MAX_ORDERS
    asking = wire.pack({"verb": "permit", "bundle": place.bundle.document(), "orders": orders})

    async def main() -> None:
        async with serving(place.sender, path, timeout_s=0.3):
            with short_address(path) as address:
                reader, writer = await asyncio.open_unix_connection(address, limit=1)
            writer.write(asking)
            writer.write_eof()
            await eventually(lambda: any(line["event"] == "connection_closed" for line in logs) or reader.at_eof())
            writer.close()

    with structlog.testing.capture_logs() as logs:
        run(main)
    assert [line["reason"] for line in logs if line["event"] == "connection_closed"] == ["TimeoutError: "]


async def connected() -> tuple[asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream to write to whose kernel buffer is small, and the other end."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    _, writer = await asyncio.open_connection(sock=ours)
    reader, other = await asyncio.open_connection(sock=theirs, limit=1)
    return writer, reader, other


def test_the_rest_of_an_answer_is_written_before_hanging_up(place: Place) -> None:
    """Who reads slowly gets all of it."""

    async def main() -> int:
        writer, reader, other = await connected()
        writer.write(REST)
        closing = asyncio.create_task(_Switchboard(place.sender, {}, LONG_S, frozenset())._close(writer))
        read = await reader.read()
        await closing
        other.close()
        return len(read)

    assert run(main) == len(REST)


def test_who_never_reads_the_rest_of_an_answer_is_hung_up_on(place: Place) -> None:
    """After its time the connection is gone, and what was not taken with it."""

    async def main() -> int:
        writer, reader, other = await connected()
        writer.write(REST)
        await _Switchboard(place.sender, {}, 0.05, frozenset())._close(writer)
        read = await reader.read()
        other.close()
        return len(read)

    with structlog.testing.capture_logs() as logs:
        assert run(main) < len(REST)
    assert [line["event"] for line in logs] == ["answer_lost"]


def test_stopping_does_not_wait_for_the_rest_of_an_answer(place: Place) -> None:
    """Whoever was slow to read it is hung up on."""

    async def main() -> int:
        writer, reader, other = await connected()
        writer.write(REST)
        closing = asyncio.create_task(_Switchboard(place.sender, {}, LONG_S, frozenset())._close(writer))
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait({closing})
        read = await reader.read()
        other.close()
        assert closing.cancelled()
        return len(read)

    assert run(main) < len(REST)
