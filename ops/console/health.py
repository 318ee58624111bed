"""Whether the console is there, and whether it sees: for load balancers and whoever keeps it running."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ops.console.context import console_of

READY_WITHIN_S = 15.0


async def healthz(_request: Request) -> Response:
    """The process answers. Nothing is asked of anything behind it."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """The reader's last look is younger than READY_WITHIN_S."""
    console = console_of(request)
    if not console.live.seen:
        return PlainTextResponse("not ready: the reader has not looked yet\n", 503)
    age_s = (console.desk.clock() - console.live.overview.at).total_seconds()
    if age_s >= READY_WITHIN_S:
        return PlainTextResponse(f"not ready: the reader's last look was {age_s:.0f} s ago\n", 503)
    return PlainTextResponse("ready\n")


ROUTES = [Route("/healthz", healthz), Route("/readyz", readyz)]
