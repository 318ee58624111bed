"""OpenSSH public keys: reading the line that people paste, and admitting only keys that can be trusted to sign.

Rules
  1. ``ssh-ed25519`` and ``sk-ssh-ed25519@openssh.com`` only; a security key's application is ``ssh:``.
  2. The point must be canonical, on the curve, in the prime-order group: a small-order key lets one fixed signature
     hold over every message (reference: reliability 0.4).
"""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from nacl import bindings

from dispatcher.domain.documents import DocumentError
from dispatcher.domain.people import KeyType, PublicKey
from dispatcher.statements.errors import SshsigError
from dispatcher.statements.wire import WireReader, string

APPLICATION = b"ssh:"
_MAKE_ONE = "Make one with: ssh-keygen -t ed25519-sk -O verify-required (or -t ed25519)."

K = TypeVar("K", bound=PublicKey)


def parse_public_line(line: str) -> PublicKey:
    """Read ``type base64 [comment]``. Raises SshsigError for anything else, and for keys that are not admitted."""
    words = line.split()
    if len(words) < 2 or "\n" in line.strip():
        raise SshsigError("not an OpenSSH public key line", "Paste the one line of the .pub file.")
    key = parse_public_blob(strict_base64(words[1], "public key"))
    if key.type != words[0]:
        raise SshsigError(f"the line says {words[0]!r} but its key is {key.type}", "Paste the .pub file as it is.")
    return key


def parse_public_blob(blob: bytes) -> PublicKey:
    """Read and admit a key's binary form. Raises SshsigError."""
    return PublicKey(f"{_read(blob)[0]} {base64.b64encode(blob).decode()}")


def admitted(keys: tuple[K, ...], where: str) -> tuple[K, ...]:
    """Keys of a trust file, admitted and without comments. Raises DocumentError naming the first that is not."""
    found: list[K] = []
    for index, key in enumerate(keys):
        try:
            found.append(replace(key, public=parse_public_line(key.public).public))
        except SshsigError as error:
            raise DocumentError(f"{where}[{index}].public: {error.message}. {error.next_step}") from error
    return tuple(found)


def ed25519_line(point: bytes) -> str:
    """The OpenSSH line of a raw ed25519 public key."""
    blob = string(KeyType.ED25519.encode()) + string(point)
    return f"{KeyType.ED25519} {base64.b64encode(blob).decode()}"


def point_of(blob: bytes) -> bytes:
    """The 32 bytes of the curve point of an admitted key. Raises SshsigError."""
    return _read(blob)[1]


def strict_base64(text: str, what: str) -> bytes:
    """Decode base64 that is its own canonical form: no junk, no spare bits. Raises SshsigError."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise SshsigError(f"{what}: not base64 ({error})", "Copy it again, whole.") from error
    if base64.b64encode(data).decode() != text:
        raise SshsigError(f"{what}: base64 not in canonical form", "Copy it again, whole.")
    return data


@lru_cache(maxsize=1024)  # far more than a roster has
def _read(blob: bytes) -> tuple[KeyType, bytes]:
    reader = WireReader(blob, "public key")
    name = reader.string()
    if name not in {key_type.encode() for key_type in KeyType}:
        shown = name[:40].decode("ascii", "replace")
        raise SshsigError(f"{shown!r} keys are not admitted: only ssh-ed25519 and sk-ssh-ed25519 are", _MAKE_ONE)
    key_type, point = KeyType(name.decode()), reader.string()
    application = reader.string() if key_type is KeyType.SK_ED25519 else APPLICATION
    reader.end()
    if application != APPLICATION:
        raise SshsigError("the security key's application is not ssh:", _MAKE_ONE)
    if len(point) != bindings.crypto_core_ed25519_BYTES or not bindings.crypto_core_ed25519_is_valid_point(point):
        raise SshsigError("the public key is not a sound ed25519 point; such keys let anybody sign", _MAKE_ONE)
    return key_type, point
