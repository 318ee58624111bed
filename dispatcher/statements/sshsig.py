"""SSHSIG, the signature format of ``ssh-keygen -Y``, over PyNaCl.

Rules (OpenSSH PROTOCOL.sshsig and PROTOCOL.u2f; reference: gate 3 and 4, reliability 0.4 and 2.2)
  1. Version 1, hash sha512 or sha256, empty reserved field, admitted keys only; nothing trails anywhere.
  2. The namespace is inside the signed bytes: a signature made in an exercise holds over nothing live.
  3. A security key vouches for touch (0x01) and PIN (0x04) inside what it signs; who demands them is the gate.
  4. A signature proves a key, never a statement's identity: name statements by their payload.

Making and reading one::

    blob = key.sign(to_be_signed(namespace, message))             # or the agent's answer
    text = armour(public, namespace, signature_blob(blob))
    signature = verify(text, message, namespace)                  # raises SshsigError
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from dispatcher.domain.people import KeyType
from dispatcher.domain.statement import Mode
from dispatcher.statements.errors import SshsigError, WrongNamespace
from dispatcher.statements.keys import APPLICATION, parse_public_blob, point_of, strict_base64
from dispatcher.statements.wire import WireReader, string, uint32

NAMESPACES = {Mode.LIVE: "dispatcher-live-v1", Mode.EXERCISE: "dispatcher-exercise-v1"}

MAGIC = b"SSHSIG"
VERSION = 1
TOUCHED = 0x01
PIN = 0x04
LINE = 70  # characters in a line of armour, as ssh-keygen writes it
MAX_ARMOUR = 4096
SIGNATURE_BYTES = 64
BEGIN = "-----BEGIN SSH SIGNATURE-----"
END = "-----END SSH SIGNATURE-----"

_HASHES: dict[bytes, Callable[[bytes], bytes]] = {
    b"sha512": lambda message: hashlib.sha512(message).digest(),
    b"sha256": lambda message: hashlib.sha256(message).digest(),
}


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that holds. ``counter`` is the security key's own, 0 for others."""

    public_blob: bytes
    fingerprint: str
    type: KeyType
    namespace: str
    touched: bool = False
    pin: bool = False
    counter: int = 0

    @property
    def hardware(self) -> bool:
        """Whether a security key made it."""
        return self.type is KeyType.SK_ED25519


@dataclass(frozen=True, slots=True)
class _Parts:
    public_blob: bytes
    namespace: str
    hash_name: bytes
    signature: bytes


def to_be_signed(namespace: str, message: bytes, hash_name: str = "sha512") -> bytes:
    """The bytes that a key signs for ``message``."""
    hashed = _HASHES[hash_name.encode()](message)
    return MAGIC + string(namespace.encode()) + string(b"") + string(hash_name.encode()) + string(hashed)


def signature_blob(raw: bytes) -> bytes:
    """The wire form of a plain ed25519 signature of 64 bytes."""
    return string(KeyType.ED25519.encode()) + string(raw)


def armour(public_blob: bytes, namespace: str, signature: bytes, hash_name: str = "sha512") -> str:
    """The text of a signature file; ``signature`` is the wire form (from an agent, or :func:`signature_blob`)."""
    fields = (public_blob, namespace.encode(), b"", hash_name.encode(), signature)
    blob = MAGIC + uint32(VERSION) + b"".join(string(part) for part in fields)
    encoded = base64.b64encode(blob).decode()
    lines = [encoded[start : start + LINE] for start in range(0, len(encoded), LINE)]
    return "\n".join([BEGIN, *lines, END, ""])


def verify(armoured: str, message: bytes, namespace: str) -> Signature:
    """Return the signature if it holds over ``message`` in ``namespace``.

    Raises SshsigError for anything malformed, not admitted or not holding; WrongNamespace where it was made for
    another purpose.
    """
    parts = _parse(_dearmour(armoured))
    if parts.namespace != namespace:
        raise WrongNamespace(
            f"signed for {parts.namespace!r}, needed for {namespace!r}",
            f"Sign again with: ssh-keygen -Y sign -n {namespace}",
        )
    key = parse_public_blob(parts.public_blob)
    signed = to_be_signed(namespace, message, parts.hash_name.decode())
    reader = WireReader(parts.signature, "signature")
    if reader.string() != key.type.encode():
        raise SshsigError("the signature's type is not its key's", "Sign again.")
    raw = reader.string()
    flags, counter = (reader.byte(), reader.uint32()) if key.type is KeyType.SK_ED25519 else (0, 0)
    reader.end()
    if key.type is KeyType.SK_ED25519:
        signed = _as_security_key(signed, flags, counter)
    _check(point_of(parts.public_blob), signed, raw)
    touched, pin = bool(flags & TOUCHED), bool(flags & PIN)
    return Signature(parts.public_blob, key.fingerprint, key.type, namespace, touched, pin, counter)


def _as_security_key(signed: bytes, flags: int, counter: int) -> bytes:
    """What a security key signs instead of the message itself (PROTOCOL.u2f)."""
    return hashlib.sha256(APPLICATION).digest() + bytes([flags]) + uint32(counter) + hashlib.sha256(signed).digest()


def _check(point: bytes, signed: bytes, raw: bytes) -> None:
    if len(raw) != SIGNATURE_BYTES:
        raise SshsigError("the signature is not 64 bytes long", "Sign again.")
    try:
        VerifyKey(point).verify(signed, raw)
    except BadSignatureError as error:
        raise SshsigError(
            "the signature does not hold over these bytes", "Sign the document as it is now."
        ) from error


def _dearmour(text: str) -> bytes:
    if len(text) > MAX_ARMOUR:
        raise SshsigError("too long for an SSH signature", "Give the .sig file that ssh-keygen wrote.")
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) < 3 or lines[0] != BEGIN or lines[-1] != END:
        raise SshsigError("not an armoured SSH signature", "Give the .sig file that ssh-keygen wrote.")
    return strict_base64("".join(lines[1:-1]), "signature")


def _parse(blob: bytes) -> _Parts:
    reader = WireReader(blob, "signature")
    if reader.take(len(MAGIC)) != MAGIC or reader.uint32() != VERSION:
        raise SshsigError("not an SSH signature of version 1", "Sign with ssh-keygen -Y sign.")
    public, namespace, reserved, hash_name, signature = (reader.string() for _ in range(5))
    reader.end()
    if reserved or hash_name not in _HASHES:
        raise SshsigError(
            "the signature uses a hash or a field that is not admitted", "Sign with the default, sha512."
        )
    return _Parts(public, namespace.decode("utf-8", "replace"), hash_name, signature)
