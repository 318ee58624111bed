"""The Dramatiq broker, as a doorbell: a message says "there is work in this lane", nothing else.

Rules (source: reference, dramatiq A1, A2)
  1. SQL is the queue of record. A lost, doubled or forged message changes nothing but the moment of the next look.
  2. No Callbacks, Pipelines, Retries, TimeLimit or AgeLimit: none may run an actor or raise inside one.
  3. The connection is given by URL, or is one that repeats nothing: there are no silent repeats of an enqueue.
  4. An idle consumer waits on a Redis list (BLPOP) instead of sleeping, so that a ring is heard in milliseconds. The
     same ring is published: a message reaches one process, and all of a lane are to begin at once.
  5. Each lane and mode has its queue; a process declares its own lane's actor and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed, DecodeError
from dramatiq.middleware import CurrentMessage, ShutdownNotifications

from workers.redis_clients import open_redis, watched_by

NAMESPACE = "dispatcher"
WAIT_S = 0.25
"""How long a thread waits for anything before it asks whether to stop: what a drain costs at the least."""

RUNG_AT_MOST = 64
HEARTBEAT_TIMEOUT_MS = 15_000
MAINTENANCE_CHANCE = 100_000


class _ListeningConsumer(_RedisConsumer):
    """Waits for the bell where Dramatiq's own would sleep for up to a second."""

    def __next__(self) -> Any:
        listens = not self.queue_name.endswith(".DQ")  # nothing is ever delayed: that queue keeps Dramatiq's back-off
        if listens:
            self.misses = 0
        try:
            message = super().__next__()  # type: ignore[no-untyped-call]
        except DecodeError:
            self.logger.warning("dropped what is no message from queue %s", self.queue_name)
            return None
        if message is None and listens:
            try:
                self.broker.client.blpop([bell_key(self.queue_name)], timeout=WAIT_S)
            except (redis.ConnectionError, redis.TimeoutError) as error:
                raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        return message


class BellBroker(RedisBroker):
    """A Redis broker that rings a bell beside each message."""

    @property
    def consumer_class(self) -> type[_ListeningConsumer]:
        """The consumer that listens."""
        return _ListeningConsumer

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Enqueue, then ring. The bell list is kept short, so that nobody listening costs nothing."""
        sent = super().enqueue(message, delay=delay)
        key = bell_key(message.queue_name)
        with self.client.pipeline(transaction=False) as pipeline:
            pipeline.lpush(key, 1)
            pipeline.ltrim(key, 0, RUNG_AT_MOST - 1)
            pipeline.publish(key, b"")
            pipeline.execute()
        return sent


def open_broker(url: str) -> BellBroker:
    """A broker on the Redis at ``url`` (redis, rediss, unix, or Sentinels: see :mod:`workers.redis_clients`)."""
    joined = "&" if "?" in url else "?"
    known: dict[str, Any] = {"url": f"{url}{joined}health_check_interval=30&socket_timeout=5"}
    if watched_by(url):
        known = {"client": open_redis(url, health_check_interval=30, socket_timeout=5, socket_connect_timeout=1)}
    return BellBroker(  # type: ignore[no-untyped-call]
        **known,
        middleware=[CurrentMessage(), ShutdownNotifications()],
        namespace=NAMESPACE,
        maintenance_chance=MAINTENANCE_CHANCE,
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
    )


def bell_key(queue: str) -> str:
    """The list that a ring is pushed to, and the channel that it is published on."""
    return f"{NAMESPACE}:bell:{queue}"


def queue_name(lane: str, mode: str) -> str:
    """The queue of a lane in a mode."""
    return f"{lane}-{mode}"


def declare(broker: BellBroker, lane: str, mode: str, hear: Callable[[str], None]) -> None:
    """Declare the one actor of this process: it passes the dispatch's id on, and that is all it does."""

    def ring(lane: str, dispatch: str) -> None:  # noqa: ARG001 - the message names its lane for whoever reads it
        hear(dispatch)

    declared = dramatiq.actor(broker=broker, queue_name=queue_name(lane, mode), actor_name=f"ring_{lane}")
    declared(ring)


def ring(broker: BellBroker, lane: str, mode: str, dispatch: str, traceparent: str = "") -> None:
    """Enqueue one ring for a lane. Raises redis errors where Redis is away; the lane polls all the same.

    ``traceparent`` travels for whoever watches the queue; workers go by the row, which no message can change.
    """
    broker.enqueue(
        dramatiq.Message(
            queue_name=queue_name(lane, mode),
            actor_name=f"ring_{lane}",
            args=(lane, dispatch),
            kwargs={},
            options={"traceparent": traceparent} if traceparent else {},
        )
    )
