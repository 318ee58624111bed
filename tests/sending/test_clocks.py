"""A host whose clock cannot be gone by: nothing leaves while it is off, and nothing is lost when it is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from channels.contract import Outcome, Verdict
from dispatcher.gate.evidence import Then
from dispatcher.sending.clocks import TOLERANCE, WatchedClock
from dispatcher.sending.permit import Permit, Refusal
from tests.builders import FixedClock, draft, status
from tests.cast import DAY, HOUR, NOW, START
from tests.sending.kit import House, note, run, told

SECOND = timedelta(seconds=1)
OFF = {
    "2 minutes on": 131 * SECOND,
    "4 minutes on": 262 * SECOND,
    "4 minutes back": -262 * SECOND,
    "a day on": DAY,
    "a day back": -DAY,
    "to when there was no policy": START - 10 * 365 * DAY - NOW,
    "a year on": 365 * DAY,
}


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A sender of X and TikTok with a cleared plan and a fresh status."""
    return House(tmp_path, draft("x", "tiktok"))


def set_clock(house: House, by: timedelta) -> None:
    """Somebody sets the host's clock; the counter goes on as before."""
    house.clock.now += by
    house.clock_set_by += by


@pytest.mark.parametrize("off", OFF.values(), ids=OFF)
@pytest.mark.parametrize("channel", ["x", "tiktok"])
def test_a_clock_that_was_set_sends_nothing_until_it_is_right(house: House, off: timedelta, channel: str) -> None:
    """Each delivery waits, and none is held, expired or cancelled by a time that is wrong; then it goes out."""

    async def main() -> tuple[Permit | Refusal, int, Outcome | Refusal]:
        await told(house.sender, status=status())
        set_clock(house, off)
        while_off, made = await house.ask(house.drafted.order(channel)), house.made()
        set_clock(house, -off)
        return while_off, made, await house.deliver(house.drafted.order(channel))

    while_off, made, afterwards = run(main)
    assert isinstance(while_off, Refusal)
    assert (while_off.clauses, while_off.then, made) == (("G04",), Then.WAIT, 0)
    assert isinstance(afterwards, Outcome), afterwards
    assert afterwards.verdict is Verdict.ACCEPTED


def test_what_was_judged_before_the_clock_was_set_is_not_used_while_it_is_off(house: House) -> None:
    """A remembered yes does not outlast the clock that it was given by."""

    async def main() -> tuple[str, ...]:
        await house.permit(house.drafted.order("x"))
        set_clock(house, 262 * SECOND)
        return tuple(await house.refused(house.drafted.order("x")))

    assert run(main) == ("G04",)


@pytest.mark.parametrize("off", [timedelta(seconds=3), timedelta(seconds=-3), -DAY])
def test_a_clock_set_between_permit_and_send_sends_nothing(house: House, off: timedelta) -> None:
    """It is looked at once more before the first byte."""

    async def main() -> Outcome:
        permit = await house.permit(house.drafted.order("x"))
        set_clock(house, off)
        return await house.sender.send(permit, note)

    outcome = run(main)
    assert (outcome.verdict, outcome.code, house.made()) == (Verdict.DEFERRED, "G04", 0)
    assert "clock was set" in outcome.reason


def test_a_clock_that_jumps_to_and_fro_sends_only_while_it_is_right(house: House) -> None:
    """Every second ask finds it off by 262 s one way or the other; the others are permitted."""

    async def main() -> list[bool]:
        permitted = []
        for number in range(20):
            off = timedelta(0) if number % 2 else (1 - number % 4) * 262 * SECOND
            set_clock(house, off)
            permitted.append(isinstance(await house.ask(house.drafted.order("x")), Permit))
            set_clock(house, -off)
        return permitted

    assert run(main) == [False, True] * 10


