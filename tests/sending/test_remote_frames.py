"""What a worker writes to the sender's socket and what it makes of what comes back, frame by frame."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from channels.contract import Outcome, Verdict
from dispatcher.domain.errors import Unavailable
from dispatcher.sending import wire
from dispatcher.sending.permit import Permit
from dispatcher.sending.remote import RemoteSender
from tests.builders import status
from tests.cast import NOW
from tests.sending.kit import note, run
from tests.sending.socketed import LONG_S, Place, planned, pretending, serving, whole_frame

PERMIT = Permit("p-1", "dlv-1", NOW, ("1",))
ACCEPTED = wire.pack({"answer": wire.outcome_document(Outcome(Verdict.ACCEPTED))})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the sender is served."""
    return tmp_path / "run" / "sender.sock"


def test_a_handle_that_could_not_be_noted_is_answered_with_so_many_words(path: Path) -> None:
    """The sender is told, and not left to guess."""
    heard: list[bytes] = []

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_frame(reader)
        writer.write(wire.pack({"note": "upload-1"}))
        heard.append(await whole_frame(reader))
        writer.write(ACCEPTED)
        writer.close()

    async def lose(_: str) -> None:
        raise Unavailable("the database cannot be reached")

    async def main() -> Outcome:
        async with pretending(path, pretend):
            return await RemoteSender(path, LONG_S).send(PERMIT, lose)

    run(main)
    assert heard == [b'{"noted":false}']


def test_a_note_with_more_than_its_handle_is_not_taken(path: Path) -> None:
    """What cannot be read strictly is not acted on: the delivery is in doubt."""
    noted: list[str] = []

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_frame(reader)
        writer.write(wire.pack({"note": "upload-1", "more": True}))
        writer.write(ACCEPTED)
        with suppress(ConnectionResetError):  # it hangs up without reading on
            await reader.read()
        writer.close()

    async def keep(handle: str) -> None:
        noted.append(handle)

    async def main() -> Outcome:
        async with pretending(path, pretend):
            return await RemoteSender(path, LONG_S).send(PERMIT, keep)

    assert (run(main).verdict, noted) == (Verdict.IN_DOUBT, [])


def test_an_answer_to_a_request_that_was_not_taken_whole_is_none(path: Path) -> None:
    """A sender acts on whole frames only, whatever something else in its place may say."""

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1_000)
        writer.write(ACCEPTED)
        await writer.drain()
        writer.get_extra_info("socket").shutdown(socket.SHUT_RD)
        writer.write_eof()
        writer.close()

    async def main() -> Outcome:
        long = Permit("p" * 8_000_000, PERMIT.delivery, PERMIT.expires_at, PERMIT.policy)
        async with pretending(path, hasty):
            return await RemoteSender(path, LONG_S).send(long, note)

    assert run(main).verdict is Verdict.DEFERRED


def test_a_signed_status_reaches_the_sender(tmp_path: Path, path: Path) -> None:
    """From then on it counts as that fresh."""
    place = Place(tmp_path, planned())

    async def main() -> None:
        async with serving(place.sender, path):
            await RemoteSender(path, LONG_S).tell([], status())

    run(main)
    assert place.sender._keeping.stops.stops.status_at == NOW


def test_arming_a_sender_behind_a_socket_asks_it_nothing(path: Path) -> None:
    """There is nobody at the socket, and nothing fails."""
    run(lambda: RemoteSender(path, LONG_S).arm(planned().bundle([])))
    assert not path.exists()
