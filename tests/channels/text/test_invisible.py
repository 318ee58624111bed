"""Characters that hide or reorder."""

import pytest

from channels.text import check_text


@pytest.mark.parametrize(
    "letter",
    [
        *"\u202a\u202e\u2066\u2069\u200e\u200f\u061c\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u3164\uffa0\u2028",
        *"\t\x00\x1b\x7f\ue000\U000e0041\ud800\u2800\u034f\ufe0f",
    ],
)
def test_a_hidden_character_is_named_with_its_place(letter: str) -> None:
    """Direction marks, zero width, fillers, controls, tags, private use and surrogates are each reported."""
    (problem,) = check_text(f"ab{letter}c")
    assert f"U+{ord(letter):04X}" in problem
    assert "position 3" in problem


@pytest.mark.parametrize(
    "text",
    ["Llŷn\n\nDŵr", "abcdefghijklmnopqrstuvwxyz", "👨‍👩‍👧‍👦 ☂️ 1️⃣ 🏴󠁧󠁢󠁷󠁬󠁳󠁿 🙋🏽", "می‌خواهم", "क्‍ष", "“a” – b…", "e\u0301", ""],
)
def test_what_writing_needs_is_let_through(text: str) -> None:
    """Line breaks, emoji sequences, joiners between joining letters, quotes and accents are no problem."""
    assert check_text(text) == []
