"""Names that do not read as they are written: each kind of character is named, honest writing passes."""

from __future__ import annotations

import pytest

from dispatcher.domain.lookalikes import fault


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Duty director",
        "Siân Ŵyn ap Llŷr",
        "Tŷ'r Llys – night shift, 18:00 to 06:00 (€5 & “more”)",
        "mailto://duty@example.gov.uk?cc=a@example.org",
        "Олена Kyiv",
        "Ελένη",
        "東京タワーの係",
        "علی",
        "नमस्ते",
    ],
)
def test_honest_writing_passes(text: str) -> None:
    """Accents, any one alphabet a word, scripts whose words mix by nature, signs and digits."""
    assert fault(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\tb", "invisible U+0009 without a name, at position 2"),
        ("a\u200bb", "invisible U+200B ZERO WIDTH SPACE, at position 2"),
        ("a\u200db", "invisible U+200D ZERO WIDTH JOINER, at position 2"),
        ("\ufeffa", "invisible U+FEFF ZERO WIDTH NO-BREAK SPACE, at position 1"),
        ("ab\u202e", "invisible U+202E RIGHT-TO-LEFT OVERRIDE, at position 3"),
        ("a\u2066b", "invisible U+2066 LEFT-TO-RIGHT ISOLATE, at position 2"),
        ("a\u2028b", "invisible U+2028 LINE SEPARATOR, at position 2"),
        ("a\ue000", "invisible U+E000 without a name, at position 2"),
        ("a\u0378", "invisible U+0378 without a name, at position 2"),
        ("a\ud800", "invisible U+D800 without a name, at position 2"),
        ("a\u3164b", "invisible U+3164 HANGUL FILLER, at position 2"),
        ("a\ufe0f", "invisible U+FE0F VARIATION SELECTOR-16, at position 2"),
    ],
)
def test_what_cannot_be_seen_is_named(text: str, said: str) -> None:
    """With its code point and where it stands."""
    assert fault(text) == said


@pytest.mark.parametrize(
    "letter",
    ["\uff21", "\U0001d400", "\ufb01", "\u2460\u00aa"],
    ids=["full width", "mathematical", "ligature", "superscript"],
)
def test_a_letter_in_costume_is_named(letter: str) -> None:
    """One that stands for another letter or letters."""
    assert str(fault(f"ab {letter}")).endswith(f"looks like another letter, at position {3 + len(letter)}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p\u0430ypal", "U+0430 CYRILLIC SMALL LETTER A among LATIN letters, at position 2"),
        ("to \u0440aypal", "U+0061 LATIN SMALL LETTER A among CYRILLIC letters, at position 5"),
        ("\u039fwner", "U+0077 LATIN SMALL LETTER W among GREEK letters, at position 2"),
        ("owner_\u03bf", "U+03BF GREEK SMALL LETTER OMICRON among LATIN letters, at position 7"),
        ("d\u0578ctor", "U+0578 ARMENIAN SMALL LETTER VO among LATIN letters, at position 2"),
    ],
)
def test_two_alphabets_in_one_word_are_named(text: str, said: str) -> None:
    """The first letter that is not of the word's first alphabet."""
    assert fault(text) == said
