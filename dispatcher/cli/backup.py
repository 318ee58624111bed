"""``dispatcher backup`` and ``restore``: a deployment in one folder, and back."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from dispatcher.cli.commands import Verb
from dispatcher.cli.errors import Broken
from dispatcher.cli.output import next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import DispatcherError, Invalid


@click.command(cls=Verb)
@click.argument("folder")
@click.option("--with-keys", is_flag=True, help="The private keys too: whoever has such a backup has the accounts.")
def backup(session: Session, folder: str, with_keys: bool) -> None:
    """Back the deployment up into FOLDER, which must not be there yet: database, trust, credentials, media, record.

    Nothing has to stop: the database is copied as of one moment. Credentials stay sealed; without --with-keys the
    keys that open them are not in it, so keep those elsewhere.
    """
    from dispatcher.service.backing_up import back_up

    made = back_up(session.desk, Path(folder).absolute(), keys=with_keys)
    session.show("backup", made)
    next_step(f"dispatcher restore --rehearse {folder}", "")


@click.command(cls=Verb)
@click.argument("backup")
@click.argument("folder", required=False)
@click.option("--rehearse", is_flag=True, help="Restore it where nobody looks, check all of it, and take it away.")
@click.option("--database", default="", metavar="URL", help="An empty database, in place of the one it came from.")
def restore(session: Session, backup: str, folder: str | None, rehearse: bool, database: str) -> None:
    """Make the new FOLDER what BACKUP holds; with --rehearse only find out whether that would go well.

    A restore starts nothing. No role may start before `dispatcher recover` has run: the backup does not know what was
    sent since. Exit code 10 for a backup that is not good.
    """
    if rehearse == bool(folder):
        raise Invalid("say where to restore to, or --rehearse", f"dispatcher restore --rehearse {backup}")
    if folder is None:
        _rehearse(session, Path(backup).absolute(), database)
    else:
        _restore(session, Path(backup).absolute(), Path(folder).absolute(), database)


def _restore(session: Session, backup: Path, folder: Path, database: str) -> None:
    from dispatcher.service import restoring

    made = restoring.restore(backup, folder, database)
    session.show("restored", made)
    say("Start no role yet: the database does not know what was sent after the backup.")
    say(f"Where the old host's sender/ can still be read, put it in place of {folder}/sender: it is newer.")
    say(*(f"Put back from where you keep it: {key}" for key in made.missing_keys))
    say(*(f"Move what belongs elsewhere: {place}" for place in made.elsewhere))
    next_step(
        f"dispatcher --deployment {folder} migrate, then dispatcher --deployment {folder} recover",
        "ops or a duty director",
    )


def _rehearse(session: Session, backup: Path, database: str) -> None:
    from dispatcher.bootstrap import open_desk
    from dispatcher.service import restoring

    found = restoring.rehearse(backup, lambda folder: open_desk(folder, "rehearsal"), database)
    noted = False
    with suppress(DispatcherError):  # a rehearsal on another host, or where the deployment is lost, is one too
        noted = restoring.note_rehearsal(session.desk, found)
    session.show("rehearsal", found, faults="")
    if not noted:
        say("Not on record: there is no deployment here that the backup is of.")
    if found.faults:
        raise Broken(
            f"the backup is not good; first of {len(found.faults)}: {found.faults[0]}; make a new one, rehearse it, "
            "and if that fails too, see whether the record holds (dispatcher ledger verify)",
            "dispatcher backup FOLDER",
        )
    next_step("dispatcher ledger tail --kind backup.", "")
