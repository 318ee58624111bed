"""Permits: the gate's short-lived yes for one delivery, and its no with every reason.

Only this package mints permits (enforced by import-linter). A permit is of use only to the sender that minted it:
it names an entry in that sender's memory, so that a copy or an invention is worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from channels.contract import Finding, Note, Outcome, ReadBack
from dispatcher.domain.statement import Envelope
from dispatcher.gate.decide import Decision
from dispatcher.gate.evidence import Failure, Then
from dispatcher.sending.order import Bundle, Order

Nonce = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes, until ``expires_at``. ``policy`` names the versions it was judged under, ``decision`` the record of it."""

    id: str
    delivery: str
    expires_at: datetime
    policy: tuple[str, ...]
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, with every reason, and what becomes of the delivery."""

    delivery: str
    failures: tuple[Failure, ...]
    then: Then

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses that failed."""
        return tuple(dict.fromkeys(f.clause for f in self.failures))

    @property
    def sentence(self) -> str:
        """All reasons in one line."""
        return "; ".join(f"{f.clause} {f.fact}" for f in self.failures)


@dataclass(frozen=True, slots=True)
class HandOff:
    """A sealed packet and the one-time code that opens it, shown once and kept nowhere."""

    packet: bytes = field(repr=False)
    code: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime


class Sender(Protocol):
    """The seam between the engine and whoever holds the credential.

    Where that is another process, every call but ``send`` raises Unavailable when it cannot be reached, and ``send``
    answers deferred (it was not asked) or in doubt (it was).
    """

    @property
    def held(self) -> frozenset[str] | None:
        """The accounts that this sender holds, or None where that is not known on this side."""

    async def arm(self, bundle: Bundle) -> None:
        """Get ready for a plan that is submitted and not yet released."""

    async def permit(self, bundle: Bundle, orders: Sequence[Order]) -> list[Permit | Refusal]:
        """Ask the gate for each order; at most 1,000."""

    async def send(self, permit: Permit, note: Note) -> Outcome:
        """Check once more and send. A permit is good for one call."""

    async def find(self, bundle: Bundle, order: Order) -> Finding:
        """Look for an earlier attempt's post in the platform's record."""

    async def read_back(self, bundle: Bundle, order: Order, reference: str) -> ReadBack:
        """Read what the public sees of what was accepted under ``reference``; of a withdrawal, whether it works."""

    async def tell(self, stops: Sequence[Envelope], status: Envelope | None) -> None:
        """Hand over halts, resumes, revocations and the newest signed status."""

    async def issue(self, bundle: Bundle, order: Order, device: str, envelope: Envelope) -> HandOff | Refusal:
        """Seal the packet of a handed-over delivery for a device and show its code, once.

        ``envelope`` is an operator's receipt with the body ``{"delivery", "step": "open", "device"}``.
        """

    async def close(self) -> None:
        """Let go of connections."""


def mint(
    order: Order, decision: Decision, expires_at: datetime, nonce: Nonce, recorded_as: str = ""
) -> Permit | Refusal:
    """Turn a decision into a permit or a refusal."""
    if decision:
        return Permit(nonce(), order.delivery, expires_at, decision.policy, recorded_as)
    return Refusal(order.delivery, decision.failures, decision.then)


def unreadable(order: Order, error: Exception) -> Refusal:
    """The refusal of an order whose plan cannot be read, or not be carried to who would read it."""
    failure = Failure("G07", f"the plan cannot be read: {error}", "author: submit a new plan")
    return Refusal(order.delivery, (failure,), Then.HOLD)


def not_held(order: Order) -> Refusal:
    """The refusal of an order to an account that the sender does not hold: it waits for one that does."""
    failure = Failure("G07", f"this sender does not hold account {order.account}", "ops: account add", Then.WAIT)
    return Refusal(order.delivery, (failure,), Then.WAIT)
