"""What in a text costs more than a reader would think, and the first word that no longer fits.

Rules
  1. A cost is one reason with every place where it stands, so that ten Welsh letters are one sentence.
  2. Places are in code points of the text as given. Words are counted from 1, between white space.
  3. It is counted as :mod:`channels.text.counting` does, whose rules have the sources; nothing is measured twice.
  4. A character that counts as several is told where at least half of the limit is used; before that it costs nobody
     anything. A link always is, for it counts otherwise than it looks.
  5. SMS: letters outside GSM-7 are told with the segments that the text would take without them.

>>> told = counted("Stay out of Llŷn tonight", Measure(Unit.CHARACTERS, 918, sms=True))
>>> told.said, told.costs[0].said
('24 of 918, 894 left', 'ŷ in "Llŷn" (word 4) leaves 70 characters to the SMS instead of 160; it is still 1 SMS')
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import regex

from channels.capabilities import Unit
from channels.text.counting import (
    GSM7_EXTENSION,
    GSM7_WHOLE,
    MASTODON_LINK,
    MASTODON_TOKEN,
    X_TOKEN,
    SmsCount,
    length,
    mastodon_length,
    sms_count,
    x_length,
)

SMS_ALONE, SMS_JOINED = {"gsm7": 160, "ucs2": 70}, {"gsm7": 153, "ucs2": 67}
"""What one SMS holds, alone and as one of several (rule 5 of :mod:`channels.text.counting`)."""

NAMED = {Unit.UTF16: "UTF-16 units", Unit.BYTES: "bytes"}
"""What people call a unit that is not simply a character."""

_SHOWN = 32
_PUNCTUATION = ".,;:!?()[]\"'“”‘’"
_CLUSTER = regex.compile(r"\X")
_WORD = regex.compile(r"\S+")


class CostKind(StrEnum):
    """Why a stretch of a text costs what it does."""

    ENCODING = "encoding"  # letters that move an SMS to UTF-16
    HEAVY = "heavy"  # a character that counts as several
    LINK = "link"  # counted as if it had another length
    MENTION = "mention"  # counted without its server's name
    BEYOND = "beyond"  # the first word that does not fit


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a text in code points, ``end`` exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cost:
    """One reason, every place where it stands in order, and the sentence that a person reads."""

    kind: CostKind
    places: tuple[Place, ...]
    said: str


@dataclass(frozen=True, slots=True)
class Measure:
    """How one text is counted: the unit, how much fits (None: all of it), whether as SMS, and a link on Mastodon."""

    unit: Unit
    most: int | None = None
    sms: bool = False
    per_link: int = MASTODON_LINK

    def of(self, text: str) -> int:
        """How long a text is."""
        return mastodon_length(text, self.per_link) if self.unit is Unit.SHORT_LINKS else length(text, self.unit)


@dataclass(frozen=True, slots=True)
class Counted:
    """How long a text is, in ``unit``, of how much; ``left`` is negative where it is too long."""

    count: int
    unit: Unit
    most: int | None
    sms: SmsCount | None
    costs: tuple[Cost, ...]

    @property
    def left(self) -> int | None:
        """What is left of the limit; None where there is none."""
        return None if self.most is None else self.most - self.count

    @property
    def said(self) -> str:
        """The counter in words: ``212 of 280, 68 left``."""
        unit = NAMED.get(self.unit, "")
        if self.most is None or self.left is None:
            return f"{self.count:,} {unit or 'characters'}"
        rest = f"{self.left:,} left" if self.left >= 0 else f"{-self.left:,} TOO MANY"
        return f"{self.count:,} of {self.most:,}{f' {unit}' if unit else ''}, {rest}"

    @property
    def sms_said(self) -> str:
        """What is paid for, and its room: ``2 SMS of 153 characters, 94 left``; empty where it is none."""
        if self.sms is None:
            return ""
        each = _holds(self.sms)
        return f"{self.sms.segments} SMS of {each} characters, {self.sms.segments * each - self.sms.units} left"


def counted(text: str, measure: Measure) -> Counted:
    """A text's length, and why it is that."""
    sms = sms_count(text) if measure.sms else None
    return Counted(measure.of(text), measure.unit, measure.most, sms, costs(text, measure))


def costs(text: str, measure: Measure) -> tuple[Cost, ...]:
    """What costs more or less than a reader would think; last, the first word beyond the limit."""
    found = [*_sms(text)] if measure.sms else [*_tokens(text, measure)]
    if not measure.sms:
        found += _heavy(text, measure, [place for cost in found for place in cost.places])
    return (*found, *_beyond(text, measure))


