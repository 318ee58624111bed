"""Issuing a hand-off: when a packet may be sealed and its one-time code shown.

Rules (design: gate 2; reference: policy 6.2 and 6.6)
  1. The whole gate must say yes again, at the moment of issue.
  2. An operator asks, in a receipt signed at most ten minutes ago that names the delivery and the device. Nobody who
     approved the plan or wrote any of it may be that operator.
  3. The delivery was handed over and no code was issued for it: there is no second one, whatever became of the first.
  4. A code lives ten minutes at most and never beyond the window. It is in the answer and nowhere else.
  5. Sealing and writing take time, so all is asked again after each: no code is shown after a halt or a revocation.

What fails has a clause: G08 for who asks, G15 for what was issued, G07 for what cannot be sealed. One issue::

    ask all → seal (in a thread) → ask all again → "code_issued" on disk → ask all but that again → packet and code
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from channels.contract import Clock, DeliveryKind, HandOverError, Job, RandomBytes, Sealed
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Envelope, Statement, StatementKind
from dispatcher.gate.evidence import Failure, Then
from dispatcher.sending.order import Bundle, Order
from dispatcher.sending.permit import HandOff, Refusal
from dispatcher.sending.prepared import Prepared
from dispatcher.sending.spent import Account, SpentEvent, SpentFile
from dispatcher.statements.errors import StatementRefused
from dispatcher.statements.verify import Verifier

CODE_LIFE = timedelta(minutes=10)
"""The longest a release code may live (reference: policy 6.6)."""

OPENING_LIFE = timedelta(minutes=10)
"""How old an operator's signed wish to open a hand-off may be: as old as the code that it asks for."""

_MEND = "an operator: dispatcher handoff open"


@dataclass(frozen=True, slots=True)
class Judged:
    """A delivery that was handed over, with every reason why no code may be issued for it now."""

    prepared: Prepared
    adapter: Sealed
    job: Job
    spent_key: str
    failures: tuple[Failure, ...]


class Issuer:
    """Issues hand-offs for a sender. ``judge`` runs the whole gate for one order, with :func:`spent_fault`."""

    def __init__(
        self,
        judge: Callable[[Bundle, Order], Judged | Refusal],
        spent: SpentFile,
        verifier: Verifier,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._judge = judge
        self._spent = spent
        self._verifier = verifier
        self._clock = clock
        self._random_bytes = random_bytes
        self._log = structlog.get_logger("issuer")

    async def issue(self, bundle: Bundle, order: Order, device: str, envelope: Envelope) -> HandOff | Refusal:
        """Seal the packet of an order for a device and return it with its code, once."""
        judged = self._ask(bundle, order, device, envelope)
        if isinstance(judged, Refusal):
            return judged
        try:
            hand_off = await asyncio.to_thread(self._seal, judged, order, device)
        except HandOverError as error:
            return _refusal(order, Failure("G07", str(error), "ops: dispatcher device register"))
        again = self._ask(bundle, order, device, envelope)
        if isinstance(again, Refusal):
            return again
        refusal = await self._write(judged.spent_key, order) or self._stopped(bundle, order, device, envelope)
        return refusal or hand_off

    def _ask(self, bundle: Bundle, order: Order, device: str, envelope: Envelope) -> Judged | Refusal:
        judged = self._judge(bundle, order)
        if isinstance(judged, Refusal):
            return judged
        fault = opening_fault(envelope, self._verifier, judged.prepared, order, device, self._clock())
        if fault:
            judged = replace(judged, failures=(*judged.failures, fault))
        return _refusal(order, *judged.failures) if judged.failures else judged

    def _seal(self, judged: Judged, order: Order, device: str) -> HandOff:
        now, end = self._clock(), window_end(judged.prepared.plan, order.kind)
        expires_at = min(now + CODE_LIFE, end)
        code, packet = judged.adapter.issue(
            judged.job,
            device=device,
            issued_at=now,
            expires_at=expires_at,
            not_after=end,
            random_bytes=self._random_bytes,
        )
        return HandOff(packet, code, now, expires_at)

    async def _write(self, key: str, order: Order) -> Refusal | None:
        try:
            await self._spent.append(key, SpentEvent.CODE_ISSUED, order.job, self._clock())
        except OSError as error:
            return _refusal(order, Failure("G15", f"no code was issued: {error.strerror}", "ops", Then.WAIT))
        self._log.info("code_issued", delivery=order.delivery, account=order.account, channel=order.channel)
        return None

    def _stopped(self, bundle: Bundle, order: Order, device: str, envelope: Envelope) -> Refusal | None:
        last = self._ask(bundle, order, device, envelope)
        failures = [failure for failure in last.failures if failure.clause != "G15"]
        return _refusal(order, *failures) if failures else None


def window_end(plan: Plan, kind: DeliveryKind) -> datetime:
    """The moment from which nothing of this kind may be published any more."""
    return min(plan.not_after, plan.valid_until) if kind is DeliveryKind.PUBLISH else plan.armed_not_after


def spent_fault(known: Account, order: Order) -> str | None:
    """Why what the spent file knows of a destination forbids a code for this order, or None."""
    if known.settled is not SpentEvent.HANDED_OVER or known.last is None:
        return "this delivery was not handed over by this sender"
    if known.last.job != order.job:
        return "what was handed over here was another delivery"
    return "a release code was issued for it already; there is no second one" if known.code_issued else None


def opening_fault(
    envelope: Envelope, verifier: Verifier, prepared: Prepared, order: Order, device: str, now: datetime
) -> Failure | None:
    """Why this receipt does not open this delivery on this device, or None."""
    try:
        statement = verifier.verify(envelope, now).statement
    except StatementRefused as refusal:
        return Failure("G08", f"the operator's receipt: {refusal.message}", _MEND)
    fault = _fault(statement, order, device, now) or _duties_fault(statement.person, prepared)
    return Failure("G08", f"the operator's receipt: {fault}", _MEND) if fault else None


def _fault(statement: Statement, order: Order, device: str, now: datetime) -> str | None:
    if statement.kind is not StatementKind.RECEIPT or statement.role != Role.OPERATOR:
        return f"a {statement.kind} by {statement.role}, not a receipt by {Role.OPERATOR}"
    if dict(statement.body) != {"delivery": order.delivery, "step": "open", "device": device}:
        return "it asks for something else than to open this delivery on this device"
    if not statement.holds_at(now) or now - statement.not_before > OPENING_LIFE:
        minutes = OPENING_LIFE.total_seconds() / 60
        return f"it does not hold now; it must be signed within the last {minutes:.0f} minutes"
    return None


def _duties_fault(person: str, prepared: Prepared) -> str | None:
    """Whether the operator had another part in the plan (reference: policy 6.2)."""
    if person in prepared.plan.contributors:
        return f"{person} wrote or submitted this plan; another operator must open it"
    approved = any(
        v.statement.kind is StatementKind.APPROVE
        and v.statement.subject == prepared.digest
        and v.statement.person == person
        for v in prepared.statements
    )
    return f"{person} approved this plan; another operator must open it" if approved else None


def _refusal(order: Order, *failures: Failure) -> Refusal:
    return Refusal(order.delivery, failures, min((f.then for f in failures), key=list(Then).index))
