"""``dispatcher channel``: what each channel can do, how its accounts are, and how a text measures up."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from textwrap import indent

import click

from dispatcher.cli.commands import Names, Noun
from dispatcher.cli.errors import Partial
from dispatcher.cli.message import read_message
from dispatcher.cli.output import facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.service import channels, probing, simulating
from dispatcher.service.probing import Probed

POLL_S = 0.25
PROBED = "account mode probe quota expires_at"
LISTED = "name tier text corrects withdraws repeats"

channel = Noun("channel")


@channel.command("list")
def list_(session: Session) -> None:
    """Every channel: its tier, its limit, and what it can correct and take back."""
    told = {"channels": channels.known(session.desk), "refused": channels.refused()}
    session.show("channels", told, channels=LISTED)


@channel.command()
@click.argument("name", metavar="CHANNEL")
def show(session: Session, name: str) -> None:
    """All that is known of CHANNEL, by any of its names, and where that is from; and how its accounts are."""
    found = channels.named(session.desk, name)
    probed = [one for one in probing.known(session.desk) if one.channel == found.name]
    session.show("channel", {**facts(found), "probes": facts(probed)}, probes=PROBED)
    if not found.adapter:
        say(f"{found.name} is not used: it has no adapter, and no signature opens it.")


@channel.command()
@click.argument("names", nargs=-1, metavar="[CHANNEL|ACCOUNT]...")
@click.option("--wait", "wait_s", type=click.IntRange(0), default=20, show_default=True, help="Seconds to wait.")
def probe(session: Session, names: Names, wait_s: int) -> None:
    """Have accounts probed now, all unless named: credential, end, quota. Nothing is published.

    Whoever holds the credential probes, so the roles must be running. A failed probe stops no sending. Exit code 6
    says that one failed, 9 that nobody answered in time.
    """
    accounts, since = probing.ask(session.desk, names)
    deadline = time.monotonic() + wait_s
    while (late := _late(found := probing.known(session.desk, accounts), since)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    session.show("probes", {"probes": found}, probes=PROBED)
    if late:
        modes = " or ".join(sorted({one.mode for one in late}))
        waiting = ", ".join(one.account for one in late)
        raise Unavailable(
            f"no sender answered within {wait_s} s for {waiting}; is dispatcher up running in mode {modes}?",
            "dispatcher status",
        )
    if failed := [f"{one.account}: {one.probe}" for one in found if not one.ok]:
        raise Partial("; ".join(failed), "dispatcher account rotate --help")
    next_step("dispatcher status")


def _late(probed: list[Probed], since: datetime) -> list[Probed]:
    return [one for one in probed if one.probed_at is None or one.probed_at < since]


@channel.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
def limits(session: Session, file: Path) -> None:
    """Count the text in FILE as each platform does. Exit code 2 where it is too long for one."""
    try:
        found = channels.measured(file.read_text(encoding="utf-8").strip())
    except UnicodeDecodeError as error:
        raise Invalid(f"{file} is no text in UTF-8", "save it as UTF-8") from error
    told = [{**facts(one), "left": one.left} for one in found]
    session.show("limits", {"limits": told}, limits="channel unit count most left")
    if over := [one.channel for one in found if one.left < 0]:
        raise Invalid(f"too long for {', '.join(over)}", "shorten it; nothing is ever cut")


@channel.command()
@click.argument("file", metavar="FILE")
@click.option("--channel", "names", multiple=True, help="Only this channel; may be repeated.")
@click.option("--language", default="en-GB", show_default=True, help="What it is written in.")
def simulate(session: Session, file: str, names: Names, language: str) -> None:
    """What the public would see of the message in FILE on each platform, by its simulator on this machine.

    The form of FILE is that of `dispatcher message draft`. It takes no incident, account or credential, and nothing
    leaves this machine. Exit code 2 where a platform would not take it.
    """
    made = simulating.simulate(session.desk, read_message(language, file), names)
    text = "\n".join(f"{one.channel}\n{indent(one.shown or f'PROBLEM: {one.problem}', '    ')}\n" for one in made)
    session.read_out("simulated", {"simulated": made}, text)
    if refused := [one.channel for one in made if one.problem]:
        raise Invalid(f"{', '.join(refused)} would not take it", "mend the text; nothing is ever cut")
