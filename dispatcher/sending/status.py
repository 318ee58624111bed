"""The signed status: what is stopped, as the relay's leader saw it, so that a deleted revocation stays in force.

Rules (design: gate 9)
  1. The leader signs one every five seconds with its own key, which the trust root names.
  2. It lists the ids of all halts, resumes and revocations, and never fewer than the one before.
  3. A sender takes one only if it is newer than the last it took; how old it may be is policy's to say.
  4. What a status lists was authentic when it was listed: it goes on stopping after its signer has left the roster,
     also on a host that hears of it only now. A resume does not: it needs its signer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time
from dispatcher.domain.documents import DocumentError, Reader
from dispatcher.domain.people import PublicKey
from dispatcher.domain.statement import Envelope, Mode, StatementKind, Verified
from dispatcher.statements import sshsig
from dispatcher.statements.errors import SshsigError, StatementRefused
from dispatcher.statements.verify import Verifier, read_signed

if TYPE_CHECKING:  # who only reads a status loads nothing that signs
    from dispatcher.statements.signing import Signer

SCHEMA = "status/v1"


class StatusRefused(ValueError):
    """The status is not authentic here; the message says why."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a leader saw: statement ids of all stops, at a moment, in one mode of one deployment."""

    deployment: str
    mode: Mode
    made_at: datetime
    stops: tuple[str, ...]

    def encoded(self) -> bytes:
        """The canonical bytes that are signed."""
        document: dict[str, Json] = {
            "schema": SCHEMA,
            "deployment": self.deployment,
            "mode": str(self.mode),
            "made_at": format_time(self.made_at),
            "stops": list(self.stops),
        }
        return canonical.encode(document)


def sign_status(deployment: str, mode: Mode, now: datetime, stops: Iterable[str], signer: Signer) -> Envelope:
    """Make and sign a status."""
    payload = Status(deployment, mode, now, tuple(sorted(stops))).encoded()
    return Envelope(payload, signer.sign(sshsig.NAMESPACES[mode], payload))


def read_status(envelope: Envelope, key: PublicKey, deployment: str, mode: Mode) -> Status:
    """Verify and read a status. Raises StatusRefused."""
    try:
        signature = sshsig.verify(envelope.signature, envelope.payload, sshsig.NAMESPACES[mode])
        reader = Reader(canonical.decode(envelope.payload), "status")
        reader.schema(SCHEMA)
        status = Status(
            reader.text("deployment"), Mode(reader.text("mode")), reader.time("made_at"), reader.texts("stops")
        )
        reader.done()
    except (SshsigError, canonical.CanonicalError, DocumentError, ValueError) as error:
        raise StatusRefused(f"status: {error}") from error
    if signature.fingerprint != key.fingerprint:
        raise StatusRefused("status: not signed with the key that the trust root names")
    if (status.deployment, status.mode) != (deployment, mode):
        raise StatusRefused("status: for another deployment or mode")
    return status


def authentic_stop(envelope: Envelope, verifier: Verifier, now: datetime, listed: Collection[str]) -> Verified:
    """A stop as the roster of today verifies it, or as one of ``listed``, the ids in a signed status (rule 4).

    Raises StatementRefused.
    """
    try:
        return verifier.verify(envelope, now)
    except StatementRefused:
        statement, signature = read_signed(envelope, verifier.mode)
        if statement.id not in listed or statement.kind is StatementKind.RESUME:
            raise
        return Verified(statement, signature.fingerprint)
