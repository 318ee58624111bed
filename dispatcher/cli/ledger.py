"""``dispatcher ledger``: the record, entry by entry, and the proof that it is what it was."""

from __future__ import annotations

from pathlib import Path

import click

from dispatcher.cli.commands import Names, Noun, Pairs, Text, many, pairs, read
from dispatcher.cli.errors import Broken
from dispatcher.cli.output import next_step
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
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


@ledger.command()
@many("checkpoint", "A file of checkpoints kept elsewhere; may be repeated.", "FILE")
@pairs("witness", "NAME=FILE.pub", "A witness's public key, to see what it signed; may be repeated.")
def verify(session: Session, checkpoints: Names, witness: Pairs) -> None:
    """Verify the whole ledger: every entry, every writer's chain, their one order, and every head kept of it.

    Heads are in the database, in the copies that the relay makes (`checkpoints` in deployment.toml), in signed
    statements, and in files you bring. What a head outside the database covers is anchored. Exit code 10 if anything
    does not hold. Changes nothing.
    """
    from dispatcher.sender_bootstrap import look_rarely_for_cycles
    from dispatcher.service import proving

    look_rarely_for_cycles()
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

    Whoever has it can later prove what the ledger held then: dispatcher ledger verify --checkpoint FILE.
    """
    from dispatcher.service import proving

    note = proving.newest_note(session.desk)
    session.read_out("checkpoint", {"note": note}, note.rstrip("\n"))
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


def _point(file: str) -> bytes:
    """The public key in a file. Raises Invalid."""
    from dispatcher.statements.errors import SshsigError
    from dispatcher.statements.keys import parse_public_line, point_of

    try:
        return point_of(parse_public_line(read(file, 10_000).decode()).blob)
    except (SshsigError, UnicodeDecodeError) as error:
        raise Invalid(f"{file}: no public key ({error})", "give the .pub file that ssh-keygen wrote") from error
