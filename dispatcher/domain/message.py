"""A message and its revisions: what the public will read, in one or more languages.

Rules
  1. A revision is immutable and named by the digest of its canonical bytes.
  2. It holds the message and its armed texts (correction, withdrawal, all-clear), so that the way back is approved
     together with the way out.
  3. Every text exists in every language of the revision; nothing translates or shortens it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from channels.contract import Content, DeliveryKind, Json, LanguageText
from dispatcher.domain import canonical
from dispatcher.domain.documents import DocumentError, Reader
from dispatcher.domain.statement import format_time

SCHEMA = "revision/v1"


class TextKind(StrEnum):
    """The texts of a revision: the message, and the three that are armed beside it."""

    PUBLISH = "publish"
    CORRECT = "correct"
    WITHDRAW = "withdraw"
    ALL_CLEAR = "all_clear"


ARMED = (TextKind.CORRECT, TextKind.WITHDRAW, TextKind.ALL_CLEAR)

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
        deeds = tuple(dict.fromkeys((*self.contributors.get(person, ()), did)))
        return replace(
            self,
            number=self.number + 1,
            texts={**self.texts, kind: texts},
            contributors={**self.contributors, person: deeds},
        )

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
        )

    def encoded(self) -> bytes:
        """The canonical bytes that name this revision."""
        return canonical.encode(
            {
                "schema": SCHEMA,
                "message": self.message,
                "number": self.number,
                "incident": self.incident,
                "sent_by": self.sent_by,
                "valid_until": format_time(self.valid_until),
                "texts": {str(kind): [_text_document(t) for t in texts] for kind, texts in self.texts.items()},
                "contributors": {person: list(did) for person, did in self.contributors.items()},
                "link": self.link,
                "area": list(self.area),
                "polygons": list(self.polygons),
                "circles": list(self.circles),
                "cap": dict(self.cap),
            }
        )

    @property
    def digest(self) -> str:
        """The digest that names this revision."""
        return canonical.digest(SCHEMA, self.encoded())

    @classmethod
    def decode(cls, data: bytes) -> Revision:
        """Read canonical bytes. Raises DocumentError or CanonicalError."""
        reader = Reader(canonical.decode(data), "revision")
        reader.schema(SCHEMA)
        texts, contributors = reader.raw("texts"), reader.raw("contributors")
        revision = cls(
            message=reader.text("message"),
            number=reader.integer("number"),
            incident=reader.text("incident"),
            sent_by=reader.text("sent_by"),
            valid_until=reader.time("valid_until"),
            texts=_read_texts(texts),
            contributors=_read_contributors(contributors),
            link=reader.text_or_none("link"),
            area=reader.texts("area"),
            polygons=reader.texts("polygons"),
            circles=reader.texts("circles"),
            cap=reader.mapping("cap"),
        )
        reader.done()
        return revision


def _text_document(text: LanguageText) -> dict[str, Json]:
    return {
        "language": text.language,
        "headline": text.headline,
        "body": text.body,
        "instruction": text.instruction,
    }


def _read_texts(document: Json) -> dict[TextKind, tuple[LanguageText, ...]]:
    if not isinstance(document, dict):
        raise DocumentError("revision.texts: expected an object")
    try:
        kinds = {TextKind(kind) for kind in document}
    except ValueError as error:
        raise DocumentError(f"revision.texts: {error}") from error
    reader = Reader(document, "revision.texts")
    return {kind: reader.each(str(kind), _read_text) for kind in TextKind if kind in kinds}


def _read_text(document: Json, where: str) -> LanguageText:
    reader = Reader(document, where)
    text = LanguageText(
        reader.text("language"), reader.text("headline"), reader.text("body"), reader.text("instruction")
    )
    reader.done()
    return text


def _read_contributors(document: Json) -> dict[str, tuple[str, ...]]:
    if not isinstance(document, dict):
        raise DocumentError("revision.contributors: expected an object")
    reader = Reader(document, "revision.contributors")
    return {person: reader.texts(person) for person in document}
