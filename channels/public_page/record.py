"""What is kept of each delivery, and all that pages are made from: one file per delivery, written once.

A record holds the rendering as it was signed, the release's time, the page it belongs to and the message on it that
it publishes or mends. The page's address tells of an incident only that its messages are one story.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from channels.contract import DeliveryKind, Job, Json, LanguageText, Rendering
from channels.medium import read_text

FOLDER = ".records"
INDEX = "index"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_FIELDS = ("language", "headline", "body", "instruction")


class Standing(StrEnum):
    """What a delivery makes of its message, as the page says it in words."""

    IN_FORCE = "in_force"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    ALL_CLEAR = "all_clear"


class NotARecord(ValueError):
    """The bytes are not what this module writes."""


@dataclass(frozen=True, slots=True)
class Record:
    """One delivery. ``message`` names the message on ``page``: the delivery that published it."""

    name: str
    page: str
    message: str
    at: datetime
    rendering: Rendering

    @property
    def reference(self) -> str:
        """How a later delivery names the message; corrections and withdrawals keep it."""
        return f"{self.page}#{self.message}"

    @property
    def standing(self) -> Standing:
        """What it makes of its message; a correction of nothing is a message of its own."""
        return Standing.IN_FORCE if self.name == self.message else Standing(word(self.rendering, "standing"))

    @property
    def exercise(self) -> bool:
        """Whether it is part of an exercise."""
        return self.rendering.options.get("exercise") is True

    def text(self, language: str) -> LanguageText | None:
        """Its text in a language, by the language's main tag; None where it has none."""
        return next((text for text in texts(self.rendering) if main_tag(text.language) == language), None)

    @property
    def valid_until(self) -> datetime:
        """Until when it is in force."""
        return datetime.fromisoformat(word(self.rendering, "valid_until"))

    def encoded(self) -> bytes:
        """The bytes of its file: the same for the same delivery."""
        about = {
            "name": self.name,
            "page": self.page,
            "message": self.message,
            "at": self.at.astimezone(UTC).isoformat(),
        }
        document = {"schema": "page-record/v1", **about, "rendering": self.rendering.document()}
        return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Record:
        """Read a file. Raises NotARecord."""
        try:
            document = json.loads(data)
            name, page, message = (read_text(document[key]) for key in ("name", "page", "message"))
            at, rendering = datetime.fromisoformat(document["at"]), Rendering.from_document(document["rendering"])
            made = cls(name, page, message, at, rendering)
            _ = made.standing, made.valid_until, texts(made.rendering)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NotARecord(f"not a record of a page: {error}") from error
        return made


def record_of(job: Job) -> Record:
    """The record that a job writes."""
    name = plain(job.delivery)
    page, _, message = (job.original or "").partition("#")
    if job.rendering.kind is DeliveryKind.PUBLISH or not (plain(page) == page and plain(message) == message):
        page, message = plain(str(job.rendering.options.get("thread") or job.delivery)), name
    return Record(name, page, message, job.intended_at, job.rendering)


def plain(name: str) -> str:
    """A name that is safe in an address and as a file: itself, or a digest. The index's is taken."""
    return name if _PLAIN.fullmatch(name) and name != INDEX else hashlib.sha256(name.encode()).hexdigest()[:32]


def texts(rendering: Rendering) -> list[LanguageText]:
    """The texts of a rendering's options. Raises ValueError."""
    found = rendering.options.get("texts")
    if not isinstance(found, list) or not found:
        raise ValueError("the option texts must be a list of texts")
    return [_text(one) for one in found]


def words(rendering: Rendering, key: str) -> list[str]:
    """A list of texts of a rendering's options. Raises ValueError."""
    found = rendering.options.get(key)
    if not isinstance(found, list):
        raise ValueError(f"the option {key} must be a list of texts")  # noqa: TRY004 - one error for what is unreadable
    return [_word(one, key) for one in found]


def word(rendering: Rendering, key: str) -> str:
    """A text of a rendering's options. Raises ValueError."""
    return _word(rendering.options.get(key), key)


def main_tag(language: str) -> str:
    """``en`` of ``en-GB``."""
    return language.partition("-")[0].lower()


def text_of(text: LanguageText) -> str:
    """What a person reads, as one text: the part of the rendering that people sign."""
    return "\n\n".join(piece for piece in (text.headline, text.body, text.instruction) if piece)


def written(moment: datetime) -> str:
    """``2026-11-21T18:00:00+00:00``."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _text(found: Json) -> LanguageText:
    if not isinstance(found, dict) or set(found) != set(_FIELDS):
        raise ValueError("a text has a language, a headline, a body and an instruction, nothing else")
    return LanguageText(*(_word(found[key], key) for key in _FIELDS))


def _word(found: Json, key: str) -> str:
    if isinstance(found, str):
        return found
    raise ValueError(f"the option {key} must be text")
