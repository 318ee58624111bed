"""Whoever reads a page is on record, once in a while (``dispatcher.service.sessions``)."""

from __future__ import annotations

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dispatcher.domain.errors import Unavailable
from ops.console.signing_in import noting_of, visitor_of


async def noted(request: Request, page: str, incident: str | None = None) -> None:
    """Record that the visitor reads this kind of page, about an incident or none.

    While the database is away nothing can be recorded, and pages show what was seen last: the log has it then, and
    the ledger as soon as they read on.
    """
    if (visitor := await visitor_of(request)) is not None:
        try:
            await run_in_threadpool(noting_of(request).read, visitor, page, incident)
        except Unavailable:
            structlog.get_logger("console").warning("reading_unrecorded", person=visitor.person, kind=page)
