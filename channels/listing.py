"""What an account shows the public, where its platform lists it: how a post is found that nobody of ours made.

Rules
  1. A timeline holds every post that the account itself made since a time, by whichever hand: replies too, reposts of
     others not.
  2. What could be read counts, though not all could: one page that fails hides no post of another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class PublicPost:
    """One post of an account: ``reference`` as the outcome of a send has it, ``at`` when it was made.

    All is the platform's word, and ``text`` may say anything.
    """

    reference: str
    at: datetime
    text: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What was read of an account's posts. ``fault``: why that is not all of them, for people; empty where it is."""

    posts: tuple[PublicPost, ...] = ()
    fault: str = ""


class UnlistedError(Exception):
    """An account's posts could not be read, or not to their end; the message says why, for people."""


@runtime_checkable
class Listing(Protocol):
    """What the adapter of a platform that lists an account's posts has besides :class:`Channel`."""

    async def timeline(self, since: datetime) -> Timeline:
        """What the account has published since. Never raises for what a platform or a network does."""


async def read_whole(posts: AsyncIterator[PublicPost]) -> Timeline:
    """The timeline of what an adapter reads, one by one, until it ends or raises UnlistedError or TransportError."""
    from channels.http import TransportError  # aiohttp is loaded by whoever looks, not by whoever asks what there is

    found: list[PublicPost] = []
    try:
        async for post in posts:
            found.append(post)  # noqa: PERF401 - what was read before a page fails counts
    except (UnlistedError, TransportError) as error:
        return Timeline(tuple(found), str(error))
    return Timeline(tuple(found))
