"""``/ledger``: searching the record, by what ``dispatcher ledger search`` asks; newest first, in bounded steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.wanted import Wanted
from dispatcher.service import ledger as record
from dispatcher.service.desk import Desk
from ops.console import searching
from ops.console.asking import Asked, asked, moment, number
from ops.console.context import console_of
from ops.console.handling import in_thread
from ops.console.reading import noted
from ops.console.rendering import render
from ops.console.searching import Step

NAMES = ("incident", "plan", "delivery", "channel", "account", "person", "clause")
FIELDS = ("words", "kind", *NAMES, "since", "until", "below")
MOST_WORDS = 20


async def ledger(request: Request) -> Response:
    """The form, and what was found where anything was asked; without, the newest entries."""
    desk = console_of(request).desk
    given = asked(request.query_params, FIELDS)
    await noted(request, "ledger")
    found = await in_thread(look, desk, given, desk.now())
    return render(
        request,
        "ledger.html",
        status=400 if given.faults else 200,
        title="Ledger",
        asked=given,
        found=found,
        further=further(given, found),
    )


def look(desk: Desk, given: Asked, now: datetime) -> Step | None:
    """One step of the search; None where something is wrong with what was asked, which is then noted."""
    wanted, below = _wanted(given, now), given.read("below", number)
    try:
        meant = record.meant(desk, wanted)
    except DispatcherError as error:
        given.fault("incident", f"{error.message}. {error.next_step}".removesuffix(". "))
    return None if given.faults else searching.step(desk, meant, below)


def further(given: Asked, found: Step | None) -> str:
    """The address of the next step; empty where nothing older is left."""
    if found is None or found.below is None:
        return ""
    kept = {name: value for name, value in given.values.items() if value and name != "below"}
    return f"/ledger?{urlencode({**kept, 'below': found.below})}"


def _wanted(given: Asked, now: datetime) -> Wanted:
    names: Mapping[str, Any] = {name: given.text(name) for name in NAMES}
    since, until = given.read("since", moment(now)), given.read("until", moment(now))
    if since and until and since >= until:
        given.fault("since", "Nothing lies between these times: give an earlier one")
    kinds, words = (tuple((given.text(name) or "").split()) for name in ("kind", "words"))
    if len(kinds) > MOST_WORDS or len(words) > MOST_WORDS:
        given.fault("kind" if len(kinds) > MOST_WORDS else "words", f"Give at most {MOST_WORDS} words")
    return Wanted(**names, kinds=kinds, words=words, since=since, until=until)


ROUTES = [Route("/ledger", ledger, methods=["GET"])]
