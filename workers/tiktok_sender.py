"""Both ends of the TikTok sender's socket: the lane's, and the process that holds the credential.

The sender's process imports no store and no Redis (enforced by import-linter); all it knows of the world is what the
lane tells it and what stands on its own disk.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from dispatcher.domain.statement import Mode
from dispatcher.embedded.folder import Folder
from dispatcher.sender_bootstrap import open_sender
from dispatcher.sending.remote import RemoteSender
from dispatcher.sending.server import serve
from dispatcher.settings import Settings
from workers.confinement import insist

ROLE = "tiktok-sender"
FRAME_TIMEOUT_S = 10.0
"""How long a frame, a look-up or a sealed packet may take on the local socket."""


def socket_path(settings: Settings, mode: Mode) -> Path:
    """Where the sender of a mode listens."""
    return Folder(settings.root).socket(f"{ROLE}/{mode}.sock")


def remote(settings: Settings, mode: Mode) -> RemoteSender:
    """The lane's end. A send may take what any call may: half a lease (``sender_bootstrap`` sees to that)."""
    return RemoteSender(socket_path(settings, mode), FRAME_TIMEOUT_S, settings.timing.lease_ms / 2000)


async def serve_until(settings: Settings, mode: Mode, stopping: asyncio.Event) -> None:
    """The sender's end: serve until ``stopping``. Raises Forbidden where a live one is not confined."""
    insist(settings, mode, ROLE)
    sender, prober = open_sender(settings, mode, ROLE)
    try:
        await serve(sender, socket_path(settings, mode), stopping, timeout_s=FRAME_TIMEOUT_S, prober=prober)
    finally:
        await sender.close()
