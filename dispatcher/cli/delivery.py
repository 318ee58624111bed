"""``dispatcher delivery``: what became of each destination, and what people decide where a machine cannot."""

from __future__ import annotations

from typing import Any

import click

from dispatcher.cli.commands import Noun, Text, one_of, session, signing
from dispatcher.cli.output import Table, next_step
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import DeliveryState
from dispatcher.service import resolving
from dispatcher.service.resolving import Answer
from dispatcher.store import deliveries, records

HIDDEN = {"fence", "owner", "lease_until", "handle", "destination"}
"""Columns of the machinery, and the keyed digest that stands for a recipient."""


@click.group(cls=Noun)
def delivery() -> None:
    """Look at deliveries and resolve those that wait for people."""


@delivery.command("list")
@click.option("--plan")
@click.option("--incident")
@click.option("--channel")
@click.option("--account")
@click.option("--state", type=one_of(DeliveryState))
@click.option("-n", "--number", type=click.IntRange(1, 100_000), default=200, show_default=True)
@session
def list_(session: Session, /, plan: Text, incident: Text, number: int, **columns: Any) -> None:
    """Deliveries, all or those asked for."""
    with session.desk().store.read() as work:
        digest = records.plan(work, plan).digest if plan else None
        named = records.incident(work, incident).id if incident else None
        rows = deliveries.listed(work, limit=number, plan=digest, incident=named, **columns)
        found = [_document(row) for row in rows]
    session.rows("deliveries", found, "id channel account kind state reason attempts url")
    waiting = next((d for d in found if d["state"] in (DeliveryState.HELD, DeliveryState.HANDED_OVER)), None)
    next_step(*_after(waiting) if waiting else ("dispatcher status",))


@delivery.command()
@click.argument("name", metavar="DELIVERY")
@session
def show(session: Session, name: str) -> None:
    """One DELIVERY with every attempt."""
    with session.desk().store.read() as work:
        found = _document(deliveries.find(work, name))
        attempts = [_document(row) for row in deliveries.attempts(work, found["id"])]
    columns = ("number", "intended_at", "ended_at", "verdict", "code", "status", "reason", "provider_ms")
    tried = Table([[attempt[column] for column in columns] for attempt in attempts], columns, "Attempts")
    session.show("delivery", {**found, "tried": attempts}, Table(list(found.items())), tried)
    next_step(*_after(found))


@delivery.command()
@click.argument("name", metavar="DELIVERY")
@click.argument("answer", type=one_of(Answer))
@click.option("--url", help="Where it was seen.")
@signing
@session
def resolve(session: Session, name: str, answer: Answer, url: Text) -> None:
    """Sign your ANSWER about a held DELIVERY.

    seen: it is there. not_seen: it is not, send it again. cancel: leave it. Where bytes may have left, two people
    must give the same answer.
    """
    desk = session.desk()
    made = resolving.resolve(desk, name, answer, session.pen(desk), url)
    session.show("resolution", made)
    if made.needed:
        again = f"dispatcher delivery resolve {made.delivery} {made.answer}"
        next_step(again, f"{made.needed} more person who gives the same answer")
    else:
        next_step(f"dispatcher delivery show {made.delivery}")


def _after(found: dict[str, Any]) -> tuple[str, str]:
    if found["state"] == DeliveryState.HELD:
        who = "two people's answer" if found["reason"] == "ambiguous" else "somebody's answer"
        return f"dispatcher delivery resolve {found['id']} seen|not_seen|cancel", f"{who}: held ({found['reason']})"
    if found["state"] == DeliveryState.HANDED_OVER:
        return f"dispatcher handoff open {found['id']}", "an operator, to finish it by hand"
    return f"dispatcher clearance show {short(found['plan'])}", ""


def _document(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name not in HIDDEN}
