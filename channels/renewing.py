"""How the credential of an account is renewed, where it runs out: what the adapter and its sender agree on.

When a part of a credential ends stands beside it, under a name of its own, so that the two are replaced together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from channels.contract import Secret

Renew = Callable[[Mapping[str, Secret]], Awaitable[Mapping[str, Secret]]]
"""Asks a platform for a credential in place of this one, which may be worth nothing from then on."""


class Renewal(Protocol):
    """Renews the credential of one account, one at a time on its host."""

    async def __call__(self, stale: Mapping[str, Secret], renew: Renew) -> Mapping[str, Secret]:
        """The credential in place of ``stale``: another's that is newer, else what ``renew`` brings.

        It is on the disk before it is returned. Whoever waits for it may go: it is carried to its end all the same.
        Raises what ``renew`` raises, and OSError where it cannot be kept.
        """


@runtime_checkable
class Renewing(Protocol):
    """What the adapter of a credential that runs out and is renewed has besides :class:`Channel`."""

    def renew_by(self, renewal: Renewal) -> None:
        """Renew the credential in this way from now on; without, one that ran out stays so."""


async def renewed(
    renewal: Renewal, stale: Mapping[str, Secret], renew: Renew, *, on: str, timeout_s: float
) -> Mapping[str, Secret]:
    """The credential in place of ``stale``, on the platform ``on``, within so many seconds.

    Raises NotSent where there is none: what waited for it has not left.
    """
    from channels.http import NotSent, TransportError  # aiohttp is not loaded by who only asks for these types

    try:
        async with asyncio.timeout(timeout_s):
            return await renewal(stale, renew)
    except (TransportError, TimeoutError, OSError) as error:
        why = str(error) if isinstance(error, TransportError) else type(error).__name__
        raise NotSent("login", f"the login on {on} could not be renewed: {why}") from None


def moment(held: Mapping[str, Secret], name: str) -> datetime | None:
    """When a part of a credential ends, by what it says under this name; None where it says nothing.

    Raises ValueError for what is no moment with its offset.
    """
    if name not in held:
        return None
    wrong = f"{name} is no time with its offset: write 2026-11-21T18:00+00:00"
    try:
        found = datetime.fromisoformat(held[name].reveal().strip())
    except ValueError:
        raise ValueError(wrong) from None
    if found.tzinfo is None:
        raise ValueError(wrong)
    return found


def written(ends: datetime) -> Secret:
    """The same as a credential holds it."""
    return Secret(ends.isoformat())
