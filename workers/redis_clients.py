"""The address of the deployment's Redis: a server, or the primary that Sentinels name.

Addresses::

    redis://host:6379/0                          one server; rediss:// with TLS, unix:// a socket
    sentinel://host-a:26379,host-b,host-c/main   the primary that these call ``main``; port 26379 unless said
    sentinels://…                                the same with TLS, to Sentinels and servers

    user:password@ before the hosts              who we are at the Redis servers
    ?db=1&sentinel_username=…&sentinel_password=…

Rules
  1. Every connection asks a Sentinel first, so that after a failover the next one goes to the new primary; a server
     that was demoted answers writes with READONLY, which closes the connection (redis-py's SentinelConnectionPool).
  2. Whoever hears of no primary has no Redis: the lanes poll SQL as they do without one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from dispatcher.domain.errors import Invalid

SCHEMES = {"sentinel": False, "sentinels": True}
PORT = 26379
SENTINEL_WITHIN_S = 0.5
"""How long one Sentinel may take to answer before the next is asked."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Sentinels, the name that they know the primary by, and what to say to the servers and to them."""

    sentinels: tuple[tuple[str, int], ...]
    name: str
    server: Mapping[str, Any] = field(default_factory=dict)
    sentinel: Mapping[str, Any] = field(default_factory=dict)


class _Primary(redis.Redis):
    """A client of the primary that closes its connections to the Sentinels with its own."""

    watchers: Sequence[redis.Redis] = ()

    def close(self) -> None:
        """Close all connections."""
        super().close()
        for watcher in self.watchers:
            watcher.close()


class _AsyncPrimary(redis.asyncio.Redis):
    """The same for an event loop."""

    watchers: Sequence[redis.asyncio.Redis] = ()

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close all connections."""
        await super().aclose(close_connection_pool)
        for watcher in self.watchers:
            await watcher.aclose()


def open_redis(url: str, **options: Any) -> redis.Redis:
    """A client of a Redis address; ``options`` as redis-py has them. Raises Invalid for one that cannot be read."""
    watched = watched_by(url)
    if watched is None:
        return redis.Redis.from_url(url, **options)
    server = {"retry": Retry(NoBackoff(), 0), **watched.server, **options}  # nothing is repeated in silence
    sentinel = Sentinel(watched.sentinels, sentinel_kwargs=_to_sentinels(watched), **server)  # type: ignore[no-untyped-call]
    client: _Primary = sentinel.master_for(watched.name, redis_class=_Primary)  # type: ignore[no-untyped-call]
    client.watchers = sentinel.sentinels
    return client


def open_async_redis(url: str, **options: Any) -> redis.asyncio.Redis:
    """The same for an event loop."""
    watched = watched_by(url)
    if watched is None:
        return redis.asyncio.Redis.from_url(url, **options)
    server = {"retry": AsyncRetry(NoBackoff(), 0), **watched.server, **options}
    sentinel = AsyncSentinel(watched.sentinels, sentinel_kwargs=_to_sentinels(watched), **server)  # type: ignore[no-untyped-call]
    client: _AsyncPrimary = sentinel.master_for(watched.name, redis_class=_AsyncPrimary)
    client.watchers = sentinel.sentinels
    return client


def watched_by(url: str) -> Watched | None:
    """What a Sentinel address says; None for the address of a server. Raises Invalid."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        return None
    before, _, hosts = parts.netloc.rpartition("@")
    name, asked = parts.path.strip("/"), dict(parse_qsl(parts.query))
    server: dict[str, Any] = {"db": _number(asked.pop("db", "0"), url)}
    sentinel = {key.removeprefix("sentinel_"): value for key, value in asked.items()}
    if not name or not hosts or set(sentinel) - {"username", "password"} or len(sentinel) != len(asked):
        raise _unreadable(url)
    if before:
        user, _, password = before.partition(":")
        server |= {"username": unquote(user) or None, "password": unquote(password) or None}
    if SCHEMES[parts.scheme]:
        server, sentinel = {**server, "ssl": True}, {**sentinel, "ssl": True}  # type: ignore[dict-item]
    return Watched(tuple(_host(one, url) for one in hosts.split(",")), name, server, sentinel)


def _to_sentinels(watched: Watched) -> dict[str, Any]:
    return {"socket_timeout": SENTINEL_WITHIN_S, "socket_connect_timeout": SENTINEL_WITHIN_S, **watched.sentinel}


def _host(text: str, url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname:
            return parts.hostname, parts.port or PORT
    except ValueError:
        pass
    raise _unreadable(url)


def _number(text: str, url: str) -> int:
    if not text.isdecimal():
        raise _unreadable(url)
    return int(text)


def _unreadable(url: str) -> Invalid:
    scheme = url.partition(":")[0]
    return Invalid(
        f"redis in deployment.toml cannot be read: it begins with {scheme}:// and names no Sentinels and primary",
        'write redis = "sentinel://host-a:26379,host-b:26379,host-c:26379/main"',
    )
