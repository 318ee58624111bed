"""Looking at the accounts of one lane for posts that nobody of ours made: a hijacked account, or a colleague by hand.

It runs in the worker's process, because looking needs the credential. Each account has its own moment in every
interval, as for probes. What is found raises an alarm, and stops nothing: people decide. A look that fails is said in
the log, and the next one goes back as far.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from channels import registry
from channels.contract import Clock
from channels.listing import Listing, PublicPost, Timeline
from dispatcher.sending.probing import Prober
from dispatcher.settings import Settings
from dispatcher.store import foreign, sightings
from dispatcher.store.database import Store, Work
from dispatcher.store.foreign import Due
from workers.outcomes import plain
from workers.pausing import rounds
from workers.probing import AGAIN, MOST, next_turn

Write = Callable[[Callable[[Work], Any]], Awaitable[Any]]


class ForeignPosts:
    """See the module. ``post`` is lane and mode."""

    def __init__(
        self, post: tuple[str, str], store: Store, prober: Prober, settings: Settings, clock: Clock, write: Write
    ) -> None:
        self._lane, self._mode = post
        self._store = store
        self._prober = prober
        self._timing = settings.timing
        self._clock = clock
        self._write = write
        self._log = structlog.get_logger("foreign")

    async def run(self, stopping: asyncio.Event) -> None:
        """Look at what is due until ``stopping``."""
        await rounds(stopping, self._round, self._timing.poll_ms, self._log.error)

    async def _round(self) -> None:
        due, held = await asyncio.to_thread(self._due), self._prober.held
        mine = [one for one in due if held is None or one.account in held][:MOST]
        if mine:
            claimed = await self._write(partial(self._claim, wanted=mine))
            await asyncio.gather(*(self._look(one) for one in claimed))

    def _due(self) -> list[Due]:
        with self._store.read() as work:
            listed = [name for name in sightings.channels(work, self._lane, self._mode) if _is_listed(name)]
            return foreign.due(work, self._lane, self._mode, listed)

    def _claim(self, work: Work, *, wanted: list[Due]) -> list[Due]:
        for one in wanted:
            if one.due_at is None:
                foreign.begin(work, one.account, self._next(work, one))
        claimed = (foreign.claim(work, one, AGAIN) for one in wanted if one.due_at is not None)
        return [one for one in claimed if one is not None]

    async def _look(self, claimed: Due) -> None:
        timeline = await self._prober.timeline(claimed.account, claimed.since)
        if timeline.fault:
            self._log.warning("not_listed", account=claimed.account, reason=plain(timeline.fault))
        try:
            found = await self._write(partial(self._record, claimed=claimed, timeline=timeline))
        except Exception as error:  # noqa: BLE001 - whatever an adapter answered must not end the lane
            self._log.error("not_recorded", account=claimed.account, error=type(error).__name__)
            return
        for post in found:
            self._log.warning("foreign_post", account=claimed.account, reference=post.reference)

    def _record(self, work: Work, *, claimed: Due, timeline: Timeline) -> list[PublicPost]:
        posts, lasting = [self._kept(post) for post in timeline.posts], self._timing.lasting("lease")
        due_at = self._next(work, claimed)
        return foreign.put(work, claimed, posts, whole=not timeline.fault, due_at=due_at, lasting=lasting)

    def _kept(self, post: PublicPost) -> PublicPost:
        """A post as the record takes it; nothing was made in the future, whatever a platform says."""
        url = None if post.url is None else plain(post.url)
        return replace(
            post, reference=plain(post.reference), at=min(post.at, self._clock()), text=plain(post.text), url=url
        )

    def _next(self, work: Work, one: Due) -> Any:
        return next_turn(one.account, work.now, self._timing.lasting("foreign"))


def _is_listed(channel: str) -> bool:
    try:
        return issubclass(registry.adapter(channel), Listing)
    except registry.UnknownChannelError:
        return False
