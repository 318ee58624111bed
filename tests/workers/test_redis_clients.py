"""Redis addresses, and a primary that is lost behind real Sentinels."""

from __future__ import annotations

import queue
import time
from pathlib import Path

import pytest
import redis

from channels.simulator.server import Simulator
from dispatcher.domain.errors import Invalid
from tests.servers import until
from tests.stage import stage_at
from tests.workers.sentinels import DOWN_AFTER_MS, Watched, watched_redis
from workers.broker import open_broker, ring
from workers.listening import listen
from workers.redis_clients import open_redis, watched_by

WITHIN_S = 15.0


def test_an_address_of_a_server_is_none_of_sentinels() -> None:
    """It goes to redis-py as it is."""
    assert [watched_by(url) for url in ("redis://h:1/0", "rediss://h/0", "unix:///run/r.sock")] == [None] * 3


def test_an_address_of_sentinels_is_read() -> None:
    """Hosts with their ports, the primary's name, who we are at each."""
    read = watched_by("sentinels://relay:p%40ss@a:1,b,[::1]:3/main?db=2&sentinel_username=s&sentinel_password=t")
    assert read is not None
    assert (read.sentinels, read.name) == ((("a", 1), ("b", 26379), ("::1", 3)), "main")
    assert read.server == {"db": 2, "username": "relay", "password": "p@ss", "ssl": True}
    assert read.sentinel == {"username": "s", "password": "t", "ssl": True}


@pytest.mark.parametrize("url", ["sentinel:///main", "sentinel://a", "sentinel://a:x/m", "sentinel://a/m?db=x&y=1"])
def test_one_that_cannot_be_read_says_how_to_write_it(url: str) -> None:
    """Without the password that may stand in it."""
    with pytest.raises(Invalid) as refused:
        watched_by(url)
    assert 'redis = "sentinel://' in refused.value.next_step


def test_a_client_of_sentinels_repeats_nothing() -> None:
    """As one of a server does: a ring that failed is said to have failed."""
    with open_redis("sentinel://127.0.0.1:1/main") as client:
        assert client.get_connection_kwargs()["retry"].get_retries() == 0


def heard_after(watched: Watched, heard: queue.Queue[str], dispatch: str) -> float:
    """Ring until it is heard; returns how many seconds that took."""
    broker, began = open_broker(watched.url), time.monotonic()

    def rung() -> bool:
        try:
            ring(broker, "accounts", "exercise", dispatch)
        except redis.RedisError:
            return False
        return True

    until(rung, "Redis takes a ring", WITHIN_S)
    while heard.get(timeout=WITHIN_S) != dispatch:
        pass
    broker.client.close()
    return time.monotonic() - began


@pytest.mark.system
def test_the_doorbell_works_again_after_the_primary_was_lost(tmp_path: Path) -> None:
    """Whoever listened hears the next ring through the new primary; how soon is printed."""
    with watched_redis(tmp_path) as watched:
        heard: queue.Queue[str] = queue.Queue()
        worker = listen(watched.url, "accounts", "exercise", heard.put)
        try:
            heard_after(watched, heard, "dsp-1")
            old = watched.primary()
            watched.kill(old)
            took_s = heard_after(watched, heard, "dsp-2")
            assert watched.primary() != old
        finally:
            worker.stop(15_000)
    print(f"heard again {took_s:.1f} s after the primary was killed; down after {DOWN_AFTER_MS} ms")  # noqa: T201


@pytest.mark.system
def test_nothing_is_lost_or_doubled_while_the_primary_is_away(tmp_path: Path, far: Simulator) -> None:
    """Released with a dead primary, everything goes out once: SQL is the queue, and Redis only its bell."""
    with watched_redis(tmp_path) as watched:
        stage = stage_at(tmp_path, far, redis=watched.url)
        for channel in ("x", "notify"):
            stage.account(channel)
        stage.numbers(60)
        plan, old = stage.cleared(lists=["city"]), watched.primary()

        def lost() -> bool:
            watched.kill(old)
            stage.release(plan)
            return True

        stage.work(lost, lambda: stage.ended(plan), lambda: watched.primary() != old)
        stage.desk.store.close()
    assert (stage.published(), stage.doubled()) == ({"x": 1, "notify": 60}, 0)
