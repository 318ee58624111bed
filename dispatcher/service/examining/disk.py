"""The folders: whether there is room, and who may go into them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site

FLOOR, LITTLE = 64 << 20, 1 << 30
"""Bytes free below which ``up`` does not start, and below which it is time to make room."""

FEW_FILES = 10_000
PRIVATE = ("keys", "credentials", "sender", "data")


def folders(site: Site) -> dict[str, Path]:
    """Every folder that a deployment uses, by what it is for."""
    own = ("data", "logs", "run", "sender", "credentials", "keys", "trust", "redis", "feed", "hand-off")
    elsewhere = {"media": site.folder / site.settings.media}
    elsewhere |= {f"checkpoints {at}": site.folder / at for at in site.settings.checkpoints}
    return {name: site.folder / name for name in own} | elsewhere


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with them."""
    seen: set[int] = set()
    for path in folders(site).values():
        if path.is_dir() and (device := path.stat().st_dev) not in seen:
            seen.add(device)
            yield from room(path, os.statvfs(path))
    for name in PRIVATE:
        yield from _private(site.folder / name)


def room(path: Path, found: os.statvfs_result) -> Iterator[Finding]:
    """What is left on the file system of a folder."""
    free = found.f_bavail * found.f_frsize
    told = f"{free >> 20:,} MB are free at {path}"
    if free < FLOOR:
        yield failing(told, "nothing can be recorded soon, and nothing is sent then", "make room")
    elif free < LITTLE:
        yield warning(told, "a pack of a million deliveries takes 300 MB, a million recipients 250", "make room")
    else:
        yield ok(told)
    if found.f_files and found.f_favail < FEW_FILES:
        yield warning(
            f"{found.f_favail:,} more files fit at {path}", "then none can be made", "delete old ones there"
        )


def _private(path: Path) -> Iterator[Finding]:
    if not path.is_dir():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & stat.S_IRWXO:
        why = "everybody on this host may look into it, or write there"
        yield failing(f"{path} is open to everybody ({mode:04o})", why, f"chmod o-rwx {path}")
    elif mode & stat.S_IWGRP:
        yield note(f"{path} may be written by its group ({mode:04o})", "look that only roles are in it")
