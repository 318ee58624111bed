"""Who signed what, in which role, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.statement import Statement


@dataclass(frozen=True, slots=True)
class Signature:
    """One statement, None where unreadable, as it is verified now.

    ``refused`` says why it does not hold here, or is None. ``held``: whether the roster had its signer in the role it
    names at the minute it was signed. ``reason`` is what the signer gave for it, in words, or empty. ``key`` is the
    signing key's fingerprint, empty where the statement does not hold.
    """

    said: Statement | None
    recorded_at: datetime
    key: str
    refused: str | None
    held: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A minister's decision (``agreed`` or ``refused``) about channels of a plan: who recorded it and who confirmed.

    A minister who signs in person (``role``) needs nobody to confirm; ``confirmed_by`` is None then too.
    """

    channels: tuple[str, ...]
    decision: str
    at: datetime
    person: str
    role: str
    confirmed_at: datetime | None
    confirmed_by: str | None


@dataclass(frozen=True, slots=True)
class GlassBroken:
    """That the glass was broken for a plan: by whom and why, for which channels, until when, and its review.

    ``review_due_at`` is by the policy of now; ``reviewed_at`` None where nobody who did not break it has reviewed it.
    """

    at: datetime
    until: datetime
    people: tuple[str, ...]
    reasons: tuple[str, ...]
    channels: tuple[str, ...]
    review_due_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str | None
    finding: str


@dataclass(frozen=True, slots=True)
class HaltRead:
    """A halt that stood at some time of the incident and could stop something of it.

    ``ended_at`` is None where it stands.
    """

    statement: str
    scope: str
    target: str
    person: str
    role: str
    reason: str
    at: datetime
    resumed_by: tuple[str, ...]
    ended_at: datetime | None
