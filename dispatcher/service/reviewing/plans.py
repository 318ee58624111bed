"""One plan as its reviewer reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.contract import Medium, Part
from dispatcher.domain.message import TextKind
from dispatcher.service.reviewing.judged import Judged, Mitigated
from dispatcher.service.reviewing.signed import Decided, GlassBroken, Signature
from dispatcher.store.records import StoredPlan
from dispatcher.store.spends import StoredSpend


@dataclass(frozen=True, slots=True)
class Exact:
    """What one account was to carry of one kind, to the character and the picture's digest.

    No parts: the bytes are not those signed.
    """

    account: str
    channel: str
    kind: TextKind
    digest: str
    parts: tuple[Part, ...]
    media: tuple[Medium, ...]


@dataclass(frozen=True, slots=True)
class PlanRead:
    """One plan: where it stands, its channels' clearances, who signed about it, its exact texts, and its money.

    ``cleared_at``: when its last channel became clear, before the release where there was one. ``public_at``: when
    the first of its messages was accepted. ``stopped_in_ms``: from the first revocation to the beginning of the last
    attempt at the message; 0 where none began after it, None where nobody revoked.
    """

    digest: str
    state: str
    stored: StoredPlan
    clearances: Mapping[str, str]
    signatures: tuple[Signature, ...]
    judged: tuple[Judged, ...]
    mitigations: tuple[Mitigated, ...]
    decisions: tuple[Decided, ...]
    glass: GlassBroken | None
    texts: tuple[Exact, ...]
    spends: tuple[StoredSpend, ...]
    submitted_at: datetime
    cleared_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    public_at: datetime | None
    stopped_in_ms: int | None
