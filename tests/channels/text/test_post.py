"""How a post in several languages is laid out."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from channels.contract import (
    Account,
    Content,
    DeliveryKind,
    Job,
    LanguageText,
    Part,
    RenderError,
    Rendering,
)
from channels.text import one_post, part_for

ENGLISH = LanguageText("en", "Flood warning", "River rising.", "Move upstairs.")
WELSH = LanguageText("cy", "Rhybudd llifogydd", "Afon yn codi.")
CONTENT = Content(
    DeliveryKind.PUBLISH, (ENGLISH, WELSH), datetime(2026, 11, 22, tzinfo=UTC), "Example Council", exercise=False
)
ACCOUNT = Account("a1", "x", "@council", ("cy", "en"))


def test_every_language_in_the_accounts_order_and_the_link_once() -> None:
    """Welsh first where the account says so; the link ends the post."""
    assert one_post(replace(CONTENT, link="https://gov.uk/a"), ACCOUNT) == Part(
        "mul",
        "Rhybudd llifogydd\n\nAfon yn codi.\n\nFlood warning\n\nRiver rising.\nMove upstairs.\n\nhttps://gov.uk/a",
    )


def test_an_exercise_begins_by_saying_so() -> None:
    """The first line of an exercise is the exercise line."""
    text = one_post(replace(CONTENT, exercise=True), ACCOUNT).text
    assert text.startswith("EXERCISE EXERCISE EXERCISE\n\nRhybudd")


def test_one_language_keeps_its_tag() -> None:
    """An account in one language gets a part in that language."""
    assert one_post(CONTENT, replace(ACCOUNT, languages=("cy",))).language == "cy"


def test_text_is_nfc() -> None:
    """Letters typed with separate accents become one character."""
    split = replace(CONTENT, texts=(LanguageText("en", "Cafe\u0301", ""),))
    assert one_post(split, replace(ACCOUNT, languages=("en",))).text == "Café"


@pytest.mark.parametrize(("languages", "named"), [(("en", "pl"), "pl"), ((), "any language")])
def test_a_missing_language_is_an_error_that_names_it(languages: tuple[str, ...], named: str) -> None:
    """No post goes out in fewer languages than the account carries."""
    with pytest.raises(RenderError, match=named):
        one_post(CONTENT, replace(ACCOUNT, languages=languages))


@pytest.mark.parametrize(
    ("written", "asked", "found"),
    [
        ("en cy", "cy", "cy"),
        ("en", "cy", None),
        ("en", None, "en"),
        ("en cy", None, None),
        ("", None, None),
    ],
)
def test_a_recipient_gets_the_text_in_their_language_and_no_other(
    written: str, asked: str | None, found: str | None
) -> None:
    """Where none is asked for, the only one there is."""
    parts = tuple(Part(language, "River rising.") for language in written.split())
    rendering = Rendering("notify", "a1", DeliveryKind.PUBLISH, parts)
    part = part_for(Job("d1", 1, rendering, datetime(2026, 11, 22, tzinfo=UTC), 1.0, language=asked))
    assert (part.language if part else None) == found
