"""The sender's socket lets in whom it should, and survives whatever comes in."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from channels.contract import Outcome, Verdict
from dispatcher.domain.errors import Unavailable
from dispatcher.sending import wire
from dispatcher.sending.permit import Permit
from dispatcher.sending.remote import RemoteSender
from dispatcher.sending.server import MAX_CONNECTIONS
from dispatcher.sending.sockets import short_address
from tests.sending.kit import note, run
from tests.sending.socketed import LONG_S, Noting, Place, eventually, planned, serving, talk

Logs = list[MutableMapping[str, Any]]
TELL = wire.pack({"verb": "tell", "stops": [], "status": None})
TOLD = wire.pack({"answer": None})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A sender of X with a cleared plan."""
    return Place(tmp_path, planned())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the sender is served."""
    return tmp_path / "run" / "sender.sock"


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_can_reach_the_socket(place: Place, path: Path) -> None:
    """0600 in a 0700 folder, also where the folder was open before."""
    path.parent.mkdir(mode=0o755)

    async def main() -> tuple[int, int]:
        async with serving(place.sender, path):
            return mode(path), mode(path.parent)

    assert run(main) == (0o600, 0o700)


def test_a_user_who_is_not_allowed_is_refused(place: Place, path: Path) -> None:
    """The kernel says who connects; what they send is not read."""

    async def main() -> bytes:
        async with serving(place.sender, path, allowed={os.getuid() + 1}):
            return await talk(path, TELL)

    with structlog.testing.capture_logs() as logs:
        assert run(main) == b""
    assert [(line["event"], line["peer_uid"], line["peer_pid"]) for line in logs] == [
        ("connection_refused", os.getuid(), os.getpid())
    ]


def test_a_user_who_is_named_is_let_in(place: Place, path: Path) -> None:
    """The list of allowed users takes the place of our own."""

    async def main() -> bytes:
        async with serving(place.sender, path, allowed={os.getuid()}):
            return await talk(path, TELL, half_close=True)

    assert run(main) == TOLD


JUNK = {
    "another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "not JSON": wire.LENGTH.pack(4) + b"junk",
    "not UTF-8": wire.LENGTH.pack(4) + b'"\xff\xff"',
    "not canonical": wire.LENGTH.pack(16) + b'{"verb": "tell"}',
    "not an object": wire.pack([1, 2]),
    "no verb": wire.pack({"stops": []}),
    "no such verb": wire.pack({"verb": "publish"}),
    "a key missing": wire.pack({"verb": "tell", "stops": []}),
    "a key too many": wire.pack({"verb": "tell", "stops": [], "status": None, "force": True}),
    "another kind of value": wire.pack({"verb": "tell", "stops": "none", "status": None}),
    "a fraction": wire.LENGTH.pack(5) + b"[1.5]",
    "a tower": wire.LENGTH.pack(200_000) + b"[" * 200_000,
    "a huge number": wire.LENGTH.pack(9_000) + b"9" * 9_000,
    "an envelope that is none": wire.pack({"verb": "tell", "stops": [{"payload": 1}], "status": None}),
    "a permit with a bad time": wire.pack(
        {"verb": "send", "permit": {"permit": "p", "delivery": "d", "expires_at": "now", "policy": []}}
    ),
    "too many orders": wire.pack(
        {
            "verb": "permit",
            "bundle": {"plan": "", "renderings": {}, "envelopes": [], "list_keys": {}},
            "orders": [planned().order("x").document()] * 1_001,
        }
    ),
    "a giant": b"\xff\xff\xff\xff",
    "nothing but a beginning": TELL[:-1],
    "half a length": b"\0\0",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_closes_its_connection_and_nothing_else(place: Place, path: Path, junk: bytes) -> None:
    """It is hung up on with a logged reason; the next connection is answered."""

    async def main() -> tuple[bytes, bytes]:
        async with serving(place.sender, path):
            return await talk(path, junk, half_close=True), await talk(path, TELL, half_close=True)

    with structlog.testing.capture_logs() as logs:
        assert run(main) == (b"", TOLD)
    assert [line["event"] for line in logs] == ["connection_closed"]


def test_a_giant_frame_is_not_read(place: Place, path: Path) -> None:
    """Its length alone closes the connection, before a byte of it came."""

    async def main() -> bytes:
        async with serving(place.sender, path):
            return await talk(path, wire.LENGTH.pack(wire.MAX_FRAME + 1))

    with structlog.testing.capture_logs() as logs:
        assert run(main) == b""
    assert "16777217 bytes" in logs[0]["reason"]


def test_a_slow_frame_is_not_waited_for(place: Place, path: Path) -> None:
    """Who keeps a frame open has one total time for it."""

    async def main() -> bytes:
        async with serving(place.sender, path, timeout_s=0.05):
            return await talk(path, TELL[:-1])

    with structlog.testing.capture_logs() as logs:
        assert run(main) == b""
    assert logs[0]["reason"].startswith("TimeoutError")


def test_who_has_finished_writing_is_still_answered(place: Place, path: Path) -> None:
    """A connection closed in one direction gets all its answers, one by one."""

    async def main() -> bytes:
        async with serving(place.sender, path):
            return await talk(path, TELL + TELL, TELL, half_close=True)

    assert run(main) == TOLD * 3


def test_an_acknowledgement_that_is_none_stops_the_adapter(place: Place, path: Path) -> None:
    """Another frame where a note must be acknowledged: nothing is published."""
    place.put("x", Noting("upload-1"))

    async def main() -> bytes:
        async with serving(place.sender, path):
            (permit,) = await place.sender.permit(place.bundle, [place.drafted.order("x")])
            assert isinstance(permit, Permit)
            send = wire.pack({"verb": "send", "permit": wire.permit_document(permit)})
            return await talk(path, send + TELL, half_close=True)

    answered = run(main)
    assert (b"upload-1" in answered, b"in_doubt" in answered, place.made()) == (True, True, 0)


def test_an_asker_who_is_gone_when_noting_stops_the_adapter(place: Place, path: Path) -> None:
    """What nobody keeps is not gone on with, and the sender lives on."""
    place.put("x", Noting("upload-1"))

    async def main() -> bytes:
        async with serving(place.sender, path):
            (permit,) = await place.sender.permit(place.bundle, [place.drafted.order("x")])
            assert isinstance(permit, Permit)
            await talk(path, wire.pack({"verb": "send", "permit": wire.permit_document(permit)}), half_close=True)
            return await talk(path, TELL, half_close=True)

    assert (run(main), place.made()) == (TOLD, 0)


def test_a_permit_that_was_changed_on_the_way_is_not_used(place: Place, path: Path) -> None:
    """A permit is an entry in the sender's memory; a copy with another delivery is worth nothing."""

    async def main() -> Outcome:
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            (permit,) = await remote.permit(place.bundle, [place.drafted.order("x")])
            assert isinstance(permit, Permit)
            return await remote.send(Permit(permit.id, "dlv-other", permit.expires_at, permit.policy), note)

    outcome = run(main)
    assert (outcome.verdict, outcome.code, place.made()) == (Verdict.DEFERRED, "permit", 0)


