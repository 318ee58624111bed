"""What wants a person, the most pressing first: what it is, since when, how much of it, and the command to type.

A command that loosens anything has to be signed where it is typed: nobody loosens from a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from dispatcher.domain.ids import short
from dispatcher.service import watching
from dispatcher.service.alerts import waiting
from dispatcher.service.desk import Desk
from dispatcher.service.operating.incidents import PlanSeen
from dispatcher.service.operating.values import LaneNow, Matter
from dispatcher.service.probing import Probed
from dispatcher.service.stuck import DOUBTED, WHY_HELD, mend
from dispatcher.store import counting, holds, ways_back
from dispatcher.store.database import Work
from dispatcher.store.holds import BREAKER

KINDS: Mapping[str, str] = {
    "unseen": "Not seen as approved",
    "foreign": "Posts that are not ours",
    "silent": "Silent roles",
    "no_worker": "Queues without a worker",
    "in_doubt": "In doubt",
    "held": "Held for people",
    "alert": "Alerts of others that wait",
    "hand_over": "Hand-overs that are overdue",
    "window": "Windows that end soon",
    "task": "Tasks for people",
    "account_held": "Accounts that wait",
    "probe": "Accounts that did not answer",
    "feed": "Feeds that fail or are not heard",
    "expiry": "Credentials that end soon",
    "alarm": "Other alarms",
}
"""Headings by kind, in the order in which they press."""

_ALERTS = {waiting.UNANSWERED: "alert", waiting.HELD: "alert", waiting.FAILING: "feed", waiting.OVERDUE: "feed"}

SOON = timedelta(minutes=10)
"""How long before a window ends what still waits is named."""

EXPIRES_SOON = timedelta(days=7)

Rows = Sequence[Any]


def matters(
    desk: Desk, work: Work, plans: Sequence[PlanSeen], probes: Iterable[Probed], lanes: Iterable[LaneNow]
) -> list[Matter]:
    """All there are, by kind as :data:`KINDS` has them, within a kind the oldest first."""
    found = [
        *_alarms(desk, work),
        *_no_worker(lanes),
        *_in_state(work, "in_doubt", _doubt),
        *_in_state(work, "held", _held),
        *_in_state(work, "handed_over", _overdue),
        *_windows(work, plans),
        *_tasks(work),
        *_holds(work),
        *(matter for probe in probes if probe.trouble for matter in _probe(work, probe)),
    ]
    order = list(KINDS)
    return sorted(found, key=lambda one: (order.index(one.kind), one.since.timestamp() if one.since else 0.0))


def _alarms(desk: Desk, work: Work) -> Iterator[Matter]:
    kinds = {"missing": "unseen", "altered": "unseen", "not in effect": "unseen", "foreign": "foreign", **_ALERTS}
    for alarm in watching.alarms(desk, work):
        if alarm.alarm in watching.STUCK:
            continue  # told below as it is now, without waiting for the relay
        kind = kinds.get(alarm.alarm, alarm.alarm if alarm.alarm in KINDS else "alarm")
        about, what = alarm.about if kind == "unseen" else None, f"{alarm.account or alarm.about}: {alarm.alarm}"
        yield Matter(kind, what, alarm.look, alarm.mode, alarm.since, account=alarm.account, delivery=about)


def _no_worker(lanes: Iterable[LaneNow]) -> Iterator[Matter]:
    for lane in lanes:
        if not lane.live and (waiting := lane.waiting + lane.delayed + lane.in_flight):
            what = f"no live worker for {lane.lane}, and {waiting:,} wait"
            yield Matter("no_worker", what, "dispatcher status", lane.mode, lane.oldest_due_at, waiting)


def _in_state(work: Work, state: str, tell: Callable[[Work, Rows], Matter | None]) -> Iterator[Matter]:
    """A matter for each incident, account and reason."""
    rows = sorted(counting.in_state(work, state), key=_alike)
    for _, group in groupby(rows, key=_alike):
        if (matter := tell(work, list(group))) is not None:
            yield matter


def _alike(row: Any) -> tuple[str, str, str]:
    return str(row.incident), str(row.account), str(row.reason)


def _doubt(_work: Work, rows: Rows) -> Matter:
    first, command = rows[0], f"dispatcher delivery reconcile --incident {rows[0].incident}"
    what = f"{first.account} ({first.channel}): {DOUBTED}"
    return Matter("in_doubt", what, command, first.mode, _since(rows), len(rows), **_subject(rows))


def _held(_work: Work, rows: Rows) -> Matter:
    first, reason = rows[0], str(rows[0].reason)
    what = f"{first.account} ({first.channel}): {WHY_HELD.get(reason, reason)}"
    command = mend(reason, len(rows), first.incident, first.account, first.id)
    return Matter("held", what, command, first.mode, _since(rows), len(rows), **_subject(rows))


def _overdue(work: Work, rows: Rows) -> Matter | None:
    late = [row for row in rows if row.hand_off_until is not None and row.hand_off_until <= work.now]
    if not late:
        return None
    what = f"{late[0].account} ({late[0].channel}): handed over, and no receipt came in time"
    since = min(row.hand_off_until for row in late)
    command = f"dispatcher delivery show {late[0].id}"
    return Matter("hand_over", what, command, late[0].mode, since, len(late), **_subject(late))


def _windows(work: Work, plans: Iterable[PlanSeen]) -> Iterator[Matter]:
    for plan in plans:
        waiting = plan.state == "submitted" or (plan.released_at is not None and plan.due)
        left = plan.stored.plan.not_after - work.now
        if waiting and timedelta(0) < left <= SOON:
            mode, incident = str(plan.stored.plan.mode), plan.stored.plan.incident
            what = f"plan {short(plan.digest)}: its window ends at {plan.stored.plan.not_after:%H:%M:%S}"
            command = f"dispatcher clearance show {short(plan.digest)}"
            yield Matter("window", what, command, mode, None, incident=incident)


def _tasks(work: Work) -> Iterator[Matter]:
    for task in ways_back.tasks(work):
        what = f"{task.account} ({task.channel}): {task.kind} by hand, no machine can"
        about = {"incident": task.incident, "delivery": task.delivery, "account": task.account}
        yield Matter("task", what, f"dispatcher task done {task.id} --note TEXT", task.mode, task.opened_at, **about)


def _holds(work: Work) -> Iterator[Matter]:
    modes = counting.modes_of_accounts(work)
    for row in holds.rows(work):
        by = "left alone by its breaker" if row.person == BREAKER else f"held by {row.person}"
        command = "dispatcher status" if row.person == BREAKER else f"dispatcher account unhold {row.account}"
        what = f"{row.account}: {by}: {row.reason}"
        yield Matter("account_held", what, command, modes.get(row.account, ""), row.placed_at, account=row.account)


def _probe(work: Work, probe: Probed) -> Iterator[Matter]:
    if probe.ok is False or probe.stale:
        what = f"{probe.account} ({probe.channel}): {probe.probe}"
        command = f"dispatcher channel probe {probe.account}"
        yield Matter("probe", what, command, probe.mode, probe.probed_at, account=probe.account)
    if probe.expires_at is not None and probe.expires_at - work.now <= EXPIRES_SOON:
        what = f"{probe.account} ({probe.channel}): its credential ends {probe.expires_at:%Y-%m-%d %H:%M} UTC"
        command = f"dispatcher account connect {probe.account}"
        yield Matter("expiry", what, command, probe.mode, None, account=probe.account)


def _since(rows: Rows) -> Any:
    return min((row.first_intent_at or row.due_at for row in rows), default=None)


def _subject(rows: Rows) -> dict[str, Any]:
    first = rows[0]
    return {"incident": first.incident, "account": first.account, "delivery": first.id}
