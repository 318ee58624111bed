"""The sender behind a socket answers as the one in this process does, and says truly what became of a send."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import uvloop

from channels.contract import Finding, Found, Outcome, Verdict
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.statement import Envelope, StatementKind
from dispatcher.sending import wire
from dispatcher.sending.order import Bundle
from dispatcher.sending.permit import HandOff, Permit, Refusal
from dispatcher.sending.remote import RemoteSender
from tests.builders import draft
from tests.cast import NOW, signed
from tests.packets import open_packet
from tests.sending.handing import DEVICE, DEVICE_SECRET, Office, opening
from tests.sending.kit import clauses, note
from tests.sending.socketed import (
    LONG_S,
    Hanging,
    Noting,
    Place,
    Run,
    eventually,
    planned,
    pretending,
    serving,
    whole_frame,
)

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
HALT = signed(StatementKind.HALT, "ops-1", scope="all", at=NOW - timedelta(minutes=1))
PERMIT = Permit("p-1", "dlv-1", NOW, ("1",))


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs one async test, once on each event loop."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:

        def run_one(main: Callable[[], Awaitable[T]]) -> T:
            async def whole() -> T:
                return await main()

            return runner.run(whole())

        yield run_one


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A sender of X with a cleared plan."""
    return Place(tmp_path, planned())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the sender is served; longer than a socket's address may be."""
    return tmp_path / ("deployment-" + "x" * 80) / "sender.sock"


async def permitted(remote: RemoteSender, place: Place) -> Permit:
    """The permit for the place's one delivery."""
    (answer,) = await remote.permit(place.bundle, [place.drafted.order("x")])
    assert isinstance(answer, Permit), answer
    return answer


def test_a_permit_is_given_and_used_over_the_socket(run: Run, place: Place, path: Path) -> None:
    """Permit and send are two calls, on two connections, to one sender."""

    async def main() -> Outcome:
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            return await remote.send(await permitted(remote, place), note)

    assert run(main) == Outcome(Verdict.ACCEPTED, reference="ref-dlv-x-publish")


def test_a_refusal_says_over_the_socket_what_it_says_here(run: Run, place: Place, path: Path) -> None:
    """Every clause, fact, mend and consequence comes through."""
    order = place.drafted.order("x", incident="inc-other", rendering="ab" * 32)

    async def main() -> tuple[list[Permit | Refusal], list[Permit | Refusal]]:
        async with serving(place.sender, path):
            return (
                await RemoteSender(path, LONG_S).permit(place.bundle, [order]),
                await place.sender.permit(place.bundle, [order]),
            )

    over, here = run(main)
    assert over == here
    assert clauses(over) == [("G02", "G07", "G17")]


FULL = Outcome(
    Verdict.DEFERRED,
    reason="zu viele Anfragen",
    code="429",
    reference="ref",
    url="https://x.example/1",
    retry_after_s=1.25,
    account_wide=True,
    status=429,
    provider_ms=41.125,
)


@pytest.mark.parametrize("outcome", [FULL, Outcome(Verdict.REJECTED), Outcome(Verdict.IN_DOUBT, "e\u0301 \ud800")])
def test_an_outcome_comes_through_whole(run: Run, place: Place, path: Path, outcome: Outcome) -> None:
    """All fields, also where a platform's words are no sound Unicode."""
    place.platforms["x"].script.append(outcome)

    async def main() -> Outcome:
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            return await remote.send(await permitted(remote, place), note)

    assert run(main) == replace(outcome, reason=outcome.reason.replace("e\u0301 \ud800", "é ?"))


def test_a_look_up_comes_through(run: Run, place: Place, path: Path) -> None:
    """What the platform's record shows is found through the socket."""

    async def main() -> Finding:
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            await remote.send(await permitted(remote, place), note)
            return await remote.find(place.bundle, place.drafted.order("x"))

    assert run(main) == Finding(Found.FOUND)


def test_a_halt_that_was_told_stops_what_is_asked_next(run: Run, place: Place, path: Path) -> None:
    """Stops reach the sender through the socket, past one that nobody could read."""
    unreadable = [Envelope(b"\xff", "x"), Envelope("e\u0301".encode(), "x"), Envelope(b"x" * 300_000, "x")]

    async def main() -> list[Permit | Refusal]:
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            await remote.tell([*unreadable, HALT], None)
            return await remote.permit(place.bundle, [place.drafted.order("x")])

    assert clauses(run(main)) == [("G16",)]


