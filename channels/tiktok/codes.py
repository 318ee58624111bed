"""What people type to open a packet: the device secret and the release code.

Rules
  1. Crockford base32 (no I, L, O, U). Typed input is forgiven: case, spaces and hyphens do not count, O reads as 0,
     I and L read as 1.
  2. A release code is 10 characters: 50 bits. It is read aloud, lives ten minutes at most and opens one packet.
  3. A device secret is 256 bits and a 24-bit checksum: 56 characters, shown once, when the device is registered.
     The checksum tells a slip of the finger from the secret of another device.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from channels.by_hand import HandOverError
from channels.contract import RandomBytes, Secret

CODE_LIFE = timedelta(minutes=10)
"""The longest a release code may live (reference: policy 6.6)."""

CODE_CHARACTERS = 10
SECRET_BYTES = 32
CHECKSUM_BYTES = 3
CHECKSUM_LABEL = b"tiktok-device-secret/v1\0"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READS_AS = str.maketrans("OIL", "011")
_CODE_GROUP = 5
_SECRET_GROUP = 7
_SECRET_CHARACTERS = (SECRET_BYTES + CHECKSUM_BYTES) * 8 // 5


def release_code(random_bytes: RandomBytes) -> str:
    """Return a new release code as it is read aloud, ``XXXXX-XXXXX``: 50 bits, of which none is predictable."""
    return _spell_code(random_bytes(7))


def normalise_code(typed: str) -> str:
    """Return the ten characters that were meant. Raises HandOverError for anything else."""
    return _normalise(typed, CODE_CHARACTERS, "release code")


def device_secret(random_bytes: RandomBytes) -> Secret:
    """Return a new 256-bit device secret as it is shown once: eight groups of seven, checksum included."""
    value = random_bytes(SECRET_BYTES)
    number = int.from_bytes(value + _checksum(value), "big")
    return Secret(_grouped(_spell(number, _SECRET_CHARACTERS), _SECRET_GROUP))


def secret_bytes(secret: Secret) -> bytes:
    """Return the 32 bytes of a device secret as shown or typed. Raises HandOverError where a character is wrong."""
    typed = _normalise(secret.reveal(), _SECRET_CHARACTERS, "device secret")
    number = 0
    for character in typed:
        number = number * 32 + _ALPHABET.index(character)
    data = number.to_bytes(SECRET_BYTES + CHECKSUM_BYTES, "big")
    value, checksum = data[:SECRET_BYTES], data[SECRET_BYTES:]
    if not hmac.compare_digest(checksum, _checksum(value)):
        raise HandOverError(
            "device secret: a character is wrong; compare it with the record of the device, group by group"
        )
    return value


def receipt_is_late(issued_at: datetime, receipt_at: datetime) -> bool:
    """Whether a receipt came more than ten minutes after its code was issued, which raises an alarm.

    The device is beyond the reach of a revocation, so the receipt's time is what shows a code used late
    (reference: policy 6.6).
    """
    return receipt_at - issued_at > CODE_LIFE


def spell_digest(data: bytes) -> str:
    """Return 50 bits of the SHA-256 of ``data`` spelled like a release code: a name that can be read aloud."""
    return _spell_code(hashlib.sha256(data).digest()[:7])


def _spell_code(data: bytes) -> str:
    return _grouped(_spell(int.from_bytes(data, "big") >> 6, CODE_CHARACTERS), _CODE_GROUP)


def _spell(number: int, characters: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(characters)))


def _grouped(text: str, size: int) -> str:
    return "-".join(text[start : start + size] for start in range(0, len(text), size))


def _checksum(value: bytes) -> bytes:
    return hashlib.sha256(CHECKSUM_LABEL + value).digest()[:CHECKSUM_BYTES]


def _normalise(typed: str, characters: int, name: str) -> str:
    text = re.sub(r"[\s-]", "", typed).upper().translate(_READS_AS)
    if len(text) != characters:
        raise HandOverError(f"{name}: {characters} characters are needed, {len(text)} were given")
    if not set(text) <= set(_ALPHABET):
        raise HandOverError(f"{name}: only digits and letters without U are used")
    return text
