"""``dispatcher message``: write what the public will read, arm the way back, see what each account carries.

Texts are files as officers write them, one per language::

    Storm tonight                       the first line is the headline
                                        (empty lines around the body do not count)
    Stay indoors from 6pm.              the body
    Keep away from the sea front.
    ---                                 a line of three hyphens, if there is an instruction
    Charge your telephone now.          the instruction
"""

from __future__ import annotations

from pathlib import Path

import click

from channels.contract import LanguageText
from channels.media.captions import MAX_BYTES as CAPTION_BYTES
from channels.media.structure import MAX_FILM_BYTES
from dispatcher.cli import cards
from dispatcher.cli.commands import Moment, Names, Noun, Pairs, Text, at, many, moment, pairs, read, read_text
from dispatcher.cli.output import facts, next_step
from dispatcher.cli.session import Session
from dispatcher.domain.errors import GateClosed, Invalid
from dispatcher.domain.message import Revision, TextKind
from dispatcher.service import messages, previewing, probing
from dispatcher.service.media import Given
from dispatcher.store import records

FILE = "LANGUAGE=FILE"
TEXT = pairs("text", FILE, "One language: headline on the first line, body below; an instruction after a line ---.")
NAME = click.argument("name", metavar="MESSAGE")

message = Noun("message")


@message.command()
@click.argument("incident")
@TEXT
@click.option("--link", metavar="URL", help="Where the public reads more.")
@click.option("--valid-until", "until", type=moment, help="Until when it holds; else the alert's own expiry.")
@many("area", "A place it concerns; else the incident's.")
def draft(session: Session, incident: str, text: Pairs, link: Text, until: Moment, areas: Names) -> None:
    """Write the first revision of a message about INCIDENT. What is left out comes from its alert.

    \b
    dispatcher message draft inc-7k --text en-GB=storm.txt --text cy=storm.cy.txt --valid-until +6h
    """
    written = messages.Draft(_texts(text), at(until, session.desk.now()), link, areas)
    _show(session, messages.draft(session.desk, incident, written, session.person))


@message.command()
@NAME
@TEXT
def edit(session: Session, name: str, text: Pairs) -> None:
    """Write the next revision of MESSAGE: another text in a language, or a translation into one more.

    Plans and signatures made before no longer match; whoever edits or translates cannot approve.
    """
    if not text:
        raise Invalid("nothing was given to write", "give --text LANGUAGE=FILE")
    with session.desk.store.read() as work:
        old = records.newest_revision(work, name)
    texts = {written.language: written for written in (*old.texts[TextKind.PUBLISH], *_texts(text))}
    did = "edit" if text.keys() <= set(old.languages) else "translate"
    given = (old.message, TextKind.PUBLISH, tuple(texts.values()))
    _show(session, messages.set_texts(session.desk, *given, session.person, did))


@message.command()
@NAME
@pairs("correct", FILE, "The correction; else a ready one in each language.")
@pairs("withdraw", FILE, "The withdrawal; else a ready one in each language.")
@pairs("all-clear", FILE, "The all-clear; else a ready one in each language.")
def arm(session: Session, name: str, **given: Pairs) -> None:
    """Arm the way back of MESSAGE: correction, withdrawal and all-clear, approved together with it."""
    texts = {TextKind(kind): _texts(files) for kind, files in given.items() if files}
    _show(session, messages.arm(session.desk, name, texts, session.person))


@message.command()
@NAME
@click.argument("file")
@pairs("alt", "LANGUAGE=TEXT", "What it shows, for who cannot see it; in every language of the message.")
@pairs("captions", "LANGUAGE=FILE", "A video's captions, as WebVTT; in every language, if it has sound.")
def attach(session: Session, name: str, file: str, alt: Pairs, captions: Pairs) -> None:
    """Attach the picture or video in FILE to MESSAGE; the same file again takes these texts instead.

    All but what is seen and heard is removed. In an exercise, EXERCISE is written across a picture, and on every cue
    of a video's captions. Whoever attaches cannot approve.

    \b
    dispatcher message attach msg-7k flood-map.png --alt en-GB="Map: the flooded streets" --alt cy="Map: y strydoedd"
    dispatcher message attach msg-7k flood.mp4 --alt en-GB="The river" --captions en-GB=flood.en.vtt
    """
    words = {tag: read(path, CAPTION_BYTES) for tag, path in captions.items()}
    given = Given(read(file, MAX_FILM_BYTES), alt, words)
    _show(session, messages.attach(session.desk, name, given, session.person))


