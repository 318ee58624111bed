"""The pages that the public reads: for everybody, at a desk, on a telephone and on paper."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from channels.contract import DeliveryKind
from tests.channels.public_page.conftest import THREAD, Site, content
from tests.pages import DESK, PAPER, TELEPHONE, findings, opened

pytestmark = pytest.mark.system

LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" * 2


def site_at(folder: Path, *, exercise: bool) -> Site:
    """Pages with a message of each standing."""
    folder.mkdir()
    site = Site(folder)
    about = {"exercise": exercise}
    site.send(site.job("d-1", content(headline=f"Flood at {LONG}", **about)))
    first = site.send(site.job("d-2", content(headline="Bridge shut", **about), 1)).reference
    site.send(site.job("d-3", content(DeliveryKind.CORRECT, "Bridge open to cars", **about), 2, first))
    wrong = site.send(site.job("d-4", content(headline="Dam broken", **about), 3)).reference
    site.send(site.job("d-5", content(DeliveryKind.WITHDRAW, "Disregard the last message", **about), 4, wrong))
    gas = site.send(site.job("d-6", content(headline="Gas", **about), 5)).reference
    site.send(site.job("d-7", content(DeliveryKind.CORRECT, "Gas is safe", all_clear=True, **about), 6, gas))
    return site


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The folder of live pages and of an exercise's, by whether it is one."""
    root = tmp_path_factory.mktemp("pages")
    with ThreadPoolExecutor(1) as pool:  # the browser's event loop runs in this thread
        made = {mode: pool.submit(site_at, root / str(mode), exercise=mode) for mode in (False, True)}
        return {mode: site.result().folder for mode, site in made.items()}


@pytest.mark.parametrize(("view", "scheme"), [(DESK, "light"), (TELEPHONE, "dark"), (PAPER, "light")])
@pytest.mark.parametrize("exercise", [False, True])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    chromium: Browser, sites: dict[bool, Path], exercise: bool, view: str, scheme: Literal["light", "dark"]
) -> None:
    """In both languages, page and index, light and dark; and nothing is asked for."""
    wrong = []
    for file in sorted(sites[exercise].glob("*.html")):
        with opened(chromium, file, view) as (page, asked):
            page.emulate_media(color_scheme=scheme)
            wrong += [f"{file.name}, {scheme}: {found}" for found in findings(page)]
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                wrong.append(f"{file.name} scrolls sideways")
            wrong += asked
    assert wrong == []


def test_the_style_is_in_force(chromium: Browser, sites: dict[bool, Path]) -> None:
    """The page's own policy lets it through, by its digest."""
    with opened(chromium, sites[False] / f"{THREAD}.en.html") as (page, _):
        assert page.locator("body").evaluate("one => getComputedStyle(one).maxWidth") != "none"


def test_an_exercise_has_its_mark_behind_the_text(chromium: Browser, sites: dict[bool, Path]) -> None:
    """Wherever one has scrolled, and on paper; a live page has none."""
    shown = "one => getComputedStyle(one, '::after').content"
    for exercise, mark in ((True, '"EXERCISE"'), (False, "none")):
        for view in (DESK, PAPER):
            with opened(chromium, sites[exercise] / f"{THREAD}.en.html", view) as (page, _):
                assert page.locator("body").evaluate(shown) == mark


def test_the_keyboard_reaches_every_link(chromium: Browser, sites: dict[bool, Path]) -> None:
    """The skip link first."""
    with opened(chromium, sites[False] / f"{THREAD}.en.html") as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the message"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_links_lead_between_pages_and_languages(chromium: Browser, sites: dict[bool, Path]) -> None:
    """From the index to a page, to its Welsh version, and back to the index in Welsh."""
    with opened(chromium, sites[False] / "index.html") as (page, _):
        page.get_by_role("link", name="Gas is safe").click()
        page.get_by_role("link", name="Cymraeg").click()
        page.get_by_role("link", name="Negeseuon argyfwng").click()
        assert page.locator("h1").inner_text() == "Negeseuon argyfwng"
        assert page.locator("html").get_attribute("lang") == "cy"
