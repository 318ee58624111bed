"""``dispatcher overview``: what the console's first pages say, for whoever has a terminal and no console."""

from __future__ import annotations

from typing import Any

import click

from dispatcher.cli.commands import Verb
from dispatcher.cli.output import facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.service.operating.look import Looker
from dispatcher.service.operating.values import Overview

COLUMNS = {
    "channels": "incident mode title channel state sentence",
    "lanes": "lane mode waiting in_flight in_doubt held per_minute empty_in_s live",
    "workers": "role mode host pid live in_flight doing seen_at",
    "attention": "kind mode what count since command",
    "halts": "statement mode scope target person needed",
}


@click.command(cls=Verb)
def overview(session: Session) -> None:
    """How the public is being reached, what is stuck, which processes are at work, and what wants a person."""
    found = Looker(session.desk).look()
    body = facts(found) | {"channels": _channels(found)}
    body["halts"] = [facts(halt) | {"needed": halt.needed} for halt in found.halts]
    del body["incidents"], body["probes"]
    session.show("overview", body, **{name: columns for name, columns in COLUMNS.items() if body[name]})
    if found.attention:
        next_step(found.attention[0].command, found.attention[0].what)
    elif not found.incidents:
        say("Nothing is under way.")
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
