"""Token buckets that processes share, in a real Redis and without one."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis import Redis

from channels.capabilities import Rate
from tests.stage import NOWHERE, true
from workers.buckets import Buckets, Local, Taken, Wish

pytestmark = pytest.mark.system

RATE = Rate(10, 1.0, burst=5)
"""A token every tenth of a second; five at once."""


def wish(count: int, horizon_s: float = 0.0, rate: Rate = RATE) -> Wish:
    return Wish(rate, count, horizon_s)


def mode() -> str:
    """A mode of nobody else's, on the Redis that tests share."""
    return secrets.token_hex(4)


Opened = Callable[..., Buckets]


def run(work: Callable[[Opened], Coroutine[Any, Any, None]]) -> None:
    """Run a test's coroutine with what opens the buckets of a process, all of them closed at the end."""

    async def main() -> None:
        async with asyncio.timeout(20), AsyncExitStack() as closing:

            def opened(url: str, name: str) -> Buckets:
                buckets = Buckets(url, name, 1)
                closing.push_async_callback(buckets.aclose)
                return buckets

            await work(opened)

    asyncio.run(main())


def test_the_burst_is_good_at_once(redis_url: str) -> None:
    """Five tokens of five, all of them good now."""

    async def main(opened: Opened) -> None:
        taken = (await opened(redis_url, mode()).take({"a": wish(5)}))["a"]
        assert taken.count == 5
        assert taken.first_s + 4 * taken.every_s < 0.001

    run(main)


def test_processes_share_one_bucket(redis_url: str) -> None:
    """Ten processes that ask at once for three tokens each get five between them."""

    async def main(opened: Opened) -> None:
        name = mode()
        crew = [opened(redis_url, name) for _ in range(10)]
        taken = await asyncio.gather(*(buckets.take({"a": wish(3)}) for buckets in crew))
        assert sum(answer["a"].count for answer in taken) == 5

    run(main)


def test_what_is_taken_ahead_says_when_it_is_good(redis_url: str) -> None:
    """Beyond the burst a token is good a tenth of a second after the one before."""

    async def main(opened: Opened) -> None:
        buckets = opened(redis_url, mode())
        await buckets.take({"a": wish(5)})
        ahead = (await buckets.take({"a": wish(100, horizon_s=1.0)}))["a"]
        assert ahead.count == 10
        assert 0.0 < ahead.first_s <= 0.1

    run(main)


def test_over_time_no_more_is_taken_than_the_rate_and_the_burst(redis_url: str) -> None:
    """Two processes that ask as fast as they can for a second."""

    async def main(opened: Opened) -> None:
        name, rate = mode(), Rate(100, 1.0, burst=10)
        crew = [opened(redis_url, name) for _ in range(2)]
        began_s, count = time.monotonic(), 0
        while time.monotonic() < began_s + 1.0:
            for buckets in crew:
                count += (await buckets.take({"a": wish(50, rate=rate)}))["a"].count
        most = rate.burst + rate.sends * (time.monotonic() - began_s)
        assert 0.9 * most <= count <= most + 1

    run(main)


def test_a_chunk_takes_the_tokens_of_all_its_accounts_in_one_round_trip(redis_url: str) -> None:
    """A hundred accounts, one command."""

    async def main(opened: Opened) -> None:
        buckets, client = opened(redis_url, mode()), Redis.from_url(redis_url)
        await buckets.take({"warm": wish(1)})
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        taken = await buckets.take({f"account-{number}": wish(1) for number in range(100)})
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] - before == 1
        assert sum(answer.count for answer in taken.values()) == 100
        client.close()

    run(main)


def test_without_redis_the_first_send_does_not_wait() -> None:
    """Nobody answers, and the local share does."""

    async def main(opened: Opened) -> None:
        began_s = time.monotonic()
        taken = (await opened(NOWHERE, mode()).take({"a": wish(1)}))["a"]
        assert taken.count == 1
        assert taken.first_s <= 0
        assert time.monotonic() - began_s < 1

    run(main)


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
def test_local_shares_never_add_up_to_more_than_the_whole(processes: int) -> None:
    """In a minute all processes together take no more than rate and burst, but for one token each to begin with."""
    rate, taken = Rate(60, 60.0, burst=8), 0
    for share in [Local(processes) for _ in range(processes)]:
        taken += sum(share.take("a", wish(10, rate=rate), float(now_s)).count for now_s in range(60))
    assert taken <= rate.sends + max(rate.burst, processes)


def test_local_and_shared_arithmetic_agree(redis_url: str) -> None:
    """The same wishes get the same answers, but for the time that Redis takes."""

    async def main(opened: Opened) -> None:
        buckets, local = opened(redis_url, mode()), Local(1)
        now_s = time.monotonic()
        for count, horizon_s in ((3, 0.0), (9, 2.0), (40, 1.0), (1, 9.0)):
            one = (await buckets.take({"a": wish(count, horizon_s, Rate(1, 60.0, burst=5))}))["a"]
            other = local.take("a", wish(count, horizon_s, Rate(1, 60.0, burst=5)), now_s)
            assert one == Taken(other.count, pytest.approx(other.first_s, abs=1.0), other.every_s)

    run(main)


def test_a_pause_is_heard_by_the_other_processes(redis_url: str) -> None:
    """With the seconds that are left of it."""

    async def main(opened: Opened) -> None:
        name, stopping, heard = mode(), asyncio.Event(), list[tuple[str, float]]()
        other = opened(redis_url, name)
        ears = asyncio.create_task(other.listen(lambda *said: heard.append(said), stopping))
        teller = Redis.from_url(redis_url)
        await true(lambda: teller.pubsub_numsub(f"dispatcher:pauses:{name}")[0][1], "somebody listens")
        await opened(redis_url, name).tell("x-1", 30.0)
        await true(lambda: heard, "the pause is heard")
        stopping.set()
        await ears
        teller.close()
        assert [(account, round(wait_s)) for account, wait_s in heard] == [("x-1", 30)]

    run(main)


def test_a_process_that_starts_later_hears_of_it_too(redis_url: str) -> None:
    """And of no pause that is over."""

    async def main(opened: Opened) -> None:
        name, stopping, heard = mode(), asyncio.Event(), list[str]()
        await opened(redis_url, name).tell("over", 0.0)
        await opened(redis_url, name).tell("x-1", 30.0)
        ears = asyncio.create_task(opened(redis_url, name).listen(lambda account, _: heard.append(account), stopping))
        await true(lambda: heard, "the pause is heard")
        stopping.set()
        await ears
        assert heard == ["x-1"]

    run(main)


@pytest.mark.parametrize("said", [b"", b"[]", b'["x-1"]', b'["x-1", "soon"]', b"{}", b"\xff"])
def test_what_is_no_pause_is_not_heard(said: bytes, redis_url: str) -> None:
    """Whoever may write to Redis may send anything."""

    async def main(opened: Opened) -> None:
        name, stopping, heard = mode(), asyncio.Event(), list[str]()
        client = Redis.from_url(redis_url)
        client.hset(f"dispatcher:pauses:{name}", "x-0", said)  # type: ignore[arg-type]
        await opened(redis_url, name).tell("x-1", 30.0)
        ears = asyncio.create_task(opened(redis_url, name).listen(lambda account, _: heard.append(account), stopping))
        await true(lambda: heard, "the pause is heard")
        stopping.set()
        await ears
        client.close()
        assert heard == ["x-1"]

    run(main)
