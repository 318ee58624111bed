"""Waiting that ends at once when the process is asked to stop, and work done in rounds between such waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from dispatcher.domain.errors import DispatcherError


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until ``stopping``."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


async def rounds(
    stopping: asyncio.Event, one: Callable[[], Awaitable[int | None]], every_ms: float, told: Callable[..., object]
) -> None:
    """One round after the other until ``stopping``, with a rest after one that did nothing or had no database.

    A round returns how much it did; None for one that is always rested after. ``told`` logs that a database is away.
    """
    while not stopping.is_set():
        did = None
        try:
            did = await one()
        except DispatcherError as error:
            told("store_unreachable", error=error.word, reason=error.message)
        if not did:
            await pause(stopping, every_ms / 1000)
