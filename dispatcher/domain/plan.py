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

from channels.contract import DeliveryKind, Purchase
from channels.medium import SPARSE
from dispatcher.domain import canonical, documents
from dispatcher.domain.incident import Item, Severity
from dispatcher.domain.message import DELIVERED_AS, TextKind
from dispatcher.domain.statement import Mode

SCHEMA = "plan/v1"


class Placement(StrEnum):
    """Whether a post is ours to make or space that is bought."""

    ORGANIC = "organic"
    PAID = "paid"


class Route(StrEnum):
    """How TikTok is reached: by people, by a draft that people finish, or by a post of the machine's."""

    HAND_OFF = "hand_off"
    INBOX_DRAFT = "inbox_draft"
    DIRECT_POST = "direct_post"


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


@dataclass(frozen=True, slots=True)
class Spend:
    """What one channel of a paid plan may cost, all fees in, against a pre-agreed case and one financial year.

    ``year`` is the year in which the financial year begins; ``approval`` refers to the central approval that policy
    asks for above its threshold.
    """

    channel: str
    case: str
    pence: int
    year: int
    approval: str | None = None

    def purchase(self, starts: datetime, ends: datetime, nonce: str) -> Purchase:
        """What an order under a plan with this window and nonce buys."""
        return Purchase(self.case, self.pence, self.approval, starts, ends, nonce)


@dataclass(frozen=True, slots=True)
class Unflagged:
    """A legal flag that the wording calls for and the submitter does not raise, and why; approvers read it."""

    flag: str
    why: str


@dataclass(frozen=True)  # without slots, so that digest and look-ups are worked out once
class Plan:
    """See the module. ``policy`` is the digest of the policy version in force at submit; ``generation`` counts the
    plans of one message; ``renewal`` how often the window was renewed, ``renews`` the plan before. ``no_alternative``
    says which audience no other channel reaches."""

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
    spend: tuple[Spend, ...] = ()
    flags: tuple[str, ...] = ()
    evidence: tuple[Item, ...] = ()
    no_alternative: str = ""
    renews: str | None = None
    renewal: int = 0
    unflagged: tuple[Unflagged, ...] = field(default=(), metadata=SPARSE)

    def destination(self, account: str) -> Destination | None:
        """The destination with this account, if the plan has it."""
        return self._destinations.get(account)

    def purchase(self, channel: str) -> Purchase | None:
        """What this plan lets an order on a channel buy; None where it names no spend for it."""
        spend = next((spend for spend in self.spend if spend.channel == channel), None)
        return spend.purchase(self.not_before, self.not_after, self.nonce) if spend else None

    @cached_property
    def _destinations(self) -> dict[str, Destination]:
        return {destination.account: destination for destination in reversed(self.destinations)}

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels, in the order of their first destination."""
        return tuple(dict.fromkeys(d.channel for d in self.destinations))

    def encoded(self) -> bytes:
        """The canonical bytes that people sign."""
        return documents.encode(SCHEMA, self)

    @cached_property
    def digest(self) -> str:
        """The digest that names this plan."""
        return canonical.digest(SCHEMA, self.encoded())

    @classmethod
    def decode(cls, data: bytes) -> Plan:
        """Read canonical bytes. Raises DocumentError or CanonicalError for anything else."""
        plan = documents.decode(cls, SCHEMA, data)
        vars(plan)["digest"] = canonical.digest(SCHEMA, data)  # these are the bytes that it would be written as
        return plan
