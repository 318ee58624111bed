"""The relay watches feeds of other people's alerts: each is polled when it is due, and what it lists is taken in.

Relays that run beside each other poll each feed once: a poll is taken in the database. A feed that fails ends
nothing; it is an alarm for as long as it does.
"""

from __future__ import annotations

import asyncio

import structlog

from dispatcher.domain.statement import Mode
from dispatcher.service.alerts import polling
from dispatcher.service.desk import Desk
from workers.pausing import rounds


async def watch_feeds(desk: Desk, mode: Mode, stopping: asyncio.Event) -> None:
    """Poll what is due until ``stopping``."""
    log = structlog.get_logger("alerts")

    async def turn() -> None:
        for polled in await polling.turn(desk, mode):
            for fault in polled.faults:
                log.warning("feed_fault", feed=polled.feed.name, reason=fault)
            for row in polled.taken:
                log.info("alert_taken", feed=polled.feed.name, alert=row.id, standing=row.standing)

    await rounds(stopping, turn, desk.settings.timing.poll_ms, log.error)
