"""How fast each account may be sent to: the one place that an engine asks, and tells what a platform said.

Rules
  1. A process holds so many deliveries at once (``HAND``), and no channel or account more than its share of them: one
     that answers slowly fills its share, is leased no further, and the others go on.
  2. Few calls at once: so many to a channel (``IN_FLIGHT``), and so many per account, as its adapter says.
  3. A limited account takes its tokens for a whole chunk at once (``workers.buckets``); one without never asks.
  4. When a platform asks the whole account to wait, nothing goes to it until then, from any process that hears of it.
  5. Repeats have a budget, and an account that keeps failing is left alone for a while (``workers.breaker``).
  6. An account that a person holds gets nothing until a person ends that, whatever the breaker finds.

Whatever may not go is put back with the reason and a later ``due_at``: nothing is lost, and it expires by its window.
What is closed is not leased at all, so that a million deliveries that wait cost nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from channels import registry
from channels.capabilities import Rate
from channels.contract import Clock, Outcome, Verdict
from dispatcher.settings import Settings
from dispatcher.store.holds import Standing
from dispatcher.store.leasing import NOTHING_SHUT, Leased, Shut
from dispatcher.store.queue import Move
from workers.breaker import Breaker, RetryBudget, failed
from workers.buckets import Buckets, Wish
from workers.outcomes import returned

IN_FLIGHT = 256
"""Calls to one channel that may be under way at once in one process, unless settings say otherwise (measured:
reference, dramatiq B)."""

HAND = 8 * IN_FLIGHT
"""Deliveries that one process may hold: leased, and not yet answered."""

LEAST = 8
"""Deliveries that any account may have in hand, however many there are."""

HORIZON_S = 5.0
"""How far ahead of their time deliveries of a limited account are leased, where the lease allows as much."""

SOON_S = 1.0
"""When to look again at what waits for something that nobody can time."""

NOW_S = 0.001
"""What is due within this is due now."""

AGAIN_S = 0.1
"""A platform that repeats its wish within this much is not heard twice."""

Broken = Callable[[str, float | None, str], Awaitable[None]]
"""Writes down that an account's breaker opened for so long (None: closed), and why."""


@dataclass(slots=True)
class _Account:
    """What one process knows of one account; ``hand`` is how many of its deliveries it holds."""

    rate: Rate | None
    in_flight: int
    calls: asyncio.Semaphore
    breaker: Breaker
    budget: RetryBudget = field(default_factory=RetryBudget)
    hand: int = 0
    full: bool = False


