"""Ringing and hearing over a real Redis: quick, and never trusted."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dramatiq
import pytest
import redis

from dispatcher.domain.errors import Unavailable
from dispatcher.domain.people import DeploymentKind
from dispatcher.settings import Settings
from tests.servers import redis_running, until
from tests.stage import NOWHERE
from workers.broker import NAMESPACE, BellBroker, declare, open_broker, queue_name, ring
from workers.doorbell import open_doorbell
from workers.listening import listen

pytestmark = pytest.mark.system

HEARD_WITHIN_S = 15.0


@contextmanager
def listening(url: str, lane: str = "accounts", mode: str = "exercise") -> Iterator[queue.Queue[str]]:
    """A listener on a lane, and what it heard."""
    heard: queue.Queue[str] = queue.Queue()
    worker = listen(url, lane, mode, heard.put)
    try:
        yield heard
    finally:
        worker.stop(15_000)
        worker.broker.client.close()  # type: ignore[attr-defined]


@contextmanager
def broker_on(url: str) -> Iterator[BellBroker]:
    """A broker that is closed afterwards."""
    broker = open_broker(url)
    try:
        yield broker
    finally:
        broker.client.close()


def push(url: str, *bodies: bytes) -> None:
    """Put messages into the accounts lane by hand, as Dramatiq stores them, and ring its bell."""
    name = queue_name("accounts", "exercise")
    with redis.Redis.from_url(url) as client:
        for number, body in enumerate(bodies):
            client.hset(f"{NAMESPACE}:{name}.msgs", f"forged-{number}", body)
            client.rpush(f"{NAMESPACE}:{name}", f"forged-{number}")
        client.lpush(f"{NAMESPACE}:bell:{name}", 1)


def message(actor: str, *args: object, **options: object) -> bytes:
    """A message to any actor, well-formed."""
    made: dramatiq.Message[Any] = dramatiq.Message(
        queue_name=queue_name("accounts", "exercise"),
        actor_name=actor,
        args=args,
        kwargs={},
        options={"redis_message_id": "forged-0", **options},
    )
    return made.encode()


def test_an_idle_listener_hears_a_ring(redis_url: str) -> None:
    """A ring reaches a worker that has been waiting; how soon is printed."""
    with listening(redis_url) as heard, broker_on(redis_url) as broker:
        ring(broker, "accounts", "exercise", "dsp-0")
        heard.get(timeout=HEARD_WITHIN_S)
        started = time.perf_counter()
        ring(broker, "accounts", "exercise", "dsp-1")
        assert heard.get(timeout=HEARD_WITHIN_S) == "dsp-1"
        heard_ms = (time.perf_counter() - started) * 1000
    print(f"heard after {heard_ms:.1f} ms")  # noqa: T201 - a figure for people (pytest -s); no limit is asserted


def test_an_idle_listener_waits_for_the_bell(redis_url: str) -> None:
    """Whoever is idle takes the ring off the bell's list: it waits there, and does not merely come by."""
    bell = f"{NAMESPACE}:bell:{queue_name('accounts', 'exercise')}"
    with listening(redis_url), redis.Redis.from_url(redis_url) as client:
        client.lpush(bell, 1)
        until(lambda: not client.llen(bell), "the bell is taken")


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b'{"queue_name": "accounts-exercise"}',
        b"[]",
        message("ring_recipients", "recipients", "dsp-forged"),
        message("os.system", "true"),
        message("ring_accounts"),
        message("ring_accounts", 1, 2, 3),
        message("ring_accounts", "accounts", "dsp-late", eta=2**62),
        message("ring_accounts", "accounts", redis_message_id="another"),
    ],
    ids=["undecodable", "half", "list", "other-actor", "no-actor", "no-args", "many-args", "delayed", "other-id"],
)
def test_a_forged_message_calls_nothing_and_deafens_nobody(redis_url: str, body: bytes) -> None:
    """A message that is none of ours is not heard, and the next ring is."""
    with listening(redis_url) as heard, broker_on(redis_url) as broker:
        push(redis_url, body)
        with redis.Redis.from_url(redis_url) as client:
            waiting = f"{NAMESPACE}:{queue_name('accounts', 'exercise')}"
            until(lambda: not client.llen(waiting), "somebody took the forged message")
        ring(broker, "accounts", "exercise", "dsp-1")
        assert heard.get(timeout=HEARD_WITHIN_S) == "dsp-1"
        assert heard.empty()


