"""``dispatcher overview``: what the console's first pages say, for whoever has a terminal and no console."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from channels import registry
from dispatcher.cli.commands import Verb
from dispatcher.cli.output import facts, next_step
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.service.operating.look import Looker
from dispatcher.service.operating.values import LaneNow, Overview


@click.command(cls=Verb)
def overview(session: Session) -> None:
    """How the public is being reached, what is stuck, which processes are at work, and what wants a person."""
    found = Looker(session.desk).look()
    body = facts(found) | {"channels": _channels(found)}
    body["halts"] = [facts(halt) | {"needed": halt.needed} for halt in found.halts]
    for name in ("number", "took_ms", "incidents", "probes"):
        del body[name]
    session.read_out("overview", body, "\n".join(in_words(found)))
    if found.attention:
        next_step(found.attention[0].command, found.attention[0].what)
    else:
        next_step("dispatcher status")


def _channels(found: Overview) -> list[dict[str, Any]]:
    return [
        {"incident": incident.id, "mode": incident.mode, "title": incident.title, "plan": short(channel.plan)}
        | {"channel": channel.channel, "state": str(channel.tone), "sentence": channel.sentence}
        | {"reached": channel.reached, "total": channel.total, "unreached_since": channel.unreached_since}
        for incident in found.incidents
        for channel in incident.channels
    ]


def in_words(found: Overview) -> Iterator[str]:
    """In the order of the console: incidents, what is stopped, what wants a person, queues, processes."""
    for incident in found.incidents:
        yield f"{incident.mode.upper()} {incident.title} ({incident.id})"
        yield from (f"  {registry.called(one.channel)}: {one.sentence}" for one in incident.channels)
        yield from ([] if incident.channels else ["  no message has been submitted yet"])
    yield from ([] if found.incidents else ["Nothing is under way."])
    for halt in found.halts:
        yield f"Halted: {halt.mode.upper()} {halt.scope} {halt.target}".rstrip() + f" by {halt.by}: {halt.reason}"
    for matter in found.attention:
        yield f"Wanted: {matter.mode.upper()} {matter.what}"
        yield f"  {matter.command}"
    yield from ([] if found.attention else ["Nothing waits for a person."])
    yield from map(_lane, found.lanes)
    silent = [f"{one.role} {one.mode}" for one in found.workers if not one.live]
    yield f"Processes: {len(found.workers) - len(silent)} live" + (f"; silent: {', '.join(silent)}" if silent else "")


def _lane(lane: LaneNow) -> str:
    counts = {"waiting": lane.waiting, "later": lane.delayed, "being sent": lane.in_flight}
    counts |= {"in doubt": lane.in_doubt, "held": lane.held}
    said = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count) or "nothing waiting"
    live = f"{lane.live} live" if lane.live else "NO LIVE WORKER"
    return f"Queue {lane.lane} {lane.mode}: {said}; {lane.per_minute:,} a minute; {live}"
