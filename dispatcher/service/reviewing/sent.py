"""What was sent: deliveries counted, account posts in full, and what the public saw of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.message import TextKind
from dispatcher.store.history import Tried


@dataclass(frozen=True, slots=True)
class Tally:
    """Deliveries of one text of a plan to one account, or through it to a list's recipients (``listed``).

    ``states`` counts deliveries by state; ``attempts`` is over all of them, ``retried`` how many took more than one.
    """

    plan: str
    channel: str
    account: str
    kind: TextKind
    listed: bool
    states: Mapping[str, int]
    attempts: int
    retried: int
    first_intent_at: datetime | None
    first_accepted_at: datetime | None
    last_accepted_at: datetime | None

    @property
    def total(self) -> int:
        """All deliveries."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Answers:
    """Attempts at one account's deliveries of one text that came to the same.

    ``verdict`` is None where nobody knows; ``code`` the contract's, empty where there is none; ``reason`` what one of
    them was told; ``first`` and ``last`` when such an attempt began.
    """

    plan: str
    channel: str
    account: str
    kind: TextKind
    verdict: str | None
    code: str
    reason: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery to an account, with every attempt at it.

    ``public``: what the public was last seen to see, in words, empty where nobody looks; ``seen`` is visible,
    missing, altered or empty, ``since`` when it became so, ``looked_at`` the last look, ``shown`` what an altered
    post says. ``sentence`` says what became of the delivery.
    """

    id: str
    plan: str
    channel: str
    account: str
    kind: TextKind
    state: str
    reason: str
    reference: str | None
    url: str | None
    accepted_at: datetime | None
    public: str
    seen: str
    since: datetime | None
    looked_at: datetime | None
    shown: str | None
    sentence: str
    attempts: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Deliveries to recipients that did not end well, or wait, for one reason; ``example`` is one of them by id."""

    plan: str
    channel: str
    account: str
    kind: TextKind
    state: str
    reason: str
    sentence: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class FirstPublic:
    """The first text of a kind that was public on a channel: when it was accepted, where, and as what it was seen."""

    plan: str
    channel: str
    kind: TextKind
    at: datetime
    account: str
    url: str | None
    public: str
