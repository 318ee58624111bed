"""Whether two languages tell the public the same: numbers, times, dates, links, telephones, places, must and should.

Rules
  1. Every language is compared with the first. Numbers, times, dates, telephones and links that differ refuse; so
     does a text that stands in two languages word for word: one of them was never translated.
  2. Places and must or should advise: languages say these in more ways than a list knows.
  3. That the words mean the same is for a native reader to sign (role ``language_checker``); no list finds
     "yn Vogel" where "yn ddiogel" was meant (reference: policy 3, the test of April 2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from channels.contract import LanguageText
from dispatcher.domain.message import TextKind
from dispatcher.wording.phrases import names
from dispatcher.wording.remarks import Remark, Weight, whole
from dispatcher.wording.rules import any_word, languages, words_of
from dispatcher.wording.spoken import Held, held, spelled

CALLED = {"numbers": "numbers", "times": "times", "dates": "dates", "phones": "telephone numbers", "links": "links"}
ENOUGH_WORDS = 3
"""Fewer words may well be the same in two languages: a name, a place."""


def differences(kind: TextKind, texts: Sequence[LanguageText], area: Sequence[str]) -> Iterator[Remark]:
    """What each further language says otherwise than the first."""
    for text in texts[1:]:
        for code, weight, words, message in _between(texts[0], text, area):
            yield Remark(code, weight, kind, text.language, words, message)


def _between(first: LanguageText, other: LanguageText, area: Sequence[str]) -> Iterator[tuple[str, Weight, str, str]]:
    if other.body.casefold() == first.body.casefold() and len(other.body.split()) >= ENOUGH_WORDS:
        yield (
            "same_text",
            Weight.REFUSE,
            other.body[:40],
            f"says word for word what {first.language} says: translate it",
        )
        return
    for name, words in _facts(first, other):
        yield f"{name}_differ", Weight.REFUSE, words, f"{CALLED[name]} are not those of {first.language}"
    if words := _days(held(whole(first), first.language), held(whole(other), other.language)):
        yield "days_differ", Weight.REFUSE, words, f"days are not those of {first.language}"
    for place in area:
        lacking = [text.language for text in (first, other) if not names(whole(text), place)]
        if len(lacking) == 1:
            yield "places_differ", Weight.ADVISE, place, f"the place is not named in {lacking[0]}"
    for strength in ("must", "should"):
        said = [text.language for text in (first, other) if _says(text, strength)]
        if len(said) == 1:
            yield "modality_differs", Weight.ADVISE, strength, f"only {said[0]} says it as strongly: look at both"


def _facts(first: LanguageText, other: LanguageText) -> Iterator[tuple[str, str]]:
    """Each kind of fact that differs, and how."""
    ours, theirs = held(whole(first), first.language), held(whole(other), other.language)
    for field in fields(Held):
        if field.name not in CALLED:
            continue
        here, there = getattr(ours, field.name), getattr(theirs, field.name)
        only_here = [one for one in sorted(here - there) if not spelled(one, whole(other), other.language)]
        only_there = [one for one in sorted(there - here) if not spelled(one, whole(first), first.language)]
        sides = ((only_here, first.language), (only_there, other.language))
        told = [f"{', '.join(values)} in {language} only" for values, language in sides if values]
        if told:
            yield field.name, "; ".join(told)


def _days(ours: Held, theirs: Held) -> str:
    """Days that both name, and differently; one may say the day of a date and the other not."""
    for is_weekday in (True, False):
        here, there = (
            {day for day in side.days if day.startswith("weekday") is is_weekday} for side in (ours, theirs)
        )
        if here and there and here != there:
            return f"{_named(here)} against {_named(there)}"
    return ""


def _named(days: set[str]) -> str:
    names = languages()["en"].weekdays
    return ", ".join(names[int(d[-1]) - 1][0] if d.startswith("weekday") else d for d in sorted(days))


def _says(text: LanguageText, strength: str) -> bool:
    speech = words_of(languages(), text.language)
    return speech is not None and bool(any_word(getattr(speech, strength)).search(whole(text)))
