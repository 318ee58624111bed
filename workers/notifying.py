"""Telling systemd that a role is up, still runs and is about to end, by ``sd_notify(3)``.

The words come from the role's own event loop, every third of ``WATCHDOG_USEC``: a loop that hangs falls silent, and
systemd kills the process and starts another. Its deliveries are leased, so nothing is lost by that. A role counts as
ready once its loop runs; where the database is away it waits for it by itself and says so in its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

READY, ALIVE, STOPPING = b"READY=1", b"WATCHDOG=1", b"STOPPING=1"
SHARE = 3
"""Words per watchdog's time: two may be late."""


async def keep_telling(stopping: asyncio.Event) -> None:
    """Say that the role is up, then that it runs, until ``stopping``; nothing where nobody asked to be told."""
    every_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000 / SHARE
    tell(READY)
    while not stopping.is_set():
        tell(ALIVE)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), every_s or None)
    tell(STOPPING)


def tell(words: bytes) -> None:
    """Send one datagram to ``$NOTIFY_SOCKET``. That nobody takes it is no reason to end."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.sendto(words, "\0" + address[1:] if address[0] == "@" else address)
