"""Unix sockets that roles listen at: who may open one, and who the kernel says did (unix(7))."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dispatcher.domain.errors import Unavailable

_CREDENTIALS = struct.Struct("3i")


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """A name of a socket that the kernel takes, however long its path is (unix(7): 107 bytes at most)."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def bound(path: Path, *, group: bool = False) -> socket.socket:
    """A socket to listen at, for its owner only, or for the owner's ``group`` too; a stale one is removed.

    The rights of its folder keep others out while it is made. Raises Unavailable where another process serves it.
    """
    folder_rights, rights = (0o750, 0o660) if group else (0o700, 0o600)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(folder_rights)
    if _answers(path):
        raise Unavailable(f"another process serves {path}", "stop it first: one at a time may")
    remove(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_address(path) as address:
        listening.bind(address)
    path.chmod(rights)
    return listening


def remove(path: Path) -> None:
    """Take the socket away, so that the next to come finds nobody."""
    path.unlink(missing_ok=True)


def peer(writer: asyncio.StreamWriter) -> tuple[int, int]:
    """Process and user at the other end, by the kernel's word (SO_PEERCRED)."""
    held = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(held)
    return pid, uid


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, short_address(path) as address:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0
