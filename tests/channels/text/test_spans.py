"""Links, tags and their places in the bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.text import facets, link_problems, links


def test_facets_count_bytes_not_characters() -> None:
    """Welsh letters and emoji before a link move it by their UTF-8 bytes."""
    text = "🌊 Dŵr: https://gov.uk/llifogydd, #Llŷn"
    found = [(str(f.kind), text.encode()[f.start : f.end].decode()) for f in facets(text)]
    assert found == [("link", "https://gov.uk/llifogydd"), ("tag", "#Llŷn")]


@given(st.text(alphabet="a🌊ŵ #.x/:htps", max_size=40).map(lambda noise: f"{noise} https://gov.uk/a #gwynt {noise}"))
def test_every_facet_is_the_text_it_points_at(text: str) -> None:
    """Cut out of the UTF-8 bytes, a facet gives its value back."""
    assert all(text.encode()[f.start : f.end].decode().removeprefix("#") == f.value for f in facets(text))


@pytest.mark.parametrize("text", ["a#b", "#1", "#12 3", "# a", "https://gov.uk/#part", "#" + "a" * 65])
def test_what_only_looks_like_a_tag_is_none(text: str) -> None:
    """Digits, glued marks, link fragments and overlong words make no tag."""
    assert [facet for facet in facets(text) if facet.kind == "tag"] == []


def test_a_tag_has_sixty_four_characters_at_most() -> None:
    """As a reader counts them (reference: platforms 6)."""
    assert [facet.value for facet in facets("#" + "ŵ" * 64)] == ["ŵ" * 64]


def test_a_link_ends_before_the_punctuation_of_its_sentence() -> None:
    """Full stops, commas and closing brackets are not part of a link."""
    assert links("See https://gov.uk/a-z, (https://gov.uk/b). Or HTTPS://GOV.UK!") == [
        "https://gov.uk/a-z",
        "https://gov.uk/b",
        "HTTPS://GOV.UK",
    ]


def test_links_that_are_not_https_are_named() -> None:
    """Only the http link is a problem, and it is named."""
    assert link_problems("http://a.uk https://b.uk") == ["the link http://a.uk is not https; use its https form"]
