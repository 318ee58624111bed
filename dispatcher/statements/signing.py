"""Making a statement's signature: from a key file, from an agent, or from a file that ssh-keygen wrote elsewhere.

Rules
  1. A signer gets the exact payload bytes and the namespace of the statement's mode; nobody else chooses either.
  2. What a signer returns is verified before an envelope exists: a broken signature is found here, not at the gate.
  3. Passphrases are asked for through a callable and kept nowhere.

A signature made on another machine::

    path.write_bytes(to_sign(statement))                        # exactly these bytes, no newline at the end
    $ ssh-keygen -Y sign -f KEY -n dispatcher-live-v1 path      # writes path.sig
    envelope = attach(statement, read_signature(path_sig))
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from dispatcher.domain.statement import Envelope, Statement
from dispatcher.statements import sshsig
from dispatcher.statements.errors import SigningError, SshsigError
from dispatcher.statements.keys import ed25519_line, parse_public_line

Passphrase = Callable[[], str]
"""Asks the person for the passphrase of a key file."""


class Signer(Protocol):
    """One person's key, wherever it lives."""

    @property
    def fingerprint(self) -> str:
        """OpenSSH's ``SHA256:…``."""

    def sign(self, namespace: str, message: bytes) -> str:
        """Return the armoured SSHSIG over ``message``. Raises SigningError."""


class KeyFileSigner:
    """An OpenSSH ed25519 private key file, encrypted or not.

    Raises SigningError for a file that cannot be read or decrypted, and for key types that may not sign.
    """

    __slots__ = ("_key", "_private")

    def __init__(self, path: Path, passphrase: Passphrase | None = None) -> None:
        self._private = _load(path, passphrase)
        self._key = parse_public_line(ed25519_line(self._private.public_key().public_bytes_raw()))

    @property
    def fingerprint(self) -> str:
        """OpenSSH's ``SHA256:…``."""
        return self._key.fingerprint

    @property
    def point(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._private.public_key().public_bytes_raw()

    def sign(self, namespace: str, message: bytes) -> str:
        """Return the armoured SSHSIG over ``message``."""
        raw = self._private.sign(sshsig.to_be_signed(namespace, message))
        return sshsig.armour(self._key.blob, namespace, sshsig.signature_blob(raw))

    def sign_plain(self, message: bytes) -> bytes:
        """Return the 64 bytes of a bare signature, as notes have them; ``message`` never begins as an SSHSIG does."""
        return self._private.sign(message)


def to_sign(statement: Statement) -> bytes:
    """The exact bytes to hand to ``ssh-keygen -Y sign``."""
    return statement.encoded()


def sign(statement: Statement, signer: Signer) -> Envelope:
    """Have ``signer`` sign the statement in its mode's namespace. Raises SigningError."""
    return attach(statement, signer.sign(sshsig.NAMESPACES[statement.mode], to_sign(statement)))


def attach(statement: Statement, signature: str) -> Envelope:
    """Put a signature made elsewhere beside its statement. Raises SigningError where it does not hold over it."""
    payload = to_sign(statement)
    try:
        sshsig.verify(signature, payload, sshsig.NAMESPACES[statement.mode])
    except SshsigError as error:
        raise SigningError(f"this signature cannot be used: {error.message}", error.next_step) from error
    return Envelope(payload, signature)


def read_signature(path: Path) -> str:
    """The text of a ``.sig`` file. Raises SigningError where there is none to read."""
    try:
        with path.open("rb") as file:
            return file.read(sshsig.MAX_ARMOUR + 1).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SigningError(
            f"{path}: no signature to read ({error})", "Give the .sig file ssh-keygen wrote."
        ) from error


def _load(path: Path, passphrase: Passphrase | None) -> Ed25519PrivateKey:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SigningError(f"{path}: cannot be read ({error.strerror})", "Name your private key file.") from error
    try:
        private = _decrypt(data, path, passphrase)
    except UnsupportedAlgorithm as error:
        raise SigningError(f"{path}: {error}", f"A security key signs through the agent: ssh-add {path}") from error
    except ValueError as error:
        raise SigningError(
            f"{path}: wrong passphrase, or not an OpenSSH private key", "Try again, or use the agent: ssh-add"
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningError(f"{path}: only ed25519 keys may sign", "Make one with: ssh-keygen -t ed25519")
    return private


def _decrypt(data: bytes, path: Path, passphrase: Passphrase | None) -> object:
    try:
        return load_ssh_private_key(data, None)
    except TypeError as error:  # encrypted, says cryptography; a passphrase for a clear file would be one too
        if passphrase is None:
            raise SigningError(f"{path}: needs its passphrase", "Run on a terminal, or use ssh-add.") from error
    return load_ssh_private_key(data, passphrase().encode())
