"""Who asks for a page: found once a request, before any page is made.

While the database does not answer, whoever was known a moment ago goes on reading what was seen last, and may stop
nothing here: what stops things is written there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dispatcher.domain.errors import Unavailable
from dispatcher.service import sessions
from dispatcher.service.desk import Desk
from dispatcher.service.sessions import Noting, Visitor
from ops.console.signing_in.cookies import SIGNED_IN, is_secure, value

T = TypeVar("T")

LIVE = ("/events", "/fragments")
"""What pages ask for by themselves. It is no sign of a person, and answers nobody by itself."""

OPEN = ("/sign-in", "/static", "/healthz", "/readyz", *LIVE)
"""What is handed on whoever asks, and everything below it."""

REMEMBERED_S = 600.0
REMEMBERED_MOST = 1_000


class OnlyVisitors:
    """The middleware that lets nobody in who is not signed in: whatever is not :data:`OPEN` is closed."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app, self._desk = app, desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send to the sign-in, or hand on."""
        if scope["type"] != "http" or _below(scope["path"], OPEN):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            visitor = await found(self._desk, request, touch=True)
        except Unavailable as error:
            words = f"{error.message}: nobody can be signed in. dispatcher status says more.\n"
            await PlainTextResponse(words, 503, headers={"Retry-After": "5"})(scope, receive, send)
            return
        if visitor is None:
            await _away(scope)(scope, receive, send)
            return
        request.state.visitor = visitor
        await self._app(scope, receive, send)


async def visitor_of(request: Request) -> Visitor | None:
    """Who asks; None for nobody. Their rights are those of the moment they asked. Raises Unavailable."""
    if not hasattr(request.state, "visitor"):
        request.state.visitor = await found(request.app.state.console.desk, request)
    visitor: Visitor | None = request.state.visitor
    return visitor


def noting_of(request: Request) -> Noting:
    """What this process records of reading and refusals."""
    return _kept(request.app.state, "noting", lambda: Noting(request.app.state.console.desk))


async def found(desk: Desk, request: Request, *, touch: bool = False) -> Visitor | None:
    """The same, looked up anew, as streams do now and then. Raises Unavailable."""
    cookie = value(request, SIGNED_IN, secure=is_secure(desk.settings.console.address))
    if not cookie:
        return None
    known = _kept(request.app.state, "known_visitors", dict[str, tuple[Visitor, float]])
    return await _looked_up(desk, cookie, known, touch=touch)


def forget(desk: Desk, request: Request) -> None:
    """Whoever signs out is not remembered for the time when the database is away."""
    cookie = value(request, SIGNED_IN, secure=is_secure(desk.settings.console.address))
    _kept(request.app.state, "known_visitors", dict[str, tuple[Visitor, float]]).pop(cookie, None)


async def _looked_up(
    desk: Desk, cookie: str, known: dict[str, tuple[Visitor, float]], *, touch: bool
) -> Visitor | None:
    now = time.monotonic()
    try:
        visitor = await run_in_threadpool(sessions.visitor, desk, cookie, touch=touch)
    except Unavailable:
        before, at = known.get(cookie, (None, 0.0))
        if before is None or now - at > REMEMBERED_S:
            raise
        return replace(before, may_tighten=False)
    known.pop(cookie, None)
    if visitor is not None:
        known[cookie] = (visitor, now)
        if len(known) > REMEMBERED_MOST:
            del known[next(iter(known))]
    return visitor


def _kept(state: State, name: str, make: Callable[[], T]) -> T:
    if not hasattr(state, name):
        setattr(state, name, make())
    made: T = getattr(state, name)
    return made


def _below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in places)


def _away(scope: Scope) -> Response:
    if scope["method"] not in ("GET", "HEAD"):
        return PlainTextResponse("You are not signed in, or no longer. Sign in again: /sign-in\n", 401)
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}" if wanted != "/" else "/sign-in", 303)
