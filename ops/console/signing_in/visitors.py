"""Who asks for a page: found once a request, before any page is made."""

from __future__ import annotations

from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dispatcher.service import sessions
from dispatcher.service.desk import Desk
from dispatcher.service.sessions import Noting, Visitor
from ops.console.signing_in.cookies import SIGNED_IN, is_secure, value

OPEN = ("/sign-in", "/static", "/healthz", "/readyz")
"""What is shown to whoever asks, and everything below it."""


class OnlyVisitors:
    """The middleware that lets nobody in who is not signed in: whatever is not :data:`OPEN` is closed."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app, self._desk = app, desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send to the sign-in, or hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if not any(path == one or path.startswith(f"{one}/") for one in OPEN):
            visitor = await found(self._desk, HTTPConnection(scope))
            if visitor is None:
                await _away(scope)(scope, receive, send)
                return
            scope.setdefault("state", {})["visitor"] = visitor
        await self._app(scope, receive, send)


async def visitor_of(request: Request) -> Visitor | None:
    """Who asks; None for nobody. Their rights are those of this moment."""
    known: State = request.state
    if not hasattr(known, "visitor"):
        known.visitor = await found(request.app.state.console.desk, request)
    visitor: Visitor | None = known.visitor
    return visitor


async def found(desk: Desk, request: HTTPConnection) -> Visitor | None:
    """The same, looked up."""
    cookie = value(request, SIGNED_IN, secure=is_secure(desk.settings.console.address))
    return await run_in_threadpool(sessions.visitor, desk, cookie) if cookie else None


def noting_of(request: Request) -> Noting:
    """What this process records of reading and refusals."""
    kept: State = request.app.state
    if not hasattr(kept, "noting"):
        kept.noting = Noting(kept.console.desk)
    noting: Noting = kept.noting
    return noting


def _away(scope: Scope) -> Response:
    if scope["method"] not in ("GET", "HEAD") or scope["path"] == "/events":
        return PlainTextResponse("You are not signed in, or no longer. Sign in again: /sign-in\n", 401)
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}" if wanted != "/" else "/sign-in", 303)
