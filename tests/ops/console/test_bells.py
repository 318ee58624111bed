"""What the console knows of the doorbell in Redis, and what it does without."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from socket import AF_UNIX, socket

import pytest

from dispatcher.settings import Settings
from ops.console.bells import Bells
from tests.ops.console.served import deployment_at
from workers.broker import open_broker, ring

AWAY = "unix:///nowhere/redis.sock"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a deployment without Redis."""
    desk = deployment_at(tmp_path / "deployment")
    desk.store.close()
    return desk.settings


@pytest.mark.system
def test_the_rings_that_wait_are_counted_by_lane_and_mode(settings: Settings, redis_url: str) -> None:
    """As Redis has them; what it said last is forgotten when it is away."""
    bells = Bells(replace(settings, redis=redis_url))
    bells.ask()
    before = bells.waiting()["recipients", "exercise"]
    ring(open_broker(redis_url), "recipients", "exercise", "dsp-1")
    bells.ask()
    assert bells.waiting()["recipients", "exercise"] == before + 1
    bells._settings = replace(settings, redis=AWAY)
    bells.ask()
    assert bells.waiting() == {}


def test_a_redis_that_takes_calls_and_answers_none_delays_nobody(settings: Settings, tmp_path: Path) -> None:
    """Whoever looks is told at once that nothing is known."""
    with socket(AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        bells = Bells(replace(settings, redis=f"unix://{tmp_path}/silent"))
        asking = threading.Thread(target=bells.ask)
        asking.start()
        assert asking.is_alive()
        assert bells.waiting() == {}
        asking.join(10)
        assert not asking.is_alive()
        assert bells.waiting() == {}
