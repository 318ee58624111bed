"""Plain English and plain Welsh: what could be easier to read, hear and see. Nothing here refuses."""

from __future__ import annotations

import pytest

from channels.capabilities import MediaKind
from channels.contract import Medium, Part
from dispatcher.wording import Weight
from dispatcher.wording.plain import lix
from tests.wording.support import LINK, codes, found, text

LONG = "Residents should immediately relocate " + "and subsequently communicate accommodation requirements " * 6


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (" ".join(["word"] * 26) + ".", "long_sentence"),
        (LONG + ".", "reading_level"),
        ("GO TO YOUR NEAREST HOSPITAL.", "capitals"),
        ("Ask the LRF for help.", "acronym"),
        ("#stormexample is near.", "hashtag"),
        ("#StormexampleInfo2026 and #Stormexamplenight.", "hashtag"),
        ("See https://a.example.org/ now.", "links"),
        ("See http://www.gov.uk/alerts now.", "link_not_https"),
    ],
)
def test_what_could_be_plainer_is_said(body: str, code: str) -> None:
    """As advice."""
    said = [one for one in found(text(body)) if one.code == code]
    assert {one.weight for one in said} == {Weight.ADVISE}


@pytest.mark.parametrize(
    "body",
    [
        " ".join(["word"] * 25) + ".",
        "DO NOT travel. RUN, HIDE, TELL.",
        "Ask the Local Resilience Forum (LRF) for help. The LRF is there.",
        "Call the NHS in the UK.",
        "#StormExample is near. #Flood.",
        f"See {LINK}.",
        "It is on the A55 at CF10 3AT.",
    ],
)
def test_what_is_plain_passes(body: str) -> None:
    """Hazard and action may stand in capitals, and an acronym that is explained."""
    assert codes(text(body)) == set()


def test_the_reading_level_grows_with_long_words_and_sentences() -> None:
    """LIX: words per sentence, and the share of words over six letters."""
    assert lix("Stay in. Keep dry.") == 2
    assert lix("Stay indoors. Close your windows.") == 42
    assert lix("") == 0


def picture(*alt: Part) -> Medium:
    """A picture with this alt text."""
    return Medium(f"sha256:{'0' * 64}", MediaKind.PICTURE, "image/png", 9, 3, 3, alt)


@pytest.mark.parametrize(
    ("alt", "said"),
    [
        ("Map: the flooded streets", set()),
        ("", {"alt_missing"}),
        ("Image of a map", {"alt_image_of"}),
        ("a" * 251, {"alt_long"}),
    ],
)
def test_a_picture_says_what_it_shows(alt: str, said: set[str]) -> None:
    """As briefly as it is read out."""
    media = (picture(*([Part("en-GB", alt)] if alt else [])),)
    assert codes(text("Stay in."), media=media) == said
