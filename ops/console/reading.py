"""Whoever reads a page is on record, once in a while (``dispatcher.service.sessions``)."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ops.console.signing_in import noting_of, visitor_of


async def noted(request: Request, page: str, incident: str | None = None) -> None:
    """Record that the visitor reads this kind of page, about an incident or none. Raises Unavailable."""
    if (visitor := await visitor_of(request)) is not None:
        await run_in_threadpool(noting_of(request).read, visitor, page, incident)
