"""How the credential of an account is renewed, where it runs out: what the adapter and its sender agree on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
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
