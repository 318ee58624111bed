"""What live pages ask for: server-sent events, one stream per tab, and the same messages one by one.

A stream waits for the reader's next look and then takes what is newest. A viewer that reads slowly misses what was
overtaken meanwhile, and nothing is queued for it but what its own connection buffers.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dispatcher.domain.errors import DispatcherError, NotFound, Unavailable
from ops.console.context import Console, console_of
from ops.console.signing_in import visitor_of
from ops.console.signing_in.visitors import found

SAY_AGAIN_S = 5.0
"""A viewer hears so often that nothing changed; after three times as long it takes the connection for lost."""

ASK_AGAIN_S = 10.0
"""So often a stream asks whether its session still holds."""

RETRY_MS = 1_000
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
SIGNED_OUT = b"event: signed-out\ndata: {}\n\n"


async def events(request: Request) -> Response:
    """The stream of a page: ``?page=NAME&since=ID``; the header Last-Event-ID goes before ``since``."""
    console, visitor = console_of(request), await visitor_of(request)
    if visitor is None:
        return _signed_out()
    key, since = _asked(request, console)
    try:
        await console.fragments.of(key)
        console.limits.check(visitor.session)
    except DispatcherError as error:
        return _refused(error)
    body = _stream(request, console, (key, since), visitor.session)
    return StreamingResponse(body, media_type="text/event-stream", headers=HEADERS)


async def fragments(request: Request) -> Response:
    """One message, for a page that has no stream: ``?page=NAME&since=ID``."""
    console, visitor = console_of(request), await visitor_of(request)
    if visitor is None:
        return _signed_out()
    try:
        _version, message = await console.fragments.message(*_asked(request, console))
    except DispatcherError as error:
        return _refused(error)
    return Response(message, media_type="application/json", headers=HEADERS)


async def _stream(request: Request, console: Console, at: tuple[str, int], session: str) -> AsyncIterator[bytes]:
    key, since = at
    with console.limits.place(session):
        yield f"retry: {RETRY_MS}\n\n".encode()
        said_at, asked_at = 0.0, time.monotonic()
        while not console.live.stopped:
            try:
                version, message = await console.fragments.message(key, since)
            except DispatcherError:  # the database is away: what was said last stays, with its time
                version, message = since, console.fragments.said(since, {})
            now = time.monotonic()
            if version != since or now - said_at >= SAY_AGAIN_S:
                yield b"id: %s-%d\ndata: %s\n\n" % (console.fragments.process.encode(), version, message)
                since, said_at = version, now
            await console.live.next_look()
            if now - asked_at >= ASK_AGAIN_S:
                asked_at = now
                if not await _still_in(console, request):
                    yield SIGNED_OUT
                    return


async def _still_in(console: Console, request: Request) -> bool:
    try:
        return await found(console.desk, request) is not None
    except Unavailable:  # whoever was let in stays while nobody can be asked
        return True


def _asked(request: Request, console: Console) -> tuple[str, int]:
    """Which page, and the version that the viewer has."""
    last = request.headers.get("last-event-id") or request.query_params.get("since", "")
    return request.query_params.get("page", "shell"), console.fragments.since(last)


def _signed_out() -> Response:
    said = {"error": "signed_out", "message": "your session has ended", "next_step": "sign in again"}
    return JSONResponse(said, 401, headers=HEADERS)


def _refused(error: DispatcherError) -> Response:
    missing = isinstance(error, NotFound)
    said = {"error": error.word, "message": error.message, "next_step": error.next_step}
    return JSONResponse(
        said, 404 if missing else 503, headers=HEADERS if missing else {**HEADERS, "Retry-After": "5"}
    )


ROUTES = [Route("/events", events), Route("/fragments", fragments)]
