"""The sender in this process: verify, gate, last check, spent file, adapter.

The way of one order::

    permit(bundle, orders)   read the bundle → recompute digests → prove the recipient → ask the gate → mint
    (the worker commits its intent)
    send(permit, note)       time, halt, permit and spent file once more → "open" on disk → time and halt again
                             → adapter → outcome on disk

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
from datetime import datetime, timedelta

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
    Secret,
    Verdict,
)
from dispatcher.domain import canonical
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.plan import Destination, OnAmbiguous, SignedList
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.gate.clauses import g04_window, g16_stopped
from dispatcher.gate.decide import Decision, decide, judge_plan
from dispatcher.gate.evidence import DeliveryFacts, Evidence, case_for
from dispatcher.gate.policy import Policies
from dispatcher.sending import issuing
from dispatcher.sending.clocks import Elapsed, WatchedClock
from dispatcher.sending.decisions import Decisions
from dispatcher.sending.lists import ListError, ListKey, Row, open_key, prove
from dispatcher.sending.media import MediaFolder
from dispatcher.sending.order import MAX_ORDERS, Bundle, Order
from dispatcher.sending.outlets import Outlet, Outlets, call, facts_of, job_of
from dispatcher.sending.permit import HandOff, Permit, Refusal, mint, not_held, unreadable
from dispatcher.sending.prepared import Prepared, Texts, prepare, read_ahead, remember
from dispatcher.sending.reading import read_back
from dispatcher.sending.spent import SpentEvent, SpentFile, settled_as, told
from dispatcher.sending.stopbook import StopBook
from dispatcher.statements.trust import Trust
from dispatcher.statements.verify import Verifier

PERMIT_LIFE = timedelta(seconds=15)
"""A permit is used at once; one that waited longer is asked for again."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What a permit stands for, in this sender's memory."""

    permit: Permit
    prepared: Prepared
    outlet: Outlet
    evidence: Evidence
    facts: DeliveryFacts
    order: Order
    job: Job
    spent_key: str


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a sender keeps on its own disk. ``reaches``: hosts that it can reach, though policy says it must not."""

    trust: Trust[Policies]
    spent: SpentFile
    stops: StopBook
    decisions: Decisions
    media: MediaFolder
    list_identity: Secret | None = None
    reaches: tuple[str, ...] = ()


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
        self._mode = mode
        self._clock = clock
        self._watched = WatchedClock.starting(clock, elapsed)
        self._nonce = nonce
        root = keeping.trust.root
        self._owners = frozenset(owner.person for owner in root.owners)
        self._verifier = Verifier(keeping.trust.roster, root.deployment, mode)
        self._issuer = issuing.Issuer(self._judged, keeping.spent, self._verifier, clock, random_bytes)
        self._prepared: dict[str, Prepared] = {}
        self._texts: dict[str, Texts] = {}
        self._granted: dict[str, Granted] = {}
        self._list_keys: dict[str, ListKey] = {}
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
            evidence = self._evidence(prepared)
            answers = [self._permit(prepared, evidence, bundle, order) for order in orders]
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
        order, key = granted.order, granted.spent_key
        try:
            if granted.job.rendering.media:
                media = await asyncio.to_thread(self._keeping.media.read_all, granted.job.rendering)
                granted = replace(granted, job=replace(granted.job, media=media))
            await self._keeping.spent.append(key, SpentEvent.OPEN, order.job, self._clock(), decision=permit.decision)
        except Unavailable as error:
            return Outcome(Verdict.DEFERRED, f"nothing was sent: {error.message}", "G07")
        except OSError as error:
            return Outcome(Verdict.DEFERRED, f"nothing was sent: {error.strerror}", "spent")
        outcome = self._stopped(granted)  # a disk may have taken its time
        outcome = outcome or await call(granted.outlet, granted.order.kind, granted.job, note)
        await self._settle(granted, outcome)
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
        self._keeping.spent.close()
        self._keeping.decisions.close()

    def _read(self, bundle: Bundle) -> Prepared:
        known, now = self._prepared.get(bundle.digest), self._clock()
        if known is None or now >= known.until:
            known = prepare(bundle, self._verifier, now, self._texts.get(bundle.texts))
            remember(self._prepared, bundle.digest, known)
            remember(self._texts, bundle.texts, known.texts)
        return known

    def _evidence(self, prepared: Prepared) -> Evidence:
        trust = self._keeping.trust
        return Evidence(
            plan=prepared.plan,
            deployment=trust.root.deployment,
            mode=self._mode,
            roster=trust.roster,
            policies=trust.policy,
            statements=prepared.statements,
            stops=self._keeping.stops.stops,
            owners=self._owners,
        )

    def _permit(self, prepared: Prepared, evidence: Evidence, bundle: Bundle, order: Order) -> Permit | Refusal:
        outlet = self._outlets.get(order.account)
        if outlet is None:
            return not_held(order)
        row, fault = None, None
        try:
            row = self._recipient(prepared, bundle, order)
        except ListError as error:
            fault = str(error)
        key = self._spent_key(prepared, order, row)
        spent_fault = self._spent_fault(prepared, order, outlet, key)
        media_fault = self._keeping.media.fault(prepared.texts.renderings.get(order.rendering))
        faults = {"recipient_fault": fault, "media_fault": media_fault, "spent_fault": spent_fault}
        facts = self._facts(prepared, order, outlet, **faults)
        decision, name = self._decide(prepared, evidence, facts)
        permit = mint(order, decision, self._clock() + PERMIT_LIFE, self._nonce, name)
        if isinstance(permit, Permit):
            job = job_of(prepared.texts, order, outlet, row)
            self._granted[permit.id] = Granted(permit, prepared, outlet, evidence, facts, order, job, key)
        return permit

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
        facts = self._facts(prepared, order, outlet, spent_fault=spent_fault)
        decision, _ = self._decide(prepared, self._evidence(prepared), facts)
        if not facts.rendering:
            return Refusal(order.delivery, decision.failures, decision.then)
        return issuing.Judged(prepared, outlet.adapter, job_of(prepared.texts, order, outlet), key, decision.failures)

    def _record(self, answers: Sequence[Permit | HandOff | Refusal]) -> None:
        refused = ((one.delivery, one.failures) for one in answers if isinstance(one, Refusal))
        self._keeping.decisions.refused(refused, self._clock())

    def _facts(self, prepared: Prepared, order: Order, outlet: Outlet, **faults: str | None) -> DeliveryFacts:
        clock_fault = self._clock_fault(order.asked_at)
        return facts_of(
            prepared.texts, order, outlet, clock_fault=clock_fault, reaches=self._keeping.reaches, **faults
        )

    def _clock_fault(self, asked_at: datetime | None = None) -> str | None:
        return self._watched.fault(self._clock(), asked_at, self._keeping.stops.stops.status_at)

    def _decide(self, prepared: Prepared, evidence: Evidence, facts: DeliveryFacts) -> tuple[Decision, str]:
        """The decision, and the name under which its plan's share is on record."""
        now = self._clock()
        if facts.clock_fault:
            self._prepared.clear()  # what was read and judged by a wrong clock does not outlast it
            return decide(evidence, facts, now), ""
        about = (facts.channel, facts.account, facts.kind, facts.rendering, self._keeping.stops.version)
        judged = prepared.judged.get(about)
        if judged is None or now >= judged[0].until:
            judgement = judge_plan(evidence, facts, now)
            judged = (judgement, self._keeping.decisions.judged(evidence, facts, judgement, now))
            prepared.judged[about] = judged
        return decide(evidence, facts, now, judged[0]), judged[1]

    def _spent_fault(self, prepared: Prepared, order: Order, outlet: Outlet, key: str) -> str | None:
        destination = prepared.plan.destination(order.account)
        last = self._keeping.spent.account(key).last
        return self._keeping.spent.fault(
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
        return prove(order.recipient, self._list_key(bundle, signed.id), signed)

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
        """What time, policy or a stop has against it now."""
        now, evidence, stops = self._clock(), granted.evidence, self._keeping.stops.stops
        if evidence.stops is not stops:
            evidence = replace(evidence, stops=stops)
        version = evidence.policies.in_force(now)
        if version is None:
            return Outcome(Verdict.DEFERRED, "no policy is in force", "G01")
        facts, fault = granted.facts, self._clock_fault()
        if fault != facts.clock_fault:
            facts = replace(facts, clock_fault=fault)
        case = case_for(evidence, facts, version, now)
        revoked = evidence.stops.revocations_of(granted.prepared.digest) and not case.making_safe
        failure = g04_window(case) or g16_stopped(case)
        if failure:
            return Outcome(Verdict.DEFERRED, failure.fact, failure.clause)
        return Outcome(Verdict.DEFERRED, "revoked", "G03") if revoked else None

    async def _settle(self, granted: Granted, outcome: Outcome) -> None:
        settled = settled_as(outcome.verdict)
        if settled is None:
            return
        facts = told(outcome, granted.outlet.idempotency)
        try:
            await self._keeping.spent.append(granted.spent_key, settled, granted.order.job, self._clock(), **facts)
        except OSError as error:
            # The disk still says "open", so nothing can be sent twice; the outcome counts all the same.
            self._log.error("spent_not_written", delivery=granted.order.delivery, reason=str(error))

    def _forget(self) -> None:
        now = self._clock()
        while self._granted and now >= next(iter(self._granted.values())).permit.expires_at:
            self._granted.pop(next(iter(self._granted)))  # permits live equally long: the first is the oldest


def _signed_list(destination: Destination | None, list_id: str) -> SignedList | None:
    return next((s for s in destination.lists if s.id == list_id), None) if destination else None
