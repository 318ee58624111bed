"""Telling whoever keeps a role running that it is up, still runs and is about to end.

systemd is told by ``sd_notify(3)``, a container's probe by the time of a file, ``$DISPATCHER_ALIVE_FILE``. The words
come from the role's own event loop, every third of ``WATCHDOG_USEC``, or every ten seconds for the file alone: a loop
that hangs falls silent, and the process is killed and another started. Its deliveries are leased, so nothing is lost.
A role counts as ready once its loop runs; where the database is away it waits for it by itself and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

READY, ALIVE, STOPPING = b"READY=1", b"WATCHDOG=1", b"STOPPING=1"
SHARE = 3
"""Words per watchdog's time: two may be late."""

FILE_EVERY_S = 10.0


async def keep_telling(stopping: asyncio.Event) -> None:
    """Say that the role is up, then that it runs, until ``stopping``; nothing where nobody asked to be told."""
    file = os.environ.get("DISPATCHER_ALIVE_FILE", "")
    every_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000 / SHARE or (FILE_EVERY_S if file else None)
    tell(READY)
    while not stopping.is_set():
        tell(ALIVE)
        touch(file)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), every_s)
    tell(STOPPING)


def touch(file: str) -> None:
    """Give the file the time of now; nothing for no name. On a disk that is full or gone the probe will say so."""
    if file:
        with contextlib.suppress(OSError):
            Path(file).touch()


def tell(words: bytes) -> None:
    """Send one datagram to ``$NOTIFY_SOCKET``. That nobody takes it is no reason to end."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.sendto(words, "\0" + address[1:] if address[0] == "@" else address)
