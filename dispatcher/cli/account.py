"""``dispatcher account``, ``recipients`` and ``device``: who we are on each channel, and whom lists reach."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from channels import registry
from channels.capabilities import Address
from channels.contract import Account, Secret
from dispatcher.cli.commands import Moment, Names, Noun, Pairs, at, many, moment, one_of, pairs, read_text
from dispatcher.cli.output import facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts, connecting, grouping, holding, probing
from dispatcher.service import recipients as recipient_lists
from dispatcher.service.connecting import Connection
from dispatcher.service.probing import Probed
from dispatcher.service.recipient_file import EMAILS, NUMBERS

if TYPE_CHECKING:  # aiohttp is not loaded by commands that only look
    from channels.authorising import Granted

SECRET = pairs("secret-file", "NAME=FILE", "A secret, read from a file, or from a pipe: /dev/stdin.")
EXPIRES = click.option("--expires", type=moment, help="When the credential ends, if it does.")
MODE = click.option("--mode", type=one_of(Mode), required=True, help="For good.")
LANES = {
    "accounts": ("dispatcher account list", ""),
    "recipients": ("dispatcher recipients import LIST FILE.csv --mode {mode}", "who it sends to"),
    "tiktok": ("dispatcher device register DEVICE --account {name}", "the device that opens its packets"),
}
"""What to type after adding an account, and what is missing."""

account = Noun("account")
recipients = Noun("recipients")
device = Noun("device")


@account.command()
@click.argument("name")
@click.option("--channel", required=True, help="One of those that `dispatcher channel list` shows.")
@click.option("--handle", required=True, help="Its public name.")
@many("language", "In posting order; may be repeated.")
@MODE
@many("group", "A group it is in, such as wales; may be repeated.")
@pairs("set", "NAME=VALUE", "A setting; nothing secret.")
@SECRET
@EXPIRES
def add(
    session: Session,
    name: str,
    channel: str,
    handle: str,
    languages: Names,
    mode: Mode,
    groups: Names,
    expires: Moment,
    **given: Pairs,
) -> None:
    """Add account NAME with its credential, which is sealed to the role that sends and cannot be read back.

    \b
    dispatcher account add city-x --channel x --handle @city --language en-GB --mode live --secret-file token=FILE
    """
    about, ends = Account(name, channel, handle, languages, given["set"]), at(expires, session.desk.now())
    secrets = _secrets(given["secret_file"])
    made = accounts.add(session.desk, about, mode, secrets, session.person, ends, groups=groups)
    session.show("account", {**facts(made.account), "mode": mode, "lane": made.lane, "groups": made.groups})
    command, missing = LANES[made.lane]
    by_email = registry.adapter(made.account.channel).capabilities.recipients is Address.EMAIL
    next_step(command.format(mode=mode, name=name) + (" --email" if by_email else ""), missing)


@account.command()
@click.argument("name")
@SECRET
@EXPIRES
def rotate(session: Session, name: str, secret_file: Pairs, expires: Moment) -> None:
    """Replace all secrets of account NAME; the old ones hold until the new are written. By ops or security.

    A role that runs on this machine goes by them within seconds, without a restart, and probes them.
    """
    ends = at(expires, session.desk.now())
    made = accounts.rotate(session.desk, name, _secrets(secret_file), session.pen, ends)
    session.show("account", {**facts(made.account), "mode": made.mode, "lane": made.lane, "expires_at": ends})
    next_step(f"dispatcher channel probe {name}", "a probe with the new credential")


@account.command()
@click.argument("name")
@click.option("--channel", help="Of a new account: what `dispatcher channel list` shows.")
@click.option("--handle", help="Of a new account: its public name.")
@many("language", "Of a new account, in posting order; may be repeated.")
@click.option("--mode", type=one_of(Mode), help="Of a new account, for good.")
@pairs("set", "NAME=VALUE", "A setting of a new account; nothing secret.")
@pairs("secret-file", "NAME=FILE", "client_id and client_secret of the app, read from files; else asked for.")
@click.option("--redirect", default="", metavar="URL", help="Where the browser is sent, as registered with the app.")
@click.option("--paste", is_flag=True, help="Do not listen for the browser: paste the address that it was sent to.")
@click.option("--wait", "wait_s", type=click.IntRange(1), default=300, show_default=True, help="Seconds to listen.")
def connect(session: Session, name: str, redirect: str, paste: bool, wait_s: int, **given: Any) -> None:
    """Connect account NAME: somebody consents at its platform, and what that gives is sealed to the role that sends.

    An account that is there keeps what it is, and its credential is replaced; for a new one say what it is. Open the
    address that is printed in a browser where you are logged in as the account. By ops or security.

    \b
    dispatcher account connect city-x --channel x --handle @city --language en-GB --mode live
    """
    import asyncio

    from dispatcher.cli.redirect import heard

    about, mode, known = _meant(session, name, given)
    app = _app(about, given["secret_file"])
    with heard(redirect, paste=paste) as redirected:
        asked = connecting.begin(session.desk, about, mode, app, redirected.url, session.pen, known=known)
        say(f"Open this address in a browser where you are logged in as {asked.account.handle}:", asked.consent.url)
        address = redirected.wait(wait_s)
    granted = asyncio.run(_redeemed(session, asked, address))
    made = connecting.keep(session.desk, asked, granted, session.pen)
    ends = {"owner": granted.owner, "expires_at": granted.expires_at}
    session.show("account", {**facts(made.account), "mode": made.mode, "lane": made.lane, **ends})
    next_step(f"dispatcher channel probe {name}", "a probe with the new credential")


@account.command("list")
def list_accounts(session: Session) -> None:
    """All accounts, with what their last probe showed and the days until their credentials end."""
    probed = {one.account: one for one in probing.known(session.desk)}
    found = [
        facts(made.account) | facts(made) | {"account": None} | _known(probed[made.account.id])
        for made in accounts.listed(session.desk)
    ]
    columns = "id mode channel lane handle languages groups device probe days_left"
    session.show("accounts", {"accounts": found}, accounts=columns)
    next_step("dispatcher account add --help")


@account.command()
@click.argument("name")
@click.option("--add", "joined", multiple=True, metavar="GROUP", help="It joins this group; may be repeated.")
@click.option("--remove", "left", multiple=True, metavar="GROUP", help="It leaves this group; may be repeated.")
def group(session: Session, name: str, joined: Names, left: Names) -> None:
    """Put account NAME into groups, or take it out; a plan submitted already is unchanged. By ops or security.

    \b
    dispatcher account group north-x --add wales --add all-police
    """
    groups = grouping.regroup(session.desk, name, joined, left, session.pen)
    session.show("account-groups", {"account": name, "groups": groups})
    next_step(f"dispatcher clearance submit MESSAGE --group {groups[0]}" if groups else "dispatcher account list")


@account.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; everybody who looks sees it.")
def hold(session: Session, name: str, reason: str) -> None:
    """Have account NAME wait: nothing goes to it, nothing is lost, and what outlives its window expires.

    For a platform that is ill or under repair; corrections wait too. What must not leave is stopped by
    `dispatcher halt`, which is signed and which the sender itself obeys.
    """
    holding.hold(session.desk, name, reason, session.pen)
    session.show("hold", {"account": name, "held": True, "reason": reason, "person": session.person})
    next_step(f"dispatcher account unhold {name}", "its platform to be well again")


@account.command()
@click.argument("name")
def unhold(session: Session, name: str) -> None:
    """End the hold of account NAME: what is due goes within seconds."""
    holding.unhold(session.desk, name, session.pen)
    session.show("hold", {"account": name, "held": False, "person": session.person})
    next_step("dispatcher status")


@recipients.command("import")
@click.argument("name")
@click.argument("file", metavar="FILE.csv")
@MODE
@click.option("--email", is_flag=True, help="Take the column email, for a press list, and not the column phone.")
@click.option("--region", default="GB", show_default=True, help="Of numbers written without a country.")
@click.option("--language", default="en-GB", show_default=True, help="Of rows that name none.")
@click.option("--report", metavar="FILE", help="Where the rows left out are named; else NAME.bad-rows.csv beside it.")
def import_(session: Session, name: str, file: str, report: str | None, email: bool, **more: Any) -> None:
    """Import list NAME from a CSV file with a column phone, or email, and, if wanted, a column language.

    Commas, semicolons or tabs; UTF-8, or UTF-16 with its mark. Numbers are normalised; rows that cannot be used are
    left out and named in a report, by row and reason. What is stored opens with the sender's key only.
    """
    kept = Path(report) if report else None
    region, kind = more.pop("region"), EMAILS if email else NUMBERS
    made = recipient_lists.import_csv(
        session.desk, name, Path(file), person=session.person, default_region=region, report=kept, kind=kind, **more
    )
    session.show("recipient-list", made)
    if made.report:
        say(f"{made.bad} rows cannot be used and {made.duplicates} repeat another's {kind.one}: see {made.report}")
    say(f"{file} still holds the {kind.many} in the clear: delete it if you have no other use for it.")
    next_step(f"dispatcher clearance submit MESSAGE --list {made.name}")


@recipients.command("list")
def list_recipients(session: Session) -> None:
    """The recipient lists there are, and when each is purged."""
    found = recipient_lists.listed(session.desk)
    session.show(
        "lists", {"lists": found}, lists="name mode count created_at created_by purge_at retained_for purged_at"
    )
    next_step("dispatcher recipients import LIST FILE.csv --mode MODE")


@recipients.command()
@click.argument("name")
@click.option("--reason", required=True, help="Goes into the ledger.")
def purge(session: Session, name: str, reason: str) -> None:
    """Delete the key and all rows of list NAME before its time. Its name, root and count stay on record."""
    session.show("recipient-list", recipient_lists.purge(session.desk, name, session.person, reason))
    next_step("dispatcher recipients list")


@device.command()
@click.argument("name")
@click.option("--account", required=True, help="Whose packets it opens.")
def register(session: Session, name: str, account: str) -> None:
    """Register device NAME. Its secret is shown this once: type it into the device's record, by hand."""
    made = accounts.register(session.desk, name, account, session.person)
    session.show("device", {**facts(made), "secret": made.secret.reveal()})
    say("The secret is shown this once. Keep it with the device, and nowhere else.")
    scope = f"--account {account} --device {name} --mode {made.mode}"
    next_step(
        f"dispatcher evidence attest CHANNEL {scope} --evidence FILE",
        "the security team's attestation of its mitigations",
    )


