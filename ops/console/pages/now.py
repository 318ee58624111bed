"""Now: whether the public is being reached, what is stuck, why, and what may be done about it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ops.console.fragments import LivePage
from ops.console.reading import noted
from ops.console.rendering import render_live

LIVE = LivePage("now", ("incidents", "queues", "first-matters"))


async def now(request: Request) -> Response:
    """Incidents first, then the queues in a line, then what wants a person first."""
    await noted(request, "now")
    return await render_live(request, "now.html", LIVE.name, title="Now", section="now")


ROUTES = [Route("/", now)]
