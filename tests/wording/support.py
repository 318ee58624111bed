"""Revisions with a given wording, and what the lint says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from channels.contract import LanguageText
from dispatcher.domain.message import Revision, TextKind
from dispatcher.wording import Remark, Weight, remarks
from dispatcher.wording.slots import Origin

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENT_BY = "Example City Council"
LINK = "https://www.gov.uk/alerts"
KNOWN = {
    Origin.AREA: "Lower Town",
    Origin.SENT_BY: SENT_BY,
    Origin.LINK: LINK,
    Origin.VALID_UNTIL: "2026-11-21T18:00:00.000000Z",
    Origin.REFERENCE: "7k2m",
}
"""What an incident, a message and a deployment know."""


def text(body: str, language: str = "en-GB", headline: str = "", instruction: str = "") -> LanguageText:
    """One text; its headline is empty unless given."""
    return LanguageText(language, headline, body, instruction)


def revision(*texts: LanguageText, **about: Any) -> Revision:
    """A message with these texts, about Lower Town unless said."""
    known: dict[str, Any] = {"link": LINK, "area": ("Lower Town",), "sent_by": SENT_BY} | about
    end = NOW + timedelta(hours=6)
    return Revision("msg-1", 1, "inc-1", valid_until=end, texts={TextKind.PUBLISH: texts}, contributors={}, **known)


def found(*texts: LanguageText, exercise: bool = False, **about: Any) -> list[Remark]:
    """Everything that is said of these texts."""
    return list(remarks(revision(*texts, **about), exercise=exercise))


def codes(*texts: LanguageText, **about: Any) -> set[str]:
    """The codes of the same, without those about a complete warning."""
    return {one.code for one in found(*texts, **about) if not one.code.startswith("no_")}


def refused(english: str, welsh: str) -> dict[str, str]:
    """What refuses two texts, and the words that it is about."""
    pair = (text(english), text(welsh, "cy"))
    return {one.code: one.words for one in found(*pair) if one.weight is Weight.REFUSE}
