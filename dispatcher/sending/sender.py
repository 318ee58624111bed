"""The sender in this process: verify, gate, last check, spent file, adapter.

The way of one order::

    permit(bundle, orders)   read the bundle → recompute digests → prove the recipient → ask the gate → mint
    (the worker commits its intent)
    send(permit, note)       time, halt, permit and spent file once more → "open" on disk → time and halt again
                             → adapter → outcome noted, and on disk soon

What the sender goes by is its own: trust files, credentials, spent file, stops it was told of. A bundle and an order
are claims.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from channels.by_hand import Sealed
from channels.capabilities import IdempotencyKind
from channels.contract import (
    Clock,
    Finding,
    Found,
    Job,
    Note,
    Outcome,
    RandomBytes,
    ReadBack,
    Verdict,
)
from dispatcher.domain import canonical
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.plan import Destination, OnAmbiguous, SignedList
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.sending import issuing
from dispatcher.sending.clocks import Elapsed, WatchedClock
from dispatcher.sending.judge import Answer, Asking, Judge
from dispatcher.sending.keeping import Keeping
from dispatcher.sending.lists import Blocks, ListError, ListKey, Row, open_key, prove
from dispatcher.sending.order import MAX_ORDERS, Bundle, Order
from dispatcher.sending.outlets import Outlet, Outlets, call, job_of
from dispatcher.sending.permit import HandOff, Permit, Refusal, mint, not_held, unreadable
from dispatcher.sending.prepared import Prepared, Texts, prepare, read_ahead, remember
from dispatcher.sending.reading import read_back
from dispatcher.sending.spent import SpentEvent, settled_as, told
from dispatcher.statements.verify import Verifier

PERMIT_LIFE = timedelta(seconds=15)
"""A permit is used at once; one that waited longer is asked for again."""

TURN = 16
"""Orders that are answered before calls under way get their turn: a whole chunk would keep them waiting 10 ms."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What a permit stands for, in this sender's memory."""

    permit: Permit
    prepared: Prepared
    outlet: Outlet
    answer: Answer
    order: Order
    job: Job
    spent_key: str


