"""What an egress proxy lets through: one form of request, listed hosts, public addresses. Pure.

Rules (reference: reliability 4; stripe/smokescreen is the model)
  1. A request is exactly ``CONNECT host:port HTTP/1.1``, ``Host:`` with the same words, and an empty line. Every
     other form is refused unread: other methods, more headers, capitals, user names, what is not ASCII.
  2. ``host:port`` is on the list as it stands, or ``host`` for port 443. Nothing is folded or mended: a trailing dot,
     brackets around a name (GHSA-qwrf-gfpj-qvj6) or another notation of an address make another host.
  3. A name is resolved only when it is listed. Where any of its addresses is not public, none is connected to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from channels.http import is_public

HTTPS_PORT = 443

_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
_PORT = r"[1-9][0-9]{0,4}"
_REQUEST = re.compile(rf"CONNECT ({_HOST}):({_PORT}) HTTP/1\.1\r\nHost: \1:\2\r\n\r\n".encode())
_LISTED = re.compile(rf"{_HOST}(?::{_PORT})?")


class Refused(Exception):
    """The proxy does not open this way. ``status`` is HTTP's; the words are for logs and for the client."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client wants to go. ``host`` is without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.name}:{self.port}"

    @property
    def name(self) -> str:
        """The host as it stands in a request and on a list."""
        return f"[{self.host}]" if ":" in self.host else self.host


def read_request(request: bytes) -> Target:
    """Where a request wants to go. Raises Refused unless it has the one form there is."""
    read = _REQUEST.fullmatch(request)
    if read is None:
        raise Refused(400, "only CONNECT host:port")
    return Target(read[1].decode().strip("[]"), int(read[2]))


@dataclass(frozen=True, slots=True)
class Guard:
    """The list of one proxy. ``allow_private`` is for the simulator and for test deployments only."""

    hosts: frozenset[str]
    allow_private: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for an entry that no request could ever match."""
        if wrong := sorted(host for host in self.hosts if not _LISTED.fullmatch(host)):
            raise ValueError(f"{wrong[0]!r} is not host or host:port in lower case")

    def check(self, target: Target) -> None:
        """Raises Refused unless the target is on the list."""
        if str(target) not in self.hosts and (target.port != HTTPS_PORT or target.name not in self.hosts):
            raise Refused(403, "not on the list")

    def reachable(self, addresses: Sequence[str]) -> Sequence[str]:
        """The addresses that a name may be reached by: all that it has. Raises Refused where one is not public."""
        if not addresses:
            raise Refused(502, "the name has no address")
        if not self.allow_private and not all(is_public(address) for address in addresses):
            raise Refused(403, "the address is private, local or reserved")
        return addresses