def _sms(text: str) -> Iterator[Cost]:
    now = sms_count(text)
    if now.beyond_gsm7:
        places = _places(text, lambda cluster: not GSM7_WHOLE.issuperset(cluster))
        without = sms_count("".join(letter if letter in GSM7_WHOLE else "n" for letter in text))
        yield Cost(CostKind.ENCODING, places, f"{_first(text, places)} {_encoded(now, without, len(places))}")
    elif doubled := _places(text, GSM7_EXTENSION.issuperset):
        counts = "count 2 each" if len(doubled) > 1 else "counts 2"
        yield Cost(CostKind.HEAVY, doubled, f"{_first(text, doubled)} {counts} in an SMS")


def _encoded(now: SmsCount, without: SmsCount, letters: int) -> str:
    """What letters outside GSM-7 did to a text message."""
    each = f"{_holds(now)} characters to the SMS instead of {_holds(without)}"
    if now.segments == without.segments:
        return f"{'leave' if letters > 1 else 'leaves'} {each}; it is still {now.segments} SMS"
    return f"{'make' if letters > 1 else 'makes'} this {now.segments} SMS instead of {without.segments}: {each}"


def _holds(sms: SmsCount) -> int:
    return (SMS_ALONE if sms.segments == 1 else SMS_JOINED)[sms.encoding]


def _tokens(text: str, measure: Measure) -> Iterator[Cost]:
    """Links and mentions that count otherwise than they are long."""
    pattern = {Unit.WEIGHTED: X_TOKEN, Unit.SHORT_LINKS: MASTODON_TOKEN}.get(measure.unit)
    for token in pattern.finditer(text) if pattern else ():
        kind = token.lastgroup
        if kind == "emoji":
            continue
        word, place = token.group(), Place(*token.span())
        counts = x_length(word) if measure.unit is Unit.WEIGHTED else mastodon_length(word, measure.per_link)
        said = f"counts {counts} instead of {len(word)}"
        if kind == "mention":
            yield Cost(CostKind.MENTION, (place,), f"{_quoted(word)} {said}: without its server")
        elif counts != len(word):
            what = "the link" if kind == "link" else "may be made a link, so"
            yield Cost(CostKind.LINK, (place,), f"{what} {_quoted(word)} {said}")


def _heavy(text: str, measure: Measure, besides: list[Place]) -> Iterator[Cost]:
    """What a reader sees as one character and the platform counts as several; see rule 4."""
    unit = measure.unit
    if unit in (Unit.GRAPHEMES, Unit.SHORT_LINKS) or measure.most is None or 2 * measure.of(text) < measure.most:
        return
    inside = {place for one in besides for place in range(one.start, one.end)}
    found = _places(text, lambda cluster: length(cluster, unit) > 1)
    places = tuple(one for one in found if one.start not in inside)
    if not places:
        return
    weights = [length(text[one.start : one.end], unit) for one in places]
    named = NAMED.get(unit, "")
    if len(set(weights)) == 1:
        each = f"{weights[0]} {named}".strip() + (" each" if len(places) > 1 else "")
    else:
        each = f"{sum(weights):,} {named}".strip() + " together"
    yield Cost(CostKind.HEAVY, places, f"{_first(text, places)} {'count' if len(places) > 1 else 'counts'} {each}")


def _beyond(text: str, measure: Measure) -> Iterator[Cost]:
    """The first word whose end lies beyond the limit."""
    if measure.most is None or measure.of(text) <= measure.most:
        return
    words = [Place(*word.span()) for word in _WORD.finditer(text)]
    which = bisect_right([one.end for one in words], measure.most, key=lambda end: measure.of(text[:end]))
    if which < len(words):
        one = words[which]
        said = f"the first word that does not fit is {_quoted(text[one.start : one.end])} (word {which + 1})"
        yield Cost(CostKind.BEYOND, (one,), said)


def _places(text: str, wanted: Callable[[str], bool]) -> tuple[Place, ...]:
    """The characters that a reader sees for which it is so."""
    return tuple(Place(*one.span()) for one in _CLUSTER.finditer(text) if wanted(one.group()))


def _first(text: str, places: tuple[Place, ...]) -> str:
    """The first of some characters by its word, and how many more there are."""
    first = places[0]
    words = enumerate(_WORD.finditer(text), 1)
    around = ((found.group(), number) for number, found in words if found.end() > first.start)
    word, number = next(around, ("", 0))
    letter = text[first.start : first.end]
    where = f"{letter} (word {number})" if word == letter else f"{letter} in {_quoted(word)} (word {number})"
    return f"{where} and {len(places) - 1} more" if len(places) > 1 else where


def _quoted(word: str) -> str:
    bare = word.strip(_PUNCTUATION) or word
    return f'"{bare if len(bare) <= _SHOWN else f"{bare[: _SHOWN - 1]}…"}"'
