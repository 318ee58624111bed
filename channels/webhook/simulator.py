"""A receiver that keeps its duties under Standard Webhooks 1.0 (reference: platforms 10).

Each endpoint ``/webhook/<name>`` has a secret of its own, :func:`secret`. An event is taken once per ``webhook-id``;
a repeat is answered 200 and changes nothing, but for endpoints whose name begins with :data:`FORGETFUL`: those keep
no ids, and a repeat is a double. A bad signature or an old timestamp is answered 401.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from channels.contract import Clock, Secret
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import EffectKind, Journal
from channels.simulator.provider import Example, Provider, Route, RouteKind

TOLERANCE_S = 300
FORGETFUL = "forgetful"
_KINDS = {
    "alert.published": EffectKind.PUBLISHED,
    "alert.corrected": EffectKind.PUBLISHED,
    "alert.withdrawn": EffectKind.WITHDRAWN,
}


def secret(endpoint: str) -> str:
    """The ``whsec_`` secret of an endpoint of this receiver."""
    return f"whsec_{base64.b64encode(_key(endpoint)).decode()}"


class Receiver(Provider):
    """Any number of endpoints; ``events`` holds what was taken, by endpoint and id."""

    name: ClassVar[str] = "webhook"

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.events: dict[tuple[str, str], dict[str, Any]] = {}

    def routes(self) -> Sequence[Route]:
        """One call, and the head that a probe asks for."""
        return [
            Route("POST", "/{endpoint}", RouteKind.PUBLISH, self.take),
            Route("HEAD", "/{endpoint}", RouteKind.READ, self.head),
        ]

    @classmethod
    def example(cls, address: str, name: str = "partner") -> Example:
        """An account of its own."""
        return Example("Partner", {"base_url": f"{address}/{name}"}, {"secret": Secret(secret(name))})

    def account(self, request: web.Request) -> str:
        """The endpoint's name."""
        return request.match_info["endpoint"]

    def key(self, body: bytes) -> str:
        """The event's id as the body repeats it."""
        try:
            return str(json.loads(body)["data"]["id"])
        except (ValueError, KeyError, TypeError):
            return ""

    def refusal(self, fault: Fault) -> web.Response:
        """429, with Retry-After where a delay is given; 401 for a secret that was changed."""
        if fault.kind is FaultKind.THROTTLE:
            hint = {"Retry-After": str(int(fault.delay_s))} if fault.delay_s else {}
            return web.json_response({"error": "slow down"}, status=429, headers=hint)
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return web.json_response({"error": "no matching signature"}, status=401)
        return super().refusal(fault)

    async def head(self, _request: web.Request) -> web.Response:
        """An endpoint takes events only."""
        return web.Response(status=405, headers={"Allow": "POST"})

    async def take(self, request: web.Request) -> web.Response:
        """Verify, take once, answer."""
        endpoint, body = self.account(request), await request.read()
        fault = self._fault(request, endpoint, body)
        if fault:
            return web.json_response({"error": fault}, status=401)
        try:
            event = json.loads(body)
            kind, texts = (
                _KINDS[event["type"]],
                [f"{text['headline']}\n\n{text['body']}" for text in event["data"]["texts"]],
            )
        except (ValueError, KeyError, TypeError):
            return web.json_response({"error": "not an event of ours"}, status=400)
        name = request.headers["webhook-id"]
        if (endpoint, name) not in self.events or endpoint.startswith(FORGETFUL):
            self.events[endpoint, name] = event
            self.act(request, kind, key=name, reference=name, text="\n\n".join(texts))
        return web.json_response({"taken": name})

    def _fault(self, request: web.Request, endpoint: str, body: bytes) -> str:
        name, timestamp, signatures = (
            request.headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature")
        )
        if not (name and timestamp.isdigit() and signatures):
            return "missing required headers"
        if abs(self.clock().timestamp() - int(timestamp)) > TOLERANCE_S:
            return "timestamp outside the tolerance"
        signed = hmac.digest(_key(endpoint), f"{name}.{timestamp}.".encode() + body, "sha256")
        expected = f"v1,{base64.b64encode(signed).decode()}"
        if not any(hmac.compare_digest(expected, given) for given in signatures.split(" ")):
            return "no matching signature"
        return ""


def _key(endpoint: str) -> bytes:
    return hashlib.sha256(f"simulated receiver {endpoint}".encode()).digest()
