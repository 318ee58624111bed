"""The page of a preview in a real Chromium: word for word, laid out as each platform does, for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from channels.text import spelled_out
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode
from dispatcher.sending.media import MediaFolder
from dispatcher.service.previewing import Sheet
from ops.preview.page import page as page_of
from tests.ops.preview.example import MARKUP, OURS, account, sheet
from tests.pages import DESK, TELEPHONE, findings, opened

pytestmark = pytest.mark.system

KINDS = {
    "exercise": {"mode": Mode.EXERCISE},
    "live": {"mode": Mode.LIVE},
    "hostile": {"mode": Mode.EXERCISE, "headline": MARKUP},
    "too long": {"mode": Mode.LIVE, "body": f"{'Stay in. ' * 60}{MARKUP}"},
}
WORDS = "[...document.querySelectorAll('.words')].map((one) => one.textContent)"
OUTSIDE = """() => [...document.querySelectorAll('main *')]
    .filter((one) => !one.closest('.scroll') && one.checkVisibility() &&
        (one.getBoundingClientRect().right > innerWidth || one.getBoundingClientRect().left < 0))
    .map((one) => one.outerHTML.slice(0, 120))"""
WIDER = """() => [...document.querySelectorAll('.words, .facts, .title, .costs, .who')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Sheet, Path]]:
    """Each kind of sheet, and its page as a file."""
    root, found = tmp_path_factory.mktemp("previews"), {}
    for name, about in KINDS.items():
        folder = MediaFolder(root / "media")
        shown = sheet(folder, **about)
        file = root / f"{name}.html"
        file.write_text(page_of(shown, folder), "utf-8")
        found[name] = (shown, file)
    return found


@pytest.mark.parametrize(("name", "view"), [("live", DESK), ("too long", TELEPHONE)])
def test_axe_finds_nothing_and_nothing_leaves_its_card(
    chromium: Browser, made: dict[str, tuple[Sheet, Path]], name: str, view: str
) -> None:
    """With every fold open, wide, narrow and on paper; nothing is fetched, and Chromium complains of nothing."""
    complaints: list[str] = []
    with opened(chromium, made[name][1], view) as (page, asked):
        page.on("console", lambda said: complaints.append(said.text))
        page.reload()
        unfold(page)
        assert findings(page) == []
        for width in (1280, 360, 794):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(media="print" if width == 794 else "screen")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert page.evaluate(OUTSIDE) + page.evaluate(WIDER) == []
        assert [address for address in asked if not address.startswith(("data:", "file:"))] == []
    assert complaints == []


def test_the_checks_would_notice(chromium: Browser, made: dict[str, tuple[Sheet, Path]]) -> None:
    """A card that is too wide, a style that is not ours, and a text of which a letter is lost."""
    complaints: list[str] = []
    with opened(chromium, made["live"][1], TELEPHONE) as (page, _):
        page.on("console", lambda said: complaints.append(said.text))
        page.evaluate("document.querySelector('.words').style.cssText = 'width:900px'")
        page.evaluate("document.querySelector('.title').insertAdjacentHTML('afterend', '<p style=\"color:red\">')")
        page.evaluate("document.querySelector('.words').firstChild.remove()")
        assert page.evaluate(OUTSIDE) != []
        assert page.evaluate(WORDS)[0] != next(in_order(made["live"][0])).texts[0].text
    assert [said for said in complaints if "Content Security Policy" in said] != []


@pytest.mark.parametrize("name", KINDS)
def test_every_text_is_the_renderings_to_the_character(
    chromium: Browser, made: dict[str, tuple[Sheet, Path]], name: str
) -> None:
    """Welsh, emoji, markup and another script; a character that turns the text is spelled out, nothing else is."""
    shown, file = made[name]
    expected = [spelled_out(told.text) for card in in_order(shown) for told in card.texts]
    with opened(chromium, file) as (page, _):
        assert page.evaluate(WORDS) == expected
        assert page.locator("script, .words img").count() == 0
        assert "taken" not in page.title().split(":")[0]


def test_a_text_can_be_copied_as_it_is(chromium: Browser, made: dict[str, tuple[Sheet, Path]]) -> None:
    """What a person selects and copies is the post, line breaks and all, marks or none."""
    shown, file = made["live"]
    text = next(card for card in shown.cards if card.channel == "x").texts[0].text
    with opened(chromium, file) as (page, _):
        assert page.locator(".look--thread .words").first.inner_text() == text
        assert page.locator(".look--thread .words mark").count() > 0