def test_there_are_only_so_many_connections(place: Place, path: Path) -> None:
    """One too many is refused, and does not take the place of another."""

    async def main() -> bytes:
        async with serving(place.sender, path):
            with short_address(path) as address:
                opened = [await asyncio.open_unix_connection(address) for _ in range(MAX_CONNECTIONS)]
            refused = await talk(path, TELL)
            for _, writer in opened:
                writer.close()
                await writer.wait_closed()
            return refused

    with structlog.testing.capture_logs() as logs:
        assert run(main) == b""
    assert [line["event"] for line in logs] == ["connection_refused"]


def test_two_senders_do_not_serve_one_socket(place: Place, path: Path) -> None:
    """The second says that another is there, and the first goes on."""

    async def main() -> bytes:
        async with serving(place.sender, path):
            with pytest.raises(Unavailable, match="another process serves"):
                async with serving(place.sender, path):
                    pass
            return await talk(path, TELL, half_close=True)

    assert run(main) == TOLD


def test_a_socket_left_by_a_killed_sender_is_replaced(place: Place, path: Path) -> None:
    """Nobody answers at it, so it is in nobody's use."""

    async def main() -> bytes:
        path.parent.mkdir()
        with short_address(path) as address:
            stale = await asyncio.start_unix_server(lambda *_: None, address)
        stale.close()
        async with serving(place.sender, path):
            await eventually(lambda: mode(path) == 0o600)
            return await talk(path, TELL, half_close=True)

    assert run(main) == TOLD


def test_stopping_lets_go_of_idle_connections(place: Place, path: Path) -> None:
    """Nobody who merely holds a connection open keeps the process from ending; the socket is removed."""

    async def main() -> bytes:
        async with serving(place.sender, path):
            with short_address(path) as address:
                reader, writer = await asyncio.open_unix_connection(address)
            writer.write(TELL)
            first = await reader.readexactly(len(TOLD))
        rest = await reader.read()
        writer.close()
        await writer.wait_closed()
        return first + rest

    assert (run(main), path.exists()) == (TOLD, False)