def test_a_hand_off_is_issued_over_the_socket(run: Run, tmp_path: Path, path: Path) -> None:
    """Packet and code come through, and the second answer is a refusal."""
    office = Office(tmp_path)

    async def main() -> list[HandOff | Refusal]:
        await office.hand_over(office.order())
        remote, receipt = RemoteSender(path, LONG_S), opening(office.order())
        async with serving(office.sender, path):
            return [await remote.issue(office.bundle, office.order(), DEVICE, receipt) for _ in range(2)]

    first, second = run(main)
    assert isinstance(first, HandOff)
    assert isinstance(second, Refusal)
    assert open_packet(first.packet, DEVICE_SECRET, first.code)["delivery"] == office.order().delivery
    assert second.clauses == ("G15",)


def test_a_note_is_durable_before_the_platform_is_called_again(run: Run, place: Place, path: Path) -> None:
    """The sender waits for the acknowledgement of every handle, and the outcome follows."""
    place.put("x", Noting("upload-1", "publish-Ŵ"))
    noted: list[tuple[str, int]] = []

    async def keep(handle: str) -> None:
        await asyncio.sleep(0)
        noted.append((handle, place.made()))

    async def main() -> Outcome:
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            return await remote.send(await permitted(remote, place), keep)

    assert run(main).verdict is Verdict.ACCEPTED
    assert noted == [("upload-1", 0), ("publish-Ŵ", 0)]


def test_a_note_that_is_not_durable_ends_the_attempt_in_doubt(run: Run, place: Place, path: Path) -> None:
    """The adapter does not go on to publish what nobody could find again."""
    place.put("x", Noting("upload-1"))

    async def lose(_: str) -> None:
        raise Unavailable("the database cannot be reached")

    async def main() -> Outcome:
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            return await remote.send(await permitted(remote, place), lose)

    assert (run(main).verdict, place.made()) == (Verdict.IN_DOUBT, 0)


def test_without_a_sender_a_send_is_deferred(run: Run, path: Path) -> None:
    """Nobody was asked, so nothing left."""

    async def main() -> Outcome:
        return await RemoteSender(path, LONG_S).send(PERMIT, note)

    outcome = run(main)
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "unreachable")


@pytest.mark.parametrize("verb", ["permit", "find", "tell", "issue"])
def test_without_a_sender_everything_else_is_unavailable(run: Run, place: Place, path: Path, verb: str) -> None:
    """The worker lets go of its lease and tries later."""
    remote, order = RemoteSender(path, LONG_S), place.drafted.order("x")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "permit": lambda: remote.permit(place.bundle, [order]),
        "find": lambda: remote.find(place.bundle, order),
        "tell": lambda: remote.tell([HALT], None),
        "issue": lambda: remote.issue(place.bundle, order, DEVICE, HALT),
    }

    async def main() -> None:
        with pytest.raises(Unavailable, match="did not answer"):
            await calls[verb]()

    run(main)


def test_a_sender_that_is_killed_while_sending_leaves_it_in_doubt(
    run: Run, place: Place, tmp_path: Path, path: Path
) -> None:
    """The request was taken whole and no answer came: the post may be out."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    command = [sys.executable, "-m", "tests.sending.socketed", str(theirs), str(path)]
    with subprocess.Popen(command, cwd=ROOT) as process:

        async def main() -> Outcome:
            await eventually(path.exists)
            remote = RemoteSender(path, LONG_S)
            sending = asyncio.create_task(remote.send(await permitted(remote, place), note))
            await eventually((theirs / "reached").exists)
            os.kill(process.pid, signal.SIGKILL)
            return await sending

        outcome = run(main)
    assert (outcome.verdict, outcome.code) == (Verdict.IN_DOUBT, "sender_lost")
    assert [json.loads(line)["event"] for line in (theirs / "spent.jsonl").read_text().splitlines()] == ["open"]


def test_a_request_that_was_not_taken_whole_is_deferred(run: Run, path: Path) -> None:
    """The other side hung up in the middle of it; a sender acts on whole frames only."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1_000)
        writer.transport.abort()

    async def main() -> Outcome:
        async with pretending(path, hang_up):
            return await RemoteSender(path, LONG_S).send(replace(PERMIT, id="p" * 8_000_000), note)

    assert run(main).verdict is Verdict.DEFERRED


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\0",
        b"\xff\xff\xff\xff",
        wire.pack({"answer": {"verdict": "accepted"}}),
        wire.pack({"answer": None}),
        wire.pack({"failed": "OSError"}),
        wire.pack({"surprise": True}),
        b"\0\0\0\x02{]",
    ],
)
def test_an_answer_that_cannot_be_read_is_in_doubt(run: Run, path: Path, answer: bytes) -> None:
    """It was asked, and what it says is not to be believed."""

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_frame(reader)
        writer.write(answer)
        writer.close()

    async def main() -> Outcome:
        async with pretending(path, pretend):
            return await RemoteSender(path, LONG_S).send(PERMIT, note)

    assert run(main).verdict is Verdict.IN_DOUBT


