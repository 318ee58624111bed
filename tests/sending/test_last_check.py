"""Between permit and send, and from one ask to the next: what changed meanwhile counts, and a permit is one call."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.contract import DeliveryKind, Outcome, Verdict
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import StatementKind
from dispatcher.sending.permit import Permit
from dispatcher.sending.sender import PERMIT_LIFE
from tests.builders import draft, everything_signed, status
from tests.cast import DAY, HOUR, NOW, START, signed
from tests.sending.kit import House, note, run, told
from tests.sending.socketed import Hanging, Place, eventually

SECOND = timedelta(seconds=1)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A sender of X, webhook and TikTok with a cleared plan."""
    return House(tmp_path, draft("x", "webhook", "tiktok"))


async def revoke(house: House) -> None:
    """Take the plan back."""
    await told(house.sender, signed(StatementKind.REVOKE, "security-1", subject=house.drafted.plan.digest))


async def halt(house: House) -> None:
    """Halt the account."""
    await told(house.sender, signed(StatementKind.HALT, "ops-1", scope="account", target="x-1"))


async def unknown_stop(house: House) -> None:
    """A status lists a stop that has not arrived."""
    await told(house.sender, status=status(["ab" * 32]))


async def let_it_lapse(house: House) -> None:
    """Wait until the permit is too old."""
    house.clock.advance(15 * SECOND)


async def close_the_window(house: House) -> None:
    """Another permit is asked for so late that the window ends before its call could."""
    house.clock.now = house.drafted.plan.not_after - SECOND


async def set_the_clock_back(house: House) -> None:
    """Somebody sets the clock to before there was a policy."""
    house.clock.now = START - 10 * 365 * DAY


@pytest.mark.parametrize(
    ("between", "code"),
    [
        (set_the_clock_back, "G01"),
        (revoke, "G03"),
        (halt, "G16"),
        (unknown_stop, "G16"),
        (let_it_lapse, "permit"),
        (close_the_window, "permit"),
    ],
)
def test_nothing_leaves_when_something_happens_between_permit_and_send(house: House, between: Any, code: str) -> None:
    """The last check is made with what is known at that moment; the platform is not called."""

    async def main() -> Outcome:
        permit = await house.permit(house.drafted.order("x"))
        await between(house)
        return await house.sender.send(permit, note)

    outcome = run(main)
    assert (outcome.verdict, outcome.code, house.made()) == (Verdict.DEFERRED, code, 0)


def test_the_window_is_checked_once_more_before_the_first_byte(house: House) -> None:
    """A permit given with just enough time left is of no use when that time has gone."""

    async def main() -> Outcome:
        house.clock.now = house.drafted.plan.not_after - 2 * SECOND
        permit = await house.permit(house.drafted.order("x"))
        house.clock.advance(timedelta(microseconds=1))
        return await house.sender.send(permit, note)

    assert (run(main).code, house.made()) == ("G04", 0)


def test_a_correction_passes_a_revocation_that_came_after_its_permit(house: House) -> None:
    """Taking back is not stopped by taking back."""
    house.envelopes = everything_signed(house.drafted.plan, list(DeliveryKind))

    async def main() -> Outcome:
        permit = await house.permit(house.drafted.order("x", TextKind.CORRECT))
        await revoke(house)
        return await house.sender.send(permit, note)

    assert run(main).verdict is Verdict.ACCEPTED


def test_a_permit_is_good_for_one_call(house: House) -> None:
    """The second use reaches nothing."""

    async def main() -> list[Verdict]:
        permit = await house.permit(house.drafted.order("x"))
        return [(await house.sender.send(permit, note)).verdict for _ in range(2)]

    assert (run(main), house.made()) == ([Verdict.ACCEPTED, Verdict.DEFERRED], 1)


@pytest.mark.parametrize("forged", [{"id": "ab" * 8}, {"delivery": "dlv-other"}, {"expires_at": NOW + HOUR}])
def test_a_forged_permit_is_worth_nothing(house: House, forged: dict[str, Any]) -> None:
    """A permit must be, in every field, one that this sender gave."""

    async def main() -> Outcome:
        permit = await house.permit(house.drafted.order("x"))
        return await house.sender.send(replace(permit, **forged), note)

    assert (run(main).code, house.made()) == ("permit", 0)


def test_a_permit_does_not_outlive_a_restart(house: House) -> None:
    """What was granted is in memory only."""

    async def main() -> Outcome:
        permit = await house.permit(house.drafted.order("x"))
        return await house.start().send(permit, note)

    assert (run(main).code, house.made()) == ("permit", 0)


def test_two_permits_for_one_destination_make_one_post(house: House) -> None:
    """Whichever is used second finds the destination open or spent."""

    async def main() -> list[Verdict]:
        order = house.drafted.order("x")
        permits = await house.sender.permit(house.bundle, [order, order])
        return [(await house.sender.send(p, note)).verdict for p in permits if isinstance(p, Permit)]

    assert (run(main), house.made()) == ([Verdict.ACCEPTED, Verdict.DEFERRED], 1)


def test_a_stop_ends_what_was_judged_before(house: House) -> None:
    """A remembered judgement is not used once something was stopped."""

    async def main() -> list[Any]:
        await house.permit(house.drafted.order("x"))
        await revoke(house)
        return list(await house.refused(house.drafted.order("x")))

    assert run(main) == ["G03"]


def test_permits_that_ran_out_are_forgotten(house: House) -> None:
    """Asking again and again does not fill the memory."""

    async def main() -> int:
        for _ in range(3):
            await house.permit(house.drafted.order("webhook"))
            house.clock.advance(PERMIT_LIFE)
        return len(house.sender._granted)

    assert run(main) == 1


def test_a_halt_while_the_attempt_is_being_written_down_stops_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may take its time; the last look is behind it, and the destination stays free."""
    writing, go_on, flush = threading.Event(), threading.Event(), os.writev

    def slow_flush(descriptor: int, lines: Sequence[memoryview]) -> int:
        writing.set()
        assert go_on.wait(10)
        return flush(descriptor, lines)

    async def main() -> Outcome:
        permit = await house.permit(house.drafted.order("x"))
        monkeypatch.setattr(os, "writev", slow_flush)
        sending = asyncio.create_task(house.sender.send(permit, note))
        assert await asyncio.to_thread(writing.wait, 10)
        await halt(house)
        go_on.set()
        outcome = await sending
        await house.spent.written()
        return outcome

    assert (run(main).code, house.made()) == ("G16", 0)
    events = [json.loads(line)["event"] for line in house.spent_path.read_text().splitlines()]
    assert events == ["open", "unsent"]


def test_a_revocation_between_permit_and_send_is_named(house: House) -> None:
    """The reason of the outcome is a word that people know."""

    async def main() -> Outcome:
        permit = await house.permit(house.drafted.order("x"))
        await revoke(house)
        return await house.sender.send(permit, note)

    assert run(main).reason == "revoked"


def test_an_adapter_is_given_a_moment_more_than_its_own_limit(tmp_path: Path) -> None:
    """It ends its calls itself; only one that does not is cut off."""
    house = Place(tmp_path, draft("x"))
    hanging = Hanging()
    house.put("x", hanging, timeout_s=0.1)

    async def main() -> Outcome:
        loop = asyncio.get_running_loop()
        permit = await house.permit(house.drafted.order("x"))
        sending = asyncio.create_task(house.sender.send(permit, note))
        await hanging.reached.wait()
        began = loop.time()
        await eventually(lambda: loop.time() > began + 0.15)
        hanging.go_on.set()
        return await sending

    assert run(main).verdict is Verdict.ACCEPTED
