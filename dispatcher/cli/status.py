"""``dispatcher status`` and ``dispatcher watch``: where we are, and what becomes of a released plan.

``status`` loads no adapter and no broker unless something is halted or waits for signatures, for it is typed when
things are on fire.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import nullcontext
from typing import Any

import click

from dispatcher.cli import output
from dispatcher.cli.commands import Verb
from dispatcher.cli.errors import Partial
from dispatcher.cli.incident import what_next
from dispatcher.cli.output import facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import UNSETTLED, IncidentState
from dispatcher.domain.statement import Mode
from dispatcher.embedded.state import read_state
from dispatcher.service import exercising, probing, watching
from dispatcher.service.desk import Desk
from dispatcher.store import deliveries, doorbells, holds, records, sightings, ways_back
from dispatcher.store.database import Work
from dispatcher.store.records import StoredPlan

POLL_S = 0.25
HEARTBEAT_S = 30.0
ENDED_WELL = {"accepted", "visible", "handed_over"}
BY_HAND = {"held": "people's answers", "handed_over": "operators, to finish it by hand"}

DEAF = "Redis is away or the doorbell is broken: sending goes on by polling, up to 2 s slower."

COUNTED = ("kind", "channel", "account", "state", "count", "attempts")
Counts = list[tuple[str, str, str, str, int, int]]


@click.command(cls=Verb)
def status(session: Session) -> None:
    """Where we are, what is next, who is awaited."""
    desk = session.desk
    with desk.store.read() as work:
        open_ = [found for found in records.incidents(work) if found.state is not IncidentState.CLOSED]
        plans = [_plan(work, found.id, stored) for found in open_ for stored in records.plans_of(work, found.id)]
        halts = [halt for mode in Mode for halt in _halts(desk, work, mode)]
        waiting = [{**row._mapping, "person": row.person or "breaker"} for row in holds.rows(work)]
        tasks = [{"task": row.id, **row._mapping} for row in ways_back.tasks(work)]
        lasting = desk.settings.timing.lasting("silence")
        deaf = [facts(one) for one in doorbells.deaf(work, lasting)]
        alarms = [facts(alarm) for alarm in watching.alarms(desk, work)]
        begin = what_next(work, open_[0]) if open_ else ("dispatcher incident declare --help", "")
    running = read_state(desk.settings.root)
    ill = [facts(one) for one in probing.known(desk) if one.trouble]
    body = {
        "deployment": desk.settings.deployment,
        "kind": desk.settings.kind,
        "running": running.mode if running else None,
        "up": running,
        "alarms": alarms,
        "halts": halts,
        "holds": waiting,
        "incidents": open_,
        "plans": plans,
        "tasks": tasks,
        "accounts": ill,
        "doorbells": deaf,
    }
    halted, cases = "statement mode scope target person reason", "id mode severity state title"
    held = "account person reason placed_at until"
    shown = {"alarms": "alarm about account since look"} if alarms else {}
    shown |= {"plans": "plan incident state stands", "tasks": "task kind channel account opened_at"}
    shown |= {"accounts": "account mode probe days_left"} if ill else {}
    shown |= {"doorbells": "lane mode since"} if deaf else {}
    halted += " through" if any(halt["through"] for halt in halts) else ""
    session.show("status", body, up="", halts=halted, holds=held, incidents=cases, **shown)
    if not running and desk.settings.redis == "embedded":
        say("Nothing is sent: `dispatcher up` is not running here.")
    if deaf:
        say(f"Warning: {DEAF}")
    say(*exercising.lapsed(desk))
    next_step(*(_pressing(desk, halts, alarms, tasks, plans) or begin))


def _plan(work: Work, incident: str, stored: StoredPlan) -> dict[str, Any]:
    cleared = records.clearance_states(work, stored.digest)
    by_state = _by_state(deliveries.counts(work, stored.digest))
    stands = _counted(Counter(cleared.values()) if stored.state == "submitted" else by_state)
    about = {"plan": stored.digest, "incident": incident, "message": stored.message, "state": stored.state}
    return {**about, "clearances": cleared, "deliveries": by_state, "stands": stands}


def _halts(desk: Desk, work: Work, mode: Mode) -> list[Any]:
    if not records.stop_envelopes(work, str(mode)):
        return []
    from dispatcher.service.stopping import halts_in

    return [facts(halt) for halt in halts_in(desk, work, mode) if halt.in_force]


def _pressing(
    desk: Desk, halts: list[Any], alarms: list[Any], tasks: list[Any], plans: list[Any]
) -> tuple[str, str] | None:
    """A halt, an alarm, what people have to take back, what waits for them, is being sent, waits to be signed."""
    for halt in halts:
        what = f"two others' signatures, to end the halt of {halt['scope']} {halt['target']} by {halt['person']}"
        what += ", through the console" if halt["through"] else ""
        return f"dispatcher resume {short(halt['statement'])}", " ".join(what.split())
    if alarms:
        return alarms[0]["look"], f"somebody who looks into it: {alarms[0]['about']} is {alarms[0]['alarm']}"
    if tasks:
        return "dispatcher task list", "a person, where no machine can take it back"
    return _pressing_plan(desk, plans)


def _pressing_plan(desk: Desk, plans: list[Any]) -> tuple[str, str] | None:
    for state, who in BY_HAND.items():
        for plan in plans:
            if state in plan["deliveries"]:
                return f"dispatcher delivery list --plan {short(plan['plan'])} --state {state}", who
    for plan in plans:
        if plan["state"] == "released" and UNSETTLED & plan["deliveries"].keys():
            return f"dispatcher watch {short(plan['plan'])}", ""
    for plan in plans:
        if plan["state"] == "submitted":
            from dispatcher.cli import clearance
            from dispatcher.service import clearing

            return clearance.what_next(desk, clearing.show(desk, plan["plan"]))
    return None


@click.command(cls=Verb)
@click.argument("plan")
def watch(session: Session, plan: str) -> None:
    """Follow PLAN until every delivery has ended or waits for people.

    On a terminal a table that changes in place; with ACCESSIBLE=1, TERM=dumb or elsewhere, a line per change.
    Exit code 6 when some did not end well.
    """
    with session.desk.store.read() as work:
        stored = records.plan(work, plan)
    name = short(stored.digest)
    if stored.state == "submitted":
        raise Invalid(f"plan {name} is not released", f"dispatcher clearance show {name}")
    by_state = _follow(session, stored.digest)
    for seen in _public(session, stored.digest):
        say(f"Seen by the public: {seen['account']} ({seen['kind']}) {seen['public']}")
    badly = {state: count for state, count in by_state.items() if state not in ENDED_WELL}
    listed = f"dispatcher delivery list --plan {name} --state"
    if badly:
        worst = "held" if "held" in badly else next(iter(badly))
        raise Partial(f"not everything ended well: {_counted(badly)}", f"{listed} {worst}")
    if "handed_over" in by_state:
        next_step(f"{listed} handed_over", BY_HAND["handed_over"])
    else:
        next_step(f"dispatcher review {stored.plan.incident}")


def _follow(session: Session, digest: str) -> dict[str, int]:
    """Show every change, as JSON lines, lines for people, or a table in place, until no machine has work left.

    A line is said again every 30 s. Gives how many deliveries ended in which state.
    """
    from rich.live import Live

    as_json = output.wants_json(session.json)
    by_line = as_json or os.environ.get("ACCESSIBLE") or os.environ.get("TERM") == "dumb"
    last, told_at = Counts(), 0.0
    with nullcontext() if by_line else Live(auto_refresh=False) as live:
        while True:
            with session.desk.store.read() as work:
                counts = deliveries.counts(work, digest)
            by_state = _by_state(counts)
            left = sum(by_state[state] for state in UNSETTLED & by_state.keys())
            if live:
                live.update(output.table(f"plan {short(digest)}", COUNTED, counts), refresh=True)
            elif counts != last or time.monotonic() - told_at >= HEARTBEAT_S:
                last, told_at = counts, time.monotonic()
                if as_json:
                    rows = [dict(zip(COUNTED, row, strict=True)) for row in counts]
                    about = {"plan": digest, "by_state": by_state, "deliveries": rows}
                    output.document("watch", {**about, "public": _public(session, digest)})
                else:
                    click.echo(f"{f'still sending, {left} left' if left else 'ended'}: {_counted(by_state)}")
            if not left:
                return by_state
            time.sleep(POLL_S)


def _public(session: Session, digest: str) -> list[dict[str, Any]]:
    """What the public sees of a plan's posts by now; the first look comes seconds after a post was accepted."""
    names = ("delivery", "account", "kind", "seen", "seen_at", "since")
    with session.desk.store.read() as work:
        rows = sightings.by_delivery(work, plan=digest).values()
        known = [({name: getattr(row, name) for name in names}, watching.in_words(row, work.now)) for row in rows]
    return [{**values, "public": words} for values, words in known]


def _by_state(counts: Counts) -> dict[str, int]:
    found: Counter[str] = Counter()
    for _, _, _, state, count, _ in counts:
        found[state] += count
    return dict(sorted(found.items()))


def _counted(by_state: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in by_state.items())
