"""What a simulated platform is made of.

Rules
  1. A provider states its routes and what each does: publish, withdraw, upload, read, or session. Faults are armed
     per kind.
  2. A handler runs only when the platform acts. What it changes on the public record it tells through
     :meth:`Provider.act`, and at no other moment.
  3. It answers in the platform's own shapes: codes, headers and bodies as documented, wrong requests included.

Example::

    class Pigeon(Provider):
        name = "pigeon"

        def routes(self) -> list[Route]:
            return [Route("POST", "/fly", RouteKind.PUBLISH, self.fly)]

        def account(self, request: web.Request) -> str:
            return request.headers.get("X-Loft", "")

        async def fly(self, request: web.Request) -> web.Response:
            effect = self.act(request, EffectKind.PUBLISHED, key="ring-7", reference="7", text="coo")
            return web.json_response({"id": effect.reference}, status=201)
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from aiohttp import web

from channels.contract import Clock, Secret
from channels.simulator.faults import Fault, FaultKind, FaultMenu
from channels.simulator.journal import Arrival, Effect, EffectKind, Journal


class RouteKind(StrEnum):
    """What a call is for."""

    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    UPLOAD = "upload"  # of a file or of word that one comes, which publishes nothing
    READ = "read"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Route:
    """One call of a platform; ``path`` as aiohttp writes it, below the provider's prefix."""

    method: str
    path: str
    kind: RouteKind
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Example:
    """An account on a simulated platform with what opens it; ``recipient`` where it sends to a list."""

    handle: str
    settings: Mapping[str, str]
    credential: Mapping[str, Secret]
    recipient: Secret | None = None


ARRIVAL = web.RequestKey("arrival", Arrival)
FAULT = web.RequestKey("fault", Fault)


class Provider(ABC):
    """One simulated platform, served under ``/<name>``.

    ``media``: what a platform that fetches pictures finds at our address, by their digests in hexadecimal digits.
    """

    name: ClassVar[str]

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self.clock = clock
        self.media: dict[str, bytes] = {}

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """The calls this platform knows."""

    @abstractmethod
    def account(self, request: web.Request) -> str:
        """Which account or destination a request is for, by its path and headers alone; "" where they do not say."""

    @classmethod
    def example(cls, address: str, name: str = "") -> Example | None:
        """An account of this platform, which is found at ``address``; None where there is none to show a text on.

        ``name``: what the platform calls it, such as a number, a handle or an endpoint; one of its own unless given.
        """
        del address, name
        return None

    def key(self, body: bytes) -> str:
        """What names the intended post in a request's body; "" where nothing does."""
        del body
        return ""

    async def open(self, faults: FaultMenu, port: int) -> str:
        """Listen on a port of its own, where the platform speaks no HTTP; returns the address, "" where it does."""
        del faults, port
        return ""

    async def close(self) -> None:  # noqa: B027 - only what speaks no HTTP has something to close
        """End what :meth:`open` began."""

    def refusal(self, fault: Fault) -> web.Response:
        """The platform's own answer for THROTTLE, TOKEN_EXPIRED and ERROR_INSIDE. Raises ValueError for others."""
        raise ValueError(f"{self.name} has no answer of the kind {fault.kind}")

    def act(self, request: web.Request, kind: EffectKind, **post: Any) -> Effect:
        """Put a change on the public record, seen by read-back when the fault in force says so; see :meth:`put`."""
        return self.put(request[ARRIVAL], request.get(FAULT), kind, **post)

    def put(
        self,
        arrival: Arrival,
        fault: Fault | None,
        kind: EffectKind,
        *,
        key: str,
        reference: str,
        text: str = "",
        media: Sequence[bytes | str] = (),
    ) -> Effect:
        """The same, of a request that did not come by HTTP. ``media``: pictures, or the digests of those fetched."""
        now = self.clock()
        seen = now + timedelta(seconds=fault.delay_s) if fault and fault.kind is FaultKind.LAG else now
        hidden = fault is not None and fault.kind is FaultKind.HIDE
        arrival.acted = True
        shown = tuple(one if isinstance(one, str) else f"sha256:{hashlib.sha256(one).hexdigest()}" for one in media)
        effect = Effect(self.name, arrival.account, key, kind, reference, text, now, None if hidden else seen, shown)
        self.journal.effects.append(effect)
        return effect
