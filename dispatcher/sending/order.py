"""What a sender is given: the signed bundle of a plan, and orders to deliver parts of it.

Nothing in here is believed. The sender recomputes every digest, verifies every signature and checks every path;
an order that lies is refused with its clause.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from channels.contract import DeliveryKind, Json
from dispatcher.domain.canonical import format_time, parse_time
from dispatcher.domain.documents import DocumentError, Reader
from dispatcher.domain.statement import Envelope

MAX_ORDERS = 1_000


@dataclass(frozen=True)  # without slots, so that its digest is worked out once
class Bundle:
    """A plan's bytes, the renderings' bytes by digest, the envelopes signed about it, and lists' sealed keys."""

    plan: bytes
    renderings: Mapping[str, bytes]
    envelopes: tuple[Envelope, ...]
    list_keys: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def texts(self) -> str:
        """A name for exactly these bytes of plan and renderings, whatever is signed about them."""
        hashed = hashlib.sha256(self.plan)
        for name in sorted(self.renderings):
            hashed.update(b"\0r" + hashlib.sha256(self.renderings[name]).digest())
        return hashed.hexdigest()

    @cached_property
    def digest(self) -> str:
        """A name for exactly these bytes, to remember what was read from them."""
        hashed = hashlib.sha256(self.texts.encode())
        for envelope in self.envelopes:
            hashed.update(b"\0e" + hashlib.sha256(envelope.payload + envelope.signature.encode()).digest())
        return hashed.hexdigest()

    def document(self) -> dict[str, Json]:
        """As JSON, for the socket."""
        return {
            "plan": self.plan.decode(),
            "renderings": {digest: body.decode() for digest, body in self.renderings.items()},
            "envelopes": [envelope.document() for envelope in self.envelopes],
            "list_keys": dict(self.list_keys),
        }

    @classmethod
    def from_document(cls, document: Json) -> Bundle:
        """Read what :meth:`document` wrote. Raises DocumentError or StatementError."""
        reader = Reader(document, "bundle")
        try:
            bundle = cls(
                plan=reader.text("plan").encode(),
                renderings={digest: body.encode() for digest, body in reader.mapping("renderings").items()},
                envelopes=reader.each("envelopes", lambda item, _: Envelope.from_document(item)),
                list_keys=reader.mapping("list_keys"),
            )
        except UnicodeEncodeError as error:
            raise DocumentError("bundle: text holds a lone surrogate, which UTF-8 cannot carry") from error
        reader.done()
        return bundle


@dataclass(frozen=True, slots=True)
class RecipientProof:
    """One row of a signed list: its encrypted value and the path from its leaf to the signed root."""

    list: str
    position: int
    sealed: bytes
    path: tuple[str, ...]

    def document(self) -> dict[str, Json]:
        """As JSON, for the socket."""
        sealed = b64encode(self.sealed).decode()
        return {"list": self.list, "position": self.position, "sealed": sealed, "path": list(self.path)}

    @classmethod
    def from_document(cls, document: Json) -> RecipientProof:
        """Read what :meth:`document` wrote. Raises DocumentError."""
        reader = Reader(document, "recipient")
        try:
            sealed = b64decode(reader.text("sealed"), validate=True)
        except ValueError as error:
            raise DocumentError("recipient.sealed: not base64") from error
        proof = cls(reader.text("list"), reader.integer("position"), sealed, reader.texts("path"))
        reader.done()
        return proof


@dataclass(frozen=True, slots=True)
class Order:
    """One delivery to make. ``intended_at`` is the signed release's time, the same on every attempt.

    ``asked_at`` is the database's time when the order was made, ``spend_fault`` what the spend ledger has against it.
    """

    delivery: str
    incident: str
    incident_state: str
    account: str
    channel: str
    kind: DeliveryKind
    rendering: str
    intended_at: datetime
    attempt: int
    recipient: RecipientProof | None = None
    original: str | None = None
    handle: str | None = None
    asked_at: datetime | None = None
    spend_fault: str | None = None

    @property
    def job(self) -> str:
        """Names what adapters derive their idempotency keys from: only the same job repeats harmlessly."""
        return f"{self.delivery} {format_time(self.intended_at)}"

    def document(self) -> dict[str, Json]:
        """As JSON, for the socket."""
        return {
            "delivery": self.delivery,
            "incident": self.incident,
            "incident_state": self.incident_state,
            "account": self.account,
            "channel": self.channel,
            "kind": str(self.kind),
            "rendering": self.rendering,
            "intended_at": format_time(self.intended_at),
            "attempt": self.attempt,
            "recipient": self.recipient.document() if self.recipient else None,
            "original": self.original,
            "handle": self.handle,
            "asked_at": format_time(self.asked_at) if self.asked_at else None,
            "spend_fault": self.spend_fault,
        }

    @classmethod
    def from_document(cls, document: Json) -> Order:
        """Read what :meth:`document` wrote. Raises DocumentError."""
        reader = Reader(document, "order")
        recipient = reader.raw("recipient")
        try:
            kind = DeliveryKind(reader.text("kind"))
            asked = reader.text_or_none("asked_at")
            asked_at = None if asked is None else parse_time(asked)
        except DocumentError:
            raise
        except ValueError as error:
            raise DocumentError(f"order: {error}") from error
        order = cls(
            delivery=reader.text("delivery"),
            incident=reader.text("incident"),
            incident_state=reader.text("incident_state"),
            account=reader.text("account"),
            channel=reader.text("channel"),
            kind=kind,
            rendering=reader.text("rendering"),
            intended_at=reader.time("intended_at"),
            attempt=reader.integer("attempt"),
            recipient=None if recipient is None else RecipientProof.from_document(recipient),
            original=reader.text_or_none("original"),
            handle=reader.text_or_none("handle"),
            asked_at=asked_at,
            spend_fault=reader.text_or_none("spend_fault"),
        )
        reader.done()
        return order
