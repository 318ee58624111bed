"""A statement: one signed sentence by one person, and the envelope it travels in.

Rules
  1. One format for all kinds; ``kind`` and ``subject`` say what the sentence is about.
  2. A statement is named by the digest of its canonical bytes, never by its signature (signatures are malleable).
  3. It holds within ``[not_before, expires)``, in one deployment, in one mode, under one roster version.
  4. What it commits to beyond the subject stands in ``body``; unknown keys are refused when reading.

``subject`` is a digest: of the plan for submit, approve, reject, break_glass, release, revoke, decide, confirm,
resolve, reconcile and review; of the roster, policy or trust root for policy; of a one-time link's token for sign_in; of
the scope document for all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from channels.contract import Json
from dispatcher.domain import canonical, documents
from dispatcher.domain.people import Role

SCHEMA = "statement/v1"


class Mode(StrEnum):
    """Fixed when an incident is born; nothing converts one into the other."""

    LIVE = "live"
    EXERCISE = "exercise"


class StatementKind(StrEnum):
    """The sentences that people sign."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    BREAK_GLASS = "break_glass"
    REVIEW = "review"
    RELEASE = "release"
    REVOKE = "revoke"
    HALT = "halt"
    RESUME = "resume"
    STAND_DOWN = "stand_down"
    ATTEST = "attest"
    EXEMPT = "exempt"
    ASSESS = "assess"
    DECIDE = "decide"
    CONFIRM = "confirm"
    RESOLVE = "resolve"
    RECEIPT = "receipt"
    RECONCILE = "reconcile"
    POLICY = "policy"
    SIGN_IN = "sign_in"


class StatementError(ValueError):
    """The bytes are not a statement; the message says why."""


@dataclass(frozen=True)  # without slots, so that the digest is worked out once
class Statement:
    """One sentence. ``roster`` is the roster version under which ``person`` holds ``role``.

    ``checkpoint`` is the head of the ledger that the signer saw (``SIZE:ROOT``); ``nonce`` is 128 bits in hex.
    """

    kind: StatementKind
    subject: str
    deployment: str
    mode: Mode
    person: str
    role: str
    roster: int
    not_before: datetime
    expires: datetime
    nonce: str
    checkpoint: str | None = None
    body: Mapping[str, Json] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The canonical bytes that are signed."""
        return documents.encode(SCHEMA, self)

    @cached_property
    def id(self) -> str:
        """The digest that names this statement."""
        return canonical.digest(SCHEMA, self.encoded())

    @property
    def asked_by(self) -> str:
        """The person in whose name the console signed; empty where a person signed."""
        asked = self.body.get("asked_by") if self.role == Role.CONSOLE else None
        return asked if isinstance(asked, str) else ""

    @property
    def people(self) -> frozenset[str]:
        """Whose sentence it is: the signer, and whoever had the console sign."""
        return frozenset({self.person, self.asked_by} - {""})

    @property
    def said_by(self) -> str:
        """Who said it, in words."""
        return f"{self.asked_by} through the console" if self.asked_by else self.person

    def holds_at(self, now: datetime) -> bool:
        """Whether ``now`` lies in the half-open window."""
        return self.not_before <= now < self.expires

    @classmethod
    def decode(cls, data: bytes) -> Statement:
        """Read canonical bytes. Raises StatementError for anything that :meth:`encoded` would not write."""
        try:
            statement = documents.decode(cls, SCHEMA, data)
        except (canonical.CanonicalError, documents.DocumentError) as error:
            raise StatementError(str(error)) from error
        vars(statement)["id"] = canonical.digest(SCHEMA, data)  # these are the bytes that it would be written as
        return statement


@dataclass(frozen=True, slots=True)
class Envelope:
    """A statement's exact bytes with the signature over them (armoured SSHSIG)."""

    payload: bytes
    signature: str

    def document(self) -> dict[str, Json]:
        """As JSON for storage and for files."""
        return {"payload": self.payload.decode(), "signature": self.signature}

    @classmethod
    def from_document(cls, document: Json) -> Envelope:
        """Read what :meth:`document` wrote. Raises StatementError."""
        try:
            read = documents.Reader(document, "a signed statement")
            envelope = cls(read.text("payload").encode(), read.text("signature"))
            read.done()
        except (documents.DocumentError, UnicodeEncodeError) as error:
            raise StatementError(str(error)) from error
        return envelope


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement whose signature, signer, roster, deployment and mode have been checked.

    ``key`` is the signing key's fingerprint; ``touched`` and ``pin`` say what a hardware key vouched for.
    Only ``dispatcher.statements`` makes these.
    """

    statement: Statement
    key: str
    hardware: bool = False
    touched: bool = False
    pin: bool = False


def resolved(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """The deliveries that a resolve statement is about, with their attempts by then: one, or a set of them."""
    if "delivery" in body:
        return {str(body["delivery"]): body.get("attempts")}
    several = body.get("deliveries")
    return several if isinstance(several, Mapping) else {}
