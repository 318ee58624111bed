"""An order as a PDF: the same bytes, every letter, and a refusal of what it cannot show."""

from __future__ import annotations

import re
import zlib
from datetime import timedelta

import pytest

from channels.contract import LanguageText, RenderError
from channels.insertion_order import message, pdf
from channels.insertion_order.order import ORDER_BYTES
from tests.channels.insertion_order.ordering import AGENCY, CONTENT, WHEN, job, rendered

pytestmark = pytest.mark.system

MAIL_OCTETS = 65_536
"""What every mail server has to take (RFC 5321, 4.5.3.1.7)."""


def letters(page: bytes) -> set[str]:
    """The letters that a PDF's own table says its glyphs are."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", page, re.DOTALL)
    plain = [zlib.decompressobj().decompress(one) if one.startswith(b"x") else one for one in streams]
    tables = [one.decode("ascii") for one in plain if b"beginbfchar" in one or b"beginbfrange" in one]
    return {chr(int(code, 16)) for table in tables for code in re.findall(r"<[0-9A-F]{4}> <([0-9A-F]{4})>", table)}


def test_the_same_text_and_time_are_the_same_bytes() -> None:
    """So that the digest on record is that of what the agency has; another time is another file."""
    once, again = (pdf.pdf("Order", "Tŷ’r Ŵyl", WHEN) for _ in range(2))
    assert once == again
    assert once != pdf.pdf("Order", "Tŷ’r Ŵyl", WHEN + timedelta(seconds=1))


def test_welsh_letters_are_there() -> None:
    """The core fonts of PDF have none of them."""
    words = "Ŵŵ Ŷŷ Ââ Êê Îî Ôô Ûû Ẁẁ Ïï £160,000.00"
    assert pdf.faults(words) == []
    assert letters(pdf.pdf("Order", words, WHEN)) >= set(words.replace(" ", ""))


@pytest.mark.parametrize("letter", ["🌊", "س", "ש", "水", "\u0302"])
def test_what_it_cannot_show_is_refused_by_name(letter: str) -> None:
    """No letter is left out or shown in pieces without anybody knowing."""
    assert pdf.faults(f"Storm {letter}") == [
        f"the PDF cannot show {letter} (U+{ord(letter):04X}): write it otherwise"
    ]
    with pytest.raises(RenderError, match="the PDF cannot show"):
        rendered(texts=(LanguageText("en-GB", f"q{letter}", "Stay in."), CONTENT.texts[1]))


def test_a_host_without_the_font_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anybody signs; and no order goes out as half a PDF."""
    monkeypatch.setattr(pdf, "FONTS", ())
    assert pdf.faults("Storm") == [pdf.NO_FONT]
    with pytest.raises(FileNotFoundError, match="fonts-dejavu-core"):
        pdf.pdf("Order", "Storm", WHEN)


def test_the_longest_order_fits_into_an_e_mail() -> None:
    """Text, JSON and PDF together, in letters that take most room."""
    words = "".join(chr(code) for code in range(0x100, 0x180))
    frame = len(rendered(texts=(LanguageText("en-GB", "q", words), CONTENT.texts[1])).parts[0].text.encode())
    room = (ORDER_BYTES - frame) // 2
    longest = rendered(texts=(LanguageText("en-GB", "q", words + "ŵ" * room), CONTENT.texts[1]))
    assert len(message.letter(job(longest), AGENCY).data) < MAIL_OCTETS
