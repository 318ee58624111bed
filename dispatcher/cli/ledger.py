"""``dispatcher ledger``: the record, entry by entry, and the proof that it is what it was."""

from __future__ import annotations

from pathlib import Path

import click

from dispatcher.cli import output
from dispatcher.cli.commands import Names, Noun, Pairs, Reading, many, pairs, read
from dispatcher.cli.errors import Broken
from dispatcher.cli.filters import Asked, filters
from dispatcher.cli.output import next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
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


@ledger.command()
@many("checkpoint", "A file of checkpoints kept elsewhere; may be repeated.", "FILE")
@pairs("witness", "NAME=FILE.pub", "A witness's public key, to see what it signed; may be repeated.")
def verify(session: Session, checkpoints: Names, witness: Pairs) -> None:
    """Verify the whole ledger: every entry, every writer's chain, their one order, and every head kept of it.

    Heads are in the database, in the copies that the relay makes (`checkpoints` in deployment.toml), in signed
    statements, and in files you bring. What a head outside the database covers is anchored. Exit code 10 if anything
    does not hold. Changes nothing.
    """
    from dispatcher.service import proving

    keys = {name: _point(file) for name, file in witness.items()}
    found = proving.verify(session.desk, [Path(file) for file in checkpoints], keys)
    session.show("verification", found, faults="position id what", checkpoint="")
    if found.faults:
        first = found.faults[0]
        raise Broken(
            f"the record does not hold; first of {len(found.faults)}: {first.what}",
            "keep a copy of the database as it is, change nothing, call security",
        )
    next_step("dispatcher ledger checkpoint", "" if found.anchored else "a checkpoint kept on another host")


@ledger.command()
def checkpoint(session: Session) -> None:
    """Print the ledger's newest signed head: mail it, print it, keep it away from this system.

    Whoever has it can later prove what the ledger held then: dispatcher ledger verify --checkpoint FILE. It is text
    wherever it goes, unless JSON is asked for.
    """
    from dispatcher.service import proving

    note = proving.newest_note(session.desk)
    if session.json:
        session.show("checkpoint", {"note": note})
    else:
        click.echo(note, nl=False)
    next_step("dispatcher ledger verify --checkpoint FILE")


@ledger.command()
@click.argument("folder")
@click.option("--name", required=True, help="The witness's name, such as audit.example.org/w1.")
def witness(session: Session, folder: str, name: str) -> None:
    """Sign the newest head as a witness who keeps its own heads in FOLDER, on a host of its own.

    With --key FILE, a key that nobody else has. It signs only what grew from the last head it saw, and says so loudly
    where it did not. Run it every minute or so.
    """
    from dispatcher.service import proving
    from dispatcher.statements.signing import KeyFileSigner

    if not session.key:
        raise Invalid("a witness signs with a key of its own", "make one: ssh-keygen -t ed25519; then --key FILE")
    seen = proving.witness(session.desk, Path(folder), name, KeyFileSigner(Path(session.key)))
    session.show("witnessed", seen, note="")
    next_step(f"dispatcher ledger verify --checkpoint {seen.file} --witness {name}=KEY.pub")


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


def _point(file: str) -> bytes:
    """The public key in a file. Raises Invalid."""
    from dispatcher.statements.errors import SshsigError
    from dispatcher.statements.keys import parse_public_line, point_of

    try:
        return point_of(parse_public_line(read(file, 10_000).decode()).blob)
    except (SshsigError, UnicodeDecodeError) as error:
        raise Invalid(f"{file}: no public key ({error})", "give the .pub file that ssh-keygen wrote") from error
