"""How many rings wait in Redis for each lane: asked beside the looks, so that a Redis that is away delays none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import product

import redis
import structlog

from channels.registry import Lane
from dispatcher.domain.statement import Mode
from dispatcher.embedded.errors import EmbeddedError
from dispatcher.settings import Settings
from workers.broker import NAMESPACE, queue_name
from workers.doorbell import redis_url
from workers.pausing import rounds
from workers.redis_clients import open_redis

WITHIN_S = 1.0


class Bells:
    """What Redis said last; nothing where it did not answer then."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: Mapping[tuple[str, str], int] = {}

    def waiting(self) -> Mapping[tuple[str, str], int]:
        """How many rings wait, by lane and mode."""
        return self._waiting

    def ask(self) -> None:
        """Ask Redis. Takes as long as it takes to find that nobody answers."""
        queues = list(product(map(str, Lane), map(str, Mode)))
        try:
            url = redis_url(self._settings)
            with open_redis(url, socket_timeout=WITHIN_S, socket_connect_timeout=WITHIN_S) as client:
                lengths = client.pipeline(transaction=False)
                for lane, mode in queues:
                    lengths.llen(f"{NAMESPACE}:{queue_name(lane, mode)}")
                self._waiting = dict(zip(queues, lengths.execute(), strict=True))
        except (redis.RedisError, EmbeddedError):
            self._waiting = {}

    async def listen(self, stopping: asyncio.Event) -> None:
        """Ask now and again until ``stopping``."""
        told = structlog.get_logger("console").warning
        await rounds(stopping, lambda: asyncio.to_thread(self.ask), self._settings.timing.poll_ms, told)
