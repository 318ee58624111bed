"""The console's application: its routes, what stands before them, and what a page says that went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from dispatcher.domain.errors import DispatcherError, Forbidden, NotFound, Stale, Unavailable
from ops.console import health, streams
from ops.console.context import Console, console_of
from ops.console.fragments import LivePage
from ops.console.pages import attention, delivery, incident, ledger, now, stopping, workers
from ops.console.rendering import render
from ops.console.signing_in import GuardedApp, OnlyVisitors
from ops.console.signing_in import routes as signing_in_routes

STATIC = Path(__file__).parent / "static"
ROUTES: Sequence[BaseRoute] = (
    *health.ROUTES,
    *streams.ROUTES,
    *now.ROUTES,
    *incident.ROUTES,
    *workers.ROUTES,
    *attention.ROUTES,
    *delivery.ROUTES,
    *ledger.ROUTES,
    *stopping.ROUTES,
)
LIVE_PAGES: Sequence[LivePage] = (now.LIVE, workers.LIVE, incident.LIVE, attention.LIVE)
"""Pages whose fragments change by themselves."""


def build(console: Console) -> Starlette:
    """The application of one console."""
    desk = console.desk
    app = GuardedApp(
        console.settings.console,
        routes=[*ROUTES, *signing_in_routes(desk), Mount("/static", _Static(directory=STATIC), name="static")],
        middleware=[
            Middleware(_Away),
            Middleware(OnlyVisitors, desk=desk),
        ],
        exception_handlers={DispatcherError: _refused, HTTPException: _unserved, Exception: _failed},
    )
    app.state.console = console
    return app


class _Static(StaticFiles):
    """Files that browsers keep, and ask for again whether they are still the same."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """As StaticFiles has it."""
        answer = super().file_response(*args, **kwargs)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


class _Away:
    """Says in words that nobody can be known while the database is away: sessions are in it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on."""
        try:
            await self._app(scope, receive, send)
        except Unavailable as error:
            said = f"{error.message}\n{error.next_step or 'dispatcher status says the same in a terminal'}\n"
            await PlainTextResponse(said, 503, headers={"Retry-After": "5"})(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    """What somebody can mend, with what to do next."""
    assert isinstance(error, DispatcherError)  # noqa: S101 - registered for that
    status = {NotFound: 404, Forbidden: 403, Stale: 409}.get(
        type(error), 503 if isinstance(error, Unavailable) else 400
    )
    return _said(request, status, error.message, error.next_step)


async def _unserved(request: Request, error: Exception) -> Response:
    """An address that there is not, or a method that it does not have."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for that
    said = "there is no such page" if error.status_code == NOT_FOUND else error.detail
    return _said(request, error.status_code, said, "go to the page Now, which leads everywhere")


async def _failed(request: Request, _error: Exception) -> Response:
    """A fault of ours; the server logs it with the place in the code."""
    return _said(request, 500, "the console has made a fault", "dispatcher status says the same in a terminal")


NOT_FOUND = 404
TITLES = {NOT_FOUND: "Not found", 403: "Not allowed", 500: "A fault", 503: "Not available"}


def _said(request: Request, status: int, message: str, next_step: str) -> Response:
    """A page that says it; plain text as long as the reader has seen nothing that a page could show."""
    if not console_of(request).live.seen:
        return PlainTextResponse(f"{message}\n{next_step}\n", status, headers={"Retry-After": "5"})
    return render(
        request, "problem.html", status, title=TITLES.get(status, "Not done"), message=message, next_step=next_step
    )
