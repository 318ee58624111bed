"""Issuing a hand-off: once, to the operator who asked, and never against the gate."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from channels.contract import DeliveryKind
from channels.tiktok.adapter import Adapter
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Envelope, Statement, StatementKind
from dispatcher.sending.permit import HandOff, Refusal
from tests.builders import everything_signed
from tests.cast import HOUR, NOW, person, roster, signed
from tests.packets import open_packet
from tests.sending.handing import DEVICE_SECRET, MINUTE, Office, opening
from tests.sending.kit import run

HALT = signed(StatementKind.HALT, "ops-1", scope="channel", target="tiktok", at=NOW - MINUTE)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A sender whose only account is on TikTok."""
    return Office(tmp_path)


def test_the_packet_opens_with_the_code_and_shows_what_was_signed(office: Office) -> None:
    """The captions are the signed rendering's, to be posted before the plan's window ends."""

    async def main() -> HandOff:
        await office.hand_over(office.order())
        return await office.issued()

    hand_off = run(main)
    contents = open_packet(hand_off.packet, DEVICE_SECRET, hand_off.code)
    document = canonical.decode(office.drafted.renderings[office.order().rendering])
    assert isinstance(document, dict)
    assert contents["captions"] == document["parts"]
    assert (contents["delivery"], contents["not_after"]) == (office.order().delivery, format_time(NOW + 4 * HOUR))


def test_a_code_lives_ten_minutes(office: Office) -> None:
    """From the moment of issue, by the sender's clock."""

    async def main() -> HandOff:
        await office.hand_over(office.order())
        return await office.issued()

    hand_off = run(main)
    assert (hand_off.issued_at, hand_off.expires_at) == (NOW, NOW + 10 * MINUTE)


def test_a_code_does_not_outlive_the_window(tmp_path: Path) -> None:
    """Five minutes before the end it lives five minutes."""
    office = Office(tmp_path, not_after=NOW + 5 * MINUTE)

    async def main() -> HandOff:
        await office.hand_over(office.order())
        return await office.issued()

    assert run(main).expires_at == NOW + 5 * MINUTE


def test_there_is_no_second_code(office: Office) -> None:
    """Whatever became of the first."""

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        await office.issued()
        return await office.not_issued()

    assert run(main) == ("G15",)


def test_there_is_no_second_code_after_a_restart(office: Office) -> None:
    """The spent file remembers."""

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        await office.issued()
        office.start()
        await office.fresh()
        return await office.not_issued()

    assert run(main) == ("G15",)


def test_of_two_who_ask_at_once_one_is_given_a_code(office: Office) -> None:
    """Both pass the gate and are sealed; only one reaches the spent file first."""

    async def main() -> list[Any]:
        await office.hand_over(office.order())
        return list(await asyncio.gather(office.issue(), office.issue()))

    assert {type(answer) for answer in run(main)} == {HandOff, Refusal}


def test_the_code_is_shown_once_and_written_nowhere(office: Office) -> None:
    """Neither on disk, nor in a log, nor in what the answer looks like in a traceback."""

    async def main() -> HandOff:
        await office.hand_over(office.order())
        return await office.issued()

    with structlog.testing.capture_logs() as logs:
        hand_off = run(main)
    written = office.spent_path.read_text() + str(logs) + repr(hand_off) + hand_off.packet.decode()
    assert "code_issued" in office.spent_path.read_text()
    assert not [form for form in (hand_off.code, hand_off.code.replace("-", "")) if form in written]


def test_a_halt_stops_the_code(office: Office) -> None:
    """A delivery that was handed over before the halt is not opened after it."""

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        await office.fresh(HALT)
        return await office.not_issued()

    assert run(main) == ("G16",)


def test_a_revocation_stops_the_code(office: Office) -> None:
    """Taken back after it was handed over: nothing is opened."""

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        revoke = signed(StatementKind.REVOKE, "security-1", subject=office.drafted.plan.digest, at=NOW - MINUTE)
        await office.fresh(revoke)
        return await office.not_issued()

    assert run(main) == ("G03",)


def test_the_end_of_the_window_stops_the_code(tmp_path: Path) -> None:
    """After the window there is nothing to post."""
    office = Office(tmp_path, not_after=NOW + 5 * MINUTE)

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        office.clock.advance(5 * MINUTE)
        await office.fresh()
        return await office.not_issued()

    assert run(main) == ("G04",)


def test_a_stale_status_stops_the_code(office: Office) -> None:
    """Who does not know what is stopped opens nothing."""

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        office.clock.advance(timedelta(seconds=61))
        return await office.not_issued()

    assert run(main) == ("G16",)


class Slow(Adapter):
    """Seals when it is told to."""

    sealing = threading.Event()
    go_on = threading.Event()

    def issue(self, *args: Any, **more: Any) -> tuple[str, bytes]:
        """Wait, then seal."""
        self.sealing.set()
        assert self.go_on.wait(10)
        return super().issue(*args, **more)


def test_a_halt_while_sealing_stops_the_code_and_does_not_use_it_up(office: Office) -> None:
    """The gate is asked again after sealing; when the halt is over the code can be issued."""
    Slow.sealing, Slow.go_on = threading.Event(), threading.Event()
    office.hold(Slow)

    async def main() -> tuple[tuple[str, ...], HandOff]:
        await office.hand_over(office.order())
        asking = asyncio.create_task(office.not_issued())
        assert await asyncio.to_thread(Slow.sealing.wait, 10)
        await office.fresh(HALT)
        Slow.go_on.set()
        refused = await asking
        await office.fresh(*resumed(HALT))
        return refused, await office.issued()

    assert run(main)[0] == ("G16",)


