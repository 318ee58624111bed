"""Hearing bells that are published over Redis: every process hears them at once, where a message reaches only one.

A bell says to look, and nothing else. Where Redis is away nobody hears, and everybody looks by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from redis import RedisError

from workers.broker import WAIT_S
from workers.pausing import pause
from workers.redis_clients import open_async_redis


async def hear(url: str, bells: Mapping[str, Callable[[], None]], stopping: asyncio.Event, again_s: float) -> None:
    """Make the call of each bell, a Redis channel, when it rings, until ``stopping``.

    After ``again_s`` a Redis that is away is tried again.
    """
    calls = {name.encode(): call for name, call in bells.items()}
    while not stopping.is_set():
        try:
            async with open_async_redis(url) as client, client.pubsub() as ears:
                await ears.subscribe(*calls)
                while not stopping.is_set():
                    rung = await ears.get_message(ignore_subscribe_messages=True, timeout=WAIT_S)
                    if rung:
                        calls[rung["channel"]]()
        except (RedisError, OSError):
            await pause(stopping, again_s)
