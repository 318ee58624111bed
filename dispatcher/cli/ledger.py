"""``dispatcher ledger``: the record, entry by entry."""

from __future__ import annotations

import click

from dispatcher.cli.commands import Names, Noun, Text, many
from dispatcher.cli.output import next_step
from dispatcher.cli.session import Session
from dispatcher.service import ledger as record

ledger = Noun("ledger")


@ledger.command()
@click.option("--incident", help="Only entries about this incident.")
@many("kind", "Only this kind (plan.released) or family (statement.); may be repeated.")
@click.option("-n", "--number", type=click.IntRange(1, 100_000), default=50, show_default=True)
def tail(session: Session, incident: Text, kinds: Names, number: int) -> None:
    """The newest entries, oldest first."""
    found = record.tail(session.desk, number, incident, kinds)
    session.show("entries", {"entries": found}, entries="at kind facts")
    next_step(f"dispatcher review {incident}" if incident else "dispatcher ledger tail --incident INCIDENT")
