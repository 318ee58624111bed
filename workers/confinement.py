"""Whether this process is shut in as a live TikTok sender must be: facts gathered in one place, judged in another.

Rules (reference: reliability 4, promises 17 and 18)
  1. No network: no internet socket can be made, or its own network has neither an interface but loopback nor anybody
     who listens there.
  2. Nothing of others can be opened: the database, Redis, their passwords, the status key, people's keys, other
     roles' credentials, another mode's.
  3. The kernel filters its calls and gives it no new rights (``Seccomp`` and ``NoNewPrivs`` in /proc/self/status).

A live sender that is not so refuses to start, and an exercise says so in its log.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from dispatcher.domain.errors import Forbidden
from dispatcher.domain.statement import Mode
from dispatcher.embedded.folder import Folder
from dispatcher.settings import Settings

LISTENING = "0A"
FILTERED = "2"
"""How the kernel writes a listening TCP socket, and a process whose calls a filter looks at (proc(5))."""

_LOOPBACK = "lo"

_PASSWORDS = ("PGPASSWORD", "PGPASSFILE", "REDISCLI_AUTH")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process finds around itself. ``opened`` are places of others that it can open; ``passwords`` where some
    of the database or of Redis stand in what it was given."""

    makes_internet_sockets: bool
    interfaces: tuple[str, ...]
    listeners: int
    opened: tuple[str, ...]
    passwords: tuple[str, ...]
    has_new_privileges: bool
    is_filtered: bool


def faults(found: Surroundings) -> list[str]:
    """In which ways it is not confined, each in words; empty where it is."""
    told: list[str] = []
    if found.makes_internet_sockets and found.interfaces:
        told.append(f"it has a network: {', '.join(found.interfaces)}")
    if found.makes_internet_sockets and found.listeners:
        told.append(f"{found.listeners} servers listen in its network")
    if found.opened:
        told.append(f"it can open what is not its own: {', '.join(found.opened)}")
    if found.passwords:
        told.append(f"it was given passwords: {', '.join(found.passwords)}")
    if found.has_new_privileges:
        told.append("it may gain privileges (NoNewPrivs is 0)")
    if not found.is_filtered:
        told.append("its system calls are not filtered (Seccomp is not 2)")
    return told


def insist(settings: Settings, mode: Mode, role: str) -> None:
    """Look around, and raise Forbidden where a live sender is not confined; an exercise is only told."""
    told = faults(surroundings(settings, mode, role))
    if told and mode is Mode.LIVE:
        raise Forbidden(
            f"{role} is not confined: {'; '.join(told)}",
            f"start it by `python -m ops.deploy.confined {role}`, or as ops/deploy shows for systemd and Kubernetes",
        )
    if told:
        structlog.get_logger("role").warning("unconfined", reason="; ".join(told))


def surroundings(settings: Settings, mode: Mode, role: str) -> Surroundings:
    """What there is around this process."""
    status = dict(_fields(Path("/proc/self/status").read_text()))
    return Surroundings(
        makes_internet_sockets=any(_can_make(family) for family in (socket.AF_INET, socket.AF_INET6)),
        interfaces=tuple(name for name, _ in _fields(Path("/proc/self/net/dev").read_text()) if name != _LOOPBACK),
        listeners=sum(_listeners(Path("/proc/self/net", name)) for name in ("tcp", "tcp6")),
        opened=tuple(str(place) for place in _of_others(settings, mode, role) if _can_open(place)),
        passwords=tuple(_passwords(settings)),
        has_new_privileges=status.get("NoNewPrivs") != "1",
        is_filtered=status.get("Seccomp") == FILTERED,
    )


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value:
            yield name.strip(), value.strip()


def _can_make(family: socket.AddressFamily) -> bool:
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _listeners(table: Path) -> int:
    """How many sockets listen, by one of the kernel's tables; it is not there where there is no such protocol."""
    rows = table.read_text().splitlines()[1:] if table.exists() else []
    return sum(row.split()[3] == LISTENING for row in rows)


def _of_others(settings: Settings, mode: Mode, role: str) -> Iterator[Path]:
    """Everything of a deployment that a sender has no business with."""
    for name in ("data", "redis", "keys/status", "keys/exercise"):
        yield settings.path(name)
    yield Folder(settings.root).socket("redis.sock")
    yield Path.home() / ".pgpass"
    for other in Mode:
        folder = settings.path("credentials", str(other))
        roles = sorted(folder.iterdir()) if _can_open(folder) else []
        yield from (place for place in roles if (other, place.name) != (mode, role))
    mine = settings.vault(mode, role).identity_file
    keys = settings.path("keys")
    yield from (key for key in sorted(keys.glob("role-*")) if key.suffix != ".pub" and key != mine)


def _can_open(place: Path) -> bool:
    """Whether a folder can be listed, a file read, or a socket connected to."""
    try:
        os.close(os.open(place, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        return error.errno == errno.ENXIO and os.access(place, os.W_OK)  # open(2): it is a socket
    return True


def _passwords(settings: Settings) -> Iterator[str]:
    """Where a password of the database or of Redis stands, never what it is."""
    for key, url in (("database", settings.database), ("redis", settings.redis)):
        if urlsplit(url).password:
            yield f"{key} in deployment.toml"
    yield from (f"${name}" for name in _PASSWORDS if name in os.environ)
