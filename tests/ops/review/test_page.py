"""The page of a review and of the drafts, in a real Chromium: whoever reads it, on whatever, finds all of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dispatcher.service.reviewing.review import Review
from ops.review.document import Document
from ops.review.drafts import ministers, operational
from ops.review.html import html
from ops.review.story import story
from tests.ops.review.example import WELSH, example, hostile, untouched
from tests.pages import DESK, PAPER, TELEPHONE, findings, opened

pytestmark = pytest.mark.system

MARKUP = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
TURNED, ARABIC = "safe\u202etxt.exe", "ابق في المنزل"
HOSTILE = f"{MARKUP} & {TURNED} {ARABIC}"

DRAWN: dict[str, Callable[[Review], Document]] = {"review": story, "operational": operational, "ministers": ministers}


def page_of(folder: Path, document: Document) -> Path:
    """The page as a file."""
    file = folder / "page.html"
    file.write_text(html(document), "utf-8")
    return file


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of each document about the example."""
    return {kind: page_of(tmp_path_factory.mktemp(kind), draw(example())) for kind, draw in DRAWN.items()}


@pytest.mark.parametrize("view", [DESK, TELEPHONE, PAPER])
@pytest.mark.parametrize("kind", DRAWN)
def test_axe_finds_nothing(chromium: Browser, pages: dict[str, Path], kind: str, view: str) -> None:
    """In no document, in no view; and the page itself never scrolls sideways, not even on a telephone."""
    with opened(chromium, pages[kind], view) as (page, asked):
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert asked == []


def test_axe_finds_nothing_where_nothing_is_known(chromium: Browser, tmp_path: Path) -> None:
    """An incident that was only declared has a page too, and no chart."""
    with opened(chromium, page_of(tmp_path, story(untouched()))) as (page, _):
        assert findings(page) == []
        assert page.locator("svg").count() == 0


def test_the_checks_would_notice(chromium: Browser, tmp_path: Path) -> None:
    """A page with an image, a script, pale letters and too much width is found out."""
    file = tmp_path / "page.html"
    file.write_text(
        "<!doctype html><title>x</title><p style='color:#ccc;width:2000px'>pale<img src='http://a.example/x'>"
    )
    with opened(chromium, file, TELEPHONE) as (page, asked):
        assert {"color-contrast", "image-alt", "html-has-lang"} <= {
            found.partition(":")[0] for found in findings(page)
        }
        assert page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert asked == ["http://a.example/x"]


def test_other_peoples_words_stay_words(chromium: Browser, tmp_path: Path) -> None:
    """Markup is shown as it was written and does nothing; a character that turns text is spelled out."""
    with opened(chromium, page_of(tmp_path, story(hostile(HOSTILE)))) as (page, asked):
        shown = HOSTILE.replace("\u202e", "[U+202E]")
        assert page.title() == f"Review of inc-7k2m: {shown}"
        assert page.locator("pre", has_text=MARKUP).first.text_content() == shown
        assert page.locator("pre", has_text=MARKUP).first.get_attribute("dir") == "auto"
        assert (page.locator("script, img").count(), asked) == (0, [])
        assert "\u202e" not in page.content()


def test_the_page_needs_nothing_else(pages: dict[str, Path]) -> None:
    """No script, no address that a browser would fetch, and a policy that forbids both."""
    page = pages["review"].read_text("utf-8")
    assert not re.search(
        r"<script|<link|<img|<iframe|@import|javascript:|url\((?!#)|\ssrc=|\bon\w+=", page, re.IGNORECASE
    )
    assert {found for found in re.findall(r'href="([^"]*)"', page) if not found.startswith("#")} == set()
    assert "default-src 'none'" in page


def test_the_same_review_gives_the_same_bytes(pages: dict[str, Path]) -> None:
    """Two pages of one record do not differ, charts included."""
    assert html(story(example())) == pages["review"].read_text("utf-8")


def test_the_largest_incident_has_a_page_under_five_megabytes() -> None:
    """Twenty thousand accounts, each with two attempts; what is left out is counted (figure of the issue)."""
    found = example()
    plan = replace(found.plans[0], texts=found.plans[0].texts * 1_000)
    many = {name: getattr(found, name) * 5_000 for name in ("deliveries", "tallies", "answers")}
    page = html(story(replace(found, plans=(plan,), **many)))
    assert len(page.encode()) < 5_000_000
    assert page.count("more stand in the review") == len(many) + 1


def test_welsh_words_are_marked_as_welsh(chromium: Browser, pages: dict[str, Path]) -> None:
    """So that they are read aloud in Welsh."""
    with opened(chromium, pages["review"]) as (page, _):
        assert {page.locator("pre:lang(cy)").nth(n).text_content() for n in range(2)} == {WELSH}


def test_contents_lead_to_every_section(chromium: Browser, pages: dict[str, Path]) -> None:
    """The list of contents has a link to each, and every id stands once."""
    with opened(chromium, pages["review"]) as (page, _):
        links = page.locator("nav a").all()
        assert [link.text_content() for link in links] == page.locator("main section > h2").all_text_contents()
        for link in links:
            assert page.locator(str(link.get_attribute("href"))).text_content() == link.text_content()
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
        assert len(ids) == len(set(ids))


def test_the_page_is_read_by_keyboard(chromium: Browser, pages: dict[str, Path]) -> None:
    """The first stop leads past everything; what scrolls sideways can be reached and has a name."""
    with opened(chromium, pages["review"], TELEPHONE) as (page, _):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        wide = page.locator(".scroll").evaluate_all(
            "all => all.filter(one => one.scrollWidth > one.clientWidth)"
            ".filter(one => one.tabIndex !== 0 || !one.ariaLabel).length"
        )
        assert wide == 0
