"""Probing: whether an account could send now, and what it shows, found out by who holds its credential.

Rules
  1. Neither raises for what a platform, a network or an adapter does: it says that it failed, and why.
  2. They ask for no gate and leave no trace in the spent file, because nothing is published.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from channels.contract import Probe
from channels.listing import Listing, Timeline
from dispatcher.sending.outlets import Outlets

LONGEST_S = 8.0
"""How long either may take, logging in included: a platform this slow is not well."""


class Prober(Protocol):
    """Who can probe, here or behind a socket."""

    @property
    def held(self) -> frozenset[str] | None:
        """The accounts it can probe, or None where that is not known on this side."""

    async def probe(self, account: str) -> Probe:
        """Probe one account. Raises Unavailable where that is another process which cannot be reached."""

    async def timeline(self, account: str, since: datetime) -> Timeline:
        """What an account has published since, where its platform lists that."""


class LocalProber:
    """Probes with the adapters of this process."""

    def __init__(self, outlets: Outlets) -> None:
        self._outlets = outlets

    @property
    def held(self) -> frozenset[str]:
        """The accounts there are credentials for."""
        return frozenset(self._outlets)

    async def probe(self, account: str) -> Probe:
        """Probe one account, with a credential that was replaced a moment ago too."""
        outlet = self._outlets.get(account) if account in self.held else None
        if outlet is None:
            return Probe(ok=False, detail="this sender has no credential that opens for it")
        try:
            async with asyncio.timeout(LONGEST_S):
                return await outlet.adapter.probe()
        except TimeoutError:
            return Probe(ok=False, detail=f"no answer within {LONGEST_S:g} s")
        except Exception as error:  # noqa: BLE001 - a bug in an adapter must not end its process
            return Probe(ok=False, detail=f"the probe failed: {type(error).__name__}")

    async def timeline(self, account: str, since: datetime) -> Timeline:
        """What an account has published since."""
        outlet = self._outlets.get(account) if account in self.held else None
        if outlet is None or not isinstance(outlet.adapter, Listing):
            return Timeline(fault="nobody here can list what it has published")
        try:
            async with asyncio.timeout(LONGEST_S):
                return await outlet.adapter.timeline(since)
        except TimeoutError:
            return Timeline(fault=f"no answer within {LONGEST_S:g} s")
        except Exception as error:  # noqa: BLE001 - a bug in an adapter must not end its process
            return Timeline(fault=f"the look failed: {type(error).__name__}")
