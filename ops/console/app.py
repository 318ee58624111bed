"""The console's application: its routes, what stands before them, and what a page says that went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from dispatcher.domain.errors import DispatcherError, Forbidden, NotFound, Stale, Unavailable
from ops.console import health, streams
from ops.console.context import Console, console_of
from ops.console.fragments import LivePage
from ops.console.pages import attention, delivery, incident, ledger, now, stopping, workers
from ops.console.rendering import render

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
LIVE_PAGES: Sequence[LivePage] = (now.LIVE, workers.LIVE, attention.LIVE)
"""Pages whose fragments change by themselves and are made from the overview alone."""


def build(console: Console) -> Starlette:
    """The application of one console."""
    app = Starlette(
        routes=[*ROUTES, Mount("/static", StaticFiles(directory=STATIC), name="static")],
        exception_handlers={DispatcherError: _refused, HTTPException: _unserved, Exception: _failed},
    )
    app.state.console = console
    return app


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


def _said(request: Request, status: int, message: str, next_step: str) -> Response:
    """A page that says it; plain text as long as the reader has seen nothing that a page could show."""
    if not console_of(request).live.seen:
        return PlainTextResponse(f"{message}\n{next_step}\n", status, headers={"Retry-After": "5"})
    return render(request, "problem.html", status, title="Not done", message=message, next_step=next_step)
