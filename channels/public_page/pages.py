"""Pages from records: what stands on them follows from the records alone, so whoever comes next mends a crash.

Rules
  1. A page says in words how each message stands: in force until when, corrected, withdrawn, all clear. It says so
     without reading the clock, so that what is served now is what was written then.
  2. A correction and an all-clear stand in the place of what they replace, which is shown below with its time. What
     was withdrawn is not shown again.
  3. Every text is escaped. A page runs nothing, asks for nothing, and can be read without its style.
  4. The index lists the pages of the last three months, the newest first.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from channels.contract import LanguageText
from channels.public_page.record import INDEX, Record, Standing, main_tag, texts, word, words

if TYPE_CHECKING:
    from jinja2 import Template

KEPT = timedelta(days=90)
"""For so long after its last message ended a page is in the index (ours); the page itself stays."""

_HERE = Path(__file__).parent
_ZONE = ZoneInfo("Europe/London")
_BELOW = {"h1": "h2", "h2": "h3", "h3": "h4"}


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was said before, and when."""

    when: str
    text: LanguageText


@dataclass(frozen=True, slots=True)
class Message:
    """One message on a page in one language, as it stands after all its records."""

    id: str
    standing: Standing
    state: str
    issued: str
    now: LanguageText
    before: tuple[Earlier, ...]
    area: str
    sent_by: str
    link: str


def languages() -> tuple[str, ...]:
    """The languages that pages exist in, by their main tags."""
    return tuple(_say())


def file_of(page: str, language: str) -> str:
    """The file of a page in a language."""
    return f"{page}.{main_tag(language)}.html"


def pages(records: Iterable[Record], page: str) -> dict[str, bytes]:
    """The files of one page: one for each language that it has a text in."""
    ours = [record for record in records if record.page == page]
    tags = _tags(ours)
    return {file_of(page, tag): _page(ours, page, tag, tags) for tag in tags}


def index(records: Iterable[Record], now: datetime, first: str) -> dict[str, bytes]:
    """The files of the index; ``first`` is the language of the one that a web server shows for the folder."""
    kept = [record for record in records if record.page in listed(records, now)]
    tags = _tags(kept) or (main_tag(first),)
    made = {file_of(INDEX, tag): _index(kept, tag, tags) for tag in tags}
    return {**made, f"{INDEX}.html": made.get(file_of(INDEX, first)) or next(iter(made.values()))}


def listed(records: Iterable[Record], now: datetime) -> list[str]:
    """The pages that the index lists now, the newest first."""
    last: dict[str, datetime] = {}
    for record in sorted(records, key=_order):
        last.pop(record.page, None)
        last[record.page] = max(record.at, record.valid_until)
    return [page for page, ended in reversed(last.items()) if ended + KEPT > now]


def links(file: bytes, page: str) -> bool:
    """Whether an index links to a page, in whichever language."""
    return f'<a href="{page}.'.encode() in file


def _page(records: list[Record], page: str, tag: str, tags: tuple[str, ...]) -> bytes:
    shown = _messages(records, tag)
    about = {"messages": shown, "title": shown[0].now.headline, "home": file_of(INDEX, tag)}
    return _render(tag, _versions(page, tag, tags), records[0].exercise, about)


def _index(records: list[Record], tag: str, tags: tuple[str, ...]) -> bytes:
    by_page = {page: [one for one in records if one.page == page] for page in _newest_first(records)}
    shown = [
        {"file": file_of(page, tag), "newest": found[0]}
        for page, ours in by_page.items()
        if (found := _messages(ours, tag))
    ]
    about = {"pages": shown, "title": _say()[tag]["index"], "home": ""}
    return _render(tag, _versions(INDEX, tag, tags), any(one.exercise for one in records), about)


def _newest_first(records: list[Record]) -> list[str]:
    return list(dict.fromkeys(record.page for record in sorted(records, key=_order, reverse=True)))


def _messages(records: Iterable[Record], tag: str) -> list[Message]:
    """The messages of a page in a language, by when they last changed, the newest first."""
    by_message: dict[str, list[Record]] = {}
    for record in sorted(records, key=_order):
        if record.text(tag):
            by_message.setdefault(record.message, []).append(record)
    ordered = sorted(by_message.values(), key=lambda held: _order(held[-1]), reverse=True)
    return [_message(held, tag) for held in ordered]


def _message(held: list[Record], tag: str) -> Message:
    first, last, say = held[0], held[-1], _say()[tag]
    withdrawn = any(record.standing is Standing.WITHDRAWN for record in held)
    shown = [] if withdrawn else held[-2::-1]
    when = last.valid_until if last.standing is Standing.IN_FORCE else last.at
    return Message(
        id=first.message,
        standing=last.standing,
        state=say[last.standing].format(_moment(when, say)),
        issued=say["issued"].format(_moment(first.at, say)),
        now=_text(last, tag),
        before=tuple(Earlier(say["said"].format(_moment(one.at, say)), _text(one, tag)) for one in shown),
        area=", ".join(words(last.rendering, "area")),
        sent_by=word(last.rendering, "sent_by"),
        link=word(last.rendering, "link"),
    )


def _text(record: Record, tag: str) -> LanguageText:
    text = record.text(tag)
    if text is None:
        raise LookupError(f"no text in {tag}")
    return text


def _tags(records: Iterable[Record]) -> tuple[str, ...]:
    found = {main_tag(text.language) for record in records for text in texts(record.rendering)}
    return tuple(tag for tag in _say() if tag in found)


def _versions(page: str, tag: str, tags: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"language": one, "called": _say()[one]["called"], "file": file_of(page, one), "here": one == tag}
        for one in tags
    ]


def _moment(moment: datetime, say: Mapping[str, Any]) -> str:
    there = moment.astimezone(_ZONE)
    month = say["months"][there.month - 1]
    told: str = say["moment"].format(
        hour=there.hour, minute=there.minute, day=there.day, month=month, year=there.year
    )
    return told


def _order(record: Record) -> tuple[datetime, str]:
    return record.at, record.name


def _render(tag: str, versions: list[dict[str, Any]], exercise: bool, about: Mapping[str, Any]) -> bytes:
    given = {"language": tag, "say": _say()[tag], "versions": versions, "exercise": exercise, **about}
    return _template().render(given).encode()


@cache
def _say() -> dict[str, dict[str, Any]]:
    return tomllib.loads((_HERE / "words.toml").read_text("utf-8"))


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (_HERE / "style.css").read_text("utf-8").strip()
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals |= {"style": style, "style_hash": f"sha256-{hashed}", "below": _BELOW.__getitem__}
    return environment.get_template("page.html")
