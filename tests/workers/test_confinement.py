"""A live TikTok sender runs only where it is confined: what is looked at, and what each finding comes to."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from dispatcher.domain.errors import Forbidden
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.settings import Settings
from tests.servers import program
from workers.confinement import Surroundings, _listeners, faults, insist, surroundings
from workers.tiktok_sender import ROLE

CONFINED = Surroundings(
    makes_internet_sockets=True,
    interfaces=(),
    listeners=0,
    opened=(),
    passwords=(),
    has_new_privileges=False,
    is_filtered=True,
)
"""In a network of its own, as systemd and bubblewrap make it."""


def deployment(folder: Path, **more: str) -> Settings:
    """The settings of a deployment without files."""
    return Settings(folder, "example", DeploymentKind.TEST, **{"database": "sqlite:///nowhere", **more})


def test_a_network_of_its_own_is_confinement() -> None:
    """Nothing is found fault with."""
    assert faults(CONFINED) == []


def test_without_internet_sockets_the_network_does_not_matter() -> None:
    """A filter that makes no such sockets is as good: so in a pod, whose containers share a network."""
    assert faults(replace(CONFINED, makes_internet_sockets=False, interfaces=("eth0",), listeners=3)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"interfaces": ("eth0", "eth1")}, "it has a network: eth0, eth1"),
        ({"listeners": 2}, "2 servers listen in its network"),
        ({"opened": ("/var/db",)}, "it can open what is not its own: /var/db"),
        ({"passwords": ("redis in deployment.toml",)}, "it was given passwords: redis in deployment.toml"),
        ({"has_new_privileges": True}, "it may gain privileges (NoNewPrivs is 0)"),
        ({"is_filtered": False}, "its system calls are not filtered (Seccomp is not 2)"),
    ],
)
def test_each_opening_is_told(change: dict[str, object], told: str) -> None:
    """One fault each, in words."""
    assert faults(replace(CONFINED, **change)) == [told]  # type: ignore[arg-type]


def test_all_openings_are_told_at_once() -> None:
    """Whoever mends one need not start again to hear of the next."""
    at_large = Surroundings(True, ("eth0",), 1, ("/a",), ("b",), has_new_privileges=True, is_filtered=False)
    assert len(faults(at_large)) == 6


def test_a_live_sender_at_large_does_not_start(tmp_path: Path) -> None:
    """This test's own process is not confined."""
    with pytest.raises(Forbidden, match=f"{ROLE} is not confined: ") as caught:
        insist(deployment(tmp_path), Mode.LIVE, ROLE)
    assert "Seccomp is not 2" in caught.value.message
    assert f"python -m ops.deploy.confined {ROLE}" in caught.value.next_step


def test_an_exercise_is_only_told(tmp_path: Path) -> None:
    """One line that says what is open."""
    with structlog.testing.capture_logs() as logs:
        insist(deployment(tmp_path), Mode.EXERCISE, ROLE)
    assert [(line["event"], line["log_level"]) for line in logs] == [("unconfined", "warning")]
    assert "Seccomp is not 2" in logs[0]["reason"]


def test_what_others_have_is_found_where_it_can_be_opened(tmp_path: Path) -> None:
    """Database, Redis, keys, other roles' and modes' credentials and identities; never what is its own."""
    theirs = ["data", "redis", "keys/exercise", "credentials/live/accounts", f"credentials/exercise/{ROLE}"]
    ours = [f"credentials/live/{ROLE}", f"sender/live/{ROLE}", "trust"]
    for name in (*theirs, *ours):
        (tmp_path / name).mkdir(parents=True)
    their_files = ["keys/status", "keys/role-live-accounts", f"keys/role-exercise-{ROLE}"]
    for name in (*their_files, f"keys/role-live-{ROLE}", "keys/role-live-accounts.pub"):
        (tmp_path / name).write_text("AGE-SECRET-KEY")
    found = surroundings(deployment(tmp_path), Mode.LIVE, ROLE).opened
    assert {str(Path(place).relative_to(tmp_path)) for place in found} == {*theirs, *their_files}


def test_redis_is_found_by_its_socket(tmp_path: Path) -> None:
    """A socket cannot be opened like a file, but whoever may write it may connect."""
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as redis:
        redis.bind(str(tmp_path / "run" / "redis.sock"))
        found = surroundings(deployment(tmp_path), Mode.LIVE, ROLE).opened
    assert found == (str(tmp_path / "run" / "redis.sock"),)


def test_an_empty_place_is_nothing_to_open(tmp_path: Path) -> None:
    """As in a sandbox that has none of it."""
    assert surroundings(deployment(tmp_path), Mode.LIVE, ROLE).opened == ()


def test_passwords_are_found_and_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the addresses of the database and of Redis, and in the environment."""
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    given = deployment(tmp_path, database="postgresql+psycopg://us:s3cret@db/d", redis="rediss://:s3cret@cache:6379")
    found = surroundings(given, Mode.LIVE, ROLE)
    assert found.passwords == ("database in deployment.toml", "redis in deployment.toml", "$PGPASSWORD")
    assert "s3cret" not in repr(found)


def test_addresses_without_passwords_are_none(tmp_path: Path) -> None:
    """Host and user alone open nothing."""
    given = deployment(tmp_path, database="postgresql+psycopg://user@db/d", redis="rediss://cache:6379")
    assert surroundings(given, Mode.LIVE, ROLE).passwords == ()


def test_listeners_are_counted_by_the_kernels_table(tmp_path: Path) -> None:
    """Of three sockets, the two that listen; where there is no such table nobody does."""
    rows = ["0: 0100007F:1F90 00000000:0000 0A 0", "1: 0100007F:1F91 0100007F:0016 01 0", "2: 00000000:0016 0:0 0A 0"]
    (tmp_path / "tcp").write_text("\n".join(["  sl  local_address rem_address   st", *rows]) + "\n")
    assert (_listeners(tmp_path / "tcp"), _listeners(tmp_path / "tcp6")) == (2, 0)


@pytest.mark.system
def test_a_sandbox_is_seen_from_within(tmp_path: Path) -> None:
    """An empty network and no new privilege; without a filter that is what is left to say."""
    said = "\n".join(
        [
            "import sys; from pathlib import Path",
            "from dispatcher.domain.people import DeploymentKind; from dispatcher.domain.statement import Mode",
            "from dispatcher.settings import Settings; from workers.confinement import faults, surroundings",
            "settings = Settings(Path(sys.argv[1]), 'example', DeploymentKind.TEST, 'sqlite:///nowhere')",
            "print(faults(surroundings(settings, Mode.LIVE, 'tiktok-sender')))",
        ]
    )
    sandbox = [program("bwrap"), "--unshare-all", "--dev-bind", "/", "/", "--proc", "/proc"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HOME": str(tmp_path)}
    command = [*sandbox, sys.executable, "-c", said, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.stdout == "['its system calls are not filtered (Seccomp is not 2)']\n", done.stderr
