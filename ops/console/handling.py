"""What handlers of pages share: work in a thread, forms, and what was refused said as a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.errors import DispatcherError
from ops.console.rendering import render

T = TypeVar("T")
MOST_FIELDS = 20


async def in_thread(work: Callable[..., T], *given: Any) -> T:
    """Do blocking work beside the loop that serves everybody."""
    return await run_in_threadpool(work, *given)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, each as text; a field that came twice counts as it came last."""
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


async def refused(request: Request, status: int, title: str, error: DispatcherError, again: str) -> Response:
    """The page that says what was refused, and why; ``again`` is the address to look anew."""
    about = {"message": error.message.rstrip("."), "next_step": error.next_step, "again": again}
    return render(request, "refused.html", status, title=title, **about)
