"""Token buckets that all processes of all hosts share, and the pauses they tell each other of. In Redis.

Rules
  1. One round trip takes the tokens of a whole chunk, for all its accounts. Time is Redis's own, so that hosts whose
     clocks differ share one bucket; what comes back are waits, never times.
  2. A bucket is one number: when it will be full again (the generic cell rate algorithm). Tokens are taken up to a
     horizon ahead, and say when they become good; nothing is ever given back.
  3. Without Redis each process keeps to its share of the rate, and asks Redis again a second later. Redis carries no
     truth: what it forgets costs a burst at most, and the platform's own 429 ends that.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog
from redis import RedisError
from redis.asyncio import Redis

from channels.capabilities import Rate
from workers.broker import NAMESPACE, WAIT_S
from workers.pausing import pause
from workers.redis_clients import open_async_redis

ANSWERS_WITHIN_S = 0.25
"""How long the first send may wait for a Redis that hangs; after that the local share decides."""

AGAIN_S = 1.0
MICROSECOND = 1e-6
Heard = Callable[[str, float], object]
"""Told of an account and for how many seconds its platform wants it to wait."""

TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local answers = {}
for i, key in ipairs(KEYS) do
  local count, every, slack, horizon = unpack(ARGV, 4 * i - 3, 4 * i)
  local full = math.max(tonumber(redis.call('GET', key) or now), now)
  local first = full - slack - now
  local taken = math.max(0, math.min(count, math.floor((horizon - first) / every) + 1))
  if taken > 0 then
    full = full + taken * every
    redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
  end
  answers[2 * i - 1], answers[2 * i] = taken, first
end
return answers
"""
"""Per key: count wanted, microseconds a token, microseconds of burst, horizon → tokens taken, first one's wait."""


@dataclass(frozen=True, slots=True)
class Wish:
    """So many tokens of one account's bucket, the last good within ``horizon_s``."""

    rate: Rate
    count: int
    horizon_s: float


@dataclass(frozen=True, slots=True)
class Taken:
    """So many tokens: the first good in ``first_s`` (below zero: it is), each next one ``every_s`` later."""

    count: int
    first_s: float
    every_s: float


class Local:
    """One process's share of each bucket."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._full_s: dict[str, float] = {}

    def take(self, account: str, wish: Wish, now_s: float) -> Taken:
        """Take tokens; the same arithmetic as Redis does."""
        every_s = wish.rate.per_s / wish.rate.sends * self._processes
        slack_s = every_s * (max(1, wish.rate.burst // self._processes) - 1)
        full_s = max(self._full_s.get(account, now_s), now_s)
        first_s = full_s - slack_s - now_s
        count = max(0, min(wish.count, int((wish.horizon_s - first_s) // every_s) + 1))
        self._full_s[account] = full_s + count * every_s
        return Taken(count, first_s, every_s)


class Buckets:
    """The buckets and pauses of one mode. ``url`` is a Redis, or None; where it is away, see rule 3."""

    def __init__(self, url: str | None, mode: str, processes: int) -> None:
        self._redis = None if url is None else _open(url)
        self._script = None if self._redis is None else self._redis.register_script(TAKE)
        self._mode = mode
        self._local = Local(processes)
        self._asked_again_s = 0.0
        self._pauses = f"{NAMESPACE}:pauses:{mode}"
        self._log = structlog.get_logger("buckets")

    async def take(self, wishes: Mapping[str, Wish]) -> dict[str, Taken]:
        """Take tokens from the bucket of each account."""
        if self._script is not None and time.monotonic() >= self._asked_again_s:
            try:
                return await self._shared(wishes)
            except (RedisError, OSError) as error:
                self._away(error)
        now_s = time.monotonic()
        return {account: self._local.take(account, wish, now_s) for account, wish in wishes.items()}

    async def _shared(self, wishes: Mapping[str, Wish]) -> dict[str, Taken]:
        keys = [f"{NAMESPACE}:bucket:{self._mode}:{account}" for account in wishes]
        figures: list[int] = []
        for wish in wishes.values():
            every = max(1, round(wish.rate.per_s / wish.rate.sends / MICROSECOND))
            figures += wish.count, every, every * (wish.rate.burst - 1), round(wish.horizon_s / MICROSECOND)
        assert self._script is not None  # noqa: S101 - asked by take
        said = await self._script(keys, figures)
        return {
            account: Taken(taken, first * MICROSECOND, wish.rate.per_s / wish.rate.sends)
            for (account, wish), taken, first in zip(wishes.items(), said[::2], said[1::2], strict=True)
        }

    async def tell(self, account: str, wait_s: float) -> None:
        """Tell every process that the platform wants an account to wait; one that starts later learns it too."""
        if self._redis is None:
            return
        try:
            until_s = await self._now_s(self._redis) + wait_s
            message = json.dumps([account, until_s])
            async with self._redis.pipeline(transaction=False) as batch:
                batch.hset(self._pauses, account, message)
                batch.pexpire(self._pauses, round(wait_s * 1000) + 86_400_000)
                batch.publish(self._pauses, message)
                await batch.execute()
        except (RedisError, OSError) as error:
            self._away(error)

    async def listen(self, heard: Heard, stopping: asyncio.Event) -> None:
        """Pass on every pause that is told, with its seconds, until ``stopping``; first those that still last."""
        while self._redis is not None and not stopping.is_set():
            try:
                async with self._redis.pubsub() as ears:
                    await ears.subscribe(self._pauses)
                    await self._those_that_last(self._redis, heard)
                    while not stopping.is_set():
                        said = await ears.get_message(ignore_subscribe_messages=True, timeout=WAIT_S)
                        if said:
                            self._hear(said["data"], await self._now_s(self._redis), heard)
            except (RedisError, OSError):
                await pause(stopping, AGAIN_S)

    async def aclose(self) -> None:
        """Nothing more will be asked."""
        if self._redis is not None:
            with suppress(RedisError, OSError):
                await self._redis.aclose()

    async def _those_that_last(self, client: Redis, heard: Heard) -> None:
        now_s = await self._now_s(client)
        for account, message in (await client.hgetall(self._pauses)).items():
            if not self._hear(message, now_s, heard):
                await client.hdel(self._pauses, account)

    def _hear(self, message: bytes | str, now_s: float, heard: Heard) -> bool:
        with suppress(ValueError, TypeError):  # whoever may write to Redis may delay, and nothing else
            account, until_s = json.loads(message)
            if until_s > now_s:
                heard(str(account), until_s - now_s)
                return True
        return False

    async def _now_s(self, client: Redis) -> float:
        seconds, microseconds = await client.time()
        return float(seconds) + microseconds * MICROSECOND

    def _away(self, error: Exception) -> None:
        self._asked_again_s = time.monotonic() + AGAIN_S
        self._log.warning("redis_unreachable", error=type(error).__name__)


def _open(url: str) -> Redis:
    return open_async_redis(url, socket_timeout=ANSWERS_WITHIN_S, socket_connect_timeout=ANSWERS_WITHIN_S)
