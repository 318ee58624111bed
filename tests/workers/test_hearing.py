"""Hearing bells over a real Redis: everybody who listens, and only to what they listen for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis

from dispatcher.embedded.errors import RedisMissing
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.redis import RedisServer, private_redis
from tests.servers import missing, started, until
from workers import hearing
from workers.broker import bell_key, open_broker, queue_name, ring
from workers.hearing import hear
from workers.pausing import pause
from workers.stops import bell

pytestmark = pytest.mark.system

WITHIN_S = 15.0
AT_ONCE_S = 0.01
NEVER_S = 3_600.0
LANE = bell_key(queue_name("accounts", "exercise"))


class Ear:
    """What one listener heard."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.rung = asyncio.Event()

    def call(self, what: str) -> Callable[[], None]:
        """The call of one bell."""

        def hears() -> None:
            self.heard.append(what)
            self.rung.set()

        return hears


def ring_lane(url: str, lane: str = "accounts", mode: str = "exercise") -> None:
    """Ring as a release does."""
    broker = open_broker(url)
    try:
        ring(broker, lane, mode, "dsp-1")
    finally:
        broker.client.close()


def listeners(url: str, channel: str) -> int:
    """How many listen to a bell."""
    with redis.Redis.from_url(url) as client:
        ((_, count),) = client.pubsub_numsub(channel)
    return int(count)


async def listened_to(url: str, channel: str, count: int = 1) -> None:
    """Wait until so many listen to a bell."""
    await asyncio.to_thread(until, lambda: listeners(url, channel) == count, f"{count} listen to {channel}")


@asynccontextmanager
async def hearing_bells(
    url: str, *ears: Mapping[str, Callable[[], None]], again_s: float = AT_ONCE_S
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Listeners, each with its bells, that are stopped at the end."""
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(hear(url, bells, stopping, again_s)) for bells in ears]
    async with asyncio.timeout(WITHIN_S):
        yield tasks
        stopping.set()
        await asyncio.gather(*tasks)


@pytest.fixture
def quiet_url(redis_url: str) -> str:
    """A Redis at which nobody of an earlier test listens any more."""
    for channel in (LANE, bell("exercise")):
        until(lambda channel=channel: not listeners(redis_url, channel), f"nobody listens to {channel}")  # type: ignore[misc]
    return redis_url


@pytest.fixture
def server(tmp_path: Path) -> RedisServer:
    """A Redis that nobody has started yet."""
    folder = Folder(tmp_path)
    folder.prepare(free_floor_bytes=0)
    try:
        return private_redis(folder)
    except RedisMissing as error:
        missing("redis-server", str(error))


def noted_pauses(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set as soon as a listener rests because Redis is away."""
    resting = asyncio.Event()

    def noted(stopping: asyncio.Event, seconds: float) -> Awaitable[None]:
        resting.set()
        return pause(stopping, seconds)

    monkeypatch.setattr(hearing, "pause", noted)
    return resting


def test_everyone_who_listens_hears_a_ring(quiet_url: str) -> None:
    """A message reaches one process of a lane; its bell reaches them all."""

    async def main() -> list[list[str]]:
        ears = [Ear(), Ear()]
        async with hearing_bells(quiet_url, *({LANE: ear.call("lane")} for ear in ears)):
            await listened_to(quiet_url, LANE, 2)
            await asyncio.to_thread(ring_lane, quiet_url)
            for ear in ears:
                await ear.rung.wait()
        return [ear.heard for ear in ears]

    assert asyncio.run(main()) == [["lane"], ["lane"]]


@pytest.mark.parametrize(("lane", "mode"), [("recipients", "exercise"), ("accounts", "live")], ids=["lane", "mode"])
def test_the_bell_of_another_lane_or_mode_is_not_heard(quiet_url: str, lane: str, mode: str) -> None:
    """It rings first, and the first that is heard is the own one."""

    async def main() -> list[str]:
        ear = Ear()
        async with hearing_bells(quiet_url, {LANE: ear.call("lane")}):
            await listened_to(quiet_url, LANE)
            await asyncio.to_thread(ring_lane, quiet_url, lane, mode)
            await asyncio.to_thread(ring_lane, quiet_url)
            await ear.rung.wait()
        return ear.heard

    assert asyncio.run(main()) == ["lane"]


def test_each_bell_has_its_own_call(quiet_url: str) -> None:
    """A halt is not taken for a release, nor the other way round."""

    async def main() -> list[str]:
        ear, heard = Ear(), list[str]()
        bells = {LANE: ear.call("lane"), bell("exercise"): ear.call("stops")}
        async with hearing_bells(quiet_url, bells):
            await listened_to(quiet_url, LANE)
            await listened_to(quiet_url, bell("exercise"))
            with redis.Redis.from_url(quiet_url) as client:
                client.publish(bell("exercise"), b"")
            await ear.rung.wait()
            heard += ear.heard
            ear.rung.clear()
            await asyncio.to_thread(ring_lane, quiet_url)
            await ear.rung.wait()
            return [*heard, *ear.heard[len(heard) :]]

    assert asyncio.run(main()) == ["stops", "lane"]


def test_a_redis_that_is_away_at_first_is_heard_once_it_is_there(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to be started again for it."""

    async def main() -> list[str]:
        ear, resting = Ear(), noted_pauses(monkeypatch)
        async with hearing_bells(server.url, {LANE: ear.call("lane")}):
            await resting.wait()
            with started(server):
                await listened_to(server.url, LANE)
                await asyncio.to_thread(ring_lane, server.url)
                await ear.rung.wait()
        return ear.heard

    assert asyncio.run(main()) == ["lane"]


def test_a_redis_that_was_away_in_between_is_heard_again(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new server knows nobody: whoever listened says again what for."""

    async def main() -> list[str]:
        ear, resting = Ear(), noted_pauses(monkeypatch)
        async with hearing_bells(server.url, {LANE: ear.call("lane")}):
            with started(server):
                await listened_to(server.url, LANE)
            await resting.wait()
            with started(server):
                await listened_to(server.url, LANE)
                await asyncio.to_thread(ring_lane, server.url)
                await ear.rung.wait()
        return ear.heard

    assert asyncio.run(main()) == ["lane"]


def test_who_listens_ends_when_asked_to(quiet_url: str) -> None:
    """With no ring to wake them, and nobody of theirs stays behind at the server."""

    async def main() -> list[bool]:
        async with hearing_bells(quiet_url, {LANE: Ear().call("lane")}) as tasks:
            await listened_to(quiet_url, LANE)
        await listened_to(quiet_url, LANE, 0)
        return [task.done() for task in tasks]

    assert asyncio.run(main()) == [True]


def test_who_waits_for_redis_ends_when_asked_to(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long they would have waited before they tried again."""

    async def main() -> list[bool]:
        resting = noted_pauses(monkeypatch)
        async with hearing_bells(server.url, {LANE: Ear().call("lane")}, again_s=NEVER_S) as tasks:
            await resting.wait()
        return [task.done() for task in tasks]

    assert asyncio.run(main()) == [True]
