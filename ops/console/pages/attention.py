"""``/attention``: everything that wants a person, by kind, with the command to type about it.

What loosens anything is never a button here: it is typed and signed in a terminal, by whoever may.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ops.console.fragments import LivePage
from ops.console.reading import noted
from ops.console.rendering import render_live

LIVE = LivePage("attention", ("attention",))


async def attention(request: Request) -> Response:
    """All of it, kept up to date."""
    await noted(request, "attention")
    return await render_live(request, "attention.html", LIVE.name, title="Attention", section="attention")


ROUTES = [Route("/attention", attention, methods=["GET"])]