class Pacing:
    """The pace of every account that one process sends to. For one event loop; times are ``time.monotonic()``.

    ``ring`` is called when an account that was closed may be leased again. ``standing`` is what people and other
    processes have closed, as last read.
    """

    def __init__(
        self, settings: Settings, clock: Clock, buckets: Buckets, broken: Broken, ring: Callable[[], None]
    ) -> None:
        self.standing = Standing()
        self._settings = settings
        self._clock = clock
        self._buckets = buckets
        self._broken = broken
        self._ring = ring
        self._accounts: dict[str, _Account] = {}
        self._channels: dict[str, asyncio.Semaphore] = {}
        self._hand: dict[str, int] = {}
        self._by_channel: Counter[str] = Counter()
        self._sharing: Counter[str] = Counter()
        self._full: set[str] = set()
        self._crowded: set[str] = set()
        self._closed_s: dict[str, float] = {}
        self._paused_s: dict[str, float] = {}
        self._good_s: dict[str, float] = {}
        self._calling: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._log = structlog.get_logger("pacing")

    async def listen(self, stopping: asyncio.Event) -> None:
        """Hear what other processes were told by platforms, until ``stopping``."""
        await self._buckets.listen(self._pause, stopping)

    async def close(self) -> None:
        """Nothing more will be sent; what is still to be told is told."""
        await asyncio.gather(*self._tasks)
        await self._buckets.aclose()

    async def room(self) -> None:
        """Wait until this process may hold more."""
        while len(self._hand) >= HAND:
            self._room.clear()
            await self._room.wait()

    def shut(self) -> Shut:
        """What is not to be leased now."""
        share = self._share()
        self._crowded |= {channel for channel, held in self._by_channel.items() if held >= share}
        closed = self.standing.closed(self._clock())
        if not (closed or self._crowded or self._full or self._closed_s):
            return NOTHING_SHUT
        now_s = time.monotonic()
        self._closed_s = {name: until_s for name, until_s in self._closed_s.items() if until_s > now_s}
        return Shut(frozenset(self._crowded), closed | self._full | self._closed_s.keys())

    async def admit(self, leased: Sequence[Leased]) -> tuple[list[Leased], list[Move]]:
        """Take these in hand: which may go on, and the moves that put the others back until later."""
        now_s, admitted, moves = time.monotonic(), list[Leased](), list[Move]()
        limited: dict[str, list[Leased]] = {}
        for item in leased:
            account = self._accounts.get(item.account) or self._met(item)
            if (barred := self._barred(item, account, now_s)) is not None:
                moves.append(self._put_back(item, *barred))
                continue
            self._take(item, account)
            if account.rate is None:
                admitted.append(item)
            else:
                limited.setdefault(item.account, []).append(item)
        if limited:
            admitted += await self._granted(limited, moves)
        return admitted, moves

    @contextmanager
    def holding(self, leased: Iterable[Leased]) -> Iterator[None]:
        """Whatever becomes of a chunk, at the end nothing of it is in hand."""
        try:
            yield
        finally:
            self.keep(leased, ())

    def keep(self, leased: Iterable[Leased], kept: Iterable[Leased]) -> None:
        """Of these, only ``kept`` will be called."""
        ids = {item.id for item in kept}
        for item in leased:
            if item.id not in ids:
                self.done(item)

    async def turn(self, item: Leased, latest: datetime) -> Outcome | None:
        """Wait until this delivery may be called; where that is after ``latest``, the outcome that puts it back."""
        account = self._accounts[item.account]
        if (late := await self._waited(item, account, latest)) is not None:
            return late
        await account.calls.acquire()  # the account's own first: what waits for it keeps nobody else waiting
        await self._channels[item.channel].acquire()
        self._calling.add(item.id)
        return await self._waited(item, account, latest)

    def heard(self, item: Leased, outcome: Outcome) -> None:
        """Heed what the platform said."""
        wait_s = outcome.retry_after_s
        if outcome.account_wide and wait_s and self._pause(item.account, wait_s):
            self._begin(self._buckets.tell(item.account, wait_s))
        if (failure := failed(outcome)) is None:
            return
        breaker, now_s = self._accounts[item.account].breaker, time.monotonic()
        if breaker.heard(item.id, failure, now_s):
            open_s = breaker.wait_s(now_s) if breaker.is_open else None
            self._log.warning("breaker", account=item.account, open_s=open_s, reason=outcome.reason)
            self._begin(self._broken(item.account, open_s, outcome.reason))
            self._close(item.account, open_s or 0.0)

    def done(self, item: Leased) -> None:
        """This lease of a delivery is out of hand, called or not. Said twice, it is heard once."""
        if self._hand.get(item.id) != item.fence:  # put back, it may be in hand again by another chunk's lease
            return
        account, channel = self._accounts[item.account], item.channel
        if item.id in self._calling:
            self._calling.discard(item.id)
            self._channels[channel].release()
            account.calls.release()
        del self._hand[item.id]
        self._good_s.pop(item.id, None)
        account.breaker.ended(item.id)
        account.hand -= 1
        self._by_channel[channel] -= 1
        if not account.hand:
            self._sharing[channel] -= 1
        if not self._by_channel[channel]:
            del self._by_channel[channel], self._sharing[channel]
        self._reopen(item, account)

    def _met(self, item: Leased) -> _Account:
        timing, figures, own, in_flight = self._settings.timing, self._settings.channel(item.channel), None, 1
        with suppress(registry.UnknownChannelError):  # the sender refuses a channel that nobody knows
            capabilities = registry.adapter(item.channel, item.route).capabilities
            own, in_flight = capabilities.rate, capabilities.max_in_flight
        breaker = Breaker(timing.retry_ms / 1000, timing.retry_most_ms / 1000)
        in_flight = figures.in_flight or in_flight
        account = _Account(figures.rate(own), in_flight, asyncio.Semaphore(in_flight), breaker)
        self._channels.setdefault(item.channel, asyncio.Semaphore(figures.in_flight or IN_FLIGHT))
        return self._accounts.setdefault(item.account, account)

    def _barred(self, item: Leased, account: _Account, now_s: float) -> tuple[str, float] | None:
        """Why this delivery may not go on, and for how many seconds."""
        if (reason := self.standing.held.get(item.account)) is not None:
            return f"the account is held: {reason}", SOON_S
        if (wait_s := self._paused_s.get(item.account, 0.0) - now_s) > 0:
            return "the account waits as its platform asked", wait_s
        account.breaker.follow(self.standing.open_s(item.account, self._clock()), now_s)
        if not account.breaker.admits(item.id, now_s):
            wait_s = account.breaker.wait_s(now_s)
            self._close(item.account, wait_s)
            return "the account's circuit breaker is open", wait_s
        if not account.budget.take(item.failures + item.looked > 0, now_s):  # what was only put back is no repeat
            account.breaker.ended(item.id)
            return "the account's retry budget is used up", SOON_S
        return None

    def _take(self, item: Leased, account: _Account) -> None:
        self._hand[item.id] = item.fence
        self._by_channel[item.channel] += 1
        self._sharing[item.channel] += not account.hand
        account.hand += 1
        if not account.full and account.hand >= self._share_of(item, account):
            account.full = True
            self._full.add(item.account)

    async def _granted(self, limited: Mapping[str, Sequence[Leased]], moves: list[Move]) -> list[Leased]:
        """Take tokens, one for each; adds the moves that put back those for which there is none yet."""
        horizon_s = min(HORIZON_S, self._settings.timing.lease_ms / 8000)
        rates = {name: rate for name in limited if (rate := self._accounts[name].rate) is not None}
        wishes = {name: Wish(rate, len(limited[name]), horizon_s) for name, rate in rates.items()}
        taken, now_s, granted = await self._buckets.take(wishes), time.monotonic(), list[Leased]()
        for name, items in limited.items():
            got = taken[name]
            for number, item in enumerate(items[: got.count]):
                if (wait_s := got.first_s + number * got.every_s) > NOW_S:
                    self._good_s[item.id] = now_s + wait_s
            granted += items[: got.count]
            if dry := items[got.count :]:
                wait_s = max(0.0, got.first_s + got.count * got.every_s - horizon_s) + horizon_s / 2
                self._close(name, wait_s)
                moves += [self._put_back(item, "the account's rate limit is reached", wait_s) for item in dry]
        return granted

    async def _waited(self, item: Leased, account: _Account, latest: datetime) -> Outcome | None:
        while True:
            now_s = time.monotonic()
            if (reason := self.standing.held.get(item.account)) is not None:
                return _paused(f"the account is held: {reason}", SOON_S)
            if not account.breaker.admits(item.id, now_s):
                return _paused("the account's circuit breaker is open", account.breaker.wait_s(now_s))
            until_s = max(self._paused_s.get(item.account, 0.0), self._good_s.get(item.id, 0.0))
            if until_s <= now_s:
                return None
            if self._clock() + timedelta(seconds=until_s - now_s) > latest:
                return _paused("the account waits", until_s - now_s)
            await asyncio.sleep(until_s - now_s)

    def _pause(self, account: str, wait_s: float) -> bool:
        """Have an account wait; False where it waits as long already."""
        until_s = time.monotonic() + wait_s
        if until_s <= self._paused_s.get(account, 0.0) + AGAIN_S:
            return False
        self._paused_s[account] = until_s
        self._close(account, wait_s)
        self._log.info("account_paused", account=account, wait_s=round(wait_s, 3))
        return True

    def _close(self, account: str, wait_s: float) -> None:
        """Lease nothing of an account for so long, then look again."""
        self._closed_s[account] = max(self._closed_s.get(account, 0.0), time.monotonic() + wait_s)
        asyncio.get_running_loop().call_later(wait_s, self._ring)

    def _put_back(self, item: Leased, reason: str, wait_s: float) -> Move:
        self.done(item)
        due_at = self._clock() + timedelta(seconds=wait_s)
        return replace(returned(item, reason, due_at), again=item.reason == reason)

    def _share(self) -> int:
        """How much of the hand each channel in it may have: one share stays free for a channel that is not."""
        return HAND // (len(self._by_channel) + 1)

    def _share_of(self, item: Leased, account: _Account) -> int:
        return max(2 * account.in_flight, LEAST, self._share() // (self._sharing[item.channel] + 1))

    def _reopen(self, item: Leased, account: _Account) -> None:
        self._room.set()
        if account.full and account.hand * 2 <= self._share_of(item, account):
            account.full = False
            self._full.discard(item.account)
            self._ring()
        if item.channel in self._crowded and self._by_channel[item.channel] * 2 <= self._share():
            self._crowded.discard(item.channel)
            self._ring()

    def _begin(self, telling: Awaitable[None]) -> None:
        task = asyncio.ensure_future(telling)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _paused(reason: str, wait_s: float) -> Outcome:
    return Outcome(Verdict.DEFERRED, reason, "paused", retry_after_s=wait_s)
