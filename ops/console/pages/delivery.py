"""``/delivery/{id}`` and ``/deliveries``: one delivery with all that is known of it, and lists of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.domain.lifecycle import DeliveryState
from dispatcher.service.accounts import channel_named
from dispatcher.service.desk import Desk
from dispatcher.service.operating import lists
from dispatcher.store import accounts, records
from dispatcher.store.database import Work
from ops.console import delivered
from ops.console.asking import Asked, asked, one_of
from ops.console.context import console_of
from ops.console.handling import in_thread
from ops.console.reading import noted
from ops.console.rendering import render

FILTERS = ("incident", "plan", "channel", "account", "state")
FIELDS = (*FILTERS, "after")


async def delivery(request: Request) -> Response:
    """One delivery."""
    found = await in_thread(delivered.one, console_of(request).desk, request.path_params["id"])
    await noted(request, "delivery", found.row.incident)
    return render(request, "delivery.html", title=f"Delivery {found.row.id}", found=found, mode=found.row.mode)


async def deliveries(request: Request) -> Response:
    """A page of a list, and the way to the next."""
    given = asked(request.query_params, FIELDS)
    await noted(request, "deliveries")
    found = await in_thread(look, console_of(request).desk, given)
    return render(
        request,
        "deliveries.html",
        status=400 if given.faults else 200,
        title="Deliveries",
        asked=given,
        states=[str(state) for state in DeliveryState],
        found=found,
        further=further(given.values, found.after) if found and found.after else "",
    )


def look(desk: Desk, given: Asked) -> lists.Page | None:
    """A page of what was asked for; None where nothing was, or where something is wrong, which is then noted."""
    if not given.given:
        return None
    with desk.store.read() as work:
        wanted = _wanted(work, given)
        if not given.faults and not (wanted["incident"] or wanted["plan"]):
            given.fault("incident", "Name an incident or a plan: the deliveries of one are shown at a time")
        if given.faults:
            return None
        return given.read("after", lambda after: lists.listed(work, **wanted, after=after)) or _first(
            work, given, wanted
        )


def further(values: Mapping[str, str], after: str) -> str:
    """The address of the next page."""
    kept = {name: value for name, value in values.items() if value and name != "after"}
    return f"/deliveries?{urlencode({**kept, 'after': after})}"


def _first(work: Work, given: Asked, wanted: Mapping[str, str]) -> lists.Page | None:
    """The first page; None where the place that was given is none."""
    return None if given.faults else lists.listed(work, **wanted)


def _wanted(work: Work, given: Asked) -> dict[str, str]:
    """Whole names, from what may be the beginning of one; empty where nothing is asked."""
    readers: Mapping[str, Callable[[str], str]] = {
        "incident": lambda name: str(records.incident(work, name).id),
        "plan": lambda name: records.plan(work, name).digest,
        "channel": channel_named,
        "account": lambda name: str(accounts.row(work, name).id),
        "state": one_of(DeliveryState, "state"),
    }
    return {name: given.read(name, reader) or "" for name, reader in readers.items()}


ROUTES = [
    Route("/delivery/{id}", delivery, methods=["GET"]),
    Route("/deliveries", deliveries, methods=["GET"]),
]
