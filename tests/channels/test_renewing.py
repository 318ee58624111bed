"""A renewal that fails, for whoever waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from channels.contract import Secret
from channels.http import NotSent
from channels.renewing import Renew, renewed


@pytest.mark.parametrize("error", [OSError("full"), ValueError("a sealed file that does not open"), RuntimeError()])
def test_whatever_it_fails_at_nothing_has_left(error: Exception) -> None:
    """So that what waited is tried again, and is not in doubt; its words, which may hold anything, are not told."""

    async def failing(_stale: Mapping[str, Secret], _renew: Renew) -> Mapping[str, Secret]:
        raise error

    async def renew(held: Mapping[str, Secret]) -> Mapping[str, Secret]:
        return held

    with pytest.raises(NotSent, match=f"could not be renewed: {type(error).__name__}"):
        asyncio.run(renewed(failing, {}, renew, on="X", timeout_s=5.0))
