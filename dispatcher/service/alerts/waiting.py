"""What waits for a person because of other people's alerts, in words, with the command to type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatcher.cap.alert import MsgType
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import IncidentState, PlanState, Standing
from dispatcher.domain.message import TextKind
from dispatcher.store import cap_alerts, cap_feeds, records, ways_back
from dispatcher.store.database import Work

UNANSWERED, HELD, FAILING, OVERDUE = "not acted upon", "held for a person", "failing", "not heard"
"""What is wrong, as an alarm's word."""

MOST_SHOWN = 3
"""Changes that one line names."""

_CUT = 48
_BEFORE_RELEASE = (PlanState.DRAFT, PlanState.SUBMITTED)
_GIVEN_UP = (PlanState.RETURNED, PlanState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Waits:
    """One thing: what it is about, what is wrong with it, since when, and the command to type."""

    about: str
    what: str
    since: datetime | None
    command: str
    mode: str


def found(work: Work) -> list[Waits]:
    """Everything that waits now: prompts, held alerts, feeds that fail or are not heard; the oldest first."""
    rows = cap_alerts.waiting(work)
    return [*(_prompt(work, row) if row.standing == Standing.ATTACHED else _held(row) for row in rows), *_feeds(work)]


def in_a_line(changes: list[Mapping[str, str]]) -> str:
    """``expires 18:00 → 21:00; severity Severe → Extreme``, cut to what a line takes."""
    told = [f"{one['field']} {_cut(one['before'])} → {_cut(one['after'])}" for one in changes[:MOST_SHOWN]]
    more = len(changes) - MOST_SHOWN
    return "; ".join(told + ([f"and {more} more"] if more > 0 else []))


def command(work: Work, row: Any) -> str:
    """What to type about a prompt: take back, correct, change or write the message, by how far it has come.

    Where that is on record already, that it was acted upon.
    """
    done = f"dispatcher cap accept {row.id} --reason TEXT"
    plans = [plan for plan in records.plans_of(work, row.incident) if plan.state not in _GIVEN_UP]
    out = [plan.digest for plan in plans if plan.state not in _BEFORE_RELEASE]
    return (_withdrawing if row.msg_type == MsgType.CANCEL else _changing)(work, row, out) or done


def _withdrawing(work: Work, row: Any, out: list[str]) -> str:
    """Withdraw what is out, the newest first; then stand the incident down. "" where both are done."""
    for plan in reversed(out):
        if not {one.kind for one in ways_back.of(work, plan)} & {TextKind.WITHDRAW, TextKind.ALL_CLEAR}:
            return f"dispatcher withdraw {short(plan)}"
    active = records.incident(work, row.incident).state is IncidentState.ACTIVE
    return f"dispatcher incident stand-down {row.incident}" if active else ""


def _changing(work: Work, row: Any, out: list[str]) -> str:
    """Correct what is out, or change what is written; "" where that was done since the Update came."""
    if out:
        since = any(one.ordered_at > row.received_at for one in ways_back.of(work, out[-1]))
        return "" if since else f"dispatcher correct {short(out[-1])}"
    if written := records.revisions_written(work, row.incident):
        revision, at, _ = written[-1]
        return "" if at > row.received_at else f"dispatcher message edit {revision.message}"
    return f"dispatcher incident amend {row.incident}"


def _prompt(work: Work, row: Any) -> Waits:
    changed = in_a_line(row.found["changes"]) or "compare the two"
    about = f"{row.msg_type} {row.id} of “{_cut(row.incident_title)}”: {changed}"
    return Waits(about, UNANSWERED, row.received_at, command(work, row), row.mode)


def _held(row: Any) -> Waits:
    faults = [fault for fault in row.found["faults"] if fault["verdict"] == "hold"]
    about = f"{row.msg_type} {row.id} of {_cut(row.source)}: {', '.join(dict.fromkeys(f['code'] for f in faults))}"
    return Waits(about, HELD, row.received_at, f"dispatcher cap show {row.id}", row.mode)


def _feeds(work: Work) -> list[Waits]:
    waits = []
    for row in cap_feeds.rows(work):
        faults, since = row.found["faults"], row.ok_at or row.began_at
        if cap_feeds.overdue(row, work.now):
            about = f"feed {row.name}{f': {_cut(faults[0], 120)}' if faults else ''}"
            waits.append(Waits(about, OVERDUE, since, "dispatcher cap feeds", row.mode))
        elif faults:
            about = f"feed {row.name}: {_cut(faults[0], 120)}"
            waits.append(Waits(about, FAILING, row.polled_at, "dispatcher cap feeds", row.mode))
    return waits


def _cut(text: str, most: int = _CUT) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"
