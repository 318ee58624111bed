"""A deployment's folder as this machine sees it: logs, sockets, room on the disk.

Rules
  1. Everything a run leaves behind lies under the deployment: ``run/`` (locks, sockets, ``up.json``), ``logs/``,
     ``redis/``. The one exception is rule 2.
  2. The path of a unix socket may have 107 bytes (unix(7): ``sun_path`` is 108 with its closing zero). Where the
     deployment's own path is too long for that, sockets lie in a private directory (0700) under the system's
     temporary directory, made once and recorded in ``run/sockets``; its name is random, so nobody can squat it.
  3. Before anything starts, a file is really written and the room is counted: a full disk is found while nothing has
     happened yet.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dispatcher.embedded.errors import DeploymentUnusable
from dispatcher.embedded.lock import Lock

SOCKET_PATH_BYTES = 107
LONGEST_SOCKET_NAME = 24
FREE_FLOOR_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Folder:
    """The places of one deployment. ``root`` is absolute; nothing is made before :meth:`prepare`."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    def prepare(self, free_floor_bytes: int = FREE_FLOOR_BYTES) -> None:
        """Make the folders and prove that they can be written, with ``free_floor_bytes`` to spare.

        Raises DeploymentUnusable.
        """
        if not self.root.is_dir():
            raise DeploymentUnusable(
                f"There is no deployment at {self.root}. Make one with: dispatcher init {self.root}"
            )
        try:
            for place in (self.run, self.logs, self.redis):
                place.mkdir(mode=0o700, exist_ok=True)
                _probe(place)
        except OSError as error:
            raise DeploymentUnusable(
                f"The deployment at {self.root} cannot be written: {error.strerror}. Nothing was started. "
                "Free some room or mend its permissions, then run this again."
            ) from error
        free = shutil.disk_usage(self.root).free
        if free < free_floor_bytes:
            raise DeploymentUnusable(
                f"The disk of {self.root} is nearly full: {free // 1024:,} KiB free, "
                f"{free_floor_bytes // 1024:,} KiB needed. Nothing was started. Free some room, then run this again."
            )

    def socket(self, name: str) -> Path:
        """Where the unix socket ``name`` of this deployment lies (rule 2); the same for every process that asks.

        Raises DeploymentUnusable when even the system's temporary directory is too deep.
        """
        if len(name) > LONGEST_SOCKET_NAME:
            raise ValueError(f"socket name longer than {LONGEST_SOCKET_NAME}: {name}")
        return self._socket_dir() / name

    def _socket_dir(self) -> Path:
        if _fits(self.run):
            return self.run
        record = self.run / "sockets"
        with Lock(self.run / "sockets.lock", "the socket directory", wait_s=5):
            if record.exists() and _is_private(Path(record.read_text())):
                return Path(record.read_text())
            made = Path(tempfile.mkdtemp(prefix="dispatcher-"))
            if not _fits(made):
                made.rmdir()
                raise DeploymentUnusable(
                    f"Both {self.root} and {made.parent} are too deep for a unix socket ({SOCKET_PATH_BYTES} bytes). "
                    "Set TMPDIR to a shorter directory, or move the deployment."
                )
            record.write_text(str(made))
            return made


def _probe(place: Path) -> None:
    with tempfile.TemporaryFile(dir=place) as file:
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())


def _fits(directory: Path) -> bool:
    return len(os.fsencode(directory)) + 1 + LONGEST_SOCKET_NAME <= SOCKET_PATH_BYTES


def _is_private(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700
