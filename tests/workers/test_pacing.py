"""Which delivery may go, and when: shares, pauses, breakers, budgets, holds. Without a database or a network."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from channels import registry
from channels.contract import Outcome, Verdict
from dispatcher.domain.people import DeploymentKind
from dispatcher.sender_bootstrap import now
from dispatcher.settings import ChannelFigures, Settings, Timing
from dispatcher.store.holds import Standing
from dispatcher.store.leasing import NOTHING_SHUT, Leased, Shut
from dispatcher.store.queue import Move
from tests.stage import true
from tests.workers.leases import a_lease
from workers.breaker import FLOOR_PER_S, WINDOW_S
from workers.buckets import Buckets
from workers.pacing import HAND, Pacing

T = TypeVar("T")

TIMING = Timing(lease_ms=20_000, retry_ms=100, retry_most_ms=400)
FREE = {name: ChannelFigures(sends_per_minute=0) for name in ("x", "bluesky", "notify")}
SLOW = {"x": ChannelFigures(sends_per_minute=600, burst=2)}
"""Ten a second, two at once."""

ACCEPTED = Outcome(Verdict.ACCEPTED, reference="1")
DROPPED = Outcome(Verdict.IN_DOUBT, "no answer", "timeout")
THROTTLED = Outcome(Verdict.DEFERRED, "slow down", status=429, retry_after_s=0.3, account_wide=True)


@dataclass
class Desk:
    """A process's pacing, and what it told."""

    pacing: Pacing
    told: list[tuple[str, bool]] = field(default_factory=list)
    rings: int = 0

    async def admit(self, *items: Leased) -> tuple[list[str], list[Move]]:
        """What may go on, by name, and what is put back."""
        admitted, moves = await self.pacing.admit(items)
        return [item.id for item in admitted], moves

    async def hear(self, outcome: Outcome, *items: Leased) -> None:
        """Admit and call these, and let the platform answer all of them with this."""
        for item in (await self.pacing.admit(items))[0]:
            assert await self.turn(item) is None
            self.pacing.heard(item, outcome)
            self.pacing.done(item)

    async def turn(self, item: Leased, within_s: float = 15.0) -> Outcome | None:
        """The turn of one that was admitted."""
        return await self.pacing.turn(item, now() + timedelta(seconds=within_s))


def at_desk(work: Callable[[Desk], Awaitable[T]], figures: Mapping[str, ChannelFigures] = FREE) -> T:
    """Run a test's coroutine with a pacing that has no Redis."""

    async def main() -> T:
        settings = Settings(Path(), "example", DeploymentKind.TEST, "sqlite://", timing=TIMING, channels=figures)

        async def broken(account: str, open_s: float | None, _reason: str) -> None:
            desk.told.append((account, open_s is not None))

        def ring() -> None:
            desk.rings += 1

        desk = Desk(Pacing(settings, now, Buckets(None, "exercise", 1), broken, ring))
        async with asyncio.timeout(20):
            try:
                return await work(desk)
            finally:
                await desk.pacing.close()

    return asyncio.run(main())


def some(count: int, account: str = "x-1", **more: object) -> list[Leased]:
    """Leased deliveries of an account, of the channel that its name begins with."""
    channel = account.partition("-")[0]
    return [a_lease(id=f"{account}/{number}", account=account, channel=channel, **more) for number in range(count)]


def reasons(moves: Sequence[Move]) -> set[str]:
    return {move.reason for move in moves}


def test_what_nothing_speaks_against_goes_on_at_once() -> None:
    """All of a chunk, and nothing is shut."""

    async def work(desk: Desk) -> None:
        items = some(5)
        assert await desk.admit(*items) == ([item.id for item in items], [])
        assert await desk.turn(items[0]) is None
        assert desk.pacing.shut() == NOTHING_SHUT

    at_desk(work)


def test_a_limited_account_sends_at_its_rate() -> None:
    """Twelve deliveries at two and then ten a second take a second."""

    async def work(desk: Desk) -> float:
        items = some(12)
        began = now()
        await desk.admit(*items)
        for item in items:
            assert await desk.turn(item) is None
            desk.pacing.done(item)
        return (now() - began).total_seconds()

    assert 0.95 <= at_desk(work, SLOW) < 1.5


