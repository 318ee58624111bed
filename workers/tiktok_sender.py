"""Both ends of the TikTok sender's socket: the lane's side, and the process that holds the credential.

The sender's process imports no store and no Redis (enforced by import-linter); all it knows of the world is what the
lane tells it and what stands on its own disk.
"""

from __future__ import annotations

from pathlib import Path

from dispatcher.embedded.folder import Folder
from dispatcher.settings import Settings

ROLE = "tiktok-sender"


def socket_path(settings: Settings) -> Path:
    """Where the sender listens."""
    return Folder(settings.root).socket("tiktok-sender.sock")
