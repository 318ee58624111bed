"""What cannot be carried to the sender behind a socket, and what it must not answer."""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from channels.contract import Finding, Found, Json, Outcome, Verdict
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.statement import Envelope, StatementKind
from dispatcher.sending import wire
from dispatcher.sending.order import Bundle
from dispatcher.sending.permit import Permit, Refusal
from dispatcher.sending.remote import MAX_ENVELOPE, RemoteSender
from tests.builders import draft
from tests.cast import NOW, signed
from tests.sending.kit import run
from tests.sending.socketed import LONG_S, pretending, whole_frame

DRAFTED = draft("x")
ORDER = DRAFTED.order("x")
UNCARRIED = Bundle("e\u0301".encode(), {}, ())
HALT = signed(StatementKind.HALT, "ops-1", scope="all", at=NOW)
HEARD: Json = {"answer": None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a sender may be served."""
    return tmp_path / "run" / "sender.sock"


def answering(*answers: Json) -> tuple[Callable[[StreamReader, StreamWriter], Awaitable[None]], list[Json]]:
    """Something that answers every request so, and what it was asked."""
    asked: list[Json] = []

    async def pretend(reader: StreamReader, writer: StreamWriter) -> None:
        asked.append(wire.unpack(await whole_frame(reader)))
        for answer in answers:
            writer.write(wire.pack(answer))
        writer.close()

    return pretend, asked


def test_a_look_up_of_a_plan_that_cannot_be_carried_finds_nothing_out(path: Path) -> None:
    """Nobody is asked, and the reason says what is wrong with the plan."""

    async def main() -> Finding:
        return await RemoteSender(path, LONG_S).find(UNCARRIED, ORDER)

    finding = run(main)
    assert (finding.found, "NFC" in finding.reason) == (Found.UNKNOWN, True)


def test_a_release_code_for_a_plan_that_cannot_be_carried_is_refused(path: Path) -> None:
    """The refusal is the one of a plan that cannot be read, for the delivery that was asked about."""

    async def main() -> object:
        return await RemoteSender(path, LONG_S).issue(UNCARRIED, ORDER, "device-1", HALT)

    refusal = run(main)
    assert isinstance(refusal, Refusal)
    assert (refusal.delivery, refusal.clauses, "NFC" in refusal.sentence) == (ORDER.delivery, ("G07",), True)


def test_a_refusal_of_a_plan_that_cannot_be_carried_says_who_can_mend_it(path: Path) -> None:
    """Each order is answered, and its author is to submit again."""
    orders = [ORDER, DRAFTED.order("x", delivery="dlv-other")]

    async def main() -> list[object]:
        return list(await RemoteSender(path, LONG_S).permit(UNCARRIED, orders))

    answers = run(main)
    assert [answer.delivery for answer in answers if isinstance(answer, Refusal)] == ["dlv-x-publish", "dlv-other"]
    assert [f.mend for answer in answers if isinstance(answer, Refusal) for f in answer.failures] == [
        "author: submit a new plan"
    ] * 2


def test_more_stops_than_a_frame_carries_is_unavailable(path: Path) -> None:
    """The relay hears that nothing was told, and why."""
    many = [Envelope(b"x" * 200_000, str(number)) for number in range(100)]

    async def main() -> None:
        await RemoteSender(path, LONG_S).tell(many, None)

    with pytest.raises(Unavailable, match=f"{wire.MAX_FRAME} are the most"):
        run(main)


def test_the_longest_stop_that_is_carried(path: Path) -> None:
    """Up to the limit an envelope is told; beyond it, it is left out and the others are told."""
    frame = len(wire.pack(Envelope(b"", "").document()))
    fits = Envelope(b"x" * (MAX_ENVELOPE - frame), "")
    pretend, asked = answering(HEARD)

    async def main() -> None:
        async with pretending(path, pretend):
            await RemoteSender(path, LONG_S).tell([Envelope(fits.payload + b"x", ""), fits, HALT], None)

    run(main)
    assert asked == [{"verb": "tell", "stops": [fits.document(), HALT.document()], "status": None}]


def test_the_newest_status_is_told_with_the_stops(path: Path) -> None:
    """Both go in one request."""
    pretend, asked = answering(HEARD)

    async def main() -> None:
        async with pretending(path, pretend):
            await RemoteSender(path, LONG_S).tell([], HALT)

    run(main)
    assert asked == [{"verb": "tell", "stops": [], "status": HALT.document()}]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"answer": True}, "it answered where there is nothing to say"),
        ({"failed": "OSError"}, "it failed: OSError"),
        ({"answer": None, "more": True}, "frame: unknown key"),
        ({"note": "upload-1"}, "frame"),
        ([], "frame"),
    ],
)
def test_an_answer_that_is_none_is_unavailable_with_the_reason(path: Path, answer: Json, message: str) -> None:
    """What is not the answer that was asked for counts as no answer."""
    pretend, _ = answering(answer)

    async def main() -> None:
        async with pretending(path, pretend):
            await RemoteSender(path, LONG_S).tell([HALT], None)

    with pytest.raises(Unavailable, match=r"the sender behind sender\.sock did not answer: " + message):
        run(main)


def test_without_a_sender_the_next_step_is_to_start_it(path: Path) -> None:
    """The message names the kind of failure, not the operating system's words."""

    async def main() -> None:
        await RemoteSender(path, LONG_S).tell([HALT], None)

    with pytest.raises(Unavailable, match=r"did not answer: FileNotFoundError$") as unavailable:
        run(main)
    assert unavailable.value.next_step == "dispatcher up"


def test_frames_that_come_together_are_read_apart(path: Path) -> None:
    """A long handle and the outcome behind it, in one go: each is taken whole, and no byte of the other."""
    handle, outcome = "h" * 200_000, Outcome(Verdict.ACCEPTED, reference="ref")
    noted: list[str] = []

    async def pretend(reader: StreamReader, writer: StreamWriter) -> None:
        await whole_frame(reader)
        writer.write(wire.pack({"note": handle}) + wire.pack({"answer": wire.outcome_document(outcome)}))
        await whole_frame(reader)
        writer.close()

    async def keep(said: str) -> None:
        noted.append(said)

    async def main() -> Outcome:
        async with pretending(path, pretend):
            return await RemoteSender(path, LONG_S).send(Permit("p-1", "dlv-1", NOW, ("1",)), keep)

    assert (run(main), noted) == (outcome, [handle])