def test_a_forged_ring_is_only_a_ring(redis_url: str) -> None:
    """A well-formed ring by a stranger makes a worker look once, and can say nothing else."""
    with listening(redis_url) as heard:
        push(redis_url, message("ring_accounts", "accounts", "dsp-forged"))
        assert heard.get(timeout=HEARD_WITHIN_S) == "dsp-forged"


def test_a_process_declares_its_own_actor_only() -> None:
    """Whatever a message names, there is one thing a process can call: its lane's ring."""
    with broker_on(NOWHERE) as broker:
        declare(broker, "accounts", "exercise", print)
        assert list(broker.actors) == ["ring_accounts"]


def test_no_middleware_can_call_an_actor() -> None:
    """Callbacks, pipelines, retries and limits call actors by name or raise inside them: they are not there."""
    with broker_on(NOWHERE) as broker:
        assert [type(one).__name__ for one in broker.middleware] == ["CurrentMessage", "ShutdownNotifications"]


def test_lanes_and_modes_do_not_hear_each_other(redis_url: str) -> None:
    """A ring for recipients, or for live, is not heard by exercise accounts."""
    with listening(redis_url) as heard, broker_on(redis_url) as broker:
        ring(broker, "recipients", "exercise", "dsp-1")
        ring(broker, "accounts", "live", "dsp-2")
        ring(broker, "accounts", "exercise", "dsp-3")
        assert heard.get(timeout=HEARD_WITHIN_S) == "dsp-3"
        assert heard.empty()


def test_many_unheard_rings_do_not_pile_up(redis_url: str) -> None:
    """While nobody listens the list of bells stays short."""
    with broker_on(redis_url) as broker, redis.Redis.from_url(redis_url) as client:
        for number in range(100):
            ring(broker, "accounts", "exercise", f"dsp-{number}")
        assert client.llen(f"{NAMESPACE}:bell:accounts-exercise") == 64


def test_a_listener_hears_again_after_redis_was_killed(tmp_path: Path) -> None:
    """Redis may be killed and started again: whoever listened hears the next ring."""
    with redis_running(tmp_path) as server, listening(server.url) as heard, broker_on(server.url) as broker:
        ring(broker, "accounts", "exercise", "dsp-1")
        assert heard.get(timeout=HEARD_WITHIN_S) == "dsp-1"
        with redis.Redis.from_url(server.url) as client:
            pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        child = server.spawn(wait_s=10)
        server.wait_ready(child)
        try:
            ring(broker, "accounts", "exercise", "dsp-2")
            assert heard.get(timeout=HEARD_WITHIN_S) == "dsp-2"
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(10)


def settings(redis_url: str) -> Settings:
    return Settings(Path("/nowhere"), "example-city", DeploymentKind.TEST, "sqlite://", redis=redis_url)


def test_a_command_rings(redis_url: str) -> None:
    """A doorbell opened by a command reaches whoever listens."""
    with listening(redis_url) as heard:
        open_doorbell(settings(redis_url))("accounts", "exercise", "dsp-1", "")
        assert heard.get(timeout=HEARD_WITHIN_S) == "dsp-1"


def test_without_redis_ringing_says_so() -> None:
    """A doorbell opens without Redis, and says what that means when it is rung."""
    doorbell = open_doorbell(settings(NOWHERE))
    with pytest.raises(Unavailable, match="workers will find the release"):
        doorbell("accounts", "exercise", "dsp-1", "")


def test_a_listener_starts_and_stops_without_redis() -> None:
    """A worker whose Redis is away starts all the same, and stops when told."""
    with listening(NOWHERE) as heard:
        assert heard.empty()
