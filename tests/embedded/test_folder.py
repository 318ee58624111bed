"""The deployment's folder: room, sockets, locks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.embedded.errors import AlreadyRunning, DeploymentUnusable
from dispatcher.embedded.folder import SOCKET_PATH_BYTES, Folder
from dispatcher.embedded.lock import Lock
from tests.servers import fill, small_disk


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Folder]:
    """A deployment whose path is too long for a unix socket."""
    root = tmp_path / ("d" * 120)
    root.mkdir()
    folder = Folder(root)
    folder.prepare(free_floor_bytes=0)
    yield folder
    shutil.rmtree(folder.socket("redis.sock").parent, ignore_errors=True)


def test_a_missing_deployment_names_the_command_that_makes_one(tmp_path: Path) -> None:
    """Where there is no deployment the message gives the `dispatcher init` to type."""
    with pytest.raises(DeploymentUnusable, match=f"dispatcher init {tmp_path}/none"):
        Folder(tmp_path / "none").prepare()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file where a folder should be is told with its path before anything starts."""
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(DeploymentUnusable, match=f"{tmp_path} cannot be written: File exists. Nothing was started"):
        Folder(tmp_path).prepare()


def test_a_nearly_full_disk_is_refused(tmp_path: Path) -> None:
    """Less room than the floor is told with both numbers."""
    with pytest.raises(DeploymentUnusable, match=r"nearly full: [\d,]+ KiB free, [\d,]+ KiB needed"):
        Folder(tmp_path).prepare(free_floor_bytes=2**60)


@pytest.mark.system
def test_a_full_disk_is_refused(tmp_path: Path) -> None:
    """On a disk without one free block nothing starts, and the message says why."""
    with small_disk(tmp_path / "disk", 256 * 1024) as disk:
        fill(disk)
        with pytest.raises(DeploymentUnusable, match=r"cannot be written: No space left on device\. Nothing was"):
            Folder(disk).prepare(free_floor_bytes=0)


def test_sockets_lie_in_the_run_folder_of_a_short_path() -> None:
    """A deployment with a short path keeps its sockets to itself."""
    assert Folder(Path("/srv/department")).socket("redis.sock") == Path("/srv/department/run/redis.sock")


def test_a_deep_deployment_gets_a_short_private_socket_directory(deep: Folder) -> None:
    """Where the deployment's path is too long, sockets lie in a private directory of allowed length."""
    socket = deep.socket("redis.sock")
    assert len(os.fsencode(socket)) <= SOCKET_PATH_BYTES
    assert socket.parent.stat().st_mode & 0o777 == 0o700


def test_every_process_finds_the_same_socket_directory(deep: Folder) -> None:
    """It is named after the deployment."""
    assert deep.socket("redis.sock").parent == Folder(deep.root).socket("sender.sock").parent


def test_a_socket_directory_that_others_can_enter_is_refused(deep: Folder) -> None:
    """Nobody else may put a socket where ours is looked for."""
    folder = deep.socket("redis.sock").parent
    folder.chmod(0o777)
    with pytest.raises(DeploymentUnusable, match="others can reach it"):
        deep.socket("redis.sock")
    folder.chmod(0o700)


def test_no_short_directory_at_all_is_told(deep: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the temporary directory is too deep too, the message names TMPDIR."""
    monkeypatch.setattr("tempfile.tempdir", str(deep.root))
    with pytest.raises(DeploymentUnusable, match="Set TMPDIR to a shorter directory"):
        deep.socket("redis.sock")


def test_a_lock_that_is_held_names_its_holder(tmp_path: Path) -> None:
    """The second to ask learns which process holds the lock."""
    with Lock(tmp_path / "lock", "The first"), pytest.raises(AlreadyRunning, match=str(os.getpid())) as refused:
        Lock(tmp_path / "lock", "The first")
    assert refused.value.pid == os.getpid()


def test_a_lock_outlives_us_in_those_who_inherited_it(tmp_path: Path) -> None:
    """As long as one inherited copy is open the lock is held."""
    with Lock(tmp_path / "lock", "The first") as lock:
        inherited = os.dup(lock.fd)
    with pytest.raises(AlreadyRunning):
        Lock(tmp_path / "lock", "The first")
    os.close(inherited)
    Lock(tmp_path / "lock", "The first").close()


def test_a_lock_file_left_by_a_dead_process_is_no_lock(tmp_path: Path) -> None:
    """A lock file with a pid in it that nobody holds is taken over."""
    (tmp_path / "lock").write_text("1\n")
    with Lock(tmp_path / "lock", "The first"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
