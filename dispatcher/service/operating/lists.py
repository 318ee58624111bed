"""Bounded lists for pages: a million deliveries are counted, and shown fifty at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.domain.errors import Invalid
from dispatcher.domain.message import TextKind
from dispatcher.service.operating.values import MatrixLine
from dispatcher.store import counting, deliveries, records
from dispatcher.store.database import Work
from dispatcher.store.records import StoredPlan

PAGE, MOST = 50, 5_000
"""Deliveries on a page, and of one text to one account: whoever needs more asks more narrowly."""

STATES = (
    *("missing", "held", "in_doubt", "rejected", "handed_over", "expired"),
    *("cancelled", "sending", "leased", "ready", "accepted", "visible"),
)
"""All states of a delivery, those that press first."""

TEXTS = tuple(map(str, TextKind))
"""What deliveries are of: an all-clear is sent as a correction, and is none."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and what the next page begins after; None on the last. ``cut``: others fit and are never shown."""

    rows: tuple[Any, ...]
    after: str | None
    cut: bool = False


def listed(
    work: Work,
    *,
    incident: str = "",
    plan: str = "",
    channel: str = "",
    account: str = "",
    state: str = "",
    after: str = "",
) -> Page:
    """Deliveries of a plan, or of all plans of an incident, what presses first; the next fifty ``after``.

    Names may be shortened. Raises NotFound, Invalid where neither is named or ``after`` is of no page.
    """
    if not (plan or incident):
        raise Invalid("no incident or plan is named", "begin at an incident")
    plans = [records.plan(work, plan)] if plan else records.plans_of(work, records.incident(work, incident).id)
    states = [state] if state else STATES
    places = [place for stored in plans for one in states for place in _places(stored, one, channel, account)]
    return _page(work, places, *_place(after))


def _places(stored: StoredPlan, state: str, channel: str, account: str) -> list[dict[str, str]]:
    """Where the index of counts has what is wanted of a plan."""
    at = {"plan": stored.digest, "state": state}
    if not (channel or account):
        return [at]
    return [
        {**at, "kind": text, "channel": place.channel, "account": place.account}
        for place in stored.plan.destinations
        if channel in ("", place.channel) and account in ("", place.account)
        for text in TEXTS
    ]


def _page(work: Work, places: Sequence[Mapping[str, str]], first: int, offset: int) -> Page:
    rows: list[Any] = []
    for number, place in enumerate(places[first:], first):
        found = counting.page(work, place, offset, PAGE + 1 - len(rows))
        if len(rows) + len(found) > PAGE:
            shown = PAGE - len(rows)
            last = offset + shown >= MOST
            return Page((*rows, *found[:shown]), None if last else f"{number}-{offset + shown}", last)
        rows, offset = rows + found, 0
    return Page(tuple(rows), None)


def _place(after: str) -> tuple[int, int]:
    first, _, offset = (after or "0-0").partition("-")
    if not (first.isascii() and first.isdecimal() and offset.isascii() and offset.isdecimal()):
        raise Invalid(f"{after} is no place in this list", "begin at its first page")
    return int(first), min(int(offset), MOST)


def matrix(work: Work, incident: str) -> list[MatrixLine]:
    """What became of each text to each account of an incident, by plan; every delivery is counted for it."""
    plans = records.plans_of(work, incident)
    return [line for stored in plans for line in lines(stored.digest, deliveries.counts(work, stored.digest))]


def lines(plan: str, counts: Iterable[tuple[str, str, str, str, int, int]]) -> Iterator[MatrixLine]:
    """The same of one plan, from what was counted: kind, channel, account, state, deliveries, attempts."""
    found: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    tried: dict[tuple[str, str, str], int] = defaultdict(int)
    for text, channel, account, state, count, attempts in counts:
        found[text, channel, account][state] = count
        tried[text, channel, account] += attempts
    for (text, channel, account), states in found.items():
        about = (plan, text, channel, account)
        yield MatrixLine(*about, states, tried[text, channel, account])
