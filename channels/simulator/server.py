"""All far sides as one local HTTP server.

Rules
  1. It listens on 127.0.0.1 only. State lives in memory and ends with the server.
  2. A provider answers under ``/<name>``, or on a port of its own where its platform speaks no HTTP; an adapter is
     pointed there by its account's ``base_url`` setting (:meth:`Simulator.address`).
  3. Every request to a provider is in the journal before anything else happens to it.

Faults are armed and the journal is read in Python, or over HTTP by another process::

    POST   /_sim/faults    {"provider": "x", "kind": "act_then_drop", "times": 1, "match": "", "on": "publish"}
    DELETE /_sim/faults    disarm all
    GET    /_sim/journal   {"counts": {"x": {"requests": 3, "published": 1, "doubled": 0, …}}, "effects": […], …}
    POST   /_sim/journal   write the journal to the file given at the start

Example::

    async with Simulator() as far:
        far.arm(Fault("x", FaultKind.ACT_THEN_DROP))
        ...  # point an adapter at f"{far.url}/x"
        assert far.journal.doubled("x") == 0
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from channels.contract import Clock
from channels.simulator.faults import Fault, FaultKind, FaultMenu, suffer
from channels.simulator.journal import Arrival, Journal
from channels.simulator.provider import ARRIVAL, FAULT, Provider, Route
from channels.simulator.providers import PROVIDERS
from channels.simulator.webserver import WebServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)  # noqa: TID251 - the far side has a clock of its own


class Simulator:
    """The server. ``port`` 0 takes a free one; ``url`` is known once it has started.

    ``served`` holds the folders of our own feeds and pages, which it serves as a web server of ours would.
    """

    def __init__(
        self,
        providers: Sequence[type[Provider]] = PROVIDERS,
        *,
        clock: Clock = utc_now,
        port: int = 0,
        journal_file: Path | None = None,
        smtp_port: int = 0,
        served: Path | None = None,
    ) -> None:
        self.journal = Journal()
        self.url = ""
        self._own: dict[str, str] = {}
        self._smtp_port = smtp_port
        self._clock = clock
        self._port = port
        self._journal_file = journal_file
        self._faults = FaultMenu()
        self._providers = {provider.name: provider(self.journal, clock) for provider in providers}
        for provider in self._providers.values():
            if isinstance(provider, WebServer):
                provider.root = served
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self._app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        for name, provider in self._providers.items():
            self._own[name] = await provider.open(self._faults, self._smtp_port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for provider in self._providers.values():
            await provider.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def address(self, name: str) -> str:
        """Where an adapter finds a provider. Raises KeyError for one that is not simulated."""
        return self._own[name] or f"{self.url}/{name}"

    def arm(self, fault: Fault) -> None:
        """Order a fault. Raises ValueError for a provider that is not simulated."""
        if fault.provider not in self._providers:
            raise ValueError(f"no simulated provider {fault.provider!r}; there are {', '.join(self._providers)}")
        self._faults.arm(fault)

    def disarm(self) -> None:
        """Take all armed faults back."""
        self._faults.clear()

    def provider(self, name: str) -> Provider:
        """The simulated platform itself, for what a test wants to arrange on it. Raises KeyError."""
        return self._providers[name]

    def write_journal(self) -> None:
        """Write the journal to the file named at the start, if one was."""
        if self._journal_file is not None:
            self._journal_file.write_text(json.dumps(self.journal.document(), indent=1), encoding="utf-8")

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=128 * 1024 * 1024)  # the largest chunk of a video on TikTok
        for provider in self._providers.values():
            for route in provider.routes():
                path = f"/{provider.name}{route.path}"
                app.router.add_route(route.method, path, self._handler(provider, route))
        app.router.add_get("/_sim/journal", self._show)
        app.router.add_post("/_sim/journal", self._write)
        app.router.add_post("/_sim/faults", self._order)
        app.router.add_delete("/_sim/faults", self._forget)
        return app

    def _handler(self, provider: Provider, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            arrival = Arrival(provider.name, provider.account(request), str(route.kind), request.path, self._clock())
            self.journal.arrivals.append(arrival)
            request[ARRIVAL] = arrival
            fault = self._faults.take(provider.name, route.kind, arrival.account)
            if fault is not None:
                arrival.fault = str(fault.kind)
                request[FAULT] = fault
            answer = await self._answer(provider, route, request, fault)
            gone = request.transport is None or request.transport.is_closing()
            arrival.status = 0 if gone else answer.status
            return answer

        return handle

    async def _answer(
        self, provider: Provider, route: Route, request: web.Request, fault: Fault | None
    ) -> web.StreamResponse:
        if fault is None or fault.kind is not FaultKind.STALL:
            request[ARRIVAL].key = provider.key(await request.read())
        if fault is None:
            return await route.handler(request)
        return await suffer(fault, request, lambda: route.handler(request), provider.refusal)

    async def _show(self, _request: web.Request) -> web.Response:
        return web.json_response(self.journal.document())

    async def _write(self, _request: web.Request) -> web.Response:
        if self._journal_file is None:
            return web.json_response({"error": "started without a journal file"}, status=409)
        self.write_journal()
        return web.json_response({"written": str(self._journal_file)})

    async def _order(self, request: web.Request) -> web.Response:
        try:
            self.arm(_fault(await request.json()))
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"armed": True}, status=201)

    async def _forget(self, _request: web.Request) -> web.Response:
        self.disarm()
        return web.json_response({"armed": False})


def _fault(document: Any) -> Fault:
    known = {field.name for field in fields(Fault)}
    if not isinstance(document, dict) or not {"provider", "kind"} <= set(document) <= known:
        raise ValueError(f"a fault is an object with provider, kind and any of {', '.join(sorted(known))}")
    return Fault(**{**document, "kind": FaultKind(document["kind"])})