def test_a_halt_while_the_code_is_being_written_keeps_it_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is used up, because the disk says that it was issued; nobody sees it."""
    writing, go_on, flush = threading.Event(), threading.Event(), os.writev

    def slow_flush(descriptor: int, lines: Sequence[memoryview]) -> int:
        writing.set()
        assert go_on.wait(10)
        return flush(descriptor, lines)

    async def main() -> list[tuple[str, ...]]:
        await office.hand_over(office.order())
        monkeypatch.setattr(os, "writev", slow_flush)
        asking = asyncio.create_task(office.not_issued())
        assert await asyncio.to_thread(writing.wait, 10)
        await office.fresh(HALT)
        go_on.set()
        first = await asking
        await office.fresh(*resumed(HALT))
        return [first, await office.not_issued()]

    assert run(main) == [("G16",), ("G15",)]


def test_a_full_disk_issues_nothing_and_uses_nothing_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not on disk is not handed out; with room again it is issued."""

    def full(_: int, _lines: Sequence[memoryview]) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        with monkeypatch.context() as patched:
            patched.setattr(os, "writev", full)
            refused = await office.not_issued()
        await office.issued()
        return refused

    assert run(main) == ("G15",)


Wrong = Callable[[Office], Envelope]
WRONG: dict[str, Wrong] = {
    "another role": lambda o: opening(o.order(), "director-2"),
    "a role that the person does not hold": lambda o: opening(o.order(), "director-2", Role.OPERATOR),
    "another kind of statement": lambda o: opening(o.order(), kind=StatementKind.RESOLVE),
    "another device": lambda o: opening(o.order(), device="device-2"),
    "another delivery": lambda o: opening(o.order(delivery="dlv-other")),
    "another step": lambda o: opening(o.order(), step="posted"),
    "more than is asked": lambda o: opening(o.order(), also="this"),
    "too old": lambda o: opening(o.order(), ago=10 * MINUTE + timedelta(seconds=1)),
    "from the future": lambda o: opening(o.order(), ago=-MINUTE),
    "changed after signing": lambda o: replace(
        opening(o.order()), payload=opening(o.order()).payload.replace(b"operator-1", b"operator-2")
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_receipt_that_does_not_open_it_is_refused(office: Office, wrong: Wrong) -> None:
    """The operator's own, fresh, signed wish to open this delivery on this device, or nothing."""

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        return await office.not_issued(envelope=wrong(office))

    assert run(main) == ("G08",)


def test_who_approved_the_plan_does_not_open_it(tmp_path: Path) -> None:
    """Whoever said yes to the words is not the one who posts them (reference: policy 6.2)."""
    office = Office(tmp_path, roster=roster(security_1=person("security-1", Role.OPERATOR)))

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        return await office.not_issued(envelope=opening(office.order(), "security-1", Role.OPERATOR))

    assert run(main) == ("G08",)


def test_who_wrote_the_plan_does_not_open_it(tmp_path: Path) -> None:
    """Nor is its author."""
    office = Office(tmp_path, roster=roster(author_1=person("author-1", Role.OPERATOR)))

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        return await office.not_issued(envelope=opening(office.order(), "author-1", Role.OPERATOR))

    assert run(main) == ("G08",)


def test_what_was_not_handed_over_is_not_opened(office: Office) -> None:
    """A cleared plan alone opens nothing: the delivery has to come first."""

    async def main() -> tuple[str, ...]:
        await office.fresh()
        return await office.not_issued()

    assert run(main) == ("G15",)


def test_another_delivery_of_the_same_words_is_not_opened(office: Office) -> None:
    """A row made up beside the one that was handed over has no code."""

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        return await office.not_issued(office.order(delivery="dlv-made-up"))

    assert run(main) == ("G15",)


def test_other_words_than_the_signed_ones_are_not_opened(office: Office) -> None:
    """The digest of what would be sealed is recomputed as for any send."""

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        return await office.not_issued(office.order(rendering="ab" * 32))

    assert "G07" in run(main)


def test_a_device_without_a_secret_is_refused(office: Office) -> None:
    """An operator may ask for it; this sender cannot seal to it, and nothing is used up."""

    async def main() -> tuple[str, ...]:
        await office.hand_over(office.order())
        refused = await office.not_issued(device="device-2")
        await office.issued()
        return refused

    assert run(main) == ("G07",)


def test_an_account_that_is_not_here_is_refused(office: Office) -> None:
    """The order names an account that this sender does not hold."""

    async def main() -> tuple[str, ...]:
        return await office.not_issued(office.order(account="tiktok-2"))

    assert run(main) == ("G07",)


def test_a_withdrawal_is_opened_during_a_halt(office: Office) -> None:
    """Taking back is easier than sending, to the last step."""
    office.envelopes = everything_signed(office.drafted.plan, list(DeliveryKind))
    order = office.order(TextKind.WITHDRAW, original="https://www.tiktok.com/@city/video/1")

    async def main() -> HandOff:
        await office.fresh(HALT)
        await office.hand_over(order)
        return await office.issued(order)

    hand_off = run(main)
    assert open_packet(hand_off.packet, DEVICE_SECRET, hand_off.code)["kind"] == "withdraw"


def resumed(halt: Envelope) -> list[Envelope]:
    """Two others sign that the halt is over."""
    subject = Statement.decode(halt.payload).id
    return [signed(StatementKind.RESUME, who, subject=subject, at=NOW) for who in ("director-1", "director-2")]
