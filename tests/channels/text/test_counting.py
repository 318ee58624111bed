"""Lengths as the platforms count them."""

import doctest

import pytest

from channels.capabilities import Unit
from channels.text import counting, graphemes, invisible, length, mastodon_length, sms_count, spans, x_length


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("Hi http://test.co", 26),
        ("http://test.co", 23),
        ("https://www.twitter.com/aloha " * 10, 240),
        ("の" * 160, 320),
        ("H🐱☺👨‍👩‍👧‍👦", 7),
        ("🙋🏽👨‍🎤", 4),
        ("😷👾😡🔥💩", 10),
        ("test.com", 23),
        ("Test https://test.com test https://test.com test.com test", 86),
        ("", 0),
    ],
)
def test_x_weights_agree_with_the_published_vectors(text: str, weight: int) -> None:
    """The vectors of twitter-text v3 come out as published."""
    assert x_length(text) == weight


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("e\u0301", 1),  # NFC joins letter and accent
        ("🏴󠁧󠁢󠁷󠁬󠁳󠁿", 2),
        ("🇬🇧1️⃣", 4),
        ("ŵŷ", 2),
        ("“quoted”—", 9),  # dashes and quotes are light
        ("€", 2),
        ("https://gov.uk/a?b=c&d=e.", 24),
        ("https://test.coの", 25),  # a link ends where another script begins
        ("http://localhost/a-path-that-is-long", 36),  # no domain, so no link
        ("at 10.30pm, e.g. a.m.", 21),
        ("🐱\u0301\u0301\u0301", 5),  # marks piled on an emoji are not part of its sequence
        ("©", 1),  # a picture only with its selector
        ("©\ufe0f", 2),
        ("\u10ff\u200d\u2010\u201f\u2032\u2037", 6),  # the edges of what is light
        ("\u1100 \u1fff \u200e \u200f \u2020 \u2031 \u2038", 20),  # and of what is not
    ],
)
def test_x_weights_hold_at_the_edges(text: str, weight: int) -> None:
    """Accents, flags, keycaps, light punctuation and link ends weigh what the rules say."""
    assert x_length(text) == weight


def test_a_long_bare_domain_costs_its_length() -> None:
    """A name without https might not be taken for a link, so it is never counted below its own length."""
    assert x_length("a-very-long-name-for-a-council-service.gov.uk") == 45


@pytest.mark.parametrize(
    ("text", "count"), [("Llŷn", 4), ("👨‍👩‍👧‍👦", 1), ("e\u0301", 1), ("🇬🇧🇬🇧", 2), ("a\r\nb", 3)]
)
def test_graphemes_are_what_a_reader_sees(text: str, count: int) -> None:
    """Sequences and combining marks count once."""
    assert graphemes(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Llŷn 👨‍👩‍👧‍👦", 6),
        ("https://a.uk", 23),
        ("https://example.gov.uk/" + "a" * 100, 23),
        ("See https://example.gov.uk/flood.", 28),
        ("example.gov.uk", 14),  # no scheme, so no link
        ("http://localhost/a-path-that-is-long", 36),  # no domain, so no link
        ("@news@social.example says", 10),
        ("@news says", 10),
        ("news@social.example", 19),
        ("https://social.example/@news@other.example", 23),
        ("", 0),
    ],
)
def test_mastodon_counts_links_as_23_and_mentions_without_their_server(text: str, count: int) -> None:
    """Everything else is counted as a reader sees it."""
    assert mastodon_length(text) == count