@pytest.mark.parametrize(("off", "permitted"), [(TOLERANCE, True), (TOLERANCE + timedelta(microseconds=1), False)])
@pytest.mark.parametrize("way", [1, -1])
def test_two_seconds_either_way_are_let_pass(house: House, off: timedelta, permitted: bool, way: int) -> None:
    """Two seconds to the microsecond, and no more."""

    async def main() -> Permit | Refusal:
        set_clock(house, way * off)
        return await house.ask(house.drafted.order("x"))

    assert isinstance(run(main), Permit) is permitted


def test_time_that_passes_is_no_clock_that_was_set(house: House) -> None:
    """Three hours later, clock and counter agree."""

    async def main() -> Permit:
        house.clock.advance(3 * HOUR)
        return await house.permit(house.drafted.order("x"))

    assert run(main).delivery == house.drafted.order("x").delivery


@pytest.mark.parametrize("off", [262 * SECOND, -262 * SECOND, DAY, -DAY])
def test_a_host_that_differs_from_the_database_sends_nothing(house: House, off: timedelta) -> None:
    """A clock that was off before this process began is told by the database's, and the other way about."""
    order = replace(house.drafted.order("x"), asked_at=NOW + off)

    async def main() -> Permit | Refusal:
        return await house.ask(order)

    answer = run(main)
    assert isinstance(answer, Refusal)
    assert (answer.clauses, answer.then) == (("G04",), Then.WAIT)
    assert f"differs from the database's by {-round(off.total_seconds())} s" in answer.sentence


def test_a_host_that_agrees_with_the_database_sends(house: House) -> None:
    """Two seconds are on the way."""

    async def main() -> Permit:
        return await house.permit(replace(house.drafted.order("x"), asked_at=NOW - TOLERANCE))

    assert isinstance(run(main), Permit)


def test_a_clock_behind_the_signed_status_sends_nothing(house: House) -> None:
    """A status signed later than this host's now says that now is wrong; when time has come it goes on."""

    async def main() -> tuple[Permit | Refusal, Permit | Refusal]:
        await told(house.sender, status=status(at=NOW + 10 * SECOND))
        behind = await house.ask(house.drafted.order("x"))
        house.clock.advance(10 * SECOND)
        return behind, await house.ask(house.drafted.order("x"))

    behind, caught_up = run(main)
    assert isinstance(behind, Refusal)
    assert "10 s behind the signed status" in behind.sentence
    assert isinstance(caught_up, Permit)


def test_a_status_of_some_time_ago_says_nothing_about_the_clock(house: House) -> None:
    """It may be old because the relay rests; that is for another clause."""

    async def main() -> Permit:
        await told(house.sender, status=status(at=NOW - HOUR))
        return await house.permit(house.drafted.order("x"))

    assert isinstance(run(main), Permit)


def test_a_restart_does_not_make_a_wrong_clock_right(house: House) -> None:
    """A new process takes its clock as it finds it, and the database's time still tells."""

    async def main() -> Permit | Refusal:
        set_clock(house, DAY)
        house.start()
        return await house.ask(replace(house.drafted.order("x"), asked_at=NOW))

    answer = run(main)
    assert isinstance(answer, Refusal)
    assert answer.clauses == ("G04",)


def test_what_is_said_names_by_how_much_the_clock_is_off() -> None:
    """In whole seconds, so that whoever sets it knows."""
    watched = WatchedClock.starting(FixedClock(), lambda: 0.0)
    said = "this host's clock was set by -262 s since this process began"
    assert watched.fault(NOW - 262 * SECOND, None, None) == said


def test_a_clock_two_seconds_behind_the_signed_status_is_let_pass() -> None:
    """Two seconds exactly, and no more."""
    watched, most = WatchedClock.starting(FixedClock(), lambda: 0.0), timedelta(microseconds=1)
    assert watched.fault(NOW, None, NOW + TOLERANCE) is None
    assert watched.fault(NOW, None, NOW + TOLERANCE + most) is not None
