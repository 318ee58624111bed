"""The word lists and thresholds of this package's TOML files, read once, with their patterns compiled.

``words_of(table, tag)`` finds what a language has of a table: files name primary tags (cy), texts any (cy-GB).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import regex

from dispatcher.domain import documents

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Figures of the lint: words, letters, and LIX (see ``dispatcher.wording.plain``)."""

    sentence_words: int
    lix: int
    lix_words: int
    capital_words: int
    hashtag_letters: int
    alt_letters: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Patterns that are remarked on where they are found, sentence by sentence, and none of ``unless`` is.

    ``mode`` is live or exercise, empty for both; ``flag`` the approval that policy knows such words by.
    """

    code: str
    weight: str
    message: str
    source: str
    find: Mapping[str, tuple[str, ...]]
    unless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode: str = ""
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Lacking:
    """An element of a complete warning, and the patterns by one of which it is there."""

    code: str
    element: str
    message: str
    find: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Words:
    """Lists that hold for every language."""

    acronyms: tuple[str, ...]
    capitals: tuple[str, ...]
    alt: tuple[str, ...]
    no_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The whole of ``rules.toml``."""

    limits: Limits
    rule: tuple[Rule, ...]
    element: tuple[Lacking, ...]
    words: Words


@dataclass(frozen=True, slots=True)
class Language:
    """How one language says times, dates and numbers; the first form of each list is the one that is written.

    ``durations``: per unit the forms for one, two and more. ``weekday_before``: what stands before a day's name
    where the name alone may be another word.
    """

    clock: str
    moment: str
    months: tuple[tuple[str, ...], ...]
    weekdays: tuple[tuple[str, ...], ...]
    am: tuple[str, ...]
    pm: tuple[str, ...]
    clock_words: Mapping[str, tuple[str, ...]]
    day_words: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, tuple[str, ...]]
    durations: Mapping[str, tuple[str, ...]]
    must: tuple[str, ...]
    should: tuple[str, ...]
    weekday_before: str = ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Hosts and places that have a name of their own in each language."""

    hosts: tuple[tuple[str, ...], ...]
    places: tuple[tuple[str, ...], ...]


@cache
def rules() -> Rules:
    """The rules of the lint."""
    document = _data("rules.toml")
    document["rule"] = [{"mode" if key == "in" else key: rule[key] for key in rule} for rule in document["rule"]]
    return documents.read(Rules, document, "rules.toml", defaults=True)


@cache
def languages() -> Mapping[str, Language]:
    """How each language says things, by its primary tag."""
    tables = {tag: table for tag, table in _data("languages.toml").items() if tag != "pairs"}
    read = documents.read
    return {tag: read(Language, table, f"languages.toml.{tag}", defaults=True) for tag, table in tables.items()}


@cache
def paired() -> Pairs:
    """What has a name of its own in each language."""
    return documents.read(Pairs, _data("languages.toml")["pairs"], "languages.toml.pairs")


def words_of(table: Mapping[str, T], tag: str) -> T | None:
    """What a language has of a table, by its primary tag; None where the table does not know the language."""
    return table.get(tag.partition("-")[0].lower())


@cache
def any_of(patterns: Sequence[str]) -> regex.Pattern[str]:
    """One pattern for several, whatever the case."""
    return regex.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)", regex.IGNORECASE)


@cache
def any_word(words: Sequence[str]) -> regex.Pattern[str]:
    """The same of plain words, each whole."""
    either = "|".join(regex.escape(word) for word in sorted(words, key=len, reverse=True))
    return regex.compile(rf"(?<!\w)(?:{either})(?!\w)" if words else r"(?!)", regex.IGNORECASE)


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))