def test_a_server_may_reserve_another_length_for_links() -> None:
    """The figure is the server's own."""
    assert mastodon_length("a https://example.gov.uk", 30) == 32


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("a" * 918, "gsm7", 918, 6),
        ("€" * 80, "gsm7", 160, 1),
        ("{}", "gsm7", 4, 1),
        ("abcdefghijklmnopqrstuvwxyz", "gsm7", 26, 1),
        ("ŵ" * 70, "ucs2", 70, 1),
        ("ŵ" * 71, "ucs2", 71, 2),
        ("ŷ" * 134, "ucs2", 134, 2),
        ("ŷ" * 135, "ucs2", 135, 3),
        ("🐱", "ucs2", 2, 1),
        ("\ud800", "ucs2", 1, 1),
        ("", "gsm7", 0, 1),
    ],
)
def test_sms_segments(text: str, encoding: str, units: int, segments: int) -> None:
    """GSM-7 holds 160 units alone and 153 joined, UTF-16 70 and 67; extension characters and emoji cost two."""
    count = sms_count(text)
    assert (count.encoding, count.units, count.segments) == (encoding, units, segments)


@pytest.mark.parametrize("letter", "âêîôûŵŷäëïöüÿáéíóúẃýàèìòùẁỳ")
def test_each_welsh_letter_is_in_gsm7_or_forces_utf16(letter: str) -> None:
    """GSM 03.38 has ä, ö, ü, é, à, è, ì, ò and ù of the vowels with marks; every other one costs the whole text."""
    assert (sms_count(letter).encoding == "gsm7") is (letter in "äöüéàèìòù")
    assert sms_count(letter.upper()).encoding == ("gsm7" if letter in "äöüé" else "ucs2")


@pytest.mark.parametrize(
    ("text", "units"), [("ŵ", 1), ("🌊", 2), ("👨‍👩‍👧‍👦", 11), ("🏴󠁧󠁢󠁷󠁬󠁳󠁿", 14), ("e\u0301", 2), ("a\r\nb", 4)]
)
def test_tiktok_counts_utf16_units(text: str, units: int) -> None:
    """Of a sequence every part counts, joiners too (reference: platforms 1.3)."""
    assert length(text, Unit.UTF16) == units


def test_welsh_letters_that_force_utf16_are_named_once_each_in_order() -> None:
    """Of the Welsh vowels with marks, those outside GSM-7 are listed; à, è, ì, ò, ù are inside."""
    assert sms_count("Dŵr ŷd âg ŵ: àèìòù").beyond_gsm7 == ("ŵ", "ŷ", "â")


@pytest.mark.parametrize("module", [counting, invisible, spans])
def test_the_examples_in_the_documentation_hold(module: object) -> None:
    """The doc examples give what they show."""
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert (result.failed, result.attempted > 0) == (0, True)


UNITS = {
    Unit.CHARACTERS: 20,
    Unit.GRAPHEMES: 20,
    Unit.WEIGHTED: 29,
    Unit.SHORT_LINKS: 28,
    Unit.EMOJI_BYTES: 23,
    Unit.UTF16: 21,
    Unit.BYTES: 24,
}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Llŷn", 4),
        ("Llŷn 🌊", 9),
        ("❤️", 6),
        ("👨‍👩‍👧‍👦", 25),
        ("👍🏽", 8),
        ("🇬🇧", 8),
        ("🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", 28),
        ("1\ufe0f\u20e3", 7),
        ("汉字 “ŵ”", 6),
        ("🌊" * 125, 500),
    ],
)
def test_threads_counts_an_emoji_as_its_bytes(text: str, count: int) -> None:
    """With its joiners, selectors and tags; a letter of any script is one."""
    assert length(text, Unit.EMOJI_BYTES) == count


@pytest.mark.parametrize(("unit", "size"), UNITS.items())
def test_a_text_is_as_long_as_the_platforms_unit_says(unit: Unit, size: int) -> None:
    """A link, a letter of Welsh and a picture: X and Mastodon count the link 23, X and UTF-16 the picture two."""
    assert length("https://x.wales ŵ 🌊!", unit) == size


@pytest.mark.parametrize(("unit", "size"), [(Unit.UTF16, 1), (Unit.BYTES, 3)])
def test_half_a_character_is_counted_too(unit: Unit, size: int) -> None:
    """That it cannot be sent is for another check to say, by name."""
    assert length("\ud800", unit) == size
