"""How values are told on pages."""

from __future__ import annotations

import pytest

from dispatcher.domain.lifecycle import DeliveryState
from ops.console.telling import TONES, is_web, shortened, told


@pytest.mark.parametrize("url", ["https://x.example/post/1", "http://127.0.0.1:8080/a?b=c"])
def test_an_address_of_the_web_is_a_link(url: str) -> None:
    """With http or https."""
    assert is_web(url)


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)"),
        *("data:text/html,<script>alert(1)</script>", "file:///etc/passwd", "//evil.example", "/sign-out", ""),
        *(
            "https:alert(1)",
            "https://",
            "https://[",
            "https://a b",
            "https://a\u202eb",
            "https://a\x00b",
            "vbscript:x",
        ),
    ],
)
def test_anything_else_is_text(url: str) -> None:
    """Whatever a platform answers."""
    assert not is_web(url)


def test_long_text_is_cut_and_says_by_how_much() -> None:
    """The rest is in the record."""
    assert shortened("x" * 10_000, 10) == "xxxxxxxxxx… and 9,990 more characters"
    assert shortened("short") == "short"


def test_what_an_entry_holds_is_told_in_words() -> None:
    """Names with their values, lists with commas, what is within in brackets."""
    assert told({"a": [1, {"b": True}], "c": None}) == "a=(1, (b=yes)), c=–"
    assert told(list(range(25))).endswith("18, 19 and 5 more")


def test_every_state_of_a_delivery_has_a_tone() -> None:
    """None is told by its word alone."""
    assert set(TONES) == {str(state) for state in DeliveryState}
