"""The engine of one lane: lease a chunk, ask for permits, commit intent, send, record.

The way of one chunk::

    lease      ready → leased, in one transaction
    permit     the sender runs the gate; refusals are recorded at once
    intend     leased → sending, with an attempt row each, committed before the first byte
    send       concurrently, under each account's limit; the self-fence holds the process to the lease
    record     outcomes in groups, through one writer

A call that the lease would not outlast is not begun. A row that cannot be read is refused by itself.

An idle engine waits for the doorbell or its own poll, so that Redis is needed neither for safety nor for progress.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels import registry
from channels.contract import Clock, Outcome, Verdict
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.ids import short
from dispatcher.gate.evidence import Failure, Then
from dispatcher.sending import Permit, Refusal, Sender
from dispatcher.sending.order import MAX_ORDERS
from dispatcher.settings import Settings
from dispatcher.store import holds, leasing, queue
from dispatcher.store.database import Store, Work
from dispatcher.store.leasing import NOTHING_SHUT, Leased, Shut
from dispatcher.store.queue import Move
from dispatcher.store.workers import Doing
from dispatcher.tracing.spans import NOWHERE, Spans
from workers.buckets import Buckets
from workers.fence import SelfFence
from workers.ordering import Orders
from workers.outcomes import Rules, after_refusal, after_send, before_permit, idempotency_of, keepable, returned
from workers.pacing import Pacing
from workers.recorder import Recorder
from workers.tracing import Chunk, Tracing
from workers.writing import Writer

T = TypeVar("T")

FIRST_CHUNK = 16
"""Deliveries that an idle engine leases: the first byte does not wait for a hundred others."""

HEAD_START_S = 0.1
"""How long the next lease waits at the most until these are called."""

FENCED = 0.8
"""The share of a lease after which a process that still holds it is killed (see ``workers.fence``)."""


@dataclass(frozen=True, slots=True)
class Post:
    """Where an engine works: its lane, its mode, its name."""

    lane: str
    mode: str
    owner: str


@dataclass(frozen=True, slots=True)
class Hold:
    """One lease as its engine holds it. ``since_s``: ``time.monotonic()`` before it was asked for."""

    owner: str
    lasting: timedelta
    since_s: float
    fenced_at: datetime


class UnderWay(NamedTuple):
    """A chunk that was leased, when, and how many deliveries it has."""

    since: datetime
    plan: str
    deliveries: int


class Engine:
    """See the module. Runs on one event loop; database calls go to one thread."""

    def __init__(
        self,
        post: Post,
        store: Store,
        sender: Sender,
        settings: Settings,
        clock: Clock,
        rules: Rules,
        redis: str | None = None,
        spans: Spans = NOWHERE,
    ) -> None:
        self._post = post
        self._writer = Writer(store)
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._rules = rules
        self._orders = Orders(store, post.mode)
        self._recorder = Recorder(self.write)
        self._tracing = Tracing(post.lane, clock, spans)
        self._fence = SelfFence(margin=settings.timing.lasting("lease") * (1 - FENCED))
        self._chunks: dict[asyncio.Task[None], UnderWay] = {}
        self._heard_at: datetime | None = None
        self._arming: asyncio.Task[None] | None = None
        self._timeouts_s: dict[tuple[str, str | None], float] = {}
        self._number = 0
        self._stopping = asyncio.Event()
        self._log = structlog.get_logger("engine")
        self._bell, self._begun = asyncio.Event(), asyncio.Event()
        buckets = Buckets(redis, post.mode, settings.processes)
        self._pacing = Pacing(settings, clock, buckets, self._broken, self._bell.set)
        self._loop = asyncio.get_running_loop()

    def ring(self, _dispatch: str) -> None:
        """Look now: a message says that there is work. Safe to call from any thread."""
        self._heard_at = self._clock()
        self._loop.call_soon_threadsafe(self._bell.set)

    def look(self) -> None:
        """Look now: the bell rang, as it does in every process of the lane. For its own loop."""
        self._bell.set()

    def doing(self) -> Doing:
        """What is under way, for the registry. Safe to call from any thread."""
        chunks = sorted(self._chunks.copy().values())
        if not chunks:
            return Doing(heard_at=self._heard_at)
        plans = ", ".join(dict.fromkeys(short(chunk.plan) for chunk in chunks))
        return Doing(f"plan {plans}", chunks[0].since, sum(chunk.deliveries for chunk in chunks), self._heard_at)

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping``, then let calls under way end, and give back what was not called yet."""
        self._stopping = stopping
        recording, listening = (
            asyncio.create_task(part) for part in (self._recorder.run(), self._pacing.listen(stopping))
        )
        try:
            while not stopping.is_set():
                self._bell.clear()
                if not await self._next_chunk():
                    self._arm()
                    await self._idle(stopping)
        finally:
            if self._arming:
                self._arming.cancel()
            if self._chunks:
                await asyncio.wait(self._chunks)
            await self._recorder.finish()
            await asyncio.gather(recording, listening)
            await self._pacing.close()

    async def write(self, change: Callable[[Work], T]) -> T:
        """Make a change in one write transaction, off the loop, with what else is to be written."""
        return await self._writer.write(change)

    async def _idle(self, stopping: asyncio.Event) -> None:
        waits = [asyncio.create_task(self._bell.wait()), asyncio.create_task(stopping.wait())]
        await asyncio.wait(waits, timeout=self._settings.timing.poll_ms / 1000, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def _arm(self) -> None:
        """Begin to read what is submitted, unless that is being done: who releases it will not want to wait."""
        if self._arming is None or self._arming.done():
            self._arming = asyncio.create_task(self._armed())

    async def _armed(self) -> None:
        try:
            for bundle in await asyncio.to_thread(self._orders.submitted, self._post.lane):
                await self._sender.arm(bundle)
        except (DispatcherError, ValueError, LookupError, TypeError, SQLAlchemyError) as error:
            self._log.warning("not_armed", error=type(error).__name__)  # what cannot be read is refused in its turn

    async def _next_chunk(self) -> bool:
        """Lease one chunk and start on it; False when nothing more is due."""
        await self._pacing.room()
        if self._stopping.is_set():
            return False
        self._number += 1
        hold, shut = self._hold(), self._pacing.shut()
        limit = min(self._settings.chunk, MAX_ORDERS if self._chunks else FIRST_CHUNK)
        leased = await self._attempt(lambda: self.write(self._lease(hold, limit, shut)))
        if not leased:
            return False
        alone = not self._chunks
        self._begun.clear()
        task = asyncio.create_task(self._chunk(leased, hold))
        self._chunks[task] = UnderWay(self._clock(), leased[0].plan, len(leased))
        task.add_done_callback(self._ended)
        if alone:  # a lease of hundreds would keep its intent waiting
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._begun.wait(), HEAD_START_S)
        return len(leased) == limit or shut != NOTHING_SHUT  # of what is shut, one account is leased at a time

    def _hold(self) -> Hold:
        """The next lease, timed from before it is asked for: no delay on the way back can stretch it."""
        lasting = self._settings.timing.lasting("lease")
        owner = f"{self._post.owner}/{self._number}"
        return Hold(owner, lasting, time.monotonic(), self._clock() + lasting * FENCED)

    def _ended(self, chunk: asyncio.Task[None]) -> None:
        del self._chunks[chunk]
        self._begun.set()
        if not chunk.cancelled() and (error := chunk.exception()):
            self._log.error("chunk_failed", error=type(error).__name__)

    def _lease(self, hold: Hold, limit: int, shut: Shut) -> Callable[[Work], list[Leased]]:
        post = self._post

        def lease(work: Work) -> list[Leased]:
            self._pacing.standing = holds.standing(work)
            return leasing.lease(work, post.lane, post.mode, hold.owner, limit, hold.lasting, shut, self._sender.held)

        return lease

    async def _attempt(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Run a database call; where the database is away, say so and come back later."""
        try:
            return await call()
        except DispatcherError as error:
            self._log.error("store_unreachable", error=error.word, reason=error.message)
            await asyncio.sleep(self._settings.timing.sweep_ms / 1000)
            return None

    async def _chunk(self, leased: list[Leased], hold: Hold) -> None:
        chunk = self._tracing.chunk(leased)
        with self._fence.during(hold.lasting, hold.since_s), self._pacing.holding(leased):
            ready = await self._admitted(leased)
            permits = await self._permits(ready)
            kept = await self._intend(permits, hold.owner)
            self._begun.set()
            self._pacing.keep(leased, kept)
            sends = [self._send(item, permits[item], hold.fenced_at, chunk) for item in kept]
            ended = await asyncio.gather(*sends, return_exceptions=True)
        chunk.ended()
        for item, error in zip(kept, ended, strict=True):
            if error is not None:  # the row is still sending: the sweeper puts it in doubt
                self._log.error("send_failed", **_names(item), error=type(error).__name__)

    async def _admitted(self, leased: Sequence[Leased]) -> list[Leased]:
        admitted, moves = await self._pacing.admit(leased)
        for move in moves:
            await self._recorder.put(move)
        return admitted

    async def _permits(self, leased: Sequence[Leased]) -> dict[Leased, Permit]:
        permits: dict[Leased, Permit] = {}
        plans: dict[str, list[Leased]] = {}
        for item in await self._repeatable(leased):
            plans.setdefault(item.plan, []).append(item)
        for plan, items in plans.items():
            for item, answer in zip(items, await self._ask(plan, items), strict=True):
                if isinstance(answer, Refusal):
                    await self._refused(item, answer)
                elif answer is None:
                    later = self._clock() + self._settings.timing.lasting("sweep")
                    await self._recorder.put(returned(item, "the sender cannot be reached", later))
                else:
                    permits[item] = answer
        return permits

    async def _repeatable(self, leased: Sequence[Leased]) -> list[Leased]:
        """Those that may go; a repeat whose key grew old meanwhile is held for people."""
        aged = {item: move for item in leased if item.looked and (move := self._aged(item)) is not None}
        for move in aged.values():
            await self._recorder.put(move)
        return [item for item in leased if item not in aged]

    def _aged(self, item: Leased) -> Move | None:
        with contextlib.suppress(registry.UnknownChannelError):
            return before_permit(item, idempotency_of(self._settings, item.channel, item.route), self._clock())
        return None  # the sender refuses a channel that nobody knows

    async def _ask(self, plan: str, items: Sequence[Leased]) -> Sequence[Permit | Refusal | None]:
        try:
            bundle, orders = await asyncio.to_thread(self._orders.of, plan, items)
            return await self._sender.permit(bundle, orders)
        except DispatcherError as error:
            self._log.error("sender_unreachable", error=error.word, reason=error.message)
            return [None] * len(items)
        except (ValueError, LookupError, TypeError, SQLAlchemyError) as error:
            return await self._ask_apart(plan, items, error)

    async def _ask_apart(
        self, plan: str, items: Sequence[Leased], error: Exception
    ) -> Sequence[Permit | Refusal | None]:
        """Ask one by one, so that a row that cannot be read is refused and holds up no other."""
        if len(items) > 1:
            return [(await self._ask(plan, [item]))[0] for item in items]
        fact = f"the delivery cannot be read ({type(error).__name__})"
        failure = Failure("G07", fact, "author: submit a new plan", Then.HOLD)
        return [Refusal(items[0].id, (failure,), Then.HOLD)]

    async def _refused(self, item: Leased, refusal: Refusal) -> None:
        move = after_refusal(item, refusal.then, refusal.sentence, self._clock(), self._rules)
        if not move.again:
            self._log.warning("refused", **_names(item), clauses=list(refusal.clauses), reason=refusal.sentence)
        failures = None if move.again else [failure.document() for failure in refusal.failures]
        await self._recorder.put(move, failures)

    async def _intend(self, permits: dict[Leased, Permit], owner: str) -> list[Leased]:
        if not permits:
            return []
        items = {item: permit.decision for item, permit in permits.items()}
        longest = max(self._timeout_s(item) for item in items)
        headroom = timedelta(seconds=longest) + self._settings.timing.lasting("lease") * (1 - FENCED)
        kept = await self._attempt(lambda: self.write(lambda work: queue.intend(work, items, owner, headroom)))
        if len(kept or []) < len(items):
            self._log.warning("lease_lost", count=len(items) - len(kept or []), owner=owner)
        return kept or []

    async def _send(self, item: Leased, permit: Permit, fenced_at: datetime, chunk: Chunk) -> None:
        latest = fenced_at - timedelta(seconds=self._timeout_s(item))
        try:
            outcome = await self._pacing.turn(item, latest)
            started = self._clock()
            if outcome is None and self._stopping.is_set():
                outcome = Outcome(Verdict.DEFERRED, "the worker was asked to stop", "stopping")
            if outcome is None and started > latest:
                outcome = Outcome(Verdict.DEFERRED, "the lease would not outlast the call", "lease")
            outcome = keepable(outcome or await self._sender.send(permit, self._note(item)))
            self._pacing.heard(item, outcome)
        finally:
            self._pacing.done(item)
        self._report(item, outcome, started, chunk)
        await self._recorder.put(after_send(item, outcome, self._clock(), self._rules))

    def _report(self, item: Leased, outcome: Outcome, started: datetime, chunk: Chunk) -> None:
        now = self._clock()
        self._log.info(
            "attempt",
            **_names(item),
            attempt=item.attempts + 1,
            outcome=str(outcome.verdict),
            code=outcome.code,
            reason=outcome.reason,
            reference=outcome.reference,
            status=outcome.status,
            provider_ms=None if outcome.provider_ms is None else round(outcome.provider_ms),
            queue_ms=_milliseconds(started - max(item.due_at, item.intended_at)),
            total_ms=_milliseconds(now - started),
            **chunk.attempt(item, outcome, started, now),
        )

    async def _broken(self, account: str, open_s: float | None, reason: str) -> None:
        """Write down what an account's breaker did, for the other processes and for people."""
        try:
            await self.write(lambda work: holds.broke(work, account, open_s, reason))
        except (DispatcherError, SQLAlchemyError) as error:
            self._log.error("not_recorded", account=account, error=type(error).__name__)

    def _note(self, item: Leased) -> Callable[[str], Awaitable[None]]:
        async def note(handle: str) -> None:
            if not await self.write(lambda work: queue.note_handle(work, item, handle)):
                raise RuntimeError("the delivery is no longer ours")

        return note

    def _timeout_s(self, item: Leased) -> float:
        way = (item.channel, item.route)
        if way not in self._timeouts_s:
            self._timeouts_s[way] = self._longest_call_s(*way)
        return self._timeouts_s[way]

    def _longest_call_s(self, channel: str, route: str | None) -> float:
        configured = self._settings.channel(channel).timeout_ms
        with contextlib.suppress(registry.UnknownChannelError):
            able = registry.adapter(channel, route).capabilities
            return able.timeout_s if configured is None else configured / 1000
        return 0.0  # the sender refuses a channel that nobody knows


def _names(item: Leased) -> dict[str, str]:
    return {
        "incident": item.incident,
        "plan": item.plan,
        "dispatch": item.dispatch,
        "delivery": item.id,
        "channel": item.channel,
        "account": item.account,
    }


def _milliseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)