def test_each_card_is_laid_out_as_its_platform_does(chromium: Browser, made: dict[str, tuple[Sheet, Path]]) -> None:
    """Where picture, text, subject and face stand to each other; every channel of ours has a look of its own."""
    with opened(chromium, made["live"][1]) as (page, _):
        assert page.locator(".look--plain").count() == 0
        assert page.locator(".account").count() == len(OURS)
        for shape in ("thread", "post"):
            assert above(page, shape, ".words", ".shown"), shape
        for shape in ("frame", "film"):
            assert above(page, shape, ".shown", ".words"), shape
        assert above(page, "film", ".title", ".words")
        assert above(page, "letter", ".subject", ".words")
        assert above(page, "alert", ".facts", ".words")
        assert left(page, "thread", ".words") > left(page, "thread", ".face") + 30
        assert left(page, "post", ".words") == left(page, "post", ".face")
        bubble = page.locator(".look--bubble").first.bounding_box()
        words = page.locator(".look--bubble .words").first.bounding_box()
        assert words["width"] < bubble["width"]


def test_an_exercise_and_a_live_message_are_told_apart_without_colour(
    chromium: Browser, made: dict[str, tuple[Sheet, Path]]
) -> None:
    """In grey, one is striped from side to side and the other is not; both say so in title and header, and stay."""
    for name, striped in (("exercise", True), ("live", False)):
        with opened(chromium, made[name][1]) as (page, _):
            assert page.title().startswith(f"{name.upper()} – ")
            page.evaluate("scrollTo(0, 3000)")
            assert name.upper() in page.locator(".stripe").inner_text()
            band = page.locator(".stripe").screenshot()
            assert (changes(band) > 20) is striped


def test_what_does_not_fit_is_marked_from_the_first_word_on(
    chromium: Browser, made: dict[str, tuple[Sheet, Path]]
) -> None:
    """The mark begins with the word that the sentence under the text names."""
    with opened(chromium, made["too long"][1]) as (page, _):
        card = page.locator(".card", has=page.locator("h3", has_text="Bluesky")).first
        over = card.locator("mark.over").first.text_content() or ""
        assert f'"{over.split()[0].strip(".")}"' in (card.locator(".costs .over").text_content() or "")
        assert "TOO MANY" in (card.locator(".count").text_content() or "")


def test_the_way_back_is_folded(chromium: Browser, made: dict[str, tuple[Sheet, Path]]) -> None:
    """Until somebody opens it."""
    with opened(chromium, made["live"][1]) as (page, _):
        armed = page.locator("details.armed").first
        assert not armed.locator(".words").first.is_visible()
        armed.locator("summary").first.click()
        assert armed.locator(".words").first.is_visible()
        assert "correction" in armed.locator("summary").first.inner_text()


def test_fifty_accounts_that_carry_the_same_are_one_card(chromium: Browser, tmp_path: Path) -> None:
    """With all their names."""
    folder = MediaFolder(tmp_path / "media")
    shown = sheet(folder, tuple(account("x", number) for number in range(1, 51)))
    (tmp_path / "page.html").write_text(page_of(shown, folder), "utf-8")
    with opened(chromium, tmp_path / "page.html") as (page, _):
        assert page.locator(".account").count() == 1
        assert "x-1, @city1; x-2, @city2" in page.locator("h2 .soft").inner_text()
        assert "x-50, @city50" in page.locator("h2 .soft").inner_text()


def unfold(page: Page) -> None:
    """Open every fold."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")


def in_order(shown: Sheet) -> Iterator:
    """The cards as the page has them: account by account, the message first."""
    for cards in shown.by_account():
        own = [card for card in cards if card.account == cards[0].account]
        yield from sorted(own, key=lambda card: card.kind is not TextKind.PUBLISH)


def above(page: Page, shape: str, first: str, second: str) -> bool:
    """Whether one part ends before another begins, in the first card of a shape that has both."""
    look = page.locator(f".look--{shape}:has({first}):has({second})").first
    one, other = (look.locator(part).first.bounding_box() for part in (first, second))
    return one["y"] + one["height"] <= other["y"] + 1


def left(page: Page, shape: str, part: str) -> float:
    """Where a part of the first card of a shape begins."""
    box = page.locator(f".look--{shape} {part}").first.bounding_box()
    return box["x"]


def changes(picture: bytes) -> int:
    """How often the grey of a picture changes much along a line near its upper edge."""
    grey = Image.open(BytesIO(picture)).convert("L")
    line = [grey.getpixel((x, 8)) for x in range(grey.width)]
    return sum(abs(here - there) > 15 for here, there in pairwise(line))
