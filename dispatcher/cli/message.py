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
from dispatcher.cli import cards, wording
from dispatcher.cli.area import place, placed
from dispatcher.cli.commands import Moment, Names, Noun, Pairs, Text, at, many, moment, pairs, read, read_text
from dispatcher.cli.output import facts, next_step
from dispatcher.cli.session import Session
from dispatcher.domain.errors import GateClosed, Invalid
from dispatcher.domain.message import Revision, TextKind
from dispatcher.service import areas, drafting, messages, previewing, probing
from dispatcher.service.drafting import Wanted
from dispatcher.service.media import Given
from dispatcher.store import records
from dispatcher.wording import Remark, Weight

FILE = "LANGUAGE=FILE"
TEXT = pairs("text", FILE, "One language: headline on the first line, body below; an instruction after a line ---.")
NAME = click.argument("name", metavar="MESSAGE")

message = Noun("message")


@message.command()
@click.argument("incident")
@TEXT
@click.option("--link", metavar="URL", help="Where the public reads more.")
@click.option("--valid-until", "until", type=moment, help="Until when it holds; else the alert's own expiry.")
@place
@click.option("--template", metavar="NAME", help="From a template, its way back armed; see: message templates.")
@pairs("slot", "NAME=VALUE", "A value of the template; NAME.cy=VALUE for one language alone.")
@many("language", "Of the template, only this language; else those that accounts speak.")
def draft(
    session: Session,
    incident: str,
    text: Pairs,
    link: Text,
    until: Moment,
    template: Text,
    slot: Pairs,
    languages: Names,
    **told: Names,
) -> None:
    """Write the first revision of a message about INCIDENT. What is left out comes from its alert.

    \b
    dispatcher message draft inc-7k --template flood --slot river="River Example" --valid-until +6h
    dispatcher message draft inc-7k --text en-GB=storm.txt --text cy=storm.cy.txt --valid-until +6h
    """
    written = messages.Draft(_texts(text), at(until, session.desk.now()), link, placed(session, told))
    if template is None:
        if slot or languages:
            raise Invalid("slots and languages are those of a template", "name one: --template NAME")
        return _show(session, messages.draft(session.desk, incident, written, session.person))
    if text:
        raise Invalid("a template brings its own texts", "give --slot NAME=VALUE, or --text without --template")
    wanted = wording.asked(session, incident, Wanted(template, slot, written, languages))
    return _show(session, drafting.draft(session.desk, incident, wanted, session.person))


@message.command()
@click.argument("name", metavar="[TEMPLATE]", required=False)
def templates(session: Session, name: Text) -> None:
    """The templates there are; of one, its slots, what it knows itself, and its texts.

    Your own stand in the deployment's folder `templates`; one of a known name takes its place.
    """
    if name:
        wording.show_template(session, name)
        return next_step(f"dispatcher message draft INCIDENT --template {name}")
    wording.show_templates(session)
    return next_step("dispatcher message templates NAME")


@message.command()
@NAME
@TEXT
@place
def edit(session: Session, name: str, text: Pairs, **told: Names) -> None:
    """Write the next revision of MESSAGE: another text in a language, a translation into one more, another place.

    Plans and signatures made before no longer match; whoever edits or translates cannot approve.
    """
    where = placed(session, told)
    if not text and not where.names:
        raise Invalid("nothing was given to write", "give --text LANGUAGE=FILE or --area NAME")
    if where.names:
        made = messages.move(session.desk, name, where, session.person)
    if not text:
        return _show(session, made)
    with session.desk.store.read() as work:
        old = records.newest_revision(work, name)
    texts = {written.language: written for written in (*old.texts[TextKind.PUBLISH], *_texts(text))}
    did = "edit" if text.keys() <= set(old.languages) else "translate"
    given = (old.message, TextKind.PUBLISH, tuple(texts.values()))
    return _show(session, messages.set_texts(session.desk, *given, session.person, did))


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
    about = {"message": sheet.revision.message, "mode": sheet.incident.mode, "where": areas.told(sheet.revision)}
    shown = [cards.document(session, card) for card in sheet.cards]
    said = {"previews": shown, "remarks": wording.rows(sheet.remarks), "probes": facts(probed)}
    session.read_out("preview", {**about, **said}, text)
    if page:
        cards.write_page(session, sheet, page)
    next_step(*_after(sheet.revision, any(card.problems for card in sheet.cards) or _refuses(sheet.remarks)))


@message.command()
@NAME
def lint(session: Session, name: str) -> None:
    """What speaks against MESSAGE as it is, account by account, and about its wording.

    Exit code 3 if anything keeps a plan from being made of it; what advises does not.
    """
    sheet = previewing.of_message(session.desk, name)
    revision, said = sheet.revision, sheet.remarks
    problems = [(card.account, str(card.kind), problem) for card in sheet.cards for problem in card.problems]
    problems += [("every account", str(kind), "is not armed in every language") for kind in revision.missing_armed]
    problems += [] if revision.area else [("every account", "publish", "names no area, which never means everywhere")]
    refused = [one for one in said if one.weight is Weight.REFUSE]
    problems += [("wording", str(one.kind), one.sentence()) for one in refused]
    listed = [{"account": account, "text": kind, "problem": problem} for account, kind, problem in problems]
    about = {"message": revision.message, "problems": listed, "remarks": wording.rows(said)}
    session.show("lint", about, problems="account text problem", remarks=wording.COLUMNS)
    command, missing = _after(revision, bool(problems))
    if problems:
        raise GateClosed(f"{len(problems)} problems: no plan can be made of it", command)
    next_step(command, missing)


def _refuses(said: tuple[Remark, ...]) -> bool:
    return any(one.weight is Weight.REFUSE for one in said)


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
    about = {name: getattr(made, name) for name in names} | areas.told(made)
    about |= {"template": made.template} if made.template else {}
    columns = "kind width height file" if media else ""
    session.show("message", {**about, "texts": armed, "media": media}, media=columns)
    if made.missing_armed or not made.area:
        return next_step(*_after(made, False))
    wording.tell_armed_earlier(session, made.message)
    if made.number == 1 and made.template:
        wording.tell_drafted(session, made)
        return next_step(f"dispatcher clearance submit {made.message}")
    return next_step(f"dispatcher message preview {made.message}")


def _after(revision: Revision, has_problems: bool) -> tuple[str, str]:
    if not revision.area:
        return f"dispatcher message edit {revision.message} --area NAME", "the area: none never means everywhere"
    if revision.missing_armed:
        lacking = f"the way back in every language ({', '.join(revision.missing_armed)})"
        return f"dispatcher message arm {revision.message}", lacking
    if has_problems:
        return f"dispatcher message edit {revision.message} --text LANGUAGE=FILE", "wording that every account takes"
    return f"dispatcher clearance submit {revision.message}", ""