class LocalSender:
    """Implements :class:`dispatcher.sending.permit.Sender` for the accounts of one role in one mode."""

    def __init__(
        self,
        keeping: Keeping,
        outlets: Outlets,
        mode: Mode,
        clock: Clock,
        nonce: Callable[[], str],
        random_bytes: RandomBytes = secrets.token_bytes,
        let_go: Callable[[], Awaitable[None]] | None = None,
        elapsed: Elapsed = time.monotonic,
    ) -> None:
        self._keeping = keeping
        self._let_go = let_go
        self._outlets = outlets
        self._clock = clock
        self._judge = Judge(keeping, mode, clock, WatchedClock.starting(clock, elapsed))
        self._nonce = nonce
        root = keeping.trust.root
        self._verifier = Verifier(keeping.trust.roster, root.deployment, mode)
        self._issuer = issuing.Issuer(self._judged, keeping.spent, self._verifier, clock, random_bytes)
        self._prepared: dict[str, Prepared] = {}
        self._texts: dict[str, Texts] = {}
        self._granted: dict[str, Granted] = {}
        self._list_keys: dict[str, ListKey] = {}
        self._blocks: Blocks = {}
        self._log = structlog.get_logger("sender")

    @property
    def held(self) -> frozenset[str]:
        """The accounts of its outlets."""
        return frozenset(self._outlets)

    async def arm(self, bundle: Bundle) -> None:
        """Check what is signed so far, and read a plan's texts, as soon as it is submitted: a release is urgent."""
        await asyncio.to_thread(self._verifier.verify_all, bundle.envelopes, self._clock())
        if bundle.texts in self._texts:
            return
        with contextlib.suppress(canonical.CanonicalError, DocumentError):  # said when a permit is asked for
            texts = await asyncio.to_thread(read_ahead, bundle)
            remember(self._texts, bundle.texts, texts)
            for destination in texts.plan.destinations:
                outlet = self._outlets.get(destination.account)
                if outlet is not None:
                    texts.read_ahead(destination.account, outlet.adapter)
                await asyncio.sleep(0)  # others are being sent meanwhile

    async def permit(self, bundle: Bundle, orders: Sequence[Order]) -> list[Permit | Refusal]:
        """Ask the gate for each order; at most 1,000."""
        if len(orders) > MAX_ORDERS:
            raise ValueError(f"more than {MAX_ORDERS} orders at once")
        self._forget()
        answers: list[Permit | Refusal]
        try:
            prepared = self._read(bundle)
        except (canonical.CanonicalError, DocumentError) as error:
            answers = [unreadable(order, error) for order in orders]
        else:
            asking = self._judge.asking(prepared)
            answers = []
            for number, order in enumerate(orders, 1):
                answers.append(self._permit(asking, bundle, order))
                if number % TURN == 0:
                    await asyncio.sleep(0)  # others are being sent meanwhile
        self._record(answers)
        return answers

    async def send(self, permit: Permit, note: Note) -> Outcome:
        """Check once more and send. A permit is good for one call."""
        granted = self._granted.pop(permit.id, None)
        if granted is None or granted.permit != permit:
            return Outcome(Verdict.DEFERRED, "the permit is not known here, or was used", "permit")
        refusal = self._last_check(granted)
        if refusal:
            return refusal
        job, key = granted.order.job, granted.spent_key
        try:
            if granted.job.rendering.media:
                media = await asyncio.to_thread(self._keeping.media.read_all, granted.job.rendering)
                granted = replace(granted, job=replace(granted.job, media=media))
            await self._keeping.spent.append(key, SpentEvent.OPEN, job, self._clock(), decision=permit.decision)
        except Unavailable as error:
            return Outcome(Verdict.DEFERRED, f"nothing was sent: {error.message}", "G07")
        except OSError as error:
            return Outcome(Verdict.DEFERRED, f"nothing was sent: {error.strerror}", "spent")
        outcome = self._stopped(granted)  # the disk may have taken its time
        outcome = outcome or await call(granted.outlet, granted.order.kind, granted.job, note)
        self._settle(granted, job, outcome)
        return outcome

    async def find(self, bundle: Bundle, order: Order) -> Finding:
        """What became of an earlier attempt, by the platform's record; by this sender's where nobody can look."""
        try:
            prepared = self._read(bundle)
            row = self._recipient(prepared, bundle, order)
        except (canonical.CanonicalError, DocumentError, ListError) as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        outlet = self._outlets.get(order.account)
        rendering = prepared.texts.renderings.get(order.rendering)
        if outlet is None or rendering is None:
            return Finding(Found.UNKNOWN, reason="this sender cannot look there")
        key = self._spent_key(prepared, order, row)
        known = self._keeping.spent.account(key)
        if known.last is not None and known.last.job != order.job:
            return Finding(Found.UNKNOWN, reason="what was sent there was another delivery")
        if outlet.idempotency.kind is not IdempotencyKind.QUERY:
            return known.found or Finding(Found.UNKNOWN, reason="this channel is not looked at")
        finding = await outlet.adapter.find(job_of(prepared.texts, order, outlet, row))
        event = {Found.FOUND: SpentEvent.FOUND, Found.ABSENT: SpentEvent.ABSENT}.get(finding.found)
        if event is not None:
            await self._keeping.spent.append(key, event, order.job, self._clock())
        return finding

    async def read_back(self, bundle: Bundle, order: Order, reference: str) -> ReadBack:
        """Read what the public sees of what was accepted under ``reference``."""
        return await read_back(self._read, self._outlets, bundle, order, reference)

    async def tell(self, stops: Sequence[Envelope], status: Envelope | None) -> None:
        """Take in halts, resumes, revocations and the newest signed status."""
        self._keeping.stops.take(stops, status, self._clock())

    async def issue(self, bundle: Bundle, order: Order, device: str, envelope: Envelope) -> HandOff | Refusal:
        """Seal the packet of a handed-over delivery and show its code, once (see ``issuing``)."""
        answer = await self._issuer.issue(bundle, order, device, envelope)
        self._record([answer])
        return answer

    async def close(self) -> None:
        """Close the adapters' connections and this sender's own files."""
        if self._let_go is not None:
            await self._let_go()
        await self._keeping.spent.close()
        self._keeping.decisions.close()

    def _read(self, bundle: Bundle) -> Prepared:
        known, now = self._prepared.get(bundle.digest), self._clock()
        if known is None or now >= known.until:
            known = prepare(bundle, self._verifier, now, self._texts.get(bundle.texts))
            remember(self._prepared, bundle.digest, known)
            remember(self._texts, bundle.texts, known.texts)
        return known

    def _permit(self, asking: Asking, bundle: Bundle, order: Order) -> Permit | Refusal:
        outlet, prepared = self._outlets.get(order.account), asking.prepared
        if outlet is None:
            return not_held(order)
        row, fault = None, None
        try:
            row = self._recipient(prepared, bundle, order)
        except ListError as error:
            fault = str(error)
        key = self._spent_key(prepared, order, row)
        spent_fault = self._spent_fault(prepared, order, outlet, key)
        answer = self._answer(asking, order, outlet, spent_fault=spent_fault, recipient_fault=fault)
        permit = mint(order, answer.decision, self._clock() + PERMIT_LIFE, self._nonce, answer.name)
        if isinstance(permit, Permit):
            job = job_of(prepared.texts, order, outlet, row)
            self._granted[permit.id] = Granted(permit, prepared, outlet, answer, order, job, key)
        return permit

    def _answer(self, asking: Asking, order: Order, outlet: Outlet, **faults: str | None) -> Answer:
        answer = self._judge.answer(asking, order, outlet, **faults)
        if answer.facts.clock_fault:
            self._prepared.clear()  # what was read and judged by a wrong clock does not outlast it
        return answer

    def _judged(self, bundle: Bundle, order: Order) -> issuing.Judged | Refusal:
        """The gate once more for what was handed over already, and the adapter that seals its packet."""
        try:
            prepared = self._read(bundle)
        except (canonical.CanonicalError, DocumentError) as error:
            return unreadable(order, error)
        outlet = self._outlets.get(order.account)
        if outlet is None or not isinstance(outlet.adapter, Sealed):
            return not_held(order)
        key = self._spent_key(prepared, order, None)
        spent_fault = issuing.spent_fault(self._keeping.spent.account(key), order)
        answer = self._answer(self._judge.asking(prepared), order, outlet, spent_fault=spent_fault)
        failures = answer.decision.failures
        if not answer.facts.rendering:
            return Refusal(order.delivery, failures, answer.decision.then)
        return issuing.Judged(prepared, outlet.adapter, job_of(prepared.texts, order, outlet), key, failures)

    def _record(self, answers: Sequence[Permit | HandOff | Refusal]) -> None:
        refused = ((one.delivery, one.failures) for one in answers if isinstance(one, Refusal))
        self._keeping.decisions.refused(refused, self._clock())

    def _spent_fault(self, prepared: Prepared, order: Order, outlet: Outlet, key: str) -> str | None:
        spent = self._keeping.spent
        if not spent.knows(key):
            return None
        destination, last = prepared.plan.destination(order.account), spent.account(key).last
        return spent.fault(
            key,
            order.job,
            outlet.idempotency,
            self._clock(),
            resend=destination is not None and destination.on_ambiguous is OnAmbiguous.RESEND,
            resolved=last is not None and prepared.resolved_unsent(last.delivery, last.at),
        )

    def _spent_key(self, prepared: Prepared, order: Order, row: tuple[str, Row] | None) -> str:
        """Names one text to one destination: a correction and an all-clear are two, though both correct."""
        destination = row[0] if row else order.account
        return canonical.digest(
            "spent/v1", f"{prepared.digest}\0{order.account}\0{order.rendering}\0{destination}".encode()
        )

    def _recipient(self, prepared: Prepared, bundle: Bundle, order: Order) -> tuple[str, Row] | None:
        """The proved leaf and row of an order to a recipient. Raises ListError for a false proof."""
        if order.recipient is None:
            return None
        signed = _signed_list(prepared.plan.destination(order.account), order.recipient.list)
        if signed is None:
            raise ListError(f"recipient list {order.recipient.list} is not in the signed plan")
        return prove(order.recipient, self._list_key(bundle, signed.id), signed, self._blocks)

    def _list_key(self, bundle: Bundle, list_id: str) -> ListKey:
        sealed = bundle.list_keys.get(list_id)
        identity = self._keeping.list_identity
        if sealed is None or identity is None:
            raise ListError(f"the key of recipient list {list_id} is not at hand")
        if sealed not in self._list_keys:
            self._list_keys[sealed] = open_key(sealed, identity)
        return self._list_keys[sealed]

    def _last_check(self, granted: Granted) -> Outcome | None:
        if self._clock() >= granted.permit.expires_at:
            return Outcome(Verdict.DEFERRED, "the permit ran out before its turn", "permit")
        fault = self._spent_fault(granted.prepared, granted.order, granted.outlet, granted.spent_key)
        return Outcome(Verdict.DEFERRED, fault, "G15") if fault else self._stopped(granted)

    def _stopped(self, granted: Granted) -> Outcome | None:
        return self._judge.stopped(granted.answer, granted.prepared.digest)

    def _settle(self, granted: Granted, job: str, outcome: Outcome) -> None:
        settled = settled_as(outcome.verdict)
        if settled is None:
            return
        facts = told(outcome, granted.outlet.idempotency)
        self._keeping.spent.note(granted.spent_key, settled, job, self._clock(), **facts)

    def _forget(self) -> None:
        now = self._clock()
        while self._granted and now >= next(iter(self._granted.values())).permit.expires_at:
            self._granted.pop(next(iter(self._granted)))  # permits live equally long: the first is the oldest


def _signed_list(destination: Destination | None, list_id: str) -> SignedList | None:
    return next((s for s in destination.lists if s.id == list_id), None) if destination else None
