"""The slots of a template: what may stand in one, how it is typed, and how each language says it.

A value is given once and said in every language. What a language has words of its own for is given per language,
``--slot what.cy=…``, unless the template has the words: a ``choice`` has them for each of its options.

    text       words, one language each            --slot cause.en-GB="a burst main" --slot cause.cy="…"
    place      a name, the same in all             --slot area="Lower Town" --slot area.cy="Y Dref Isaf"
    time       now, +6h, 18:00, 2026-11-21T18:00Z  the next 18:00 by the clock of the United Kingdom
    duration   90m, 4h, 2d
    number     1500
    phone      0345 988 1188
    link       https://…                           goes to the end of a post, not into the text
    choice     one of the template's words
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import regex

from dispatcher.domain import canonical
from dispatcher.wording.rules import words_of
from dispatcher.wording.spoken import HERE, said_duration, said_moment, said_number

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_SPAN = regex.compile(r"([1-9]\d{0,4})([mhd])")
_CLOCK = regex.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_PHONE = regex.compile(r"(?:\+44|0)(?: ?\d){9,10}|\d{3,6}")
_LINK = regex.compile(r"https://[^\s<>\"]+\.[^\s<>\"]+")


class SlotKind(StrEnum):
    """What stands in a slot."""

    TEXT = "text"
    PLACE = "place"
    TIME = "time"
    DURATION = "duration"
    NUMBER = "number"
    PHONE = "phone"
    LINK = "link"
    CHOICE = "choice"


class Origin(StrEnum):
    """Where a slot's value comes from where nobody gives one: what is known of the incident and the deployment.

    A message's reference is known once it has an id: in its armed texts, and not in its own.
    """

    AREA = "area"
    SENT_BY = "sent_by"
    TITLE = "title"
    LINK = "link"
    VALID_UNTIL = "valid_until"
    REFERENCE = "reference"


EXAMPLES = {
    SlotKind.TEXT: "a burst water main",
    SlotKind.PLACE: "Lower Town",
    SlotKind.TIME: "18:00 or +6h",
    SlotKind.DURATION: "4h",
    SlotKind.NUMBER: "40",
    SlotKind.PHONE: "0345 988 1188",
    SlotKind.LINK: "https://www.gov.uk/alerts",
}


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot. ``says`` is the question it answers; ``words`` per option of a choice its words per language.

    What is optional and not given takes its sentence with it.
    """

    type: SlotKind
    says: str
    example: str = ""
    default: str = ""
    origin: Origin | None = None
    optional: bool = False
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def such_as(self) -> str:
        """An example of what to type."""
        return self.example or " or ".join(self.words) or EXAMPLES.get(self.type, "")

    def fault(self, typed: str, now: datetime) -> str | None:
        """Why what was typed cannot stand here, or None."""
        match self.type:
            case SlotKind.TIME:
                return None if moment_of(typed, now) else f"{typed!r} is no time"
            case SlotKind.CHOICE:
                return None if typed in self.words else f"{typed!r} is none of {', '.join(self.words)}"
            case SlotKind.DURATION | SlotKind.PHONE | SlotKind.LINK | SlotKind.NUMBER:
                fits = _FORMS[self.type].fullmatch(typed)
                return None if fits else f"{typed!r} is no {self.type}"
            case _:
                return None if canonical.typed(typed) else "it is empty"

    def say(self, typed: str, tag: str, now: datetime) -> str:
        """What was typed as a language says it. The value has no fault."""
        match self.type:
            case SlotKind.TIME:
                return said_moment(moment_of(typed, now) or now, tag)
            case SlotKind.DURATION:
                return said_duration(span_of(typed) or timedelta(), tag)
            case SlotKind.NUMBER:
                return said_number(int(typed.replace(",", "")), tag)
            case SlotKind.CHOICE:
                return words_in(self.words[typed], tag)
            case _:
                return canonical.typed(typed)


_FORMS = {
    SlotKind.DURATION: _SPAN,
    SlotKind.PHONE: _PHONE,
    SlotKind.LINK: _LINK,
    SlotKind.NUMBER: regex.compile(r"\d{1,3}(?:,\d{3})+|\d{1,12}"),
}


def moment_of(typed: str, now: datetime) -> datetime | None:
    """The moment meant: now, so long from now, the next such time of the clock, or a time with its offset."""
    if typed == "now":
        return now
    if typed.startswith("+"):
        span = span_of(typed[1:])
        return now + span if span else None
    if clock := _CLOCK.fullmatch(typed):
        today = now.astimezone(HERE).replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return (today if today > now else today + timedelta(days=1)).astimezone(UTC)
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def span_of(typed: str) -> timedelta | None:
    """``90m``, ``4h``, ``2d`` as a duration; None for anything else."""
    match = _SPAN.fullmatch(typed)
    return int(match[1]) * _UNITS[match[2]] if match else None


def words_in(words: Mapping[str, str], tag: str) -> str:
    """A language's words, by its own tag or else by its primary one."""
    by_primary = {name.partition("-")[0].lower(): text for name, text in words.items()}
    return words.get(tag) or words_of(by_primary, tag) or ""
