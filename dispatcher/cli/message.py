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

from collections.abc import Iterable, Iterator
from textwrap import indent
from typing import Any

import click

from channels import registry
from channels.capabilities import Address
from channels.contract import Caption, LanguageText, Medium
from channels.media.captions import MAX_BYTES as CAPTION_BYTES
from channels.media.structure import MAX_FILM_BYTES
from channels.text import length, sms_count
from dispatcher.cli import wording
from dispatcher.cli.area import place, placed
from dispatcher.cli.commands import Moment, Names, Noun, Pairs, Text, at, many, moment, pairs, read, read_text
from dispatcher.cli.output import facts, next_step
from dispatcher.cli.session import Session
from dispatcher.domain.errors import GateClosed, Invalid, Unavailable
from dispatcher.domain.message import Revision, TextKind
from dispatcher.sending.media import MediaFolder
from dispatcher.service import areas, drafting, messages, probing
from dispatcher.service.drafting import Wanted
from dispatcher.service.media import Given
from dispatcher.service.messages import Preview
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
def preview(session: Session, name: str, accounts: Names) -> None:
    """The exact text that each account would carry, as its platform counts, and its media; then the way back.

    Last comes whether each account could send, as its last probe found, and how long ago that was.
    """
    revision, found = _previews(session, name, accounts)
    said = wording.on_revision(session, revision)
    shown = [_document(session, made) for made in sorted(found, key=lambda made: list(TextKind).index(made.kind))]
    probed = probing.known(session.desk, {made.account.id for made in found})
    where = areas.told(revision)
    probes = [f"{one.account}: {one.probe}" for one in probed]
    text = "\n".join([areas.in_a_line(where), *map(_told, shown), *wording.lines(said), *probes])
    about = {"message": revision.message, "where": where, "previews": shown, "remarks": wording.rows(said)}
    session.read_out("preview", {**about, "probes": facts(probed)}, text)
    next_step(*_after(revision, any(made.problems for made in found) or _refuses(said)))


@message.command()
@NAME
def lint(session: Session, name: str) -> None:
    """What speaks against MESSAGE as it is, account by account, and about its wording.

    Exit code 3 if anything keeps a plan from being made of it; what advises does not.
    """
    revision, found = _previews(session, name, ())
    said = wording.on_revision(session, revision)
    problems = [(made.account.id, str(made.kind), problem) for made in found for problem in made.problems]
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


def _refuses(said: Iterable[Remark]) -> bool:
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
    media = [pictured(session, medium) for medium in made.media]
    about = {name: getattr(made, name) for name in names} | areas.told(made)
    about |= {"template": made.template} if made.template else {}
    columns = "kind width height file" if media else ""
    session.show("message", {**about, "texts": armed, "media": media}, media=columns)
    if made.missing_armed or not made.area:
        next_step(*_after(made, False))
    elif made.number == 1 and made.template:
        wording.tell_drafted(session, made)
        next_step(f"dispatcher clearance submit {made.message}")
    else:
        next_step(f"dispatcher message preview {made.message}")


def _previews(session: Session, name: str, accounts: Names) -> tuple[Revision, list[Preview]]:
    with session.desk.store.read() as work:
        revision = records.newest_revision(work, name)
        mode = records.incident(work, revision.incident).mode
        chosen = records.accounts(work, mode, accounts or None)
    if not chosen:
        raise Invalid(f"there is no {mode} account yet", "add one: dispatcher account add --help")
    return revision, messages.previews(session.desk, revision, chosen, mode)


def _document(session: Session, made: Preview) -> dict[str, Any]:
    channel, parts = made.account.channel, made.rendering.parts if made.rendering else ()
    counted = [{**facts(part), "count": _count(channel, part.text)} for part in parts]
    about = {"account": made.account.id, "channel": channel, "text": str(made.kind), "digest": made.digest}
    media = [pictured(session, medium) for medium in made.rendering.media] if made.rendering else []
    return {**about, "parts": counted, "media": media, "left_out": made.left_out, "problems": list(made.problems)}


def _told(made: dict[str, Any]) -> str:
    lines = [f"PROBLEM: {problem}\n" for problem in made["problems"]]
    lines += [f"[{part['language']}] {part['count']}\n{indent(part['text'], '    ')}\n" for part in made["parts"]]
    return "\n".join([f"{made['text']}: {made['account']} ({made['channel']})", *lines, *told_media(made)])


def pictured(session: Session, medium: Medium) -> dict[str, Any]:
    """A picture or video of a rendering, the files in which people look at it, and its captions word for word."""
    folder = session.desk.settings.media_folder
    captions = [{**facts(one), "file": str(folder.file(one)), "text": _words(folder, one)} for one in medium.captions]
    return {**facts(medium), "file": str(folder.file(medium)), "captions": captions}


def told_media(made: dict[str, Any]) -> Iterator[str]:
    """A rendering's pictures and videos for a person, or how many it goes out without."""
    for one in made["media"]:
        length = f", {one['duration_ms'] / 1_000:g} s" if one["duration_ms"] else ""
        yield f"[{one['kind']}] {one['width']} x {one['height']} pixels{length}, {one['size']} bytes: {one['file']}"
        yield from (f"{indent(part['text'], '    ')}\n" for part in one["alt"])
        sent = "" if _takes_captions(made["channel"]) else f", not sent: {made['channel']} takes none"
        for caption in one["captions"]:
            yield f"[captions {caption['language']}{sent}] {caption['file']}\n{indent(caption['text'], '    ')}"
    if made["left_out"]:
        kinds = {f"{one['kind']}s" for one in made["media"]}
        why = f"{made['account']} takes {f'{min(kinds)} alone here' if kinds else 'none of that kind'}"
        yield f"WITHOUT {made['left_out']} OF ITS PICTURES AND VIDEOS: {why}\n"


def _words(folder: MediaFolder, caption: Caption) -> str:
    try:
        return folder.read(caption).decode()
    except Unavailable as error:
        return error.message


def _takes_captions(channel: str) -> bool:
    return any(limit.captions for limit in registry.adapter(channel).capabilities.media)


def _count(channel: str, text: str) -> str:
    """How long a text is in its platform's own measure, and of how much."""
    able = registry.adapter(channel).capabilities
    if able.text is None:
        return f"{len(text)} characters"
    counted = f"{length(text, able.text.unit)} of {able.text.most}"
    if able.recipients is not Address.PHONE:
        return counted
    sms = sms_count(text)  # what is paid for
    return f"{counted}, {sms.segments} SMS ({sms.encoding})"


def _after(revision: Revision, has_problems: bool) -> tuple[str, str]:
    if not revision.area:
        return f"dispatcher message edit {revision.message} --area NAME", "the area: none never means everywhere"
    if revision.missing_armed:
        lacking = f"the way back in every language ({', '.join(revision.missing_armed)})"
        return f"dispatcher message arm {revision.message}", lacking
    if has_problems:
        return f"dispatcher message edit {revision.message} --text LANGUAGE=FILE", "wording that every account takes"
    return f"dispatcher clearance submit {revision.message}", ""
