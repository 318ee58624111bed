"""A plan: the one document that people sign, and that a sender will not go beyond.

Rules
  1. Its digest names it; any edit makes another plan and voids every signature.
  2. It names every rendering by digest, armed texts included, for every destination.
  3. It names everybody who wrote, edited, translated or submitted: none of them may approve.
  4. The window is half-open; armed texts have their own, longer end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from channels.contract import DeliveryKind, Json
from dispatcher.domain import canonical
from dispatcher.domain.documents import DocumentError, Reader
from dispatcher.domain.incident import Severity
from dispatcher.domain.message import DELIVERED_AS, TextKind
from dispatcher.domain.statement import Mode, format_time

SCHEMA = "plan/v1"


class Placement(StrEnum):
    """Whether a post is ours to make or space that is bought."""

    ORGANIC = "organic"
    PAID = "paid"


class OnAmbiguous(StrEnum):
    """What may happen when nobody can tell whether a post went out. Officers choose; code does not."""

    HOLD = "hold"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class SignedList:
    """A recipient list as signed: its Merkle root and size, so that no row can be slipped in."""

    id: str
    root: str
    count: int


@dataclass(frozen=True, slots=True)
class Destination:
    """One account and what it will carry: a rendering digest per kind of text."""

    account: str
    channel: str
    placement: Placement
    on_ambiguous: OnAmbiguous
    renderings: Mapping[TextKind, str]
    lists: tuple[SignedList, ...] = ()

    def digests_for(self, kind: DeliveryKind) -> frozenset[str]:
        """The renderings that a delivery of ``kind`` may carry."""
        return frozenset(digest for text, digest in self.renderings.items() if DELIVERED_AS[text] is kind)


@dataclass(frozen=True)  # without slots, so that the digest is worked out once
class Plan:
    """See the module. ``policy`` is the digest of the policy version in force at submit; ``generation`` counts the
    plans of one message."""

    deployment: str
    mode: Mode
    incident: str
    incident_kind: str
    severity: Severity
    purpose: str
    revision: str
    languages: tuple[str, ...]
    destinations: tuple[Destination, ...]
    area: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    armed_not_after: datetime
    valid_until: datetime
    policy: str
    contributors: Mapping[str, tuple[str, ...]]
    generation: int
    nonce: str
    spend: tuple[Json, ...] = ()
    flags: tuple[str, ...] = field(default=())

    def destination(self, account: str) -> Destination | None:
        """The destination with this account, if the plan has it."""
        return next((d for d in self.destinations if d.account == account), None)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels, in the order of their first destination."""
        return tuple(dict.fromkeys(d.channel for d in self.destinations))

    def encoded(self) -> bytes:
        """The canonical bytes that people sign."""
        return canonical.encode(
            {
                "schema": SCHEMA,
                "deployment": self.deployment,
                "mode": str(self.mode),
                "incident": self.incident,
                "incident_kind": self.incident_kind,
                "severity": int(self.severity),
                "purpose": self.purpose,
                "revision": self.revision,
                "languages": list(self.languages),
                "destinations": [_destination_document(d) for d in self.destinations],
                "area": list(self.area),
                "not_before": format_time(self.not_before),
                "not_after": format_time(self.not_after),
                "armed_not_after": format_time(self.armed_not_after),
                "valid_until": format_time(self.valid_until),
                "policy": self.policy,
                "contributors": {person: list(did) for person, did in self.contributors.items()},
                "generation": self.generation,
                "nonce": self.nonce,
                "spend": list(self.spend),
                "flags": list(self.flags),
            }
        )

    @cached_property
    def digest(self) -> str:
        """The digest that names this plan."""
        return canonical.digest(SCHEMA, self.encoded())

    @classmethod
    def decode(cls, data: bytes) -> Plan:
        """Read canonical bytes. Raises DocumentError or CanonicalError for anything else."""
        reader = Reader(canonical.decode(data), "plan")
        reader.schema(SCHEMA)
        contributors, spend = reader.raw("contributors"), reader.raw("spend")
        if not isinstance(contributors, dict) or not isinstance(spend, list):
            raise DocumentError("plan: contributors must be an object and spend a list")
        people = Reader(contributors, "plan.contributors")
        try:
            plan = cls(
                deployment=reader.text("deployment"),
                mode=Mode(reader.text("mode")),
                incident=reader.text("incident"),
                incident_kind=reader.text("incident_kind"),
                severity=Severity(reader.integer("severity")),
                purpose=reader.text("purpose"),
                revision=reader.text("revision"),
                languages=reader.texts("languages"),
                destinations=reader.each("destinations", _read_destination),
                area=reader.texts("area"),
                not_before=reader.time("not_before"),
                not_after=reader.time("not_after"),
                armed_not_after=reader.time("armed_not_after"),
                valid_until=reader.time("valid_until"),
                policy=reader.text("policy"),
                contributors={person: people.texts(person) for person in contributors},
                generation=reader.integer("generation"),
                nonce=reader.text("nonce"),
                spend=tuple(spend),
                flags=reader.texts("flags"),
            )
        except DocumentError:
            raise
        except ValueError as error:
            raise DocumentError(f"plan: {error}") from error
        reader.done()
        return plan


def _destination_document(destination: Destination) -> dict[str, Json]:
    return {
        "account": destination.account,
        "channel": destination.channel,
        "placement": str(destination.placement),
        "on_ambiguous": str(destination.on_ambiguous),
        "renderings": {str(kind): digest for kind, digest in destination.renderings.items()},
        "lists": [{"id": s.id, "root": s.root, "count": s.count} for s in destination.lists],
    }


def _read_destination(document: Json, where: str) -> Destination:
    reader = Reader(document, where)
    try:
        destination = Destination(
            account=reader.text("account"),
            channel=reader.text("channel"),
            placement=Placement(reader.text("placement")),
            on_ambiguous=OnAmbiguous(reader.text("on_ambiguous")),
            renderings={TextKind(kind): digest for kind, digest in reader.mapping("renderings").items()},
            lists=reader.each("lists", _read_list),
        )
    except DocumentError:
        raise
    except ValueError as error:
        raise DocumentError(f"{where}: {error}") from error
    reader.done()
    return destination


def _read_list(document: Json, where: str) -> SignedList:
    reader = Reader(document, where)
    signed = SignedList(reader.text("id"), reader.text("root"), reader.integer("count"))
    reader.done()
    return signed
