"""What goes wrong inside a request, and how long the sender's socket waits for whom."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from channels.contract import Finding, Job, Json, Outcome, Verdict
from dispatcher.sending import wire
from dispatcher.sending.order import MAX_ORDERS
from dispatcher.sending.permit import Permit, Refusal
from dispatcher.sending.remote import RemoteSender
from dispatcher.sending.server import serve
from dispatcher.sending.sockets import short_address
from tests.memory_channel import MemoryChannel
from tests.sending.kit import note, run
from tests.sending.socketed import LONG_S, Hanging, Noting, Place, eventually, planned, serving, talk

TELL = wire.pack({"verb": "tell", "stops": [], "status": None})
TOLD = wire.pack({"answer": None})


class Blind(MemoryChannel):
    """A platform whose record cannot be asked: it fails, or never answers."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self._error = error

    async def find(self, job: Job) -> Finding:
        """Raise, or wait for ever."""
        if self._error is None:
            await asyncio.Event().wait()
            return await super().find(job)
        raise self._error


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A sender of X with a cleared plan."""
    return Place(tmp_path, planned())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the sender is served."""
    return tmp_path / "run" / "sender.sock"


def look_up(place: Place) -> bytes:
    """The frame that asks for a look-up."""
    about: dict[str, Json] = {"bundle": place.bundle.document(), "order": place.drafted.order("x").document()}
    return wire.pack({"verb": "find", **about})


async def sending(place: Place) -> bytes:
    """The frame that uses a fresh permit."""
    (permit,) = await place.sender.permit(place.bundle, [place.drafted.order("x")])
    assert isinstance(permit, Permit)
    return wire.pack({"verb": "send", "permit": wire.permit_document(permit)})


def test_a_request_that_fails_is_answered_with_the_kind_of_failure(place: Place, path: Path) -> None:
    """The sender and the connection live on; the details stay in the sender's log."""
    place.put("x", Blind(RuntimeError("token tops3cret")))

    async def main() -> bytes:
        async with serving(place.sender, path):
            return await talk(path, look_up(place), TELL, half_close=True)

    with structlog.testing.capture_logs() as logs:
        assert run(main) == wire.pack({"failed": "RuntimeError"}) + TOLD
    assert [(line["event"], line["verb"]) for line in logs] == [("request_failed", "find")]


def test_a_look_up_that_takes_too_long_is_given_up(place: Place, path: Path) -> None:
    """It leaves no trace, so it may be cut off."""
    place.put("x", Blind())

    async def main() -> bytes:
        async with serving(place.sender, path, timeout_s=0.05):
            return await talk(path, look_up(place), half_close=True)

    with structlog.testing.capture_logs():
        assert run(main) == wire.pack({"failed": "TimeoutError"})


def test_a_send_is_not_cut_off_by_the_time_for_a_frame(place: Place, path: Path) -> None:
    """A send has its outlet's own time, however short that of a frame is."""

    async def main() -> bytes:
        hanging, loop = Hanging(), asyncio.get_running_loop()
        place.put("x", hanging)
        async with serving(place.sender, path, timeout_s=0.05):
            asked = asyncio.create_task(talk(path, await sending(place), half_close=True))
            await hanging.reached.wait()
            began = loop.time()
            await eventually(lambda: loop.time() > began + 0.1)
            hanging.go_on.set()
            return await asked

    assert b'"accepted"' in run(main)


@pytest.mark.parametrize("acknowledgement", [b"\xff\xff\xff\xff", wire.LENGTH.pack(4) + b"junk", b"\0\0"])
def test_after_an_acknowledgement_that_cannot_be_read_nothing_more_is(
    place: Place, path: Path, acknowledgement: bytes
) -> None:
    """The attempt ends in doubt, its outcome is told, and the connection closes."""
    place.put("x", Noting("upload-1"))

    async def main() -> bytes:
        async with serving(place.sender, path):
            return await talk(path, await sending(place) + acknowledgement + TELL[:-1], half_close=True)

    answered = run(main)
    assert (b'"in_doubt"' in answered, answered.count(b"answer"), place.made()) == (True, 1, 0)


def test_a_handle_that_could_not_be_noted_leaves_the_connection_open(place: Place, path: Path) -> None:
    """The asker said so in good order, and goes on to ask."""
    place.put("x", Noting("upload-1"))

    async def main() -> bytes:
        async with serving(place.sender, path):
            return await talk(path, await sending(place), wire.pack(wire.NOT_NOTED), TELL, half_close=True)

    answered = run(main)
    assert (b'"in_doubt"' in answered, answered.endswith(TOLD), place.made()) == (True, True, 0)


