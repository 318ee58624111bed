"""Halt, hold, cancel: what the console may do, each in two presses with a page between that says what stops.

Rules
  1. Nothing here loosens anything. What ends a halt, a hold or a cancellation is shown as a command that others type.
  2. Who may is asked where it is done, whatever the page before showed.
  3. Halting takes no more than two presses: the page that the header leads to has chosen already, and says what.
  4. An act that takes long goes on without its visitor, who is told that it is not known yet. The same press sent
     again waits for the same act, and does nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dispatcher.domain.errors import DispatcherError, Invalid, NotFound
from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import tightening
from dispatcher.service.tightening import Act
from ops.console import halting
from ops.console.context import console_of
from ops.console.halting import Meant
from ops.console.handling import form_of, in_thread, refused
from ops.console.once import Once
from ops.console.rendering import render
from ops.console.signing_in import visitor_of

NO_REASON = "no reason given at the time"
WAIT_S = 5.0
"""So long a visitor waits for an act before they are told that it is not known yet."""

_going: set[asyncio.Task[str]] = set()
_once = Once()


async def halt(request: Request) -> Response:
    """What a halt would stop, chosen by where the visitor comes from, and the form to choose otherwise."""
    if (no := await _refusal(request, Act.HALT)) is not None:
        return no
    return await _asking(request, dict(request.query_params), 200)


async def confirm(request: Request) -> Response:
    """The same of what was chosen in the form."""
    if (no := await _refusal(request, Act.HALT)) is not None:
        return no
    return await _asking(request, await form_of(request), 400)


async def halt_now(request: Request) -> Response:
    """Halt, and show the halt."""
    if (no := await _refusal(request, Act.HALT)) is not None:
        return no
    given = await form_of(request)
    console, visitor = console_of(request), await visitor_of(request)
    assert visitor is not None  # noqa: S101 - who is nobody was refused above
    try:
        meant = halting.read(console.live.overview, given)
        await in_thread(halting.preview, console.desk, meant)
    except (NotFound, Invalid) as error:
        return await refused(request, 409, "Nothing was halted", error, again="/halt")
    reason = given.get("reason", "").strip() or NO_REASON

    def act() -> str:
        return halting.halt(console, visitor, meant, reason)

    return await _done(request, given.get("once", ""), act, "/halt", halting.command(meant))


async def halted(request: Request) -> Response:
    """One halt: what it stops, who has signed for its end, and the command for that."""
    found = await in_thread(halting.one, console_of(request).desk, request.path_params["id"])
    return render(request, "halted.html", title="Halted", mode=str(found.mode), halt=found)


async def hold(request: Request) -> Response:
    """What holding an account would stop; of one that is held, by whom and how that ends."""
    name = request.path_params["id"]
    return await _one(request, Act.HOLD, Meant(HaltScope.ACCOUNT, name, Mode.LIVE), "hold.html")


async def hold_now(request: Request) -> Response:
    """Hold it, and show that it is held."""
    return await _do(request, Act.HOLD, "account", halting.hold)


async def cancel(request: Request) -> Response:
    """What cancelling a plan would stop; of one that is cancelled, that it is."""
    name = request.path_params["digest"]
    return await _one(request, Act.CANCEL, Meant(HaltScope.PLAN, name, Mode.LIVE), "cancel.html")


async def cancel_now(request: Request) -> Response:
    """Cancel it, and show that it is cancelled."""
    return await _do(request, Act.CANCEL, "plan", halting.cancel)


async def _asking(request: Request, given: dict[str, str], wrong: int) -> Response:
    """The page that says what a halt would stop. ``wrong``: the status where what was given cannot be halted."""
    console, overview = console_of(request), console_of(request).live.overview
    meant, stopped, fault = None, None, None
    try:
        meant = halting.read(overview, given)
        stopped = await in_thread(halting.preview, console.desk, meant)
    except DispatcherError as error:
        fault = error
    return render(
        request,
        "halt.html",
        status=wrong if fault else 200,
        title="Halt",
        mode=str(stopped.mode) if stopped else "",
        meant=meant,
        stopped=stopped,
        fault=fault,
        given=given,
        targets=halting.targets(overview),
        once=halting.fresh(console),
        command=halting.command(meant) if meant and stopped else "",
        can=console.pen is not None,
        no_reason=NO_REASON,
    )


async def _one(request: Request, act: Act, meant: Meant, template: str) -> Response:
    if (no := await _refusal(request, act)) is not None:
        return no
    console = console_of(request)
    stopped = await in_thread(halting.preview, console.desk, meant, act)
    standing = await in_thread(halting.standing, console.desk, act, stopped.target)
    return render(
        request,
        template,
        title="Hold an account" if act is Act.HOLD else "Cancel a plan",
        mode=str(stopped.mode),
        stopped=stopped,
        standing=standing,
        once=halting.fresh(console),
        command=halting.command_of(act, stopped.target),
        can=console.pen is not None,
        no_reason=NO_REASON,
    )


async def _do(request: Request, act: Act, what: str, do: Callable[..., str]) -> Response:
    if (no := await _refusal(request, act)) is not None:
        return no
    given, console, visitor = await form_of(request), console_of(request), await visitor_of(request)
    name = request.path_params["id" if act is Act.HOLD else "digest"]
    reason = given.get("reason", "").strip() or NO_REASON
    page = f"/{what}/{name}/{act}"
    command = halting.command_of(act, name)
    return await _done(request, given.get("once", ""), lambda: do(console, visitor, name, reason), page, command)


async def _done(request: Request, once: str, act: Callable[[], str], again: str, command: str) -> Response:
    """Do it, once; send the visitor to where it is shown. After WAIT_S they are told that nobody knows yet."""
    task = asyncio.create_task(in_thread(_once.do, once, act))
    _going.add(task)
    task.add_done_callback(_ended)
    await asyncio.wait({task}, timeout=WAIT_S)
    if not task.done():
        return render(
            request,
            "problem.html",
            503,
            title="Nobody knows yet whether this was stopped",
            message="the database has not taken it yet",
            next_step=f"load this page again; or type {command}",
        )
    try:
        return RedirectResponse(task.result(), 303)
    except (NotFound, Invalid) as error:
        return await refused(request, 409, "Nothing was stopped", error, again=again)


def _ended(task: asyncio.Task[str]) -> None:
    """What fails after its visitor has gone is in the log at least."""
    _going.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        structlog.get_logger("console").error("act_failed", error=type(error).__name__, reason=str(error))


async def _refusal(request: Request, act: Act) -> Response | None:
    """The page that a visitor is shown who may not; None for who may."""
    visitor = await visitor_of(request)
    if visitor is not None and visitor.may_tighten:
        return None
    return render(
        request,
        "may-not.html",
        status=403,
        title="You may look, not stop",
        who=tightening.who_may(act),
        act=act,
    )


ROUTES = [
    Route("/halt", halt, methods=["GET"]),
    Route("/halt/confirm", confirm, methods=["POST"]),
    Route("/halt/do", halt_now, methods=["POST"]),
    Route("/halted/{id}", halted, methods=["GET"]),
    Route("/account/{id}/hold", hold, methods=["GET"]),
    Route("/account/{id}/hold/do", hold_now, methods=["POST"]),
    Route("/plan/{digest}/cancel", cancel, methods=["GET"]),
    Route("/plan/{digest}/cancel/do", cancel_now, methods=["POST"]),
]
