"""Remarks: what the lint of wording has to say about a revision, with the words that it is about.

Rules
  1. A remark refuses or advises. What refuses stops a submission: two languages that tell the public different facts,
     words of an exercise in a live text, or of real life in an exercise. Everything else advises, and never blocks.
  2. Every text is looked at, armed ones too; whether a warning is complete is asked of the message alone.
  3. Some remarks carry a legal flag: policy says whose approval that adds.
  4. Nothing is changed: a remark says what a person may change.

What is looked for stands in ``rules.toml``; what a platform refuses is for its adapter to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from channels.contract import LanguageText
from dispatcher.domain.message import Revision, TextKind


class Weight(StrEnum):
    """What a remark does: refuse a submission, or advise who writes and who approves."""

    REFUSE = "refuse"
    ADVISE = "advise"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say. ``words`` are those it is about, as they stand; ``flag``: what legal flag they call for."""

    code: str
    weight: Weight
    kind: TextKind
    language: str
    words: str
    message: str
    flag: str = ""

    def sentence(self) -> str:
        """The remark for a person."""
        about = f" ({self.words})" if self.words else ""
        return f"{self.language}: {self.message}{about}"


def remarks(revision: Revision, *, exercise: bool) -> tuple[Remark, ...]:
    """Everything that there is to say about a revision, what refuses first. Pure, and the same every time."""
    found = sorted(_found(revision, exercise), key=lambda remark: remark.weight is not Weight.REFUSE)
    return tuple(dict.fromkeys(found))


def flags(found: Iterable[Remark]) -> tuple[str, ...]:
    """The legal flags that remarks call for, each once."""
    return tuple(dict.fromkeys(remark.flag for remark in found if remark.flag))


def whole(text: LanguageText) -> str:
    """Headline, body and instruction as one text."""
    return "\n".join(part for part in (text.headline, text.body, text.instruction) if part)


def _found(revision: Revision, exercise: bool) -> Iterator[Remark]:
    from dispatcher.wording import parity, phrases, plain

    for kind, texts in revision.texts.items():
        yield from parity.differences(kind, texts, revision.area)
        for text in texts:
            yield from phrases.found(kind, text, exercise=exercise)
            yield from plain.found(kind, text)
    yield from phrases.lacking(revision)
    yield from plain.links_of(revision)
    yield from plain.alt_of(revision)