def test_a_sender_that_never_answers_is_not_waited_for(run: Run, path: Path) -> None:
    """The call's own time ends it, in doubt."""

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def main() -> Outcome:
        async with pretending(path, pretend):
            return await RemoteSender(path, 0.05).send(PERMIT, note)

    outcome = run(main)
    assert (outcome.verdict, "TimeoutError" in outcome.reason) == (Verdict.IN_DOUBT, True)


def test_permits_for_other_deliveries_are_not_taken(run: Run, place: Place, path: Path) -> None:
    """Answers belong to the orders, one by one."""

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_frame(reader)
        writer.write(wire.pack({"answer": [wire.permit_document(PERMIT)]}))
        writer.close()

    async def main() -> None:
        async with pretending(path, pretend):
            with pytest.raises(Unavailable, match="other deliveries"):
                await RemoteSender(path, LONG_S).permit(place.bundle, [place.drafted.order("x")])

    run(main)


@pytest.mark.parametrize("plan", [b"\xff", "e\u0301".encode(), b"x" * (wire.MAX_FRAME + 1)])
def test_a_bundle_that_cannot_be_carried_is_refused(run: Run, place: Place, path: Path, plan: bytes) -> None:
    """A forged row stops its own delivery, with a clause, and not the worker."""

    async def main() -> list[Permit | Refusal]:
        return await RemoteSender(path, LONG_S).permit(Bundle(plan, {}, ()), [place.drafted.order("x")])

    assert clauses(run(main)) == [("G07",)]


def test_what_is_begun_is_carried_to_its_end_when_the_asker_goes(run: Run, place: Place, path: Path) -> None:
    """The worker dies; the post goes out once, and the spent file says so."""

    async def main() -> None:
        hanging = Hanging()
        place.put("x", hanging)
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            sending = asyncio.create_task(remote.send(await permitted(remote, place), note))
            await hanging.reached.wait()
            sending.cancel()
            hanging.go_on.set()
            await eventually(lambda: '"accepted"' in place.spent_path.read_text())

    run(main)
    assert place.made() == 1


def test_stopping_waits_for_a_send_under_way(run: Run, place: Place, path: Path) -> None:
    """Its outcome still reaches the asker."""

    async def main() -> Outcome:
        hanging = Hanging()
        place.put("x", hanging)
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path) as stopping:
            sending = asyncio.create_task(remote.send(await permitted(remote, place), note))
            await hanging.reached.wait()
            stopping.set()
            await eventually(lambda: not path.exists())
            hanging.go_on.set()
            return await sending

    assert run(main).verdict is Verdict.ACCEPTED


def test_one_send_does_not_hold_up_another(run: Run, tmp_path: Path, path: Path) -> None:
    """Each connection has its own pace."""
    place = Place(tmp_path, draft("x", "webhook"))

    async def main() -> Outcome:
        hanging = Hanging()
        place.put("x", hanging)
        remote = RemoteSender(path, LONG_S)
        async with serving(place.sender, path):
            slow = asyncio.create_task(remote.send(await permitted(remote, place), note))
            await hanging.reached.wait()
            (permit,) = await remote.permit(place.bundle, [place.drafted.order("webhook")])
            assert isinstance(permit, Permit)
            outcome = await remote.send(permit, note)
            hanging.go_on.set()
            await slow
            return outcome

    assert run(main).verdict is Verdict.ACCEPTED
