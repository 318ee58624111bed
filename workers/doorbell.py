"""Ringing from a command: for a release, open the broker before it commits and ring right after; for a halt, ring."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import redis

from dispatcher.domain.errors import Unavailable
from dispatcher.embedded.errors import EmbeddedError
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.redis import private_redis
from dispatcher.settings import Settings
from workers.broker import open_broker, ring
from workers.redis_clients import open_redis

RING_S = 1.0
Ring = Callable[[str, str, str, str], None]
"""Rings a lane: lane, mode, dispatch, the traceparent of its release. Raises Unavailable."""


def redis_url(settings: Settings) -> str:
    """The Redis of this deployment."""
    if settings.redis != "embedded":
        return settings.redis
    return private_redis(Folder(Path(settings.root))).url


def ring_stops(settings: Settings, mode: str) -> None:
    """Have all senders of a mode look at what is stopped, now. Where Redis is away they look by themselves."""
    from workers.stops import bell  # with what a worker's poll needs: a release does not wait for it

    with contextlib.suppress(redis.RedisError, EmbeddedError):
        client = open_redis(redis_url(settings), socket_timeout=RING_S, socket_connect_timeout=RING_S)
        client.publish(bell(mode), b"")


def open_doorbell(settings: Settings) -> Ring:
    """A ringer with its connection already made, where Redis answers."""
    broker = open_broker(redis_url(settings))
    with contextlib.suppress(redis.RedisError):  # said when ringing; the lanes look every few seconds anyway
        broker.client.ping()

    def ring_lane(lane: str, mode: str, dispatch: str, traceparent: str) -> None:
        try:
            ring(broker, lane, mode, dispatch, traceparent)
        except redis.RedisError as error:
            raise Unavailable(
                "Redis cannot be reached: workers will find the release at their next look",
                "dispatcher status",
            ) from error

    return ring_lane
