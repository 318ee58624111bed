"""Templates: a message with slots, in every language, whose sentences say which element of a warning they are.

Rules
  1. A template is a TOML file. Its name is the file's; a department's own file of the same name takes its place.
  2. Every language has the same slots: no fact stands in one alone. A choice has words in every language.
  3. Each sentence is marked: source, hazard, location, time, guidance, or ``note`` for what is none of them. The link
     is a slot of its own, because a post has it at its end.
  4. What is missing is named together, each slot with its type and an example; nothing is left open in a text.

A file::

    summary = "Power is off in an area."
    [slots.area]
    type = "place"
    says = "Where"
    origin = "area"
    [texts.en-GB]
    headline = [{ hazard = "Power cut: {area}" }]
    body = [{ guidance = "Keep away from fallen lines." }]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any

from channels.contract import LanguageText
from dispatcher.domain import canonical, documents
from dispatcher.domain.errors import Invalid
from dispatcher.domain.message import TextKind
from dispatcher.wording.slots import Origin, Slot, SlotKind, moment_of, words_in

ARMED_BY = {TextKind.CORRECT: "correction", TextKind.WITHDRAW: "withdrawal", TextKind.ALL_CLEAR: "all-clear"}
"""The template of each armed text."""

DIGITS = 12
"""How much of a template's digest names it in a revision."""


class Element(StrEnum):
    """What a sentence of a warning is for (reference: policy 3, message science)."""

    SOURCE = "source"
    HAZARD = "hazard"
    LOCATION = "location"
    TIME = "time"
    GUIDANCE = "guidance"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Wording:
    """One language of a template: sentences in order, each a table of one element and its words."""

    headline: tuple[Mapping[str, str], ...]
    body: tuple[Mapping[str, str], ...]
    instruction: tuple[Mapping[str, str], ...] = ()

    def sentences(self) -> Iterator[tuple[Element, str]]:
        """Every sentence with its element."""
        for sentence in (*self.headline, *self.body, *self.instruction):
            yield from ((Element(element), words) for element, words in sentence.items())


@dataclass(frozen=True, slots=True)
class Template:
    """A template as its file has it. ``kinds``: the kinds of incident it is for, none for all.

    ``fits`` names channels whose limits its text keeps, in one language, with values of ordinary length.
    """

    name: str
    digest: str
    summary: str
    texts: Mapping[str, Wording]
    slots: Mapping[str, Slot] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    fits: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What a revision that was written from it says."""
        return f"{self.name} {self.digest[:DIGITS]}"


@dataclass(frozen=True, slots=True)
class Missing:
    """A slot that nobody filled: what to type, and of what kind."""

    flag: str
    kind: SlotKind
    says: str
    such_as: str

    def sentence(self) -> str:
        """The slot for a person."""
        return f"{self.flag} ({self.kind}, such as {self.such_as}): {self.says}"


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with its slots filled: a text per language, and what of the values the message itself takes."""

    texts: tuple[LanguageText, ...]
    link: str | None = None
    valid_until: datetime | None = None
    area: tuple[str, ...] = ()


def read(name: str, text: str) -> Template:
    """Read a template's file. Raises Invalid naming what is wrong with it."""
    try:
        document = tomllib.loads(text)
        digest = canonical.digest("template/v1", text.encode())
        made = documents.read(Template, {**document, "name": name, "digest": digest}, name, defaults=True)
        _check(made)
    except (tomllib.TOMLDecodeError, documents.DocumentError, ValueError) as error:
        raise Invalid(f"template {name} cannot be used: {error}", f"mend {name}.toml") from error
    return made


@cache
def shipped() -> Mapping[str, Template]:
    """The project's own templates by name."""
    folder = resources.files(f"{__package__}.templates")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    names = [file.name.removesuffix(".toml") for file in files]
    return {name: read(name, file.read_text("utf-8")) for name, file in zip(names, files, strict=True)}


def languages_of(template: Template, wanted: Sequence[str]) -> tuple[str, ...]:
    """Of the languages wanted, those that a template has; all its own where none is wanted."""
    return tuple(tag for tag in wanted if _wording(template, tag)) if wanted else tuple(template.texts)


def missing(
    template: Template, given: Mapping[str, str], known: Mapping[Origin, str], tags: Sequence[str]
) -> tuple[Missing, ...]:
    """The slots that have no value yet, in the template's order. Raises Invalid for a value of no slot."""
    _refuse_unknown(template, given, tags)
    lacking = []
    for name, slot in template.slots.items():
        flags = [f"{name}.{tag}" for tag in tags] if slot.type is SlotKind.TEXT else [name]
        open_ = [flag for flag in flags if not (_value(name, slot, given, known) or given.get(flag))]
        if not slot.optional or len(open_) < len(flags):  # what one language says, all of them say
            lacking += [Missing(flag, slot.type, slot.says, slot.such_as) for flag in open_]
    return tuple(lacking)


