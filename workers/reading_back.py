"""What the public sees of one lane's posts: read back on a schedule, and compared with what was signed.

It runs in the worker's process, because looking needs the sender. What a look means, and when the next one is, is
``workers.sighting``'s to say. A post that cannot be read holds up no other. Nothing here stops or sends anything: a
post that is missing raises an alarm, and people decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import groupby

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.contract import Clock, ReadBack, Seen
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.plan import Plan
from dispatcher.sending import Sender
from dispatcher.sending.order import Bundle, Order
from dispatcher.settings import Settings
from dispatcher.store import sightings
from dispatcher.store.database import Store, Work
from dispatcher.store.sightings import Look, Watched
from workers.ordering import Orders
from workers.pausing import rounds
from workers.reconciler import Write
from workers.sighting import after_reading, first_looks, over_at, unread


class ReadingBack:
    """See the module."""

    def __init__(
        self, post: tuple[str, str], store: Store, sender: Sender, settings: Settings, clock: Clock, write: Write
    ) -> None:
        self._lane, self._mode = post
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._write = write
        self._orders = Orders(store, self._mode)
        self._log = structlog.get_logger("reading_back")

    async def run(self, stopping: asyncio.Event) -> None:
        """Look at what is due until ``stopping``."""
        await rounds(stopping, self._round, self._settings.timing.poll_ms, self._log.error)

    async def _round(self) -> int:
        taken: list[Watched] = await self._write(self._take)
        by_plan = groupby(sorted(taken, key=_plan_of), key=_plan_of)
        looks = [look for plan, items in by_plan for look in await self._looks(plan, list(items))]
        if looks:
            for changed in await self._write(partial(sightings.record, looks=looks)):
                self._say(changed)
        return len(taken)

    def _take(self, work: Work) -> list[Watched]:
        waits = first_looks(self._settings, sightings.channels(work, self._lane, self._mode))
        sightings.begin(work, self._lane, self._mode, waits)
        lease_for = self._settings.timing.lasting("lease")
        return sightings.take(work, self._lane, self._mode, self._sender.held, lease_for)

    async def _looks(self, plan: str, items: Sequence[Watched]) -> list[Look]:
        try:
            bundle, orders = await asyncio.to_thread(self._orders.of, plan, [item.leased for item in items])
            signed = Plan.decode(bundle.plan)
        except (ValueError, LookupError, TypeError, SQLAlchemyError) as error:
            if len(items) > 1:
                return [look for item in items for look in await self._looks(plan, [item])]
            self._log.error("unreadable", delivery=items[0].leased.id, error=type(error).__name__)
            return []  # it is looked at again when its lease is over
        looks = (self._look(bundle, order, signed, item) for order, item in zip(orders, items, strict=True))
        return list(await asyncio.gather(*looks))

    async def _look(self, bundle: Bundle, order: Order, signed: Plan, item: Watched) -> Look:
        until, timing = over_at(signed, item.leased.kind), self._settings.timing
        if item.overtaken or self._clock() >= until:
            return unread(item, until, self._clock(), timing)
        try:
            read = await self._sender.read_back(bundle, order, item.reference)
        except DispatcherError as error:
            read = ReadBack(Seen.UNKNOWN, reason=f"nobody could look: {error.message}")
        except Exception as error:  # noqa: BLE001 - a bug in an adapter proves nothing about the post
            read = ReadBack(Seen.UNKNOWN, reason=f"the look failed: {type(error).__name__}")
        return after_reading(item, read, until, self._clock(), timing)

    def _say(self, look: Look) -> None:
        item = look.watched.leased
        say = self._log.warning if look.seen in sightings.ALARMING else self._log.info
        about = {"incident": item.incident, "plan": item.plan, "delivery": item.id, "channel": item.channel}
        reason = look.move.reason if look.move else ""
        say("read_back", **about, account=item.account, kind=item.kind, found=look.seen, reason=reason)


def _plan_of(item: Watched) -> str:
    return item.leased.plan
