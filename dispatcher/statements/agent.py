"""Signing through ssh-agent, so that officers use the keys they have and no private key is read by us.

Rules (draft-ietf-sshm-ssh-agent; reference: gate 3)
  1. The socket's path comes in from outside (``SSH_AUTH_SOCK``); one connection per request.
  2. A request waits long enough for a touch and a PIN, then gives up with a message.
  3. The agent's answer is not believed: :func:`dispatcher.statements.signing.sign` verifies it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from dispatcher.domain.people import PublicKey
from dispatcher.statements import sshsig
from dispatcher.statements.errors import SigningError, SshsigError
from dispatcher.statements.keys import parse_public_blob
from dispatcher.statements.wire import WireReader, string, uint32

REQUEST_IDENTITIES, IDENTITIES_ANSWER = 11, 12
SIGN_REQUEST, SIGN_RESPONSE = 13, 14
MAX_ANSWER = 256 * 1024  # bytes; OpenSSH's own limit for one agent message
TOUCH_TIMEOUT_S = 60.0


class AgentSigner:
    """One key held by an agent. Raises SigningError where the agent is away or does not hold the key."""

    __slots__ = ("_key", "_path", "_timeout_s")

    def __init__(self, path: Path, fingerprint: str, timeout_s: float = TOUCH_TIMEOUT_S) -> None:
        held = {key.fingerprint: key for key in agent_keys(path, timeout_s)}
        if fingerprint not in held:
            known = ", ".join(held) or "no ed25519 key"
            raise SigningError(f"the agent does not hold {fingerprint}; it holds {known}", "Run: ssh-add KEYFILE")
        self._key = held[fingerprint]
        self._path = path
        self._timeout_s = timeout_s

    @property
    def fingerprint(self) -> str:
        """OpenSSH's ``SHA256:…``."""
        return self._key.fingerprint

    def sign(self, namespace: str, message: bytes) -> str:
        """Return the armoured SSHSIG over ``message``. Raises SigningError where the agent or its owner declines."""
        blob = self._key.blob
        request = string(blob) + string(sshsig.to_be_signed(namespace, message)) + uint32(0)  # no flags
        answer = _ask(self._path, bytes([SIGN_REQUEST]) + request, self._timeout_s)
        try:
            reader = _expect(answer, SIGN_RESPONSE)
            signature = reader.string()
            reader.end()
        except SshsigError as error:
            raise SigningError(
                "the agent refused to sign", "Confirm, touch or unlock the key, and try again."
            ) from error
        return sshsig.armour(blob, namespace, signature)


def agent_keys(path: Path, timeout_s: float = TOUCH_TIMEOUT_S) -> tuple[PublicKey, ...]:
    """The keys an agent holds that may sign statements; others are passed over. Raises SigningError."""
    answer = _ask(path, bytes([REQUEST_IDENTITIES]), timeout_s)
    keys: list[PublicKey] = []
    try:
        reader = _expect(answer, IDENTITIES_ANSWER)
        for _ in range(reader.uint32()):
            blob, _comment = reader.string(), reader.string()
            with suppress(SshsigError):
                keys.append(parse_public_blob(blob))
        reader.end()
    except SshsigError as error:
        raise SigningError(f"the agent at {path} gave an answer we cannot read", "Restart ssh-agent.") from error
    return tuple(keys)


def _expect(answer: bytes, kind: int) -> WireReader:
    reader = WireReader(answer, "the agent's answer")
    if reader.byte() != kind:
        raise SshsigError("the agent refused")
    return reader


def _ask(path: Path, request: bytes, timeout_s: float) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            connection.sendall(string(request))
            return _answer(connection)
    except TimeoutError as error:
        raise SigningError(
            f"no answer from the agent in {timeout_s:.0f} s", "Touch the key when it blinks."
        ) from error
    except OSError as error:
        raise SigningError(f"no ssh-agent at {path} ({error})", "Start one, or check SSH_AUTH_SOCK.") from error


def _answer(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        length = int.from_bytes(_exactly(stream, 4), "big")
        if length > MAX_ANSWER:
            raise ConnectionError("answer too long")
        return _exactly(stream, length)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    received = stream.read(length)
    if len(received) < length:
        raise ConnectionError("closed in mid-answer")
    return received
