"""The reconciler of one lane: finds out what became of deliveries in doubt, and never guesses.

It runs in the worker's process, because looking needs the sender. A delivery is left alone for its quiet period, then
looked at (or repeated, or held) as its channel allows; see ``workers.outcomes``. A delivery that cannot be read, or
whose look fails, holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.contract import Clock, Finding, Found
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.plan import OnAmbiguous, Plan
from dispatcher.sending import Sender
from dispatcher.sending.order import Bundle, Order
from dispatcher.settings import Settings
from dispatcher.store import leasing, queue
from dispatcher.store.database import Store, Work
from dispatcher.store.leasing import Leased
from dispatcher.store.queue import Move
from workers.ordering import Orders
from workers.outcomes import Rules, after_look, idempotency_of, later
from workers.pausing import rounds

MOST = 50

Write = Callable[[Callable[[Work], Any]], Awaitable[Any]]


class Reconciler:
    """See the module."""

    def __init__(
        self,
        post: tuple[str, str, str],
        store: Store,
        sender: Sender,
        settings: Settings,
        clock: Clock,
        rules: Rules,
        write: Write,
    ) -> None:
        self._lane, self._mode, self._owner = post
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._rules = rules
        self._write = write
        self._orders = Orders(store, self._mode)
        self._number = 0
        self._log = structlog.get_logger("reconciler")

    async def run(self, stopping: asyncio.Event) -> None:
        """Look at what is in doubt until ``stopping``."""
        await rounds(stopping, self._round, self._settings.timing.sweep_ms, self._log.error)

    async def _round(self) -> int:
        self._number += 1
        owner = f"{self._owner}/look-{self._number}"
        lease_for = self._settings.timing.lasting("lease")
        leased: list[Leased] = await self._write(
            lambda work: leasing.lease_doubtful(
                work, self._lane, self._mode, owner, MOST, lease_for, self._sender.held
            )
        )
        plans: dict[str, list[Leased]] = {}
        for item in leased:
            plans.setdefault(item.plan, []).append(item)
        for plan, items in plans.items():
            moves = await self._settle(plan, items)
            await self._write(partial(_record, moves=moves))
        return len(leased)

    async def _settle(self, plan: str, items: Sequence[Leased]) -> list[Move]:
        try:
            bundle, orders = await asyncio.to_thread(self._orders.of, plan, items)
        except (ValueError, LookupError, TypeError, SQLAlchemyError) as error:
            if len(items) > 1:
                return [move for item in items for move in await self._settle(plan, [item])]
            return [self._unread(items[0], error)]
        looks = (self._look(bundle, order, item) for order, item in zip(orders, items, strict=True))
        return list(await asyncio.gather(*looks))

    async def _look(self, bundle: Bundle, order: Order, item: Leased) -> Move:
        try:
            idempotency, on_ambiguous = (
                idempotency_of(self._settings, item.channel, item.route),
                _on_ambiguous(bundle, item.account),
            )
            finding = await self._find(bundle, order)
        except DispatcherError as error:
            again = self._clock() + self._settings.timing.lasting("look_again")
            return self._logged(item, None, later(item, f"nobody could look: {error.message}", again))
        except (ValueError, LookupError) as error:
            return self._unread(item, error)
        move = after_look(item, finding, idempotency, on_ambiguous, self._clock(), self._rules)
        return self._logged(item, finding, move)

    async def _find(self, bundle: Bundle, order: Order) -> Finding:
        try:
            return await self._sender.find(bundle, order)
        except DispatcherError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in an adapter proves nothing about the post
            return Finding(Found.UNKNOWN, reason=f"the look failed: {type(error).__name__}")

    def _unread(self, item: Leased, error: Exception) -> Move:
        self._log.error("unreadable", delivery=item.id, error=type(error).__name__)
        return self._logged(item, None, Move(item, "in_doubt", "held", "ambiguous"))

    def _logged(self, item: Leased, finding: Finding | None, move: Move) -> Move:
        self._log.info(
            "looked",
            incident=item.incident,
            delivery=item.id,
            channel=item.channel,
            account=item.account,
            found=None if finding is None else str(finding.found),
            outcome=move.target,
            reason=move.reason,
        )
        return move


def _record(work: Work, *, moves: list[Move]) -> int:
    return len(queue.settle(work, moves))


def _on_ambiguous(bundle: Bundle, account: str) -> OnAmbiguous:
    destination = Plan.decode(bundle.plan).destination(account)
    return destination.on_ambiguous if destination else OnAmbiguous.HOLD
