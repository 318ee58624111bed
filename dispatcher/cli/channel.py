"""``dispatcher channel``: what each channel can do, and how a text measures up."""

from __future__ import annotations

from pathlib import Path

import click

from dispatcher.cli.commands import Noun
from dispatcher.cli.output import facts
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.service import channels

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
    """All that is known of CHANNEL, by any of its names, and where that is from."""
    session.show("channel", channels.named(session.desk, name))


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
