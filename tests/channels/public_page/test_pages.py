"""What a page says, how each message stands, and that it is made for everybody."""

import re
from datetime import timedelta

import pytest
from lxml import html

from channels.contract import DeliveryKind
from channels.public_page import pages
from tests.channels.public_page.conftest import NOON, THREAD, content

CORRECT, WITHDRAW = DeliveryKind.CORRECT, DeliveryKind.WITHDRAW


def shown(page):
    """The text of a page's main part, as it reads without style."""
    main = html.document_fromstring(page).find(".//main")
    return re.sub(r"\s+", " ", main.text_content()).strip()


def test_a_message_is_in_force_until_its_end(site):
    """In words, in the local time of its readers."""
    site.send(site.job("d-1"))
    assert "In force until 18:00 on 21 November 2026 (UK time). After that it has ended." in shown(site.page())


def test_a_summer_hour_is_the_local_one(site):
    """An hour ahead of UTC."""
    job = site.job("d-1", content(), -60 * 24 * 130)
    site.send(job)
    assert "Issued at 13:00 on 14 July 2026" in shown(site.page())


def test_welsh_is_a_page_of_its_own(site):
    """Its text, its words around it, its lang, and a link to the other."""
    site.send(site.job("d-1"))
    page = site.page("cy")
    assert '<html lang="cy">' in page
    assert "Mewn grym tan 18:00 ar 21 Tachwedd 2026" in shown(page)
    assert "Symudwch i dir uwch ŵ." in shown(page)
    assert f'<a href="{THREAD}.en.html" lang="en" hreflang="en">English</a>' in page


def test_every_word_that_was_signed_is_shown(site):
    """In each language, with its markup characters as text."""
    job = site.job("d-1")
    site.send(job)
    for part, tag in zip(job.rendering.parts, ("en", "cy"), strict=True):
        for piece in part.text.split("\n\n"):
            assert piece in shown(site.page(tag))


def test_a_correction_takes_the_place_and_tells_what_was_said(site):
    """And when each was said."""
    first = site.send(site.job("d-1")).reference
    site.send(site.job("d-2", content(CORRECT, "River falling"), 5, first))
    said = shown(site.page())
    assert "Corrected at 12:05 on 21 November 2026" in said
    assert said.index("River falling") < said.index("What was said before") < said.index("River rising")
    assert "Said at 12:00 on 21 November 2026 (UK time), and no longer in force:" in said
    assert "In force until" not in said


def test_two_corrections_tell_both_texts_before(site):
    """The latest of them first."""
    first = site.send(site.job("d-1")).reference
    site.send(site.job("d-2", content(CORRECT, "Second"), 5, first))
    site.send(site.job("d-3", content(CORRECT, "Third"), 9, first))
    said = shown(site.page())
    assert said.index("Third") < said.index("Second") < said.index("River rising")


def test_an_all_clear_says_so(site):
    """It is delivered as a correction, and is none."""
    first = site.send(site.job("d-1")).reference
    site.send(site.job("d-2", content(CORRECT, "The river is back", all_clear=True), 90, first))
    said = shown(site.page())
    assert "All clear, given at 13:30" in said
    assert "Corrected" not in said
    assert "Mae'r perygl drosodd" in shown(site.page("cy"))


def test_a_withdrawal_says_so_and_repeats_nothing(site):
    """What was wrong is not shown again."""
    first = site.send(site.job("d-1")).reference
    site.send(site.job("d-2", content(WITHDRAW, "Please disregard"), 5, first))
    said = shown(site.page())
    assert "Withdrawn at 12:05" in said
    assert "River rising" not in site.page()
    assert "River rising" not in site.index()


@pytest.mark.parametrize("tag", ["en", "cy"])
def test_an_exercise_cannot_be_taken_for_live(site, tag):
    """A sentence on top, the mark before the headline and in the title, and one behind the text."""
    site.send(site.job("d-1", content(exercise=True)))
    page = site.page(tag)
    assert "EXERCISE EXERCISE EXERCISE" in html.document_fromstring(page).findtext(".//title")
    assert html.document_fromstring(page).find(".//header/p").get("class") == "exercise"
    assert 'class="watermark"' in page
    assert 'class="watermark"' in site.index(tag)


def test_a_live_page_has_no_exercise_words(site):
    """In any file."""
    site.send(site.job("d-1"))
    assert [name for name, data in site.files().items() if b"EXERCISE" in data or b'class="exercise' in data] == []


def test_a_page_runs_nothing_and_asks_for_nothing(site):
    """By a policy of its own, which names its style by digest; no script, no picture, no other address."""
    site.send(site.job("d-1"))
    page = html.document_fromstring(site.page())
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert page.xpath("//script|//img|//iframe|//form|//link[@rel!='alternate']|//@style|//@src") == []


def test_markup_in_a_text_stays_text(site):
    """Also in a headline, which stands in the title and in the index."""
    site.send(site.job("d-1", content(headline="<script>alert(1)</script>")))
    assert [name for name, data in site.files().items() if b"<script" in data] == []


def test_the_index_lists_pages_newest_first(site):
    """With how they stand."""
    site.send(site.job("d-1"))
    site.send(site.job("d-2", content(headline="Bridge shut", thread="bridge"), 10))
    listed = shown(site.index())
    assert listed.index("Bridge shut") < listed.index("River rising")
    assert listed.count("In force until") == 2


def test_the_index_of_a_folder_is_in_the_first_language(site):
    """What a web server shows for the folder."""
    site.send(site.job("d-1"))
    assert site.page(page="index") == (site.folder / "index.html").read_text("utf-8")


def test_what_ended_long_ago_leaves_the_index_and_keeps_its_page(site):
    """After three months."""
    site.send(site.job("d-1"))
    site.now = NOON + pages.KEPT + timedelta(hours=7)
    later = content(headline="Bridge shut", thread="bridge")
    site.send(site.job("d-2", later, int((site.now - NOON).total_seconds() // 60)))
    assert "River rising" not in site.index()
    assert "River rising" in site.page()
