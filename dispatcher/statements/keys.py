"""OpenSSH public keys: reading the line that people paste, and admitting only keys that can be trusted to sign.

Rules
  1. ``ssh-ed25519`` and ``sk-ssh-ed25519@openssh.com`` only; a security key's application is ``ssh:``.
  2. The point must be canonical, on the curve, in the prime-order group: a small-order key lets one fixed signature
     hold over every message (reference: reliability 0.4).
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from nacl import bindings

from dispatcher.domain.people import KeyType, PublicKey
from dispatcher.statements.errors import SshsigError
from dispatcher.statements.wire import WireReader, string

APPLICATION = b"ssh:"
POINT_BYTES = 32
_MAKE_ONE = "Make one with: ssh-keygen -t ed25519-sk -O verify-required (or -t ed25519)."


def parse_public_line(line: str) -> PublicKey:
    """Read ``type base64 [comment]``. Raises SshsigError for anything else, and for keys that are not admitted."""
    words = line.split(maxsplit=2)
    if len(words) < 2 or "\n" in line.strip():
        raise SshsigError("not an OpenSSH public key line", "Paste the one line of the .pub file.")
    key = parse_public_blob(strict_base64(words[1], "public key"))
    if key.type != words[0]:
        raise SshsigError(f"the line says {words[0]} but its key is {key.type}", "Paste the .pub file as it is.")
    return key


def parse_public_blob(blob: bytes) -> PublicKey:
    """Read and admit a key's binary form. Raises SshsigError."""
    key_type, _ = _read(blob)
    encoded = base64.b64encode(blob).decode()
    return PublicKey(key_type, fingerprint(blob), f"{key_type} {encoded}")


def public_blob(key: PublicKey) -> bytes:
    """The binary form of a key already read."""
    return base64.b64decode(key.public.split()[1])


def ed25519_line(point: bytes) -> str:
    """The OpenSSH line of a raw ed25519 public key."""
    blob = string(KeyType.ED25519.encode()) + string(point)
    return f"{KeyType.ED25519} {base64.b64encode(blob).decode()}"


def point_of(blob: bytes) -> bytes:
    """The 32 bytes of the curve point of an admitted key. Raises SshsigError."""
    return _read(blob)[1]


def fingerprint(blob: bytes) -> str:
    """OpenSSH's ``SHA256:…`` of a public key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def strict_base64(text: str, what: str) -> bytes:
    """Decode base64 that is its own canonical form: no junk, no spare bits. Raises SshsigError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SshsigError(f"{what}: not base64 ({error})", "Copy it again, whole.") from error
    if base64.b64encode(data).decode() != text:
        raise SshsigError(f"{what}: base64 not in canonical form", "Copy it again, whole.")
    return data


def _read(blob: bytes) -> tuple[KeyType, bytes]:
    reader = WireReader(blob, "public key")
    name = reader.string()
    key_type = _admitted_type(name)
    point = reader.string()
    application = reader.string() if key_type is KeyType.SK_ED25519 else APPLICATION
    reader.end()
    if application != APPLICATION:
        raise SshsigError("the security key's application is not ssh:", _MAKE_ONE)
    if len(point) != POINT_BYTES or not bindings.crypto_core_ed25519_is_valid_point(point):
        raise SshsigError("the public key is not a sound ed25519 point; such keys let anybody sign", _MAKE_ONE)
    return key_type, point


def _admitted_type(name: bytes) -> KeyType:
    for key_type in KeyType:
        if name == key_type.encode():
            return key_type
    shown = name[:40].decode("ascii", "replace")
    raise SshsigError(f"{shown!r} keys are not admitted: only ssh-ed25519 and sk-ssh-ed25519 are", _MAKE_ONE)
