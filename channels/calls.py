"""Calls to a platform, without what makes them: where one may go, what came back, and what went wrong.

Errors: which one is raised says whether a repeat is safe::

    TransportError            code, message
    ├── NotSent               no byte of the request left: refused here, DNS, connect, TLS, waiting for a connection
    └── Ambiguous             the far side may have acted: read timeout, reset, closed without answer, oversize,
                              compressed or lying answer
"""

from __future__ import annotations

import ipaddress
import json as jsonlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from channels.contract import Outcome, Verdict

MAX_BODY_BYTES = 256 * 1024

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
"""All that was ever given out of IPv6 for the public internet (IANA, IPv6 address space)."""

_NEVER = [ipaddress.ip_network(name) for name in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "3fff::/20")]
"""What ``is_global`` lets pass: protocol assignments, 6to4 relays (RFC 7526), the address under which Azure tells a
machine about itself, documentation (RFC 9637)."""


class TransportError(Exception):
    """No usable answer. ``code`` is a short word for records; the message is for people and holds no secret."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def outcome(self) -> Outcome:
        """The outcome of a publishing call that ended so: deferred where nothing was sent, else in doubt."""
        verdict = Verdict.DEFERRED if isinstance(self, NotSent) else Verdict.IN_DOUBT
        return Outcome(verdict, reason=str(self), code=self.code)


class NotSent(TransportError):
    """No byte of the request left. Codes: refused, dns, connect, tls, address, egress, connect_timeout."""


class Ambiguous(TransportError):
    """The request may have arrived. Codes: read_timeout, disconnected, protocol, body, encoding, too_large."""


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """Where a client may go.

    ``hosts`` are ``host`` (the scheme's own port) or ``host:port``, lower case, IPv6 in brackets.
    ``allow_private`` is for the simulator and for test deployments only. ``egress`` is the socket of the proxy that
    is the only way out; it goes by a list of its own, and says which addresses may be reached. ``most_bytes`` is the
    largest answer that is read.
    """

    hosts: frozenset[str]
    allow_private: bool = False
    https_only: bool = True
    egress: Path | None = None
    most_bytes: int = MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``headers`` ignores case; it and ``body`` stay out of ``repr``, for they may hold tokens."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    elapsed_ms: float

    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None where it is anything else."""
        try:
            value = jsonlib.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def outcome(
        self, verdict: Verdict, code: str = "", reason: str = "", *, wide: bool = False, **more: Any
    ) -> Outcome:
        """The outcome that this answer is taken to prove; ``wide`` where it concerns all that the account sends."""
        told = {"account_wide": wide, "status": self.status, "provider_ms": self.elapsed_ms, **more}
        return Outcome(verdict, reason, code, **told)

    def retry_after_s(self, now: datetime) -> float | None:
        """``Retry-After`` in seconds from ``now``, given as seconds or as a date; None where absent or senseless."""
        value = self.headers.get("Retry-After", "").strip()
        if value.isascii() and value.isdigit():
            return float(value[:9])
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, math.ceil((aware - now).total_seconds()))


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet; looks inside v4-mapped and NAT64 addresses.

    Private, loopback, link-local (the metadata services'), multicast, reserved and tunnelled addresses do not.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip.ipv4_mapped
        if inner is not None:
            return is_public(str(inner))
        if ip not in _UNICAST or ip.sixtofour is not None or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NEVER)
