"""Workers: which processes run, what each does now, and whether every queue has one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ops.console.fragments import LivePage
from ops.console.reading import noted
from ops.console.rendering import render_live

LIVE = LivePage("workers", ("lanes", "processes"))


async def workers(request: Request) -> Response:
    """Queues first, because that is what people wait for; then the registry."""
    await noted(request, "workers")
    return await render_live(request, "workers.html", LIVE.name, title="Workers", section="workers")


ROUTES = [Route("/workers", workers)]
