"""Identifiers: short, sayable over a telephone, with a prefix that says what they name."""

from __future__ import annotations

import re
from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""Returns that many random bytes; ``secrets.token_bytes`` outside tests."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


def new_id(prefix: str, random_bytes: RandomBytes, characters: int = 10) -> str:
    """Return ``prefix-xxxxxxxxxx`` with five random bits a character."""
    drawn = random_bytes(characters)
    return f"{prefix}-{''.join(ALPHABET[byte & 31] for byte in drawn)}"


def is_name(value: str) -> bool:
    """Whether ``value`` can name an account, a list, a person or a device: lower case ASCII, at most 63."""
    return _NAME.fullmatch(value) is not None


def short(digest: str) -> str:
    """The first twelve characters: enough to recognise a digest by eye, never to decide by."""
    return digest[:12]