def _known(probed: Probed) -> dict[str, Any]:
    names = ("probe", "ok", "quota", "probed_at", "expires_at", "days_left")
    return {name: facts(getattr(probed, name)) for name in names}


def _meant(session: Session, name: str, given: dict[str, Any]) -> tuple[Account, Mode, bool]:
    """The account to connect, its mode, and whether it is there. Raises Invalid, NotFound."""
    needed = {"--channel": given["channel"], "--handle": given["handle"], "--mode": given["mode"]}
    if not any((*needed.values(), given["languages"], given["set"])):
        return *connecting.account_named(session.desk, name), True
    if missing := [option for option, value in needed.items() if not value]:
        raise Invalid(f"of a new account {', '.join(missing)} must be given", "for one that is there, give none")
    channel = accounts.channel_named(given["channel"])
    return Account(name, channel, given["handle"], given["languages"], given["set"]), given["mode"], False


def _app(account: Account, files: Pairs) -> dict[str, Secret]:
    """What the app is told by: from files, and what is missing by the keyboard."""
    found = _secrets(files)
    for name in connecting.wanted(account):
        if name not in found and sys.stdin.isatty():
            found[name] = Secret(click.prompt(f"{name} of the app", hide_input=True, err=True))
    return found


async def _redeemed(session: Session, asked: Connection, address: str) -> Granted:
    from dispatcher.bootstrap import open_client

    settings = session.desk.settings
    http = open_client(settings, connecting.at_platform(session.desk, asked.account, asked.mode), asked.mode)
    try:
        return await connecting.redeem(session.desk, asked, address, http)
    finally:
        await http.close()


def _secrets(files: Pairs) -> dict[str, Secret]:
    return {name: _secret(name, file) for name, file in files.items()}


def _secret(name: str, file: str) -> Secret:
    value = read_text(file).removesuffix("\n")
    if not value.strip():
        raise Invalid(f"the secret {name} is empty", f"name a file that holds it: --secret-file {name}=FILE")
    return Secret(value)
