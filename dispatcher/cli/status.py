"""``dispatcher status``: where we are, what is next, and who is awaited since when.

It loads no adapter and no broker unless something is halted or waits for signatures, for it is typed when
things are on fire.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from dispatcher.cli.commands import Verb
from dispatcher.cli.onward import what_next
from dispatcher.cli.output import facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import UNSETTLED, IncidentState
from dispatcher.domain.statement import Mode
from dispatcher.embedded.state import read_state
from dispatcher.service import exercising, probing, watching
from dispatcher.service.desk import Desk
from dispatcher.store import deliveries, doorbells, holds, records, statements, ways_back
from dispatcher.store.database import Work
from dispatcher.store.records import StoredPlan

if TYPE_CHECKING:
    from dispatcher.service.clearing import Standing

BY_HAND = {"held": "people's answers", "handed_over": "operators, to finish it by hand"}

DEAF = "Redis is away or the doorbell is broken: sending goes on by polling, up to 2 s slower."

Counts = list[tuple[str, str, str, str, int, int]]


@click.command(cls=Verb)
def status(session: Session) -> None:
    """Where we are, what is next, who is awaited."""
    desk = session.desk
    with desk.store.read() as work:
        open_ = [found for found in records.incidents(work) if found.state is not IncidentState.CLOSED]
        known = [(found.id, stored) for found in open_ for stored in records.plans_of(work, found.id)]
    standings = _standings(desk, [stored.digest for _, stored in known if stored.state == "submitted"])
    with desk.store.read() as work:
        plans = [_plan(work, incident, stored) for incident, stored in known]
        halts = [halt for mode in Mode for halt in _halts(desk, work, mode)]
        waiting = [{**row._mapping, "person": row.person or "breaker"} for row in holds.rows(work)]
        tasks = [{"task": row.id, **row._mapping} for row in ways_back.tasks(work)]
        lasting = desk.settings.timing.lasting("silence")
        deaf = [facts(one) for one in doorbells.deaf(work, lasting)]
        alarms = [facts(alarm) for alarm in watching.alarms(desk, work)]
        awaited = [one for standing in standings for one in _awaited(desk, work, standing)]
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
        "awaited": awaited,
        "tasks": tasks,
        "accounts": ill,
        "doorbells": deaf,
    }
    halted, cases = "statement mode scope target person reason", "id mode severity state title"
    held = "account person reason placed_at until"
    shown = {"alarms": "alarm about account since look"} if alarms else {}
    shown |= {"plans": "plan incident state stands", "tasks": "task kind channel account opened_at"}
    shown |= {"awaited": "role people since what"} if awaited else {}
    shown |= {"accounts": "account mode probe days_left"} if ill else {}
    shown |= {"doorbells": "lane mode since"} if deaf else {}
    halted += " through" if any(halt["through"] for halt in halts) else ""
    session.show("status", body, up="", halts=halted, holds=held, incidents=cases, **shown)
    if not running and desk.settings.redis == "embedded":
        say("Nothing is sent: `dispatcher up` is not running here.")
    if deaf:
        say(f"Warning: {DEAF}")
    say(*exercising.lapsed(desk))
    next_step(*(_pressing(halts, alarms, tasks, plans) or _signing(desk, standings) or begin))


def _plan(work: Work, incident: str, stored: StoredPlan) -> dict[str, Any]:
    cleared = records.clearance_states(work, stored.digest)
    by_state = _by_state(deliveries.counts(work, stored.digest))
    stands = _counted(Counter(cleared.values()) if stored.state == "submitted" else by_state)
    about = {"plan": stored.digest, "incident": incident, "message": stored.message, "state": stored.state}
    return {**about, "clearances": cleared, "deliveries": by_state, "stands": stands}


def _standings(desk: Desk, submitted: list[str]) -> list[Standing]:
    """How each plan that waits for signatures stands, judged once."""
    if not submitted:
        return []
    from dispatcher.service import clearing

    return [clearing.show(desk, digest) for digest in submitted]


def _awaited(desk: Desk, work: Work, standing: Standing) -> list[dict[str, Any]]:
    """Who could give what a plan lacks, those on call first, and since when they are awaited."""
    from dispatcher.service.judging import who_can
    from dispatcher.store.counting import signed_last

    digest = standing.stored.digest
    lacking = [failure for one in standing.findings for failure in one.lacking]
    wanted = lacking or [failure for one in standing.findings for failure in one.failures]
    since, what = signed_last(work, digest), f"{'plan' if lacking else 'release of'} {short(digest)}"
    people = who_can(desk, wanted, standing.stored.plan)
    return [{"role": role, "people": who, "since": since, "what": what} for role, who in people.items()]


def _halts(desk: Desk, work: Work, mode: Mode) -> list[Any]:
    if not statements.stop_envelopes(work, str(mode)):
        return []
    from dispatcher.service.stopping import halts_in

    return [facts(halt) for halt in halts_in(desk, work, mode) if halt.in_force]


def _pressing(halts: list[Any], alarms: list[Any], tasks: list[Any], plans: list[Any]) -> tuple[str, str] | None:
    """A halt, an alarm, what people have to take back, what waits for them, what is being sent."""
    for halt in halts:
        who = "one more person's signature" if halt["resumed_by"] else "two others' signatures"
        what = f"{who}, to end the halt of {halt['scope']} {halt['target']} by {halt['person']}"
        what += ", through the console" if halt["through"] else ""
        return f"dispatcher resume {short(halt['statement'])}", " ".join(what.split())
    if alarms:
        return alarms[0]["look"], f"somebody who looks into it: {alarms[0]['about']} is {alarms[0]['alarm']}"
    if tasks:
        return "dispatcher task list", "a person, where no machine can take it back"
    return _pressing_plan(plans)


def _pressing_plan(plans: list[Any]) -> tuple[str, str] | None:
    for state, who in BY_HAND.items():
        for plan in plans:
            if state in plan["deliveries"]:
                return f"dispatcher delivery list --plan {short(plan['plan'])} --state {state}", who
    for plan in plans:
        if plan["state"] == "released" and UNSETTLED & plan["deliveries"].keys():
            return f"dispatcher watch {short(plan['plan'])}", ""
    return None


def _signing(desk: Desk, standings: list[Standing]) -> tuple[str, str] | None:
    """What the first plan that waits for signatures lacks."""
    if not standings:
        return None
    from dispatcher.cli import awaiting

    return awaiting.what_next(desk, standings[0])


def _by_state(counts: Counts) -> dict[str, int]:
    found: Counter[str] = Counter()
    for _, _, _, state, count, _ in counts:
        found[state] += count
    return dict(sorted(found.items()))


def _counted(by_state: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in by_state.items())
