"""Renewing a credential whose platform gives a new one for the old: one at a time, and kept before it is used.

Rules (reference: platforms 3.1: a refresh token is good for one use, and a lost answer is a lost login)
  1. One renewal at a time, by the account's lock, which other processes and `account rotate` take too. Who comes
     second uses what the first brought.
  2. A renewal that has begun is carried to its end, and what it brings is on the disk, though nobody waits for it any
     more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack

from channels.contract import Secret
from channels.renewing import Renew
from dispatcher.domain.errors import DispatcherError
from dispatcher.sending.credentials import Vault


class VaultRenewal:
    """Implements :class:`channels.renewing.Renewal` for one account, over its role's credential files."""

    def __init__(self, vault: Vault, account: str) -> None:
        self._vault = vault
        self._account = account
        self._under_way: set[asyncio.Task[Mapping[str, Secret]]] = set()

    async def __call__(self, stale: Mapping[str, Secret], renew: Renew) -> Mapping[str, Secret]:
        """The credential in place of ``stale``. Raises what ``renew`` raises, OSError where nothing can be kept."""
        task = asyncio.create_task(self._renewed(stale, renew))
        self._under_way.add(task)  # the loop itself keeps no hold of a task
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def finish(self) -> None:
        """Wait for what has begun; what fails is told to who asked for it."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _renewed(self, stale: Mapping[str, Secret], renew: Renew) -> Mapping[str, Secret]:
        try:
            with ExitStack() as held:
                await asyncio.to_thread(held.enter_context, self._vault.locked(self._account))
                current = (await asyncio.to_thread(self._vault.open, self._account)).secrets
                if current != stale:
                    return current
                fresh = await renew(current)
                await asyncio.to_thread(self._vault.put_secrets, self._account, fresh)
                return fresh
        except DispatcherError as error:  # of the vault's, which an adapter cannot know
            raise OSError(error.message) from error
