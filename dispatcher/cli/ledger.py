"""``dispatcher ledger``: the record, entry by entry."""

from __future__ import annotations

import click

from dispatcher.cli import output
from dispatcher.cli.commands import Noun, Reading
from dispatcher.cli.filters import Asked, filters
from dispatcher.cli.output import next_step, say
from dispatcher.cli.session import Session
from dispatcher.service import ledger as record
from dispatcher.service.ledger import LedgerLine

ledger = Noun("ledger")


@ledger.command(cls=Reading)
@filters(50)
def tail(session: Session, asked: Asked) -> None:
    """The newest entries, oldest first. Times are your own on a terminal, UTC in JSON.

    \b
    dispatcher ledger tail --follow --incident INCIDENT
    dispatcher ledger tail --kind statement. --person director-1 --since -2h
    """
    _show(session, asked)


@ledger.command(cls=Reading)
@click.argument("words", nargs=-1, metavar="[WORD]...")
@filters(200)
def search(session: Session, asked: Asked) -> None:
    """The newest entries that say every WORD, in capitals or not; oldest first.

    \b
    dispatcher ledger search "old town" --since 2026-11-21T18:00 --until 2026-11-22
    dispatcher ledger search --clause G05 --channel tiktok
    """
    _show(session, asked)


def _show(session: Session, asked: Asked) -> None:
    desk = session.desk
    wanted = record.meant(desk, asked.wanted)
    following = record.Following(desk, wanted) if asked.follow else None
    found = record.find(desk, wanted, asked.number)
    if found.more:
        say(f"There are more: these are the newest {asked.number}; -n shows more.")
    if following is None:
        session.show("entries", found, entries="at kind facts", more="")
        incident = wanted.incident
        next_step(f"dispatcher review {incident}" if incident else "dispatcher ledger tail --incident INCIDENT")
        return
    following.told(found.entries)
    for line in found.entries:
        _print(session, line)
    for _ in asked.looks():
        for line in following.news():
            _print(session, line)


def _print(session: Session, line: LedgerLine) -> None:
    """One entry on a line of its own, while it is followed."""
    told = " ".join(output.told(value) for value in (line.at, line.kind, line.facts))
    session.read_out("entry", line, told)