def fill(
    template: Template,
    given: Mapping[str, str],
    known: Mapping[Origin, str],
    tags: Sequence[str],
    now: datetime,
) -> Filled:
    """Fill a template in these languages; ``given`` by slot, or by ``slot.language`` for one language alone.

    Raises Invalid, naming together what is missing, and what cannot stand where it was given.
    """
    if lacking := missing(template, given, known, tags):
        told = "; ".join(one.sentence() for one in lacking)
        flags = " ".join(f"--slot {one.flag}=…" for one in lacking)
        raise Invalid(f"template {template.name} lacks {told}", f"give them: {flags}")
    values = {name: _value(name, slot, given, known) for name, slot in template.slots.items()}
    _refuse_faults(template, {**values, **given}, now)
    texts = tuple(_text(template, tag, {**values, **given}, now) for tag in tags)
    return Filled(texts, **_taken(template, values, given, now))


def _taken(template: Template, values: Mapping[str, str], given: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """What the message itself takes of the values, by the kind and origin of their slots."""
    taken: dict[str, Any] = {}
    for name, slot in template.slots.items():
        if value := values[name]:
            if slot.type is SlotKind.LINK:
                taken["link"] = value
            elif slot.origin is Origin.VALID_UNTIL:
                taken["valid_until"] = moment_of(value, now)
            elif slot.origin is Origin.AREA and name in given:
                taken["area"] = (canonical.typed(value),)
    return taken


def _value(name: str, slot: Slot, given: Mapping[str, str], known: Mapping[Origin, str]) -> str:
    return given.get(name) or (known.get(slot.origin, "") if slot.origin else "") or slot.default


def _text(template: Template, tag: str, values: Mapping[str, str], now: datetime) -> LanguageText:
    said = {
        name: slot.say(typed, tag, now)
        for name, slot in template.slots.items()
        if (typed := values.get(f"{name}.{tag}") or values.get(name))
    }
    wording = _wording(template, tag)
    if wording is None:
        raise Invalid(f"template {template.name} has no text in {tag}", f"it has: {', '.join(template.texts)}")
    parts = (wording.headline, wording.body, wording.instruction)
    return LanguageText(tag, *(" ".join(_sentences(part, said)) for part in parts))


def _sentences(part: Sequence[Mapping[str, str]], said: Mapping[str, str]) -> Iterator[str]:
    for sentence in part:
        for words in sentence.values():
            if all(name in said for name in _names(words)):
                yield words.format(**said)


def _wording(template: Template, tag: str) -> Wording | None:
    by_primary = {name.partition("-")[0]: wording for name, wording in template.texts.items()}
    return template.texts.get(tag) or by_primary.get(tag.partition("-")[0].lower())


def _names(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None}


def _refuse_unknown(template: Template, given: Mapping[str, str], tags: Sequence[str]) -> None:
    known = {*template.slots, *(f"{name}.{tag}" for name in template.slots for tag in tags)}
    if unknown := [name for name in given if name not in known]:
        raise Invalid(
            f"template {template.name} has no slot {unknown[0]}", f"its slots: {', '.join(template.slots) or 'none'}"
        )


def _refuse_faults(template: Template, values: Mapping[str, str], now: datetime) -> None:
    slots = ((name, template.slots[name.partition(".")[0]], typed) for name, typed in values.items() if typed)
    faults = [(name, slot, fault) for name, slot, typed in slots if (fault := slot.fault(typed, now))]
    if faults:
        told = "; ".join(f"{name}: {fault} ({slot.type}, such as {slot.such_as})" for name, slot, fault in faults)
        raise Invalid(told, f"give it again: --slot {faults[0][0]}=…")


def _check(template: Template) -> None:
    """Refuse what rule 2 forbids. Raises ValueError."""
    used = {}
    for tag, wording in template.texts.items():
        used[tag] = {name for _, words in wording.sentences() for name in _names(words)}
        if unknown := used[tag] - template.slots.keys():
            raise ValueError(f"its {tag} text has no slot {min(unknown)} to take from")
    if len(set(map(frozenset, used.values()))) > 1 or not used:
        raise ValueError("every language has the same slots, and there is at least one language")
    for name, slot in template.slots.items():
        lacking = [
            f"{option} in {tag}" for option in slot.words for tag in used if not words_in(slot.words[option], tag)
        ]
        if lacking or (slot.type is SlotKind.CHOICE) is not bool(slot.words):
            raise ValueError(
                f"slot {name} lacks words: {', '.join(lacking) or 'a choice has them, and nothing else'}"
            )
        if template.name in ARMED_BY.values() and not (slot.origin or slot.default or slot.optional):
            raise ValueError(f"slot {name} needs an origin or a default: it is armed without anybody being asked")
        if slot.default and slot.type is SlotKind.CHOICE and slot.default not in slot.words:
            raise ValueError(f"slot {name}: its default is none of its words")
