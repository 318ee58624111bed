"""What the public sees of a delivery, as the sender reads it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from channels.contract import DeliveryKind, Finding, Found, Job, ReadBack, Seen
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.message import TextKind
from dispatcher.sending.remote import RemoteSender
from tests.memory_channel import MemoryChannel
from tests.sending.socketed import LONG_S, Place, planned, serving


class Record(MemoryChannel):
    """A platform's record that says what it is told to, and writes down what it was asked."""

    def __init__(self, found: Found = Found.UNKNOWN) -> None:
        super().__init__()
        self.found = found
        self.asked: list[str] = []

    async def find(self, job: Job) -> Finding:
        """As scripted."""
        self.asked.append(f"find {job.original}")
        return Finding(self.found, reason="as scripted")

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """The text of the job is there."""
        self.asked.append(f"read_back {reference}")
        return ReadBack(Seen.VISIBLE, text=job.rendering.parts[0].text)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A sender of X with a cleared plan."""
    return Place(tmp_path, planned())


def read(place: Place, platform: Record, **changes: object) -> ReadBack:
    """Have the sender look."""
    place.put("x", platform)
    order = replace(place.drafted.order("x"), **changes)  # type: ignore[arg-type]
    return asyncio.run(place.sender.read_back(place.bundle, order, "ref-1"))


def withdrawal(place: Place) -> dict[str, object]:
    """What an order of the armed withdrawal has besides."""
    destination = place.drafted.plan.destinations[0]
    rendering = destination.renderings[TextKind.WITHDRAW]
    return {"kind": DeliveryKind.WITHDRAW, "rendering": rendering, "original": "ref-1"}


def test_a_message_is_read_by_its_reference(place: Place) -> None:
    """And compared by the adapter with what was signed."""
    platform = Record()
    assert (read(place, platform).seen, platform.asked) == (Seen.VISIBLE, ["read_back ref-1"])


@pytest.mark.parametrize(
    ("found", "seen"),
    [(Found.FOUND, Seen.VISIBLE), (Found.ABSENT, Seen.MISSING), (Found.UNKNOWN, Seen.UNKNOWN)],
)
def test_a_withdrawal_is_seen_by_what_it_came_to(place: Place, found: Found, seen: Seen) -> None:
    """In effect, not in effect, or nobody can tell."""
    platform = Record(found)
    assert (read(place, platform, **withdrawal(place)).seen, platform.asked) == (seen, ["find ref-1"])


def test_a_look_leaves_nothing_in_the_spent_file(place: Place) -> None:
    """What it saw permits no repeat: that is for a delivery in doubt."""
    read(place, Record(Found.ABSENT), **withdrawal(place))
    assert not place.spent_path.exists() or place.spent_path.read_text() == ""


@pytest.mark.parametrize("changes", [{"account": "another"}, {"rendering": "ab" * 32}], ids=str)
def test_what_the_sender_does_not_hold_it_cannot_tell(place: Place, changes: dict[str, object]) -> None:
    """Another account, or a text that is in no signed plan."""
    platform = Record()
    assert (read(place, platform, **changes).seen, platform.asked) == (Seen.UNKNOWN, [])


def test_a_plan_that_cannot_be_read_tells_nothing(place: Place) -> None:
    """Its row was damaged."""
    damaged = replace(place.bundle, plan=b"{}")
    seen = asyncio.run(place.sender.read_back(damaged, place.drafted.order("x"), "ref-1")).seen
    assert seen is Seen.UNKNOWN


def test_what_the_public_sees_comes_through_the_socket(place: Place, tmp_path: Path) -> None:
    """Word for word, as the adapter read it."""
    place.put("x", Record())
    path = tmp_path / "run" / "sender.sock"

    async def main() -> tuple[ReadBack, ReadBack]:
        asked = (place.bundle, place.drafted.order("x"), "ref-1")
        async with serving(place.sender, path):
            return await RemoteSender(path, LONG_S).read_back(*asked), await place.sender.read_back(*asked)

    through, here = asyncio.run(main())
    assert through == here
    assert through.text


def test_without_a_sender_behind_the_socket_nobody_can_look(place: Place, tmp_path: Path) -> None:
    """Whoever asks keeps what is known, and asks again."""
    remote = RemoteSender(tmp_path / "sender.sock", LONG_S)
    with pytest.raises(Unavailable, match="did not answer"):
        asyncio.run(remote.read_back(place.bundle, place.drafted.order("x"), "ref-1"))


def test_a_reference_that_cannot_be_carried_tells_nothing(place: Place, tmp_path: Path) -> None:
    """No platform's word breaks the worker that asks."""
    remote = RemoteSender(tmp_path / "sender.sock", LONG_S)
    seen = asyncio.run(remote.read_back(place.bundle, place.drafted.order("x"), "\ud800"))
    assert seen.seen is Seen.UNKNOWN


class InWords(Record):
    """A record on which a withdrawal is published in words of its own."""

    capabilities = replace(Record.capabilities, withdraws_in_words=True)


def test_a_withdrawal_in_words_is_read_by_its_own_reference(place: Place) -> None:
    """What the public reads of it is the evidence, and not that somebody once wrote it."""
    platform = InWords()
    assert read(place, platform, **withdrawal(place)).seen is Seen.VISIBLE
    assert platform.asked == ["read_back ref-1"]
