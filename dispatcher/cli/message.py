"""``dispatcher message``: write what the public will read, arm the way back, see what each account carries."""

from __future__ import annotations

from typing import Any

import click

from channels.contract import LanguageText
from dispatcher.cli.commands import Moment, Names, Noun, Pairs, Text, identified, many, pairs, session
from dispatcher.cli.output import Table, facts, next_step
from dispatcher.cli.session import Session
from dispatcher.cli.texts import merged, read_texts, with_headlines
from dispatcher.cli.times import When, at
from dispatcher.domain.errors import GateClosed, Invalid
from dispatcher.domain.message import Revision, TextKind
from dispatcher.service import messages
from dispatcher.service.desk import Desk
from dispatcher.service.messages import Preview
from dispatcher.store import records

FILE = "LANGUAGE=FILE"
TEXT = "One language: headline on the first line, body below; an instruction after a line ---."
HEADLINE = pairs("headline", "LANGUAGE=TEXT", "Another headline.")


@click.group(cls=Noun)
def message() -> None:
    """Write what the public will read, and the way back."""


@message.command()
@click.argument("incident")
@pairs("text", FILE, TEXT)
@HEADLINE
@click.option("--link", metavar="URL", help="Where the public reads more.")
@click.option("--valid-until", "until", type=When(), help="Until when it holds; else the alert's own expiry.")
@many("area", "A place it concerns; else the incident's.")
@identified
@session
def draft(
    session: Session, incident: str, text: Pairs, headline: Pairs, link: Text, until: Moment, areas: Names
) -> None:
    """Write the first revision of a message about INCIDENT. What is left out comes from its alert.

    \b
    dispatcher message draft inc-7k --text en-GB=storm.txt --text cy=storm.cy.txt --valid-until +6h
    """
    desk = session.desk()
    texts = read_texts(text)
    if headline:
        texts = with_headlines(texts or _alert_texts(desk, incident), headline)
    written = messages.Draft(texts, at(until, desk.now()), link, areas)
    _show(session, messages.draft(desk, incident, written, session.person(desk).id))


@message.command()
@click.argument("name", metavar="MESSAGE")
@pairs("text", FILE, TEXT)
@HEADLINE
@identified
@session
def edit(session: Session, name: str, text: Pairs, headline: Pairs) -> None:
    """Write the next revision of MESSAGE. Plans and signatures made before no longer match."""
    _replace(session, name, text, headline, "edit")


@message.command()
@click.argument("name", metavar="MESSAGE")
@pairs("text", FILE, f"A translation. {TEXT}")
@identified
@session
def translate(session: Session, name: str, text: Pairs) -> None:
    """Add translations to MESSAGE, or replace them; the translator is named in the plan."""
    _replace(session, name, text, {}, "translate")


@message.command()
@click.argument("name", metavar="MESSAGE")
@pairs("correct", FILE, "The correction; else a ready one in each language.")
@pairs("withdraw", FILE, "The withdrawal; else a ready one in each language.")
@pairs("all-clear", FILE, "The all-clear; else a ready one in each language.")
@identified
@session
def arm(session: Session, name: str, correct: Pairs, withdraw: Pairs, all_clear: Pairs) -> None:
    """Arm the way back of MESSAGE: correction, withdrawal and all-clear, approved together with it."""
    desk = session.desk()
    given = {TextKind.CORRECT: correct, TextKind.WITHDRAW: withdraw, TextKind.ALL_CLEAR: all_clear}
    texts = {kind: read_texts(files) for kind, files in given.items() if files}
    _show(session, messages.arm(desk, name, texts, session.person(desk).id))


@message.command()
@click.argument("name", metavar="MESSAGE")
@many("account", "Only this account; may be repeated.")
@session
def preview(session: Session, name: str, accounts: Names) -> None:
    """The exact text that each account would carry, counted as its platform counts."""
    revision, found = _previews(session.desk(), name, accounts)
    body = {"message": revision.message, "previews": [_document(made) for made in found]}
    session.show("preview", body, *(_block(made) for made in found))
    next_step(*_after(revision, found))


