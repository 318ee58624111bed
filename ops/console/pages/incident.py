"""Incident: what became of every text and account of one incident."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.domain.errors import NotFound
from ops.console.context import console_of
from ops.console.rendering import render


async def incident(request: Request) -> Response:
    """One incident. Raises NotFound."""
    name = request.path_params["id"]
    for one in console_of(request).live.overview.incidents:
        if one.id == name:
            return render(request, "incident.html", title=one.title, mode=one.mode, incident=one)
    raise NotFound(f"there is no open incident {name}", "dispatcher incident list --all")


ROUTES = [Route("/incident/{id}", incident)]
