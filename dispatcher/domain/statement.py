"""A statement: one signed sentence by one person, and the envelope it travels in.

Rules
  1. One format for all kinds; ``kind`` and ``subject`` say what the sentence is about.
  2. A statement is named by the digest of its canonical bytes, never by its signature (signatures are malleable).
  3. It holds within ``[not_before, expires)``, in one deployment, in one mode, under one roster version.
  4. What it commits to beyond the subject stands in ``body``; unknown keys are refused when reading.

``subject`` is a digest: of the plan for submit, approve, reject, release, revoke, suspend, decide and confirm; of the
roster, policy or trust root for policy; of the scope document for all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from channels.contract import Json
from dispatcher.domain import canonical

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
    RELEASE = "release"
    REVOKE = "revoke"
    HALT = "halt"
    RESUME = "resume"
    ATTEST = "attest"
    EXEMPT = "exempt"
    ASSESS = "assess"
    DECIDE = "decide"
    CONFIRM = "confirm"
    RESOLVE = "resolve"
    RECEIPT = "receipt"
    POLICY = "policy"


class StatementError(ValueError):
    """The bytes are not a statement; the message says why."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence. ``roster`` is the roster version under which ``person`` holds ``role``.

    ``checkpoint`` is the last ledger checkpoint the signer saw; ``nonce`` is 128 bits in hex.
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
        return canonical.encode(
            {
                "schema": SCHEMA,
                "kind": str(self.kind),
                "subject": self.subject,
                "deployment": self.deployment,
                "mode": str(self.mode),
                "person": self.person,
                "role": self.role,
                "roster": self.roster,
                "not_before": format_time(self.not_before),
                "expires": format_time(self.expires),
                "nonce": self.nonce,
                "checkpoint": self.checkpoint,
                "body": dict(self.body),
            }
        )

    @property
    def id(self) -> str:
        """The digest that names this statement."""
        return canonical.digest(SCHEMA, self.encoded())

    def holds_at(self, now: datetime) -> bool:
        """Whether ``now`` lies in the half-open window."""
        return self.not_before <= now < self.expires

    @classmethod
    def decode(cls, data: bytes) -> Statement:
        """Read canonical bytes. Raises StatementError for anything that :meth:`encoded` would not write."""
        try:
            document = canonical.decode(data)
        except canonical.CanonicalError as error:
            raise StatementError(f"statement: {error}") from error
        if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
            raise StatementError("not a statement/v1 document")
        return _from_document(document)


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
        if not isinstance(document, dict) or set(document) != {"payload", "signature"}:
            raise StatementError("a signed statement file holds a payload and a signature, nothing else")
        payload, signature = document["payload"], document["signature"]
        if not isinstance(payload, str) or not isinstance(signature, str):
            raise StatementError("payload and signature must be text")
        return cls(payload.encode(), signature)


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


def format_time(value: datetime) -> str:
    """``2026-11-21T18:05:00.123456Z``; always UTC, always six digits. Raises ValueError for a naive time."""
    if value.tzinfo is None:
        raise ValueError("time without a zone")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(value: Json) -> datetime:
    """Read exactly what :func:`format_time` writes. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("a time must be text")  # noqa: TRY004 - one error type for every malformed time
    parsed = datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    if format_time(parsed) != value:
        raise ValueError(f"time not in canonical form: {value}")
    return parsed


_TEXT_KEYS = ("subject", "deployment", "person", "role", "nonce")


def _from_document(document: dict[str, Json]) -> Statement:
    expected = {"kind", "mode", "roster", "not_before", "expires", "checkpoint", "body", *_TEXT_KEYS}
    if set(document) != expected:
        raise StatementError(f"statement keys differ: {sorted(set(document) ^ expected)}")
    texts: dict[str, str] = {}
    for key in _TEXT_KEYS:
        value = document[key]
        if not isinstance(value, str):
            raise StatementError(f"statement {key} must be text")
        texts[key] = value
    roster, body, checkpoint = document["roster"], document["body"], document["checkpoint"]
    if not isinstance(roster, int) or isinstance(roster, bool):
        raise StatementError("statement roster must be an integer")
    if not isinstance(body, dict):
        raise StatementError("statement body must be an object")
    if checkpoint is not None and not isinstance(checkpoint, str):
        raise StatementError("statement checkpoint must be text or null")
    try:
        return Statement(
            kind=StatementKind(str(document["kind"])),
            mode=Mode(str(document["mode"])),
            roster=roster,
            not_before=parse_time(document["not_before"]),
            expires=parse_time(document["expires"]),
            checkpoint=checkpoint,
            body=body,
            **texts,
        )
    except ValueError as error:
        raise StatementError(f"statement: {error}") from error
