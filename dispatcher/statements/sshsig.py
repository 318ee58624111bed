"""SSHSIG, the signature format of ``ssh-keygen -Y``, over PyNaCl.

Rules (OpenSSH PROTOCOL.sshsig and PROTOCOL.u2f; reference: gate 3 and 4, reliability 0.4 and 2.2)
  1. Version 1, hash sha512 (ssh-keygen's own choice), no reserved field, admitted keys only; nothing trails.
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
HASH = b"sha512"
TOUCHED = 0x01
PIN = 0x04
LINE = 70  # characters in a line of armour, as ssh-keygen writes it
MAX_ARMOUR = 4096
BEGIN = "-----BEGIN SSH SIGNATURE-----"
END = "-----END SSH SIGNATURE-----"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that holds: the key that made it, and what a security key vouches for."""

    fingerprint: str
    hardware: bool
    touched: bool
    pin: bool


def to_be_signed(namespace: str, message: bytes) -> bytes:
    """The bytes that a key signs for ``message``."""
    fields = (namespace.encode(), b"", HASH, hashlib.sha512(message).digest())
    return MAGIC + b"".join(map(string, fields))


def signature_blob(raw: bytes) -> bytes:
    """The wire form of a plain ed25519 signature of 64 bytes."""
    return string(KeyType.ED25519.encode()) + string(raw)


def armour(public_blob: bytes, namespace: str, signature: bytes) -> str:
    """The text of a signature file; ``signature`` is the wire form (from an agent, or :func:`signature_blob`)."""
    fields = (public_blob, namespace.encode(), b"", HASH, signature)
    blob = MAGIC + uint32(VERSION) + b"".join(map(string, fields))
    encoded = base64.b64encode(blob).decode()
    lines = [encoded[start : start + LINE] for start in range(0, len(encoded), LINE)]
    return "\n".join([BEGIN, *lines, END, ""])


def verify(armoured: str, message: bytes, namespace: str) -> Signature:
    """Return the signature if it holds over ``message`` in ``namespace``.

    Raises SshsigError for anything malformed, not admitted or not holding; WrongNamespace where it was made for
    another purpose.
    """
    public_blob, signed_for, signature = _parse(_dearmour(armoured))
    if signed_for != namespace.encode():
        raise WrongNamespace(
            f"signed for {signed_for.decode('utf-8', 'replace')!r}, needed for {namespace!r}",
            f"Sign again with: ssh-keygen -Y sign -n {namespace}",
        )
    key = parse_public_blob(public_blob)
    hardware = key.type is KeyType.SK_ED25519
    reader = WireReader(signature, "signature")
    if reader.string() != key.type.encode():
        raise SshsigError("the signature's type is not its key's", "Sign again.")
    raw, tail = reader.string(), reader.take(5) if hardware else b""
    reader.end()
    signed = to_be_signed(namespace, message)
    _check(point_of(public_blob), _as_security_key(signed, tail) if hardware else signed, raw)
    flags = tail[0] if hardware else 0
    return Signature(key.fingerprint, hardware, touched=bool(flags & TOUCHED), pin=bool(flags & PIN))


def _as_security_key(signed: bytes, flags_and_counter: bytes) -> bytes:
    """What a security key signs instead of the message itself (PROTOCOL.u2f)."""
    return hashlib.sha256(APPLICATION).digest() + flags_and_counter + hashlib.sha256(signed).digest()


def _check(point: bytes, signed: bytes, raw: bytes) -> None:
    try:
        VerifyKey(point).verify(signed, raw)
    except (BadSignatureError, ValueError) as error:  # ValueError: not 64 bytes
        raise SshsigError(
            "the signature does not hold over these bytes", "Sign the document as it is now."
        ) from error


def _dearmour(text: str) -> bytes:
    if len(text) > MAX_ARMOUR:
        raise SshsigError("too long for an SSH signature", "Give the .sig file that ssh-keygen wrote.")
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines[0] != BEGIN or lines[-1] != END:
        raise SshsigError("not an armoured SSH signature", "Give the .sig file that ssh-keygen wrote.")
    return strict_base64("".join(lines[1:-1]), "signature")


def _parse(blob: bytes) -> tuple[bytes, bytes, bytes]:
    """Public key, namespace and signature."""
    reader = WireReader(blob, "signature")
    if reader.take(len(MAGIC)) != MAGIC or reader.uint32() != VERSION:
        raise SshsigError("not an SSH signature of version 1", "Sign with ssh-keygen -Y sign.")
    public, namespace, reserved, hash_name, signature = (reader.string() for _ in range(5))
    reader.end()
    if reserved or hash_name != HASH:
        raise SshsigError(
            "the signature uses a hash or a field that is not admitted", "Sign with the default, sha512."
        )
    return public, namespace, signature