def test_what_is_beyond_the_rate_is_put_back_and_its_account_shut_for_a_while() -> None:
    """Nothing is lost: it is due again when there will be tokens."""

    async def work(desk: Desk) -> None:
        admitted, moves = await desk.admit(*some(60))
        assert len(admitted) in (26, 27)  # two, and those of the next two and a half seconds
        assert reasons(moves) == {"the account's rate limit is reached"}
        assert all(move.target == "ready" and move.due_at and move.due_at > now() for move in moves)
        assert desk.pacing.shut() == Shut(accounts=frozenset({"x-1"}))
        await true(lambda: desk.rings, "the account is looked at again")

    at_desk(work, SLOW)


def test_a_pause_concerns_its_account_only() -> None:
    """The others go on."""

    async def work(desk: Desk) -> None:
        await desk.hear(THROTTLED, *some(1))
        admitted, moves = await desk.admit(*some(1), *some(1, "x-2"))
        assert admitted == ["x-2/0"]
        assert reasons(moves) == {"the account waits as its platform asked"}
        assert desk.pacing.shut() == Shut(accounts=frozenset({"x-1"}))

    at_desk(work)


def test_what_was_admitted_before_a_pause_waits_for_its_end() -> None:
    """No call is made meanwhile."""

    async def work(desk: Desk) -> None:
        first, second = some(2)
        await desk.admit(first, second)
        began = now()
        desk.pacing.heard(first, THROTTLED)
        assert await desk.turn(second) is None
        assert (now() - began).total_seconds() >= 0.29

    at_desk(work)


def test_a_pause_that_outlasts_the_lease_puts_back() -> None:
    """With the wait that is left, as no try."""

    async def work(desk: Desk) -> None:
        first, second = some(2)
        await desk.admit(first, second)
        desk.pacing.heard(first, THROTTLED)
        late = await desk.turn(second, within_s=0.1)
        assert late is not None
        assert (late.verdict, late.code) == (Verdict.DEFERRED, "paused")
        assert 0.2 < (late.retry_after_s or 0) <= 0.3

    at_desk(work)


def test_a_broken_account_is_left_alone_then_tried_with_one() -> None:
    """After five failures nothing goes; after the wait one delivery; after its success all."""

    async def work(desk: Desk) -> None:
        await desk.hear(DROPPED, *some(5))
        admitted, moves = await desk.admit(*some(3))
        assert admitted == []
        assert reasons(moves) == {"the account's circuit breaker is open"}
        await true(lambda: desk.rings, "the account is looked at again")
        probe, *others = some(3)
        assert (await desk.admit(probe, *others))[0] == [probe.id]
        assert await desk.turn(probe) is None
        desk.pacing.heard(probe, ACCEPTED)
        desk.pacing.done(probe)
        assert (await desk.admit(*others))[0] == [item.id for item in others]
        await true(lambda: desk.told == [("x-1", True), ("x-1", False)], "it is written down")

    at_desk(work)


def test_what_was_admitted_before_a_breaker_opened_is_put_back() -> None:
    """It is not called, and counts as no try."""

    async def work(desk: Desk) -> None:
        *failing, last = some(6)
        await desk.admit(*failing, last)
        for item in failing:
            desk.pacing.heard(item, DROPPED)
            desk.pacing.done(item)
        late = await desk.turn(last)
        assert late is not None
        assert late.code == "paused"

    at_desk(work)


def test_what_another_process_found_broken_is_left_alone_here() -> None:
    """As it wrote down; when that is gone, all goes on."""

    async def work(desk: Desk) -> None:
        desk.pacing.standing = Standing(broken={"x-1": now() + timedelta(seconds=30)})
        assert desk.pacing.shut() == Shut(accounts=frozenset({"x-1"}))
        assert (await desk.admit(*some(1)))[0] == []
        desk.pacing.standing = Standing()
        assert (await desk.admit(*some(1)))[0] == ["x-1/0"]

    at_desk(work)


def test_a_held_account_gets_nothing_whatever_its_breaker_says() -> None:
    """A breaker that closes, and even a success, end no person's hold."""

    async def work(desk: Desk) -> None:
        await desk.hear(DROPPED, *some(5))
        desk.pacing.standing = Standing(held={"x-1": "maintenance"})
        await true(lambda: desk.rings, "the breaker's time is over")
        admitted, moves = await desk.admit(*some(1))
        assert (admitted, reasons(moves)) == ([], {"the account is held: maintenance"})
        assert desk.pacing.shut().accounts >= {"x-1"}

    at_desk(work)


def test_a_hold_stops_what_was_admitted_before_it() -> None:
    """Up to the moment of the call."""

    async def work(desk: Desk) -> None:
        (item,) = some(1)
        await desk.admit(item)
        desk.pacing.standing = Standing(held={"x-1": "maintenance"})
        late = await desk.turn(item)
        assert late is not None
        assert (late.reason, late.code) == ("the account is held: maintenance", "paused")

    at_desk(work)


