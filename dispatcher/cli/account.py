"""``dispatcher account`` and ``dispatcher recipients``: who we are on each channel, and whom lists reach."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from channels.contract import Account, Secret
from dispatcher.cli.commands import Names, Noun, identified, many, one_of, pairs, session
from dispatcher.cli.output import Table, facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts
from dispatcher.service import recipients as lists

FOR_GOOD = click.option("--mode", type=one_of(Mode), required=True, help="For good.")
MODE = click.option("--mode", type=one_of(Mode), help="Only those of this mode.")


@click.group(cls=Noun)
def account() -> None:
    """Add accounts and list them."""


@account.command()
@click.argument("name")
@click.option("--channel", required=True, help="x, bluesky, notify, webhook, cap_feed, tiktok.")
@click.option("--handle", required=True, help="Its public name.")
@many("language", "In posting order; may be repeated.")
@FOR_GOOD
@pairs("set", "NAME=VALUE", "A setting; nothing secret.")
@many("secret", "Read from stdin, one line per NAME in order; hidden on a terminal.", "NAME")
@pairs("secret-file", "NAME=FILE", "A secret, read from a file.")
@identified
@session
def add(
    session: Session, /, name: str, channel: str, handle: str, languages: Names, mode: Mode, **given: Any
) -> None:
    """Add account NAME with its credential, which is sealed to the role that sends and cannot be read back.

    A secret is never an argument: it comes from stdin or from a file.

    \b
    dispatcher account add city-x --channel x --handle @city --language en-GB --mode live --secret token < token
    """
    desk = session.desk()
    person = session.person(desk).id
    held = {key: _from_file(key, Path(file)) for key, file in given["secret_file"].items()}
    held |= {key: _typed(key) for key in given["secrets"]}
    made = accounts.add(desk, Account(name, channel, handle, languages, given["set"]), mode, held, person)
    session.show("account", {**facts(made.account), "mode": mode, "lane": made.lane})
    if made.lane == "tiktok":
        next_step(f"dispatcher device register DEVICE --account {name}", "the device that opens its packets")
    elif made.lane == "recipients":
        next_step(f"dispatcher recipients import LIST FILE.csv --mode {mode}", "who it sends to")
    else:
        next_step("dispatcher account list")


@account.command("list")
@MODE
@session
def list_accounts(session: Session, mode: Mode | None) -> None:
    """All accounts, or those of one mode."""
    found = [
        {**facts(made.account), "mode": made.mode, "lane": made.lane, "device": made.device}
        for made in accounts.listed(session.desk(), mode)
    ]
    session.rows("accounts", found, "id mode channel lane handle languages device")
    next_step("dispatcher account add --help")


@click.group(cls=Noun)
def recipients() -> None:
    """Import recipient lists."""


@recipients.command("import")
@click.argument("name")
@click.argument("file", metavar="FILE.csv")
@FOR_GOOD
@click.option("--region", default="GB", show_default=True, help="Of numbers written without a country.")
@click.option("--language", default="en-GB", show_default=True, help="Of rows that name none.")
@identified
@session
def import_(session: Session, name: str, file: str, mode: Mode, region: str, language: str) -> None:
    """Import list NAME from a CSV file with a column phone and, if wanted, a column language.

    Numbers are normalised, unusable ones left out and reported by row. What is stored opens with the sender's key
    only.
    """
    desk = session.desk()
    made = lists.import_csv(desk, name, Path(file), mode, session.person(desk).id, region, language)
    known = {key: value for key, value in facts(made).items() if key != "bad"}
    left_out = Table([(row.row, row.reason) for row in made.bad], ("row", "reason"), "Left out")
    session.show("recipient-list", made, Table(list(known.items())), left_out)
    say(f"{file} still holds the numbers in the clear: delete it if you have no other use for it.")
    next_step(f"dispatcher clearance submit MESSAGE --list {made.name}")


@recipients.command("list")
@MODE
@session
def list_recipients(session: Session, mode: Mode | None) -> None:
    """The recipient lists there are."""
    session.rows("lists", lists.listed(session.desk(), mode), "name mode count created_at created_by")
    next_step("dispatcher recipients import LIST FILE.csv --mode MODE")


def _from_file(name: str, path: Path) -> Secret:
    try:
        return _secret(name, path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: no secret to read there", "name the file that holds it, and nothing else") from error


def _typed(name: str) -> Secret:
    if sys.stdin.isatty():
        return Secret(click.prompt(name, hide_input=True, err=True))
    return _secret(name, sys.stdin.readline())


def _secret(name: str, value: str) -> Secret:
    if not value.strip():
        raise Invalid(f"the secret {name} is empty", f"give it on stdin, or with --secret-file {name}=FILE")
    return Secret(value.removesuffix("\n"))
