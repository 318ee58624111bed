"""A sender with its own disk, clock and platforms, and one plan that is cleared for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from channels.capabilities import Idempotency, IdempotencyKind
from channels.contract import Outcome, Secret
from dispatcher.domain.people import Roster
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.gate import policy_file
from dispatcher.sending.decisions import Decisions
from dispatcher.sending.keeping import Keeping
from dispatcher.sending.media import MediaFolder
from dispatcher.sending.order import Bundle, Order
from dispatcher.sending.outlets import Outlet
from dispatcher.sending.permit import Permit, Refusal
from dispatcher.sending.sender import LocalSender
from dispatcher.sending.spent import SpentFile
from dispatcher.sending.stopbook import StopBook
from dispatcher.statements.trust import load_trust
from dispatcher.statements.verify import Verifier
from tests.builders import ACCOUNTS, Drafted, FixedClock, draft, drawn, everything_signed
from tests.cast import write_trust
from tests.memory_channel import MemoryChannel

T = TypeVar("T")
QUERY = Idempotency(IdempotencyKind.QUERY, lag_s=5.0)
KEYED = Idempotency(IdempotencyKind.IDEMPOTENT, ttl_s=600.0)
NEITHER = Idempotency(IdempotencyKind.NONE)


async def note(_: str) -> None:
    """Nothing to remember: the in-memory channel has no handles."""


class House:
    """What belongs to one sender. :meth:`start` gives a sender over it; again, after a restart, on the same disk."""

    def __init__(
        self,
        folder: Path,
        drafted: Drafted,
        *,
        idempotency: Idempotency = QUERY,
        timeout_s: float = 2.0,
        mode: Mode = Mode.LIVE,
        identity: Secret | None = None,
        roster: Roster | None = None,
    ) -> None:
        self.drafted = drafted
        self.envelopes: list[Envelope] = everything_signed(drafted.plan)
        self.clock = FixedClock()
        self.clock_set_by = timedelta(0)
        self.platforms = {channel: MemoryChannel() for channel in drafted.plan.channels}
        self.spent_path, self.book_path = folder / "spent.jsonl", folder / "stops.jsonl"
        self.decisions_path = folder / "decisions.jsonl"
        self.media = MediaFolder(folder / "media")
        self._trust = write_trust(folder / "trust", roster)
        self._mode, self._identity = mode, identity
        self._outlets = {
            ACCOUNTS[channel].id: Outlet(ACCOUNTS[channel], platform, timeout_s, idempotency)
            for channel, platform in self.platforms.items()
        }
        self._nonces = drawn("permits")
        self.sender = self.start()

    def start(self) -> LocalSender:
        """A new process over the same disk."""
        trust = load_trust(self._trust, policy_file.load)
        verifier = Verifier(trust.roster, trust.root.deployment, self._mode)
        book = StopBook(self.book_path, verifier, trust.root.status_key)
        self.spent, decisions = SpentFile(self.spent_path), Decisions(self.decisions_path)
        keeping = Keeping(trust, self.spent, book, decisions, self.media, self._identity)
        nonce = lambda: self._nonces(8).hex()  # noqa: E731
        self.sender = LocalSender(keeping, self._outlets, self._mode, self.clock, nonce, elapsed=self.elapsed)
        return self.sender

    def elapsed(self) -> float:
        """The counter that nobody can set goes with the clock, but for what ``clock_set_by`` says."""
        return (self.clock.now - self.clock_set_by).timestamp()

    @property
    def bundle(self) -> Bundle:
        """The plan with everything signed so far."""
        return self.drafted.bundle(self.envelopes)

    async def ask(self, order: Order, bundle: Bundle | None = None) -> Permit | Refusal:
        """Ask for one permit."""
        (answer,) = await self.sender.permit(bundle or self.bundle, [order])
        return answer

    async def permit(self, order: Order) -> Permit:
        """Ask for one permit, which must be given."""
        answer = await self.ask(order)
        assert isinstance(answer, Permit), answer
        return answer

    async def refused(self, order: Order, bundle: Bundle | None = None) -> Sequence[str]:
        """Ask for one permit, which must be refused: the clauses that failed."""
        answer = await self.ask(order, bundle)
        assert isinstance(answer, Refusal), answer
        return answer.clauses

    async def deliver(self, order: Order) -> Outcome | Refusal:
        """Ask, and send if permitted; what came of it is on disk then."""
        answer = await self.ask(order)
        if isinstance(answer, Refusal):
            return answer
        outcome = await self.sender.send(answer, note)
        await self.spent.written()
        return outcome

    def made(self) -> int:
        """How many calls reached any platform."""
        return sum(len(platform.made) for platform in self.platforms.values())


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Run one async test to its end."""

    async def whole() -> T:
        return await main()

    return asyncio.run(whole())


def told(sender: LocalSender, *stops: Envelope, status: Envelope | None = None) -> Awaitable[Any]:
    """Tell a sender of stops."""
    return sender.tell(list(stops), status)


def clauses(answers: Iterable[Permit | Refusal]) -> list[tuple[str, ...]]:
    """The failed clauses of each answer; none for a permit."""
    return [answer.clauses if isinstance(answer, Refusal) else () for answer in answers]


def house_in(folder: Path, *script: Outcome, idempotency: Idempotency = QUERY, **plan: Any) -> House:
    """A sender of X whose platform answers these in turn."""
    house = House(folder, draft("x", **plan), idempotency=idempotency)
    house.platforms["x"].script.extend(script)
    return house


async def sent(house: House, **changes: Any) -> str:
    """Ask and send: the verdict, or the reason of the refusal."""
    answer = await house.deliver(replace(house.drafted.order("x"), **changes))
    return answer.sentence if isinstance(answer, Refusal) else str(answer.verdict)


MAYBE = "G15 an earlier attempt may have been published"