@message.command()
@click.argument("name", metavar="MESSAGE")
@session
def lint(session: Session, name: str) -> None:
    """What speaks against MESSAGE as it is, account by account. Exit code 3 if anything does."""
    revision, found = _previews(session.desk(), name, ())
    rows = [(made.account.id, str(made.kind), problem) for made in found for problem in made.problems]
    rows += [("every account", str(kind), "is not armed in every language") for kind in revision.missing_armed]
    columns = ("account", "text", "problem")
    body = {"message": revision.message, "problems": [dict(zip(columns, row, strict=True)) for row in rows]}
    session.show("lint", body, Table(rows, columns, "Problems"))
    command, missing = _after(revision, found)
    if rows:
        raise GateClosed(f"{len(rows)} problems: no plan can be made of it", command)
    next_step(command, missing)


def _replace(session: Session, name: str, files: Pairs, headlines: Pairs, did: str) -> None:
    if not files and not headlines:
        raise Invalid("nothing was given to write", "give --text LANGUAGE=FILE")
    desk = session.desk()
    with desk.store.read() as work:
        old = records.newest_revision(work, name)
    texts = with_headlines(merged(old.texts[TextKind.PUBLISH], read_texts(files)), headlines)
    _show(session, messages.set_texts(desk, old.message, TextKind.PUBLISH, texts, session.person(desk).id, did))


def _alert_texts(desk: Desk, incident: str) -> tuple[LanguageText, ...]:
    with desk.store.read() as work:
        found: Any = records.incident(work, incident).facts.get("texts", [])
    return tuple(LanguageText(**text) for text in found)


def _show(session: Session, made: Revision) -> None:
    names = ("message", "number", "digest", "incident", "languages", "valid_until", "link", "area", "contributors")
    armed = {kind: [text.language for text in texts] for kind, texts in made.texts.items()}
    session.show("message", {**{name: getattr(made, name) for name in names}, "texts": armed})
    if made.missing_armed:
        lacking = f"the way back in every language ({', '.join(made.missing_armed)})"
        next_step(f"dispatcher message arm {made.message}", lacking)
    else:
        next_step(f"dispatcher message preview {made.message}")


def _previews(desk: Desk, name: str, accounts: Names) -> tuple[Revision, list[Preview]]:
    with desk.store.read() as work:
        revision = records.newest_revision(work, name)
        mode = records.incident(work, revision.incident).mode
        chosen = records.accounts(work, mode, accounts or None)
    if not chosen:
        raise Invalid(f"there is no {mode} account yet", "add one: dispatcher account add --help")
    return revision, messages.previews(revision, chosen, mode)


def _document(made: Preview) -> dict[str, Any]:
    parts = made.rendering.parts if made.rendering else ()
    known = {"account": made.account.id, "channel": made.account.channel, "text": made.kind, "digest": made.digest}
    counted = [{**facts(part), "count": _count(made.account.channel, part.text)} for part in parts]
    return {**known, "parts": counted, "problems": made.problems}


def _block(made: Preview) -> Table:
    parts = made.rendering.parts if made.rendering else ()
    rows = [(f"{part.language}\n{_count(made.account.channel, part.text)}", part.text) for part in parts]
    rows += [("problem", problem) for problem in made.problems]
    return Table(rows, title=f"{made.account.id} ({made.account.channel}) {made.kind}")


def _count(channel: str, text: str) -> str:
    """How long a text is in its platform's own measure, and of how much."""
    from channels.text import counting

    if channel == "x":
        return f"{counting.x_length(text)} of {counting.X_WEIGHT}"
    if channel == "bluesky":
        return f"{counting.graphemes(text)} of {counting.BLUESKY_GRAPHEMES}"
    if channel == "notify":
        sms = counting.sms_count(text)
        return f"{sms.characters} of {counting.NOTIFY_SMS_CHARACTERS}, {sms.segments} SMS ({sms.encoding})"
    return f"{len(text)} characters"


def _after(revision: Revision, found: list[Preview]) -> tuple[str, str]:
    if revision.missing_armed:
        return f"dispatcher message arm {revision.message}", "the way back in every language"
    if any(made.problems for made in found):
        return f"dispatcher message edit {revision.message} --text LANGUAGE=FILE", "wording that every account takes"
    return f"dispatcher clearance submit {revision.message}", ""