@message.command()
@NAME
def detach(session: Session, name: str) -> None:
    """Take every picture and video off MESSAGE again."""
    _show(session, messages.detach(session.desk, name, session.person))


@message.command()
@NAME
@many("account", "Only this account; may be repeated.")
@cards.HTML
def preview(session: Session, name: str, accounts: Names, page: Path | None) -> None:
    """The exact text that each account would carry, as its platform counts, and its media; then the way back.

    Under each text stands what costs more than it seems, such as one letter that makes a text message two. Last comes
    whether each account could send, as its last probe found, and how long ago that was.

    \b
    dispatcher message preview msg-7k --html preview.html
    """
    sheet = previewing.of_message(session.desk, name, accounts)
    probed = probing.known(session.desk, {card.account for card in sheet.cards})
    text = "\n".join([cards.read_aloud(session, sheet), *(f"{one.account}: {one.probe}" for one in probed)])
    about = {"message": sheet.revision.message, "mode": sheet.incident.mode}
    shown = [cards.document(session, card) for card in sheet.cards]
    session.read_out("preview", {**about, "previews": shown, "probes": facts(probed)}, text)
    if page:
        cards.write_page(session, sheet, page)
    next_step(*_after(sheet.revision, any(card.problems for card in sheet.cards)))


@message.command()
@NAME
def lint(session: Session, name: str) -> None:
    """What speaks against MESSAGE as it is, account by account. Exit code 3 if anything does."""
    sheet = previewing.of_message(session.desk, name)
    revision = sheet.revision
    problems = [(card.account, str(card.kind), problem) for card in sheet.cards for problem in card.problems]
    problems += [("every account", str(kind), "is not armed in every language") for kind in revision.missing_armed]
    listed = [{"account": account, "text": kind, "problem": problem} for account, kind, problem in problems]
    session.show("lint", {"message": revision.message, "problems": listed}, problems="account text problem")
    command, missing = _after(revision, bool(problems))
    if problems:
        raise GateClosed(f"{len(problems)} problems: no plan can be made of it", command)
    next_step(command, missing)


def _texts(files: Pairs) -> tuple[LanguageText, ...]:
    return tuple(read_message(language, file) for language, file in files.items())


def read_message(language: str, file: str) -> LanguageText:
    """The text in a file, in the form that the module shows. Raises Invalid."""
    headline, _, rest = read_text(file).replace("\r\n", "\n").strip().partition("\n")
    body, _, instruction = f"{rest}\n".partition("\n---\n")
    if not headline.strip() or not body.strip():
        raise Invalid(f"{file}: needs a headline and a body", "write the headline on the first line, the body below")
    return LanguageText(language, headline.strip(), body.strip(), instruction.strip())


def _show(session: Session, made: Revision) -> None:
    names = ("message", "number", "digest", "incident", "languages", "valid_until", "link", "area", "contributors")
    armed = {kind: [text.language for text in texts] for kind, texts in made.texts.items()}
    media = [cards.pictured(session, medium) for medium in made.media]
    about = {name: getattr(made, name) for name in names}
    columns = "kind width height file" if media else ""
    session.show("message", {**about, "texts": armed, "media": media}, media=columns)
    if made.missing_armed:
        next_step(*_after(made, False))
    else:
        next_step(f"dispatcher message preview {made.message}")


def _after(revision: Revision, has_problems: bool) -> tuple[str, str]:
    if revision.missing_armed:
        lacking = f"the way back in every language ({', '.join(revision.missing_armed)})"
        return f"dispatcher message arm {revision.message}", lacking
    if has_problems:
        return f"dispatcher message edit {revision.message} --text LANGUAGE=FILE", "wording that every account takes"
    return f"dispatcher clearance submit {revision.message}", ""
