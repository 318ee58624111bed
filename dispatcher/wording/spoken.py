"""How a language says a time, a duration or a number, and what of these a text holds.

Rules
  1. Times are said by the clock of the United Kingdom, on 24 hours: a night has one 02:00, and the same digits stand
     in every language.
  2. What a text holds is compared as values: 6pm is 18:00 is 6yh. A number that a language writes as a word excuses
     the digits of another; words alone accuse nobody.

>>> said_duration(timedelta(hours=2), "cy")
'2 awr'
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import regex

from channels.text import links
from dispatcher.domain.money import LONDON
from dispatcher.wording.rules import Language, any_word, languages, paired, words_of

HERE = ZoneInfo(LONDON)
_PHONE = regex.compile(r"(?<![\w+])(?:\+44|0)(?:[\s-]?(?:\(0\))?\d){9,10}(?!\d)")
_NUMBER = regex.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*|\d+(?:[.,]\d+)*")
_DAY = r"(?P<day>[12]\d|3[01]|0?[1-9])"
_NUMERIC_DATE = regex.compile(rf"(?<!\d){_DAY}/(?P<month>0?[1-9]|1[0-2])(?=/\d|(?![\d/]))")


@dataclass(frozen=True, slots=True)
class Held:
    """What a text holds that another language must hold as well, each as a value that is the same in all."""

    numbers: frozenset[str]
    times: frozenset[str]
    dates: frozenset[str]
    days: frozenset[str]
    phones: frozenset[str]
    links: frozenset[str]


def said_moment(moment: datetime, tag: str) -> str:
    """A moment as a language says it, by the clock of the United Kingdom."""
    speech, there = _speech(tag), moment.astimezone(HERE)
    clock = speech.clock.format(hour=there.hour, minute=there.minute)
    return speech.moment.format(clock=clock, day=there.day, month=speech.months[there.month - 1][0])


def said_duration(span: timedelta, tag: str) -> str:
    """A duration in the largest unit that it is whole in: days (from two on), hours or minutes."""
    minutes = int(span / timedelta(minutes=1))
    unit, size = next(
        (unit, size)
        for unit, size in (("days", 1440), ("hours", 60), ("minutes", 1))
        if minutes % size == 0 and (unit != "days" or minutes > size)
    )
    count = minutes // size
    return _speech(tag).durations[unit][min(count, 3) - 1].format(n=count)


def said_number(number: int, _tag: str) -> str:
    """A number: digits in every language, thousands set off by a comma."""
    return f"{number:,}"


def held(text: str, tag: str) -> Held:
    """What a text holds. A language without a table of its own is read as far as digits go."""
    found_links = frozenset(_link(link) for link in links(text))
    for link in links(text):
        text = text.replace(link, " ")
    speech = words_of(languages(), tag)
    days = _days(text, speech)
    phones, text = _taken(_PHONE, text)
    dates, text = _dates(text, speech)
    times, text = _times(text, speech)
    numbers = frozenset(_plain(number) for number in _NUMBER.findall(text))
    called = frozenset(regex.sub(r"\D", "", phone.replace("+44", "0").replace("(0)", "")) for phone in phones)
    return Held(numbers, times, dates, days, called, found_links)


def spelled(number: str, text: str, tag: str) -> bool:
    """Whether a text writes a number as a word."""
    speech = words_of(languages(), tag)
    return speech is not None and bool(any_word(speech.numbers.get(number, ())).search(text))


def _speech(tag: str) -> Language:
    return words_of(languages(), tag) or languages()["en"]


def _plain(number: str) -> str:
    return regex.sub(r",(?=\d{3}\b)", "", number).lstrip("0") or "0"


def _link(link: str) -> str:
    """A link as a value: of hosts that are one site in two languages, the site."""
    host, _, path = link.split("://", 1)[-1].removeprefix("www.").partition("/")
    site = next((hosts[0] for hosts in paired().hosts if host.lower() in hosts), None)
    return site or f"{host.lower()}/{path.rstrip('/')}"


def _taken(pattern: regex.Pattern[str], text: str) -> tuple[list[str], str]:
    return [match.group() for match in pattern.finditer(text)], pattern.sub(" ", text)


def _dates(text: str, speech: Language | None) -> tuple[frozenset[str], str]:
    found = {f"{int(match['day'])}/{int(match['month'])}" for match in _NUMERIC_DATE.finditer(text)}
    text = _NUMERIC_DATE.sub(" ", text)
    for number, (before, after) in enumerate(_months(speech.months), start=1) if speech else ():
        # in a language whose days are named like months, "Mawrth 10 Tachwedd" is a Tuesday
        for pattern in (before,) if speech and speech.weekday_before else (before, after):
            found |= {f"{int(match['day'])}/{number}" for match in pattern.finditer(text)}
            text = pattern.sub(" ", text)
    return frozenset(found), text


@cache
def _months(months: Sequence[Sequence[str]]) -> list[tuple[regex.Pattern[str], regex.Pattern[str]]]:
    """Per month a day before its name and one after it; a name begins with a capital, or it may be another word."""
    named = ["|".join(forms) for forms in months]
    before = rf"(?<![\d:]){_DAY}(?:\p{{L}}{{2,3}})?\s+(?:of\s+|o\s+)?"
    return [
        (regex.compile(rf"{before}(?:{names})\b"), regex.compile(rf"\b(?:{names})\s+{_DAY}(?![\d:])"))
        for names in named
    ]


def _times(text: str, speech: Language | None) -> tuple[frozenset[str], str]:
    found: set[str] = set()
    for clock, words in speech.clock_words.items() if speech else ():
        taken, text = _taken(any_word(words), text)
        found |= {clock} if taken else set()
    pattern = _clock(speech.am if speech else (), speech.pm if speech else ())
    found |= set(filter(None, map(_clocked, pattern.finditer(text))))
    return frozenset(found), pattern.sub(lambda match: " " if _clocked(match) else match.group(), text)


@cache
def _clock(am: Sequence[str], pm: Sequence[str]) -> regex.Pattern[str]:
    halves = "".join(rf"|(?P<{name}>{'|'.join(words)})" for name, words in (("am", am), ("pm", pm)) if words)
    half = rf"(?:\s?(?:{halves[1:]})(?!\w))?" if halves else ""
    return regex.compile(
        rf"(?<![\d:.,/])(?P<hour>[01]?\d|2[0-3])(?:(?P<dot>[:.])(?P<minute>[0-5]\d)(?![\d:]))?(?!\d){half}",
        regex.IGNORECASE,
    )


def _clocked(match: regex.Match[str]) -> str | None:
    """A time by the clock of 24 hours; None for a number that is no time."""
    named = match.groupdict()
    half = "am" if named.get("am") else "pm" if named.get("pm") else ""
    hour, minute = int(named["hour"]), int(named["minute"] or 0)
    if not half and named["dot"] != ":":
        return None
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour:02}:{minute:02}"


def _days(text: str, speech: Language | None) -> frozenset[str]:
    return frozenset(_named_days(text, speech)) if speech else frozenset()


def _named_days(text: str, speech: Language) -> Iterator[str]:
    for number, forms in enumerate(speech.weekdays):
        if regex.search(rf"\b{speech.weekday_before}(?:{'|'.join(forms)})\b", text, regex.IGNORECASE):
            yield f"weekday {number + 1}"
    for day, words in speech.day_words.items():
        if any_word(words).search(text):
            yield day
