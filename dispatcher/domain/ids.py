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


def drawn_ahead(random_bytes: RandomBytes, ahead: int = 4_096) -> RandomBytes:
    """The same, drawn so many bytes at a time. For one thread.

    Each draw has the kernel asked, and has Python's lock let go of, which costs a busy process more than the bytes.
    """
    pool, place = b"", 0

    def draw(count: int) -> bytes:
        nonlocal pool, place
        if place + count > len(pool):
            pool, place = random_bytes(max(count, ahead)), 0
        place += count
        return pool[place - count : place]

    return draw


def is_name(value: str) -> bool:
    """Whether ``value`` can name an account, a list, a person or a device: lower case ASCII, at most 63."""
    return _NAME.fullmatch(value) is not None


def short(digest: str) -> str:
    """The first twelve characters: enough to recognise a digest by eye, never to decide by."""
    return digest[:12]
