"""Redis under examination: a real one, told to be otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from dispatcher.service.examining.findings import Level
from dispatcher.service.examining.redis import _told
from tests.servers import redis_running
from tests.service.examining.conftest import Place
from tests.workers.sentinels import watched_redis

pytestmark = pytest.mark.system
FAILING, WARNING = Level.FAILING, Level.WARNING


@pytest.fixture
def server(place: Place, tmp_path: Path) -> Iterator[redis.Redis]:
    """A Redis of its own, which the deployment names."""
    with redis_running(tmp_path) as running:
        place.replace('redis = "embedded"', f'redis = "{running.url}"')
        with redis.Redis.from_url(running.url) as client:
            yield client


def test_a_redis_as_up_starts_it_is_well(place: Place, server: redis.Redis) -> None:
    """It keeps an append-only file and throws nothing away."""
    assert server.ping()
    assert place.wrong("redis") == []


def test_a_redis_is_found_through_its_sentinels(place: Place, tmp_path: Path) -> None:
    """It answers; that a server of a test keeps no append-only file is another matter."""
    with watched_redis(tmp_path) as watched:
        place.replace('redis = "embedded"', f'redis = "{watched.url}"')
        assert not [what for _, what in place.wrong("redis") if "does not answer" in what]


def test_a_redis_that_does_not_answer_is_a_warning(place: Place) -> None:
    """Everything goes on, slower."""
    assert [level for level, _ in place.wrong("redis")] == [WARNING]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("maxmemory-policy", "allkeys-lru", (FAILING, "maxmemory-policy is allkeys-lru")),
        ("appendonly", "no", (WARNING, "Redis keeps no append-only file")),
        ("appendfsync", "no", (WARNING, "appendfsync is no")),
    ],
)
def test_a_setting_that_loses_something_is_told(
    place: Place, server: redis.Redis, name: str, value: str, said: tuple[Level, str]
) -> None:
    """Each with what it loses."""
    server.config_set(name, value)
    assert place.wrong("redis") == [said]


def test_a_redis_that_is_nearly_full_is_a_warning(place: Place, server: redis.Redis) -> None:
    """Full, it takes no rings."""
    used: Any = server.info("memory")
    server.config_set("maxmemory", int(used["used_memory"] * 1.1))
    assert [(level, what.split()[1]) for level, what in place.wrong("redis")] == [(WARNING, "uses")]


def test_in_production_the_roles_have_a_user_of_their_own(place: Place, server: redis.Redis) -> None:
    """The default user can do everything."""
    place.produce()
    assert place.wrong("redis") == [(WARNING, "the roles are Redis' user default")]
    server.execute_command("ACL", "SETUSER", "relay", "on", ">word", "~*", "&*", "+@all")
    file = place.folder / "deployment.toml"
    file.write_text(file.read_text().replace('redis = "unix://', 'redis = "unix://relay:word@'))
    assert place.wrong("redis") == []
    server.execute_command("ACL", "SETUSER", "relay", "-config")
    assert [one.what for one in place.look("redis") if one.level is Level.NOTE] == [
        "Redis does not tell its appendfsync"
    ]
    assert "word" not in repr(place.look("redis"))


@pytest.mark.parametrize(
    ("about", "level"),
    [
        ({"redis_version": "6.0.16"}, FAILING),
        ({"redis_version": "7.2.4", "role": "slave"}, FAILING),
        ({"redis_version": "7.2.4", "role": "master"}, Level.OK),
    ],
)
def test_an_old_one_and_a_replica_fail(about: dict[str, Any], level: Level) -> None:
    """By what it says of itself."""
    assert level in [one.level for one in _told({"aof_enabled": 1, **about})]
