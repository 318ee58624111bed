"""Redis, the doorbell: whether it rings, keeps what it is told, and throws nothing away in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dispatcher.embedded.errors import EmbeddedError
from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site

LEAST = (6, 2)
FULL = 0.8
"""The share of ``maxmemory`` from which it is nearly full."""


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with it."""
    embedded = site.settings.redis == "embedded"
    start = "dispatcher up" if embedded else "start it, or mend redis in deployment.toml"
    try:
        client = site.dial(site.settings)
        known = client.info()
    except (EmbeddedError, Exception) as error:  # noqa: BLE001 - every way in which it does not answer is one
        why = "sending goes on by polling, up to 2 s slower, and each process keeps to its share of a rate limit"
        yield warning(f"Redis does not answer ({type(error).__name__})", why, start)
        return
    try:
        yield from _told(known)
        yield from _configured(client, known)
        if site.production and not embedded:
            yield from _who(client)
    finally:
        client.close()


def _told(known: dict[str, Any]) -> Iterator[Finding]:
    version = str(known.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < LEAST:
        yield failing(f"Redis is {version}", "6.2 or later is tested", "upgrade it")
    else:
        yield ok(f"Redis {version} answers")
    if known.get("role") == "slave":
        yield failing(
            "this Redis is a replica", "it takes no rings", "point redis at the primary, or name the Sentinels"
        )
    policy = known.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        why = "what does not fit is thrown away in silence: rate limits and rings with it"
        yield failing(f"maxmemory-policy is {policy}", why, "CONFIG SET maxmemory-policy noeviction, and in its file")
    used, most = int(known.get("used_memory", 0)), int(known.get("maxmemory", 0))
    if most and used >= FULL * most:
        yield warning(f"Redis uses {used:,} of {most:,} bytes", "full, it takes no more rings", "raise maxmemory")
    if not known.get("aof_enabled"):
        why = "after a crash, rings and used-up rate limits are forgotten"
        yield warning("Redis keeps no append-only file", why, "CONFIG SET appendonly yes, and in its file")


def _configured(client: Any, known: dict[str, Any]) -> Iterator[Finding]:
    if not known.get("aof_enabled"):
        return
    try:
        fsync = client.config_get("appendfsync").get("appendfsync")
    except Exception:  # noqa: BLE001 - an ACL may forbid to ask
        yield note("Redis does not tell its appendfsync", "its user may not ask", "look that it is everysec")
        return
    if fsync == "no":
        why = "the system decides when: half a minute may be lost"
        yield warning("appendfsync is no", why, "CONFIG SET appendfsync everysec, and in its file")


def _who(client: Any) -> Iterator[Finding]:
    try:
        user = client.acl_whoami()
    except Exception:  # noqa: BLE001 - as above
        return
    if user == "default":
        why = "whoever reaches Redis can do everything there"
        yield warning("the roles are Redis' user default", why, "make a user with an ACL, and name it in redis")