def test_repeats_beyond_the_budget_wait() -> None:
    """The rest is put back; first sends go on."""

    async def work(desk: Desk) -> None:
        floor = round(FLOOR_PER_S * WINDOW_S)
        admitted, moves = await desk.admit(*some(floor + 30, attempts=1, failures=1))
        assert len(admitted) == floor
        assert reasons(moves) == {"the account's retry budget is used up"}
        assert len((await desk.admit(*some(50, "x-1")))[0]) == 50

    at_desk(work)


def test_what_was_put_back_before_its_call_is_no_repeat() -> None:
    """Its account paused, say: an attempt was meant, and no byte left."""

    async def work(desk: Desk) -> None:
        assert len((await desk.admit(*some(300, attempts=1)))[0]) == 300

    at_desk(work)


def test_an_account_is_leased_no_further_than_its_share() -> None:
    """And again when half of it is done."""

    async def work(desk: Desk) -> None:
        items = some(HAND // 4)
        await desk.admit(*items)
        assert desk.pacing.shut() == Shut(accounts=frozenset({"x-1"}))
        for item in items[: HAND // 8]:
            desk.pacing.done(item)
        assert desk.rings == 1
        assert desk.pacing.shut() == NOTHING_SHUT

    at_desk(work)


def test_many_accounts_of_one_channel_leave_room_for_others() -> None:
    """A channel's share is leased no further either."""

    async def work(desk: Desk) -> None:
        for number in range(HAND // 2):
            await desk.admit(*some(1, f"x-{number}"))
        assert desk.pacing.shut().channels == {"x"}
        async with asyncio.timeout(1):
            await desk.pacing.room()

    at_desk(work)


def test_a_process_holds_no_more_than_its_hand() -> None:
    """It waits for room, and goes on when there is some."""

    async def work(desk: Desk) -> None:
        items = [item for number in range(HAND // 8) for item in some(8, f"x-{number}")]
        await desk.admit(*items)
        waiting = asyncio.create_task(desk.pacing.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        desk.pacing.done(items[0])
        await waiting

    at_desk(work)


def test_a_slow_account_takes_no_other_accounts_turn() -> None:
    """While every call of one account hangs, and more of it wait, another's goes at once."""

    async def work(desk: Desk) -> None:
        slow, (other,) = some(50), some(1, "x-2")
        await desk.admit(*slow, other)
        hanging = [asyncio.create_task(desk.turn(item)) for item in slow]
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            assert await desk.turn(other) is None
        for task in hanging:
            task.cancel()

    at_desk(work)


def test_whatever_becomes_of_a_chunk_it_is_out_of_hand_at_the_end() -> None:
    """Refused, lost or called: all that is left is nothing."""

    async def work(desk: Desk) -> None:
        items = some(HAND // 4)
        with desk.pacing.holding(items):
            await desk.admit(*items)
        assert desk.pacing.shut() == NOTHING_SHUT

    at_desk(work)


def test_a_channel_that_nobody_knows_is_left_to_the_sender() -> None:
    """Which refuses it."""

    async def work(desk: Desk) -> None:
        assert (await desk.admit(*some(1, "nothing-1")))[0] == ["nothing-1/0"]

    at_desk(work)


def test_a_wait_for_the_same_reason_as_before_is_not_told_again() -> None:
    """The ledger holds it already."""

    async def work(desk: Desk) -> None:
        reason = "the account is held: maintenance"
        desk.pacing.standing = Standing(held={"x-1": "maintenance"})
        _, moves = await desk.admit(*some(1), *some(1, "x-1", reason=reason))
        assert [move.again for move in moves] == [False, True]

    at_desk(work)


def test_a_chunk_s_end_lets_nothing_of_another_s_lease_go() -> None:
    """A delivery that was put back and leased again gives its call back, though its old chunk ends meanwhile."""

    async def work(desk: Desk) -> None:
        limit = registry.adapter("x").capabilities.max_in_flight
        for before in some(limit + 1, fence=1):
            again = replace(before, fence=2)
            with desk.pacing.holding([before]):
                await desk.pacing.admit([before])
                desk.pacing.keep([before], ())
                await desk.pacing.admit([again])
            assert await desk.turn(again) is None  # never comes where a call before was not given back
            desk.pacing.done(again)

    at_desk(work)