def test_stopping_answers_what_is_under_way_and_nothing_behind_it(place: Place, path: Path) -> None:
    """A second request on the same connection is left to the sender that comes next."""

    async def main() -> bytes:
        hanging = Hanging()
        place.put("x", hanging)
        async with serving(place.sender, path) as stopping:
            asked = asyncio.create_task(talk(path, await sending(place), TELL, half_close=True))
            await hanging.reached.wait()
            stopping.set()
            await eventually(lambda: not path.exists())
            hanging.go_on.set()
            return await asked

    answered = run(main)
    assert (b'"accepted"' in answered, answered.endswith(TOLD)) == (True, False)


def test_a_thousand_orders_are_asked_about_at_once(place: Place, path: Path) -> None:
    """As many as a call may carry, each with its own answer."""
    orders = [place.drafted.order("x", delivery=f"dlv-{n}", account="x-9") for n in range(MAX_ORDERS)]

    async def main() -> list[Permit | Refusal]:
        async with serving(place.sender, path):
            return await RemoteSender(path, LONG_S).permit(place.bundle, orders)

    assert [answer.delivery for answer in run(main)] == [order.delivery for order in orders]


def test_a_handle_is_told_before_anything_else(place: Place, path: Path) -> None:
    """Notes come first and in order, then the answer."""
    place.put("x", Noting("upload-1", "publish-2"))
    noted = wire.pack(wire.NOTED)

    async def main() -> bytes:
        async with serving(place.sender, path):
            return await talk(path, await sending(place), noted, noted, half_close=True)

    answered = run(main)
    notes = wire.pack({"note": "upload-1"}) + wire.pack({"note": "publish-2"})
    assert (answered.startswith(notes), b'"accepted"' in answered) == (True, True)


def test_a_permit_is_good_for_one_call_over_the_socket(place: Place, path: Path) -> None:
    """Used again, it is not known, and nothing is sent."""

    async def main() -> tuple[Outcome, Outcome]:
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            (permit,) = await remote.permit(place.bundle, [place.drafted.order("x")])
            assert isinstance(permit, Permit)
            return await remote.send(replace(permit), note), await remote.send(permit, note)

    first, second = run(main)
    assert (first.verdict, second.verdict, second.code) == (Verdict.ACCEPTED, Verdict.DEFERRED, "permit")


def test_stopping_lets_go_of_who_never_asked_anything(place: Place, path: Path) -> None:
    """Nothing was under way on that connection."""

    async def main() -> bytes:
        async with serving(place.sender, path):
            with short_address(path) as address:
                reader, writer = await asyncio.open_unix_connection(address)
            await talk(path, TELL, half_close=True)  # by now both have been let in
        rest = await reader.read()
        writer.close()
        return rest

    assert run(main) == b""


def test_the_server_ends_after_what_is_under_way(place: Place, path: Path) -> None:
    """Who stops it may close the spent file behind it."""

    async def main() -> tuple[bool, bool]:
        hanging, stopping = Hanging(), asyncio.Event()
        place.put("x", hanging)
        server = asyncio.create_task(serve(place.sender, path, stopping, timeout_s=LONG_S))
        await eventually(path.exists)
        asked = asyncio.create_task(talk(path, await sending(place), half_close=True))
        await hanging.reached.wait()
        stopping.set()
        await eventually(lambda: not path.exists())
        ended, _ = await asyncio.wait({server}, timeout=0.05)
        hanging.go_on.set()
        await server
        return bool(ended), b'"accepted"' in await asked

    assert run(main) == (False, True)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"verb": "tell", "stops": [], "status": None, "force": True}, "request: unknown key force"),
        ({"verb": "publish"}, "request.verb: there is no 'publish'"),
        ({"verb": "tell", "status": None}, "request: stops is missing"),
    ],
)
def test_a_faulty_request_is_logged_by_place(place: Place, path: Path, request_: Json, reason: str) -> None:
    """Operators see what the other side got wrong."""

    async def main() -> bytes:
        async with serving(place.sender, path):
            return await talk(path, wire.pack(request_), half_close=True)

    with structlog.testing.capture_logs() as logs:
        run(main)
    assert [line["reason"].partition(": ")[2] for line in logs] == [reason]
