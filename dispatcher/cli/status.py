"""``dispatcher status``: where we are, what is next, who is awaited.

It loads no adapter and no broker unless a plan waits for signatures, for it is typed when things are on fire.
"""

from __future__ import annotations

from typing import Any

import click

from dispatcher.cli.commands import Verb, session
from dispatcher.cli.output import Table, facts, next_step, say, told
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import UNSETTLED, IncidentState
from dispatcher.domain.statement import Mode
from dispatcher.embedded.state import read_state
from dispatcher.service.desk import Desk
from dispatcher.store import deliveries, records
from dispatcher.store.database import Work
from dispatcher.store.records import StoredPlan


@click.command(cls=Verb)
@session
def status(session: Session) -> None:
    """Where we are, what is next, who is awaited."""
    desk = session.desk()
    with desk.store.read() as work:
        cases = [
            _case(work, incident.id, incident)
            for incident in records.incidents(work)
            if incident.state is not IncidentState.CLOSED
        ]
        stops = {mode: bool(records.stop_envelopes(work, str(mode))) for mode in Mode}
    halts = [halt for mode, any_ in stops.items() if any_ for halt in _halts(desk, mode)]
    running = read_state(desk.settings.root)
    document = {
        "deployment": desk.settings.deployment,
        "kind": str(desk.settings.kind),
        "running": running.mode if running else None,
        "roles": running.roles if running else {},
        "restarts": running.restarts if running else {},
        "halts": halts,
        "incidents": cases,
    }
    session.show("status", document, *_tables(document))
    if not running and desk.settings.redis == "embedded":
        say("Nothing is sent: `dispatcher up` is not running here.")
    next_step(*_next(desk, cases, halts))


def _case(work: Work, id_: str, incident: Any) -> Any:
    plans = [_plan(work, stored) for stored in records.plans_of(work, id_)]
    messages = {revision.message: revision.number for revision in records.revisions_of(work, id_)}
    return {
        "incident": id_,
        "mode": str(incident.mode),
        "state": str(incident.state),
        "severity": incident.severity.name,
        "title": incident.title,
        "messages": messages,
        "plans": plans,
    }


def _plan(work: Work, stored: StoredPlan) -> Any:
    by_state: dict[str, int] = {}
    for _, _, state, count, _ in deliveries.counts(work, stored.digest):
        by_state[state] = by_state.get(state, 0) + count
    return {
        "plan": stored.digest,
        "state": stored.state,
        "message": stored.message,
        "clearances": records.clearance_states(work, stored.digest),
        "deliveries": by_state,
    }


def _halts(desk: Desk, mode: Mode) -> list[Any]:
    from dispatcher.service.stopping import halts

    return [facts(halt) for halt in halts(desk, mode) if halt.in_force]


def _tables(document: Any) -> list[Table]:
    top = {key: document[key] for key in ("deployment", "kind", "running", "restarts")}
    halts = [
        (h["statement"], h["mode"], h["scope"], h["target"], h["person"], h["reason"]) for h in document["halts"]
    ]
    rows = [
        (
            case["incident"],
            case["mode"],
            case["state"],
            case["title"],
            short(plan["plan"]),
            plan["state"],
            _told(plan),
        )
        for case in document["incidents"]
        for plan in case["plans"] or [{"plan": "", "state": "", "clearances": {}, "deliveries": {}}]
    ]
    return [
        Table(list(top.items())),
        Table(halts, ("halt", "mode", "scope", "target", "by", "reason"), "Halts in force"),
        Table(rows, ("incident", "mode", "state", "title", "plan", "plan is", "where"), "Incidents"),
    ]


def _told(plan: Any) -> str:
    return told(plan["clearances"] if plan["state"] == "submitted" else plan["deliveries"])


def _next(desk: Desk, cases: list[Any], halts: list[Any]) -> tuple[str, str]:
    """The most pressing thing: a halt, what waits for people, what is being sent, what waits for signatures."""
    if halts:
        return f"dispatcher resume {short(halts[0]['statement'])}", f"nothing passes: halted by {halts[0]['person']}"
    plans = [plan for case in cases for plan in case["plans"]]
    for state, who in (("held", "people's answers"), ("handed_over", "two operators, to finish it by hand")):
        for plan in plans:
            if plan["deliveries"].get(state):
                return f"dispatcher delivery list --plan {short(plan['plan'])} --state {state}", who
    for plan in plans:
        if plan["state"] == "released" and UNSETTLED & plan["deliveries"].keys():
            return f"dispatcher watch {short(plan['plan'])}", ""
    for plan in plans:
        if plan["state"] == "submitted":
            return _awaited(desk, plan["plan"])
    return _begin(cases)


def _awaited(desk: Desk, plan: str) -> tuple[str, str]:
    from dispatcher.cli.clearance import what_next
    from dispatcher.service import clearing

    return what_next(desk, clearing.show(desk, plan))


def _begin(cases: list[Any]) -> tuple[str, str]:
    for case in cases:
        if case["state"] == IncidentState.PROPOSED:
            return f"dispatcher incident activate {case['incident']}", "an officer's confirmation"
        if not case["plans"]:
            messages = list(case["messages"])
            if messages:
                return f"dispatcher clearance submit {messages[-1]}", "a plan for people to sign"
            return f"dispatcher message draft {case['incident']}", "what the public will read"
    return "dispatcher incident declare --help", ""
