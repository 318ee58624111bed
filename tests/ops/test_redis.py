"""The settings and users for Redis, tried on a real server: each kind of process does its work, and no more."""

from __future__ import annotations

import asyncio
import os
import queue
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

from channels.capabilities import Rate
from dispatcher.embedded.errors import RedisMissing
from dispatcher.embedded.process import ending_with
from dispatcher.embedded.redis import find_redis_server
from tests.servers import missing, until
from workers.broker import NAMESPACE, open_broker, ring
from workers.buckets import Buckets, Wish
from workers.listening import listen
from workers.stops import bell

pytestmark = pytest.mark.system

FOLDER = Path(__file__).parents[2] / "ops" / "deploy" / "redis"
USERS = (FOLDER / "users.acl").read_text()
NAMES = re.findall(r"^user (\S+) on", USERS, re.MULTILINE)
LINES = [line for line in (FOLDER / "redis.conf").read_text().splitlines() if line and not line.startswith("#")]
OF_THE_HOST = re.compile(r"(tls-|aclfile |dir |bind |port )")
"""What a test has no use for, or another of: certificates, addresses, folders."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server with the settings and users, at a socket; each user's password is its name."""
    folder = tmp_path_factory.mktemp("redis")
    (folder / "users.acl").write_text(re.sub(r"^user (\S+) on", r"user \1 on >\1", USERS, flags=re.MULTILINE))
    own = [f"dir {folder}", f"unixsocket {folder / 's'}", "port 0", f"aclfile {folder / 'users.acl'}"]
    (folder / "redis.conf").write_text(
        "\n".join([*own, *(line for line in LINES if not OF_THE_HOST.match(line)), ""])
    )
    try:
        program = find_redis_server()
    except RedisMissing as error:
        missing("redis-server", str(error))
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [program, folder / "redis.conf"],
            stdout=log,
            preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
        ) as child,
    ):
        until(lambda: (folder / "s").exists() or child.poll() is not None, "Redis starts")
        assert child.poll() is None, (folder / "log").read_text()
        yield folder / "s"
        child.terminate()


def url(socket: Path, name: str) -> str:
    """The address, as one of the users."""
    return f"unix://{name}:{name}@{socket}"


@contextmanager
def client(socket: Path, name: str) -> Iterator[redis.Redis]:
    """A client of one of the users."""
    with redis.Redis.from_url(url(socket, name)) as made:
        yield made


@pytest.mark.parametrize("ringer", ["relay", "officer"])
def test_a_ring_is_heard(guarded: Path, ringer: str) -> None:
    """By a lane, from the relay and from a command."""
    heard: queue.Queue[str] = queue.Queue()
    worker = listen(url(guarded, "lane"), "accounts", "exercise", heard.put)
    broker = open_broker(url(guarded, ringer))
    try:
        ring(broker, "accounts", "exercise", f"dsp-{ringer}")
        assert heard.get(timeout=15) == f"dsp-{ringer}"
    finally:
        worker.stop(15_000)
        worker.broker.client.close()  # type: ignore[attr-defined]
        broker.client.close()


def test_lanes_share_their_tokens_and_tell_of_pauses(guarded: Path) -> None:
    """With their own user, through Redis and not by their local share."""

    async def whole() -> tuple[int, list[tuple[str, float]]]:
        buckets, stopping = Buckets(url(guarded, "lane"), "exercise", 2), asyncio.Event()
        heard: list[tuple[str, float]] = []

        def hear(account: str, wait_s: float) -> None:
            heard.append((account, wait_s))
            stopping.set()

        taken = await buckets.take({"x-1": Wish(Rate(60, 60.0, 1, None), 5, 60.0)})
        await buckets.tell("x-1", 30)
        await asyncio.wait_for(buckets.listen(hear, stopping), 15)
        await buckets.aclose()
        return taken["x-1"].count, heard

    count, heard = asyncio.run(whole())
    assert (count, heard[0][0]) == (5, "x-1")
    with client(guarded, "lane") as look:
        assert look.hlen(f"{NAMESPACE}:pauses:exercise") == 1, "it went through Redis"


@pytest.mark.parametrize("who", ["officer", "console"])
def test_a_halt_rings_in_every_lane(guarded: Path, who: str) -> None:
    """From the command line and from the console."""
    with client(guarded, "lane") as lane, lane.pubsub() as ears, client(guarded, who) as presses:
        ears.subscribe(bell("live"))
        until(lambda: ears.get_message(timeout=1), "subscribed")
        assert presses.publish(bell("live"), b"") == 1


def test_a_watcher_sees_what_the_checks_need(guarded: Path) -> None:
    """Persistence, eviction, memory, the length of a queue."""
    with client(guarded, "watcher") as look:
        assert look.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert look.info("persistence")["aof_enabled"] == 1
        assert look.llen("dispatcher:accounts-live") == 0


REFUSED = (
    *("FLUSHALL", "FLUSHDB", "CONFIG SET maxmemory 1", "CONFIG REWRITE", "SHUTDOWN NOSAVE", "DEBUG SLEEP 0"),
    *(
        "REPLICAOF NO ONE",
        "ACL LIST",
        "ACL SETUSER me on",
        "MODULE LIST",
        "MONITOR",
        "SAVE",
        "CLIENT KILL TYPE normal",
    ),
    *("SCRIPT FLUSH", "SET other 1", "GET other", "EVAL return(redis.call('get','other')) 0", "PUBLISH other x"),
    *("MIGRATE h 1 k 0 1", "SWAPDB 0 1", "CLUSTER RESET", "BGREWRITEAOF", "RESTORE k 0 x", "DUMP other"),
)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sentinel"])
@pytest.mark.parametrize("command", REFUSED)
def test_nobody_has_more_than_that(guarded: Path, name: str, command: str) -> None:
    """Neither another's keys, nor the server itself."""
    words = command.split(" ")
    with client(guarded, name) as made, pytest.raises(redis.ResponseError) as refused:
        made.execute_command(*words)
    assert re.search(r"no permissions|can't (access|run)", str(refused.value)), refused.value


def test_whoever_only_looks_changes_nothing(guarded: Path) -> None:
    """Not even what belongs to the dispatcher."""
    for name in ("watcher", "console"):
        with client(guarded, name) as made, pytest.raises(NoPermissionError):
            made.lpush(f"{NAMESPACE}:bell:accounts-live", 1)


def test_without_a_name_nobody_comes_in(guarded: Path) -> None:
    """The default user is off."""
    with redis.Redis.from_url(f"unix://{guarded}") as made, pytest.raises(redis.AuthenticationError):
        made.ping()


def test_the_settings_keep_what_they_promise() -> None:
    """An append-only file, nothing evicted, nothing in the clear."""
    promised = {"appendonly yes", "maxmemory-policy noeviction", "port 0", "tls-port 6379", "protected-mode yes"}
    assert promised <= set(LINES)
