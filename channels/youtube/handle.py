"""What an attempt leaves for the next: the address of an upload, then the id of the video.

Whoever has an upload's address can put a video of their own there, and whoever names another video has that one
published. Handles lie in the database, which proves nothing (design: gate). So they are sealed for their delivery
under a key made of the account's credential: elsewhere they cannot be read, and no other is taken.
"""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from channels.contract import Secret

_LABEL = b"youtube handle/v1\0"


class What(StrEnum):
    """What a handle names."""

    SESSION = "session"
    VIDEO = "video"


class Handles:
    """Writes and reads the handles of one account. One that another credential wrote is none."""

    def __init__(self, secret: Secret) -> None:
        self._seal = AESSIV(hashlib.sha512(_LABEL + secret.reveal().encode()).digest())

    def write(self, delivery: str, what: What, name: str) -> str:
        """The handle of a delivery's session or video; the same each time (RFC 5297)."""
        sealed = self._seal.encrypt(f"{what} {name}".encode(), [delivery.encode()])
        return base64.urlsafe_b64encode(sealed).decode()

    def read(self, delivery: str, handle: str | None) -> dict[What, str]:
        """What a delivery's handle names; nothing where it is not ours."""
        try:
            sealed = base64.urlsafe_b64decode((handle or "").encode())
            what, _, name = self._seal.decrypt(sealed, [delivery.encode()]).decode().partition(" ")
        except (ValueError, InvalidTag):
            return {}
        return {What(what): name}
