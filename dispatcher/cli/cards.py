"""The cards of a preview: as JSON, and for a person at a terminal, who has to find what is wrong in one look.

A terminal shows::

    EXERCISE: nothing of this reaches the public. Storm (msg-7k, revision 2), valid until …

    === MESSAGE

    --- X (city-x, @city), en-GB: 212 of 280, 68 left
        the exact text
      * the link "https://…" counts 23 instead of 41
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import click

from channels.contract import Caption, Medium
from dispatcher.cli import wording
from dispatcher.cli.commands import Option, write
from dispatcher.cli.output import facts, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.message import SPOKEN, TextKind
from dispatcher.sending.media import MediaFolder
from dispatcher.service import areas
from dispatcher.service.previewing import Card, Sheet, Told

HTML: Option = click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write it as one page that looks as each platform does, and needs nothing else: no script, no network.",
)
EVERY_LANGUAGE = "mul"


def write_page(session: Session, sheet: Sheet, file: Path) -> None:
    """Write the sheet as a page, and say where."""
    from ops.preview.page import page

    write(file, page(sheet, session.desk.settings.media_folder).encode())
    say(f"Written to {file}: open it in a browser.")


def document(session: Session, card: Card) -> dict[str, Any]:
    """A card as JSON: what identifies it, its texts with what they count and why, and its media."""
    about = {"account": card.account, "handle": card.handle, "channel": card.channel, "text": str(card.kind)}
    rest = {"left_out": card.left_out, "problems": list(card.problems)}
    media = [pictured(session, medium) for medium in card.media]
    return {**about, "digest": card.digest, "parts": list(map(_part, card.texts)), "media": media, **rest}


def _part(told: Told) -> dict[str, Any]:
    counted = told.counted
    subject = {"subject": told.subject} if told.subject is not None else {}
    figures = {"counted": counted.count, "unit": counted.unit, "most": counted.most, "left": counted.left}
    return {
        "language": told.language,
        **subject,
        "text": told.text,
        "count": _counter(told),
        **facts({**figures, "sms": counted.sms, "costs": counted.costs}),
    }


def _counter(told: Told) -> str:
    return "; ".join(filter(None, (told.counted.said, told.counted.sms_said)))


def read_aloud(session: Session, sheet: Sheet) -> str:
    """The whole sheet for a terminal: what it is about, the message's cards, then each way back."""
    lines = [_banner(sheet), areas.in_a_line(areas.told(sheet.revision)), ""]
    for kind in TextKind:
        if alike := sheet.of_kind(kind):
            lines += [f"=== {SPOKEN[kind].upper()}", ""]
            lines += [line for cards in alike for line in _card(session, cards)]
    return "\n".join([*lines, *_summary(sheet)])


def _banner(sheet: Sheet) -> str:
    revision = sheet.revision
    about = f"{sheet.incident.title} ({revision.message}, revision {revision.number})"
    mode = "EXERCISE: nothing of this reaches the public" if sheet.exercise else "LIVE: THE PUBLIC READS THIS"
    return f"{mode}. {about}, valid until {revision.valid_until:%Y-%m-%d %H:%M} UTC"


def _card(session: Session, alike: Sequence[Card]) -> Iterator[str]:
    """What these accounts carry, who differ in nothing else."""
    card, name = alike[0], f"{alike[0].called} ({'; '.join(one.name for one in alike)})"
    yield from (f"PROBLEM, {name}: {problem}\n" for problem in card.problems)
    for told in card.texts:
        language = "all its languages" if told.language == EVERY_LANGUAGE else told.language
        yield f"--- {name}, {language}: {_counter(told)}"
        yield from () if told.subject is None else (f"    Subject: {told.subject}",)
        yield indent(told.text, "    ")
        yield from (f"  * {cost.said}" for cost in told.counted.costs)
        yield ""
    yield from told_media(document(session, card), takes_captions=card.takes_captions)


def _summary(sheet: Sheet) -> Iterator[str]:
    """Whatever the length of what stands above, the last lines say whether it can go."""
    alike = [cards for kind in TextKind for cards in sheet.of_kind(kind)]
    faults = [(cards, problem) for cards in alike for problem in cards[0].problems]
    accounts, texts = len({card.account for card in sheet.cards}), sum(len(card.texts) for card in sheet.cards)
    count = f"{accounts} {'account' if accounts == 1 else 'accounts'}, {texts} texts"
    yield f"{count}: {f'{len(faults)} problems' if faults else 'every text fits its account'}"
    yield from (f"PROBLEM, {', '.join(one.account for one in cards)}: {problem}" for cards, problem in faults)
    yield from wording.lines(sheet.remarks)


def pictured(session: Session, medium: Medium) -> dict[str, Any]:
    """A picture or video of a rendering, the files in which people look at it, and its captions word for word."""
    folder = session.desk.settings.media_folder
    captions = [{**facts(one), "file": str(folder.file(one)), "text": _words(folder, one)} for one in medium.captions]
    return {**facts(medium), "file": str(folder.file(medium)), "captions": captions}


def told_media(made: dict[str, Any], *, takes_captions: bool) -> Iterator[str]:
    """A rendering's pictures and videos for a person, or how many it goes out without."""
    for one in made["media"]:
        length = f", {one['duration_ms'] / 1_000:g} s" if one["duration_ms"] else ""
        yield f"[{one['kind']}] {one['width']} x {one['height']} pixels{length}, {one['size']} bytes: {one['file']}"
        yield from (f"{indent(part['text'], '    ')}\n" for part in one["alt"])
        sent = "" if takes_captions else f", not sent: {made['channel']} takes none"
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
