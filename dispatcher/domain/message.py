"""A message and its revisions: what the public will read, in one or more languages.

Rules
  1. A revision is immutable and named by the digest of its canonical bytes.
  2. It holds the message and its armed texts (correction, withdrawal, all-clear), so that the way back is approved
     together with the way out.
  3. Every text exists in every language of the revision; nothing translates or shortens it.
  4. Pictures travel with the message; its armed texts are text alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from channels.contract import Content, DeliveryKind, LanguageText, Medium
from channels.medium import SPARSE
from dispatcher.domain import canonical, documents

SCHEMA = "revision/v1"


class TextKind(StrEnum):
    """The texts of a revision: the message, and the three that are armed beside it."""

    PUBLISH = "publish"
    CORRECT = "correct"
    WITHDRAW = "withdraw"
    ALL_CLEAR = "all_clear"


ARMED = (TextKind.CORRECT, TextKind.WITHDRAW, TextKind.ALL_CLEAR)

SPOKEN = {
    TextKind.PUBLISH: "message",
    TextKind.CORRECT: "correction",
    TextKind.WITHDRAW: "withdrawal",
    TextKind.ALL_CLEAR: "all-clear",
}
"""What people call them."""

DELIVERED_AS = {
    TextKind.PUBLISH: DeliveryKind.PUBLISH,
    TextKind.CORRECT: DeliveryKind.CORRECT,
    TextKind.WITHDRAW: DeliveryKind.WITHDRAW,
    TextKind.ALL_CLEAR: DeliveryKind.CORRECT,
}
"""What a text does to the public record; an all-clear corrects what went before."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a message. ``texts`` maps each kind to one text per language, in the order written.

    ``contributors`` maps a person to what they did (author, edit, translate): none of them may approve.
    ``population`` is about how many people are in the area, counted double where its parts overlap; None: unknown.
    ``template``: from which template, and which version of it, the first revision was written.
    """

    message: str
    number: int
    incident: str
    sent_by: str
    valid_until: datetime
    texts: Mapping[TextKind, tuple[LanguageText, ...]]
    contributors: Mapping[str, tuple[str, ...]]
    link: str | None = None
    area: tuple[str, ...] = ()
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    cap: Mapping[str, str] = field(default_factory=dict)
    media: tuple[Medium, ...] = field(default=(), metadata=SPARSE)
    population: int | None = field(default=None, metadata=SPARSE)
    template: str = field(default="", metadata=SPARSE)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the message itself, in the order written."""
        return tuple(text.language for text in self.texts.get(TextKind.PUBLISH, ()))

    @property
    def missing_armed(self) -> tuple[TextKind, ...]:
        """Armed texts that do not exist yet in every language."""
        wanted = set(self.languages)
        return tuple(k for k in ARMED if {text.language for text in self.texts.get(k, ())} != wanted)

    def with_texts(self, kind: TextKind, texts: tuple[LanguageText, ...], person: str, did: str) -> Revision:
        """The next revision: the same with one kind of text set, and its writer among the contributors."""
        return replace(self._next(person, did), texts={**self.texts, kind: texts})

    def with_media(self, media: tuple[Medium, ...], person: str) -> Revision:
        """The next revision: the same with these media, and who chose them among the contributors."""
        return replace(self._next(person, "attach"), media=media)

    def with_area(
        self,
        area: tuple[str, ...],
        polygons: tuple[str, ...],
        circles: tuple[str, ...],
        population: int | None,
        person: str,
    ) -> Revision:
        """The next revision: the same about another place, and who said so among the contributors."""
        place = {"area": area, "polygons": polygons, "circles": circles, "population": population}
        return replace(self._next(person, "edit"), **place)  # type: ignore[arg-type]

    def _next(self, person: str, did: str) -> Revision:
        deeds = tuple(dict.fromkeys((*self.contributors.get(person, ()), did)))
        return replace(self, number=self.number + 1, contributors={**self.contributors, person: deeds})

    def content(self, kind: TextKind, *, exercise: bool) -> Content:
        """The revision as channels see it."""
        return Content(
            kind=DELIVERED_AS[kind],
            texts=self.texts[kind],
            valid_until=self.valid_until,
            sent_by=self.sent_by,
            exercise=exercise,
            link=self.link,
            area=self.area,
            polygons=self.polygons,
            circles=self.circles,
            cap=self.cap,
            media=self.media if kind is TextKind.PUBLISH else (),
            thread=hashlib.sha256(f"thread {self.incident}".encode()).hexdigest()[:12],
            all_clear=kind is TextKind.ALL_CLEAR,
        )

    def encoded(self) -> bytes:
        """The canonical bytes that name this revision."""
        return documents.encode(SCHEMA, self)

    @property
    def digest(self) -> str:
        """The digest that names this revision."""
        return canonical.digest(SCHEMA, self.encoded())

    @classmethod
    def decode(cls, data: bytes) -> Revision:
        """Read canonical bytes. Raises DocumentError or CanonicalError."""
        return documents.decode(cls, SCHEMA, data)
