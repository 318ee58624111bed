"""``dispatcher roster`` and ``dispatcher whoami``: who may do what, whose keys count, and how a key is replaced.

Only ``whoami`` and ``roster check`` without a file need the deployment to be in order. ``roster sign`` needs no
deployment at all: the folder that ``rotate`` wrote may be carried to the owner's own machine.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from dispatcher.cli.commands import Names, Noun, Pairs, Verb, many, pairs, read_text
from dispatcher.cli.output import next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import DispatcherError

CHECKED = {
    "roles": "person role on_call not_before expires deputy_for",
    "keys": "person fingerprint hardware state not_before expires",
}

roster = Noun("roster")


@roster.command()
@click.argument("file", required=False)
def check(session: Session, file: str | None) -> None:
    """Check the deployment's trust files, or FILE: a roster that is being written.

    Says who holds which role and key, who has only one key, and for which roles nobody is on call now.
    """
    from dispatcher.sender_bootstrap import now
    from dispatcher.service.trusting import checked
    from dispatcher.statements import trust
    from dispatcher.statements.roster import parse_roster

    found = parse_roster(trust.read_text(Path(file)), file) if file else session.desk.trust.roster
    session.show("roster", checked(found, now()), **CHECKED)
    next_step(
        f"dispatcher roster rotate FOLDER{f' --with {shlex.quote(file)}' if file else ' --new PERSON=FILE.pub'}"
    )


@roster.command()
@click.argument("folder")
@pairs("new", "PERSON=FILE", "A person's new public key, in place of all they have.")
@many("with", "A changed roster.toml, policy.toml or root.json, under that name.", "FILE")
def rotate(session: Session, folder: str, new: Pairs, withs: Names) -> None:
    """Propose in a new FOLDER other keys, another roster, policy or trust root; changes nothing yet.

    A lost key, in three commands; they need no network:

    \b
    dispatcher roster rotate change --new director-1=new.pub
    dispatcher roster sign change --key KEY       each owner, or: ssh-keygen -Y sign
    dispatcher roster install change              on every host
    """
    import secrets

    from dispatcher.sender_bootstrap import now
    from dispatcher.service.trusting import propose
    from dispatcher.statements.keys import parse_public_line

    keys = {person: parse_public_line(read_text(file)) for person, file in new.items()}
    files = [Path(file) for file in withs]
    trust = session.folder / "trust"
    made = propose(Path(folder).absolute(), trust, files, keys, now(), secrets.token_bytes)
    session.show("trust-change", made)
    given = shlex.quote(folder)
    say(
        f"Owners read first what it changes: diff -r {shlex.quote(str(trust))} {given}",
        f"Elsewhere they sign by: ssh-keygen -Y sign -n dispatcher-live-v1 -f KEY {given}/OWNER.statement",
    )
    next_step(f"dispatcher roster sign {given}", f"the signatures of {made.threshold} policy owners")


@roster.command()
@click.argument("folder")
def sign(session: Session, folder: str) -> None:
    """Sign as a policy owner what FOLDER proposes: root, roster and policy, as they are to be."""
    from dispatcher.cli.pens import take
    from dispatcher.gate.policy_file import load
    from dispatcher.service import trusting
    from dispatcher.statements.trust import read_documents

    pen = take(session, trusting.owners(read_documents(Path(folder), load)))
    signed = trusting.sign(Path(folder), pen)
    session.show("trust-signature", {"signature": signed})
    next_step(f"dispatcher roster install {shlex.quote(folder)}", "perhaps another policy owner's signature")


@roster.command()
@click.argument("folder")
def install(session: Session, folder: str) -> None:
    """Put what FOLDER proposes in place, if enough owners signed it; else nothing changes."""
    from dispatcher.sender_bootstrap import now
    from dispatcher.service import trusting

    home = session.folder
    trust = trusting.install(Path(folder), home / "trust", home / "data" / "floor.json", now())
    root, people = trust.root, trust.roster
    body = {
        "root": root.version,
        "root_digest": root.digest,
        "roster": people.version,
        "roster_digest": people.digest,
    }
    session.show("trust", {**body, "policy_digest": trust.policy_digest})
    _record(session)
    say("Roles that are running end by themselves, and are started with the new files.")
    next_step("dispatcher status")


def _record(session: Session) -> None:
    """Have it in the ledger; where that is not within reach, the first role that starts has it there."""
    from dispatcher.service.standing import note_trust

    try:
        with session.desk.store.write() as work:
            note_trust(work, session.desk.trust)
    except DispatcherError as error:
        say(f"Not in the ledger yet: {error.message}", "The first role that starts here will record it.")


@click.command(cls=Verb)
def whoami(session: Session) -> None:
    """Who is at this keyboard, known from their key."""
    from dispatcher.service.trusting import keys_of, roles_of

    desk, pen = session.desk, session.pen
    person = desk.person(pen)
    body = {
        "person": person.id,
        "name": person.name,
        "languages": person.languages,
        "owner": person.id in {owner.person for owner in desk.trust.root.owners},
        "key": next(key for key in keys_of(person, desk.now()) if key.fingerprint == pen.fingerprint),
        "roles": roles_of(person),
    }
    session.show("whoami", body, roles="role on_call not_before expires deputy_for")
    next_step("dispatcher status")
