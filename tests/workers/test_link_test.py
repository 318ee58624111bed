"""The doorbell's link test: the relay rings for nothing, and the lane says that it heard it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from dispatcher.sender_bootstrap import now
from dispatcher.store import doorbells
from dispatcher.store.tables import WORKERS
from tests.stage import MODE, Stage
from tests.workers.conftest import Make
from workers.link_test import Canary

pytestmark = pytest.mark.system
QUICK = {"poll_ms": 50}
OWNER = "accounts:test"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def city(make: Make, redis_url: str, story_url: str) -> Stage:
    """A deployment with Redis, on either database."""
    return make(redis=redis_url, database=story_url, timing=QUICK)


def register(stage: Stage, owner: str = OWNER, role: str = "accounts", **more: datetime) -> None:
    """Have a process in the registry, as it writes itself; seen for an hour from now, unless ``more`` says so."""
    began = now()
    about = {"owner": owner, "role": role, "mode": MODE, "host": "host-1", "version": "1", "pid": 1, "doing": ""}
    times = {"started_at": began, "seen_at": began + timedelta(hours=1), **more}
    with stage.desk.store.write() as work:
        work.execute(delete(WORKERS).where(WORKERS.c.owner == owner))
        work.execute(insert(WORKERS).values(in_flight=0, **about, **times))


def heard_at(stage: Stage, owner: str = OWNER) -> datetime | None:
    """When the bell reached a process."""
    with stage.desk.store.read() as work:
        found: datetime | None = work.execute(select(WORKERS.c.heard_at).where(WORKERS.c.owner == owner)).scalar()
        return found


def deaf(stage: Stage) -> list[str]:
    """The lanes that live and are deaf."""
    with stage.desk.store.read() as work:
        return [one.lane for one in doorbells.deaf(work, stage.desk.settings.timing.lasting("silence"))]


def test_a_lane_that_lives_hears_the_relay(city: Stage) -> None:
    """Through Redis, with nothing to send."""
    began = now()
    register(city)
    city.work(lambda: heard_at(city), roles=("relay", "accounts"))
    heard = heard_at(city)
    assert heard is not None
    assert began < heard <= now()


def test_without_redis_nobody_hears_and_the_lane_is_deaf_after_three_minutes(make: Make) -> None:
    """It works all the same."""
    stage = make(timing=QUICK)
    register(stage, started_at=now() - doorbells.DEAF_AFTER - MINUTE)
    stage.account("webhook")
    plan = stage.cleared()
    stage.release(plan)
    deaf_too = [lambda: stage.ended(plan), lambda: deaf(stage) == ["accounts"]]
    stage.work(*deaf_too, roles=("relay", "accounts"))
    assert heard_at(stage) is None


def test_a_lane_is_not_deaf_before(city: Stage) -> None:
    """It has just begun, or heard the bell within three minutes."""
    register(city)
    assert deaf(city) == []
    register(city, started_at=now() - timedelta(hours=1), heard_at=now() - 2 * MINUTE)
    assert deaf(city) == []


def test_a_lane_that_is_gone_is_not_called_deaf(city: Stage) -> None:
    """That is another alarm."""
    register(city, started_at=now() - timedelta(hours=1), seen_at=now() - timedelta(hours=1))
    assert deaf(city) == []
    register(city, started_at=now() - timedelta(hours=1), stopped_at=now())
    assert deaf(city) == []


def test_one_process_that_hears_is_enough_for_its_lane(city: Stage) -> None:
    """A bell reaches one of them."""
    long_ago = now() - timedelta(hours=1)
    register(city, started_at=long_ago)
    assert deaf(city) == ["accounts"]
    register(city, owner="accounts:other", started_at=long_ago, heard_at=now())
    assert deaf(city) == []


def test_only_lanes_that_live_are_rung_and_each_once_a_minute(city: Stage) -> None:
    """The others' queues would grow with nobody to empty them."""
    rung: list[tuple[str, str, str]] = []
    canary = Canary(str(MODE), city.desk.store, city.desk.settings, lambda *about: rung.append(about))
    assert canary._due() == []
    register(city)
    register(city, owner="recipients:test", role="recipients", seen_at=now() - timedelta(hours=1))
    assert canary._due() == ["accounts"]
    assert canary._due() == []


def test_status_says_that_a_lane_is_deaf(city: Stage) -> None:
    """Where everybody looks."""
    from click.testing import CliRunner

    from dispatcher.cli.main import root

    register(city, started_at=now() - timedelta(hours=1))
    said = CliRunner(env={"DISPATCHER_DEPLOYMENT": str(Path(city.folder))}).invoke(root, ["status"])
    assert '"doorbells": [{"lane": "accounts"' in said.stdout
    assert "Redis is away or the doorbell is broken" in said.stderr
    with city.desk.store.write() as work:
        work.execute(update(WORKERS).values(heard_at=work.now))
    said = CliRunner(env={"DISPATCHER_DEPLOYMENT": str(Path(city.folder))}).invoke(root, ["status"])
    assert '"doorbells": []' in said.stdout
