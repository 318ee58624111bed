"""What a document is made of, before anybody decides how it looks.

Rules
  1. Everything here is plain text. Whoever renders it escapes it, and spells out what a reader could not see.
  2. A figure has a table with the same values, and a title that states what it shows (reference: ux 5).
  3. Sections nest once; their order is the reader's order of questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that nobody may miss."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list, in no other order than its own."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads; the first cell of a row names it. Without rows it says that there are none."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, caption: str, things: Iterable[T], columns: Mapping[str, Callable[[T], str]]) -> Table:
        """One row for each thing; ``columns`` says what stands under each head."""
        return cls(
            caption, tuple(columns), tuple(tuple(cell(thing) for cell in columns.values()) for thing in things)
        )


@dataclass(frozen=True, slots=True)
class Exact:
    """Words to the character, in their language (a BCP 47 tag)."""

    caption: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, the sentence that it states, and its values as a table. ``svg``: one element by ``ops.drawing``."""

    title: str
    svg: str
    twin: Table


Block = Paragraph | Notice | Items | Table | Exact | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it."""

    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """``marks`` say what it is and is not (an exercise, a draft); ``opening`` stands before all sections."""

    title: str
    marks: tuple[str, ...]
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]
