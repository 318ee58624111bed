"""A deployment's folder as this machine sees it: logs, sockets, room on the disk.

Rules
  1. Everything a run leaves behind lies under the deployment: ``run/`` (locks, sockets, ``up.json``), ``logs/``,
     ``redis/``. The one exception is rule 2.
  2. The path of a unix socket may have 107 bytes (unix(7): ``sun_path`` is 108 with its closing zero). Where the
     deployment's own path is too long for that, sockets lie in a directory under the system's temporary directory,
     which is named after the deployment and used only if it is ours and closed to everybody else.
  3. Before anything starts, a file is really written and the room is counted: a full disk is found while nothing has
     happened yet.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dispatcher.embedded.errors import DeploymentUnusable

SOCKET_PATH_BYTES = 107
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

        Raises DeploymentUnusable when there is no place for it.
        """
        path = self.run / name
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
            path = self._short_dir() / name
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
            raise DeploymentUnusable(
                f"Both {self.root} and {path.parent} are too deep for a unix socket ({SOCKET_PATH_BYTES} bytes). "
                "Set TMPDIR to a shorter directory, or move the deployment."
            )
        return path

    def _short_dir(self) -> Path:
        name = f"dispatcher-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]}"
        short = Path(tempfile.gettempdir()) / name
        short.mkdir(mode=0o700, exist_ok=True)
        found = short.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o700:
            raise DeploymentUnusable(f"{short} is for this deployment's sockets, but others can reach it. Remove it.")
        return short


def _probe(place: Path) -> None:
    with tempfile.TemporaryFile(dir=place) as file:
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())
