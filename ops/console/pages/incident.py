"""Incident: what became of every text at every account, what went wrong and what to do, and what the public sees.

Everything here is bounded: rows of trouble, texts and read-backs, each with a link or a command to the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.lifecycle import DeliveryState
from dispatcher.domain.message import TextKind
from dispatcher.sending.prepared import read_texts
from dispatcher.service import watching
from dispatcher.service.desk import Desk
from dispatcher.service.operating import lists
from dispatcher.service.operating.values import MatrixLine, Overview
from dispatcher.store import accounts, records, sightings
from dispatcher.store.database import Work
from dispatcher.store.records import StoredPlan
from ops.console.context import console_of
from ops.console.fragments import LivePage
from ops.console.reading import noted
from ops.console.rendering import render_live

MOST_TROUBLES = 10
MOST_TEXTS = 40
MOST_LETTERS = 5_000
MOST_SEEN = 100
TROUBLES = (DeliveryState.IN_DOUBT, DeliveryState.HELD, DeliveryState.MISSING, DeliveryState.REJECTED)
"""States that somebody asks about, as they press."""

STATES: Mapping[str, str] = {
    "ready": "ready",
    "leased": "being sent",
    "sending": "being sent",
    "accepted": "accepted",
    "visible": "visible",
    "handed_over": "with people",
    "in_doubt": "in doubt",
    "held": "held",
    "missing": "not shown",
    "rejected": "rejected",
    "cancelled": "cancelled",
    "expired": "expired",
}
"""What a column of the matrix is called; two states of the machine share one."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text word for word, and the accounts that carry it; ``cut`` where it is longer than is shown."""

    plan: str
    kind: str
    accounts: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]
    pictures: tuple[str, ...]
    cut: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """The lines of the matrix, and the columns that any of them needs."""

    lines: tuple[MatrixLine, ...]
    columns: tuple[str, ...]

    def counted(self, line: MatrixLine) -> dict[str, int]:
        """The deliveries of a line by column."""
        counts: dict[str, int] = {}
        for state, count in line.states.items():
            counts[STATES.get(state, state)] = counts.get(STATES.get(state, state), 0) + count
        return counts


def read(desk: Desk, overview: Overview, name: str) -> Mapping[str, Any]:
    """What the fragments of this page are rendered with. Raises NotFound, Unavailable."""
    with desk.store.read() as work:
        found = records.incident(work, name)
        plans = records.plans_of(work, found.id)
        now = next((one for one in overview.incidents if one.id == found.id), None)
        matrix = _matrix(
            now.matrix if now else lists.matrix(work, found.id)
        )  # one that is closed is looked at by nobody
        seen = list(sightings.by_delivery(work, incident=found.id).values())
        return {
            "incident": found,
            "channels": now.channels if now else (),
            "matrix": matrix,
            "matters": [one for one in overview.attention if one.incident == found.id],
            "troubles": list(_troubles(work, found.id, matrix)),
            "texts": sorted((text for plan in plans for text in _texts(work, plan)), key=_armed)[:MOST_TEXTS],
            "plans": plans,
            "seen": [(row, watching.in_words(row, work.now)) for row in seen[:MOST_SEEN]],
            "more_seen": max(0, len(seen) - MOST_SEEN),
            "languages": _languages(work),
        }


def _matrix(lines: Iterable[MatrixLine]) -> Matrix:
    found = tuple(lines)
    there = {STATES.get(state, state) for line in found for state in line.states}
    return Matrix(found, tuple(dict.fromkeys(word for word in STATES.values() if word in there)))


def _troubles(work: Work, incident: str, matrix: Matrix) -> Iterator[tuple[str, int, list[Any]]]:
    """The first deliveries of each state that somebody asks about, and how many there are."""
    for state in TROUBLES:
        if count := sum(line.states.get(state, 0) for line in matrix.lines):
            yield state, count, list(lists.listed(work, incident=incident, state=state).rows[:MOST_TROUBLES])


def _texts(work: Work, plan: StoredPlan) -> Iterator[Text]:
    """The texts of a plan as their renderings have them, those that are alike together."""
    try:
        renderings = read_texts(records.bundle(work, plan.digest)).renderings
    except (DispatcherError, ValueError):  # bytes that nobody signed are shown to nobody
        return
    carried: dict[tuple[str, str], list[str]] = {}
    for place in plan.plan.destinations:
        for kind, digest in place.renderings.items():
            carried.setdefault((str(kind), digest), []).append(place.account)
    for (text_kind, digest), carriers in carried.items():
        if (rendering := renderings.get(digest)) is not None:
            parts = tuple((part.language, part.text[:MOST_LETTERS]) for part in rendering.parts)
            cut = any(len(part.text) > MOST_LETTERS for part in rendering.parts)
            alts = tuple(part.text[:MOST_LETTERS] for medium in rendering.media for part in medium.alt)
            yield Text(plan.digest, text_kind, tuple(carriers), parts, alts, cut)


def _armed(text: Text) -> bool:
    """Whether it is one of the texts that are held ready: the message itself is read first."""
    return text.kind != str(TextKind.PUBLISH)


def _languages(work: Work) -> dict[str, str]:
    return {row.id: row.languages for row in accounts.rows(work)}


LIVE = LivePage("incident", ("incident-channels", "troubles", "matrix", "read-backs", "texts"), read)


async def incident(request: Request) -> Response:
    """One incident by its id. Raises NotFound."""
    console, name = console_of(request), request.path_params["id"]
    shown = await console.fragments.of(f"{LIVE.name}:{name}")
    found = shown.read["incident"]
    await noted(request, "incident", found.id)
    return await render_live(
        request, "incident.html", f"{LIVE.name}:{name}", title=found.title, mode=str(found.mode), incident=found
    )


ROUTES = [Route("/incident/{id}", incident)]
