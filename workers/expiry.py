"""The alarms before credentials end, raised by the relay: it reads the roster, and holds no platform's credential."""

from __future__ import annotations

import asyncio

import structlog

from dispatcher.domain.statement import Mode
from dispatcher.service import probing
from dispatcher.service.desk import Desk
from workers.pausing import rounds

EVERY_S = 60.0
"""How often it looks: the shortest alarm is a day before the end."""


async def tell_of_expiry(desk: Desk, mode: Mode, stopping: asyncio.Event) -> None:
    """Tell what is due until ``stopping``. Relays that run beside each other tell of each once."""
    log = structlog.get_logger("expiry")

    async def turn() -> None:
        for notice in await asyncio.to_thread(probing.alarm, desk, mode):
            log.info("told", person=notice.person, scheme=notice.scheme, sent=notice.sent)

    await rounds(stopping, turn, EVERY_S * 1000, log.error)
