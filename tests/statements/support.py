"""People, keys and statements for the tests: real keys in memory, a security key and an agent in software."""

from __future__ import annotations

import hashlib
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from channels.contract import Json
from dispatcher.domain.people import Key, KeyType, Person, Role, RoleHeld, Roster
from dispatcher.domain.statement import Mode, Statement, StatementKind
from dispatcher.gate.policy import Beginning
from dispatcher.statements import sshsig
from dispatcher.statements.keys import APPLICATION, parse_public_blob
from dispatcher.statements.wire import WireReader, string, uint32
from tests.servers import missing

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DEPLOYMENT = "example"


@dataclass(frozen=True)
class Read:
    """A policy as it is, with no versions to keep."""

    document: Any
    digest: str
    beginnings: tuple[Beginning, ...] = ()


class SoftKey:
    """A signer whose ed25519 key lies in memory; the same seed is the same key."""

    def __init__(self, seed: int) -> None:
        self._private = SigningKey(hashlib.sha256(b"%d" % seed).digest())
        self.blob = self._blob(bytes(self._private.verify_key))
        self.key = parse_public_blob(self.blob)
        self.public = self.key.public
        self.fingerprint = self.key.fingerprint

    def _blob(self, point: bytes) -> bytes:
        return string(KeyType.ED25519.encode()) + string(point)

    def signature_over(self, data: bytes) -> bytes:
        """The wire form of a signature, as an agent gives it."""
        return sshsig.signature_blob(self._private.sign(data).signature)

    def sign(self, namespace: str, message: bytes) -> str:
        """As the Signer protocol says."""
        signature = self.signature_over(sshsig.to_be_signed(namespace, message))
        return sshsig.armour(self.blob, namespace, signature)


class SecurityKey(SoftKey):
    """A FIDO2 key in software: signs what PROTOCOL.u2f says a token signs."""

    def __init__(self, seed: int, flags: int = 0x05, counter: int = 7) -> None:
        self.flags = flags
        self.counter = counter
        super().__init__(seed)

    def _blob(self, point: bytes) -> bytes:
        return string(KeyType.SK_ED25519.encode()) + string(point) + string(APPLICATION)

    def signature_over(self, data: bytes) -> bytes:
        """The wire form of a signature, with flags and counter."""
        tail = bytes([self.flags]) + uint32(self.counter)
        signed = hashlib.sha256(APPLICATION).digest() + tail + hashlib.sha256(data).digest()
        return string(KeyType.SK_ED25519.encode()) + string(self._private.sign(signed).signature) + tail


def held(role: Role, expires: datetime | None = None) -> RoleHeld:
    """A role held from the start of the year."""
    return RoleHeld(role, START, expires)


def key_of(signer: SoftKey, expires: datetime | None = None, revoked_at: datetime | None = None) -> Key:
    """A roster's key, valid from the start of the year."""
    return Key(signer.public, START, expires, revoked_at)


def person(name: str, role: Role, *keys: Key) -> Person:
    """A person with one role."""
    return Person(name, name.title(), (held(role),), keys)


def roster(*people: Person, version: int = 3) -> Roster:
    """A roster of the example deployment."""
    return Roster(version, DEPLOYMENT, people)


def statement(person_id: str = "director-1", role: str = "duty_director", **changes: object) -> Statement:
    """An approval in live mode, made an hour before NOW."""
    made = Statement(
        kind=StatementKind.APPROVE,
        subject="ab" * 32,
        deployment=DEPLOYMENT,
        mode=Mode.LIVE,
        person=person_id,
        role=role,
        roster=3,
        not_before=NOW - timedelta(hours=1),
        expires=NOW + timedelta(hours=3),
        nonce="00" * 16,
        body=dict[str, Json]({"channels": ["x"], "greeting": "Bore da, Ynys Môn"}),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # a test may put anything into a statement


def policy_statement(owner: str, digest: str, **changes: object) -> Statement:
    """A policy owner's statement about a document."""
    fields = {"kind": StatementKind.POLICY, "subject": digest, "roster": 0, **changes}
    return statement(owner, "policy_owner", **fields)


def ssh_keygen() -> str:
    """The path of ssh-keygen, or a loud skip."""
    return shutil.which("ssh-keygen") or missing("ssh-keygen", "install openssh-client")


def make_key_file(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Have ssh-keygen write a private key file with its .pub beside it."""
    size = ["-b", "2048"] if kind == "rsa" else []
    command = [ssh_keygen(), "-q", "-t", kind, *size, "-a", "1", "-N", passphrase, "-C", "a comment", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


class SoftAgent:
    """An ssh-agent in software, so that a security key can be behind one. ``answer`` overrides what it says."""

    def __init__(self, *keys: SoftKey, answer: bytes | None = None) -> None:
        self._keys = {key.blob: key for key in keys}
        self._answer = answer

    def reply(self, request: bytes) -> bytes:
        """The answer to one request."""
        if self._answer is not None:
            return self._answer
        reader = WireReader(request, "request")
        if reader.byte() == 11:
            listed = b"".join(string(blob) + string(b"comment") for blob in self._keys)
            return bytes([12]) + uint32(len(self._keys)) + listed
        key = self._keys.get(reader.string())
        return b"\x05" if key is None else bytes([14]) + string(key.signature_over(reader.string()))

    @contextmanager
    def listening(self, path: Path) -> Iterator[Path]:
        """Serve on a socket at ``path``."""
        agent = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                length = int.from_bytes(self.request.recv(4, socket.MSG_WAITALL), "big")
                self.request.sendall(string(agent.reply(self.request.recv(length, socket.MSG_WAITALL))))

        with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            yield path
            server.shutdown()
