"""Every page for everybody: axe-core, the keyboard alone, a narrow telephone, light and dark, exercise and live."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import stopping
from tests.browser.scene import Scene, scene_at
from tests.pages import findings

pytestmark = pytest.mark.system

DESK, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
PAGES = {
    "now": "/",
    "attention": "/attention",
    "workers": "/workers",
    "incident": "/incident/{exercise}",
    "delivery held": "/delivery/{x-1}",
    "delivery out": "/delivery/{mastodon-1}",
    "deliveries": "/deliveries?incident={exercise}",
    "deliveries to ask for": "/deliveries",
    "deliveries with faults": "/deliveries?state=gone&plan=zzz",
    "ledger": "/ledger",
    "ledger with faults": "/ledger?since=soon&incident=zzz",
    "halt": "/halt",
    "halt of an exercise": "/halt?scope=incident&target={exercise}",
    "halt of nothing": "/halt?scope=incident",
    "halted": "/halted/{halt}",
    "hold": "/account/webhook-1/hold",
    "held": "/account/bluesky-1/hold",
    "cancel": "/plan/{plan}/cancel",
    "no such page": "/nowhere",
    "no such delivery": "/delivery/nope",
}
EXERCISE = ("incident", "delivery held", "delivery out", "halt of an exercise", "halted", "hold", "held", "cancel")
MOST_TABS = 80

FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect()
    const seen = style.outlineStyle !== 'none' && style.outlineWidth !== '0px' || style.boxShadow !== 'none'
    const radio = one.matches('input[type=radio]') &&
        getComputedStyle(one.nextElementSibling, '::before').boxShadow !== 'none'
    return {name: one.tagName + ' ' + (one.id || one.textContent || one.name || '').trim().slice(0, 40),
            seen: seen || radio, there: box.width > 0 && box.height > 0}
}"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A deployment with trouble of every kind, a halt and a hold; nothing here changes it."""
    with scene_at(tmp_path_factory.mktemp("scene")) as made:
        desk = made.stage.desk
        about = (HaltScope.CHANNEL, "mastodon", made.stage.pen("ops-1"), Mode.EXERCISE, "the drill is over")
        made.names["halt"] = stopping.halt(desk, *about).statement
        made.hold("bluesky-1", "its platform is ill")
        yield made


@pytest.mark.parametrize("person", ["ops-1", "reviewer-1"])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(chromium: Browser, scene: Scene, person: str) -> None:
    """On any page, for whoever may act and whoever may not: light at a desk, dark and narrow in a hand."""
    wrong = []
    with scene.visit(chromium, person, viewport=DESK, color_scheme="light") as seen:
        for name, path in PAGES.items():
            seen.page.goto(scene.url + path.format(**scene.names))
            wrong += [f"{name}: {found}" for found in findings(seen.page)]
            seen.page.set_viewport_size(NARROW)
            seen.page.emulate_media(color_scheme="dark")
            wrong += [f"{name}, dark and narrow: {found}" for found in findings(seen.page)]
            if seen.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                wrong.append(f"{name} scrolls sideways")
            seen.page.emulate_media(color_scheme="light")
            seen.page.set_viewport_size(DESK)
        wrong += [said for said in seen.wrong if "Failed to load resource" not in said]
    assert wrong == []


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(chromium: Browser, scene: Scene, name: str) -> None:
    """The skip link first; then every link, field and button, each there and marked while it has the focus."""
    with scene.visit(chromium) as seen:
        page = seen.page
        page.goto(scene.url + PAGES[name].format(**scene.names))
        reached = tabbed(page)
        assert "Skip to main content" in reached[0]["name"]
        assert [one["name"] for one in reached if not (one["seen"] and one["there"])] == []
        wanted = page.evaluate(
            """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea')]
                .filter((one) => one.checkVisibility() && !one.matches('[type=radio]:not(:checked)')).length"""
        )
        assert len(reached) >= min(wanted, MOST_TABS)


def tabbed(page: Page) -> list[dict]:
    """What the tab key reaches from the top of a page, in order."""
    page.evaluate("document.querySelector('[data-pause]')?.click()")
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached.append(page.evaluate(FOCUSED))
    return reached


def test_the_skip_link_leads_past_the_header(chromium: Browser, scene: Scene) -> None:
    """With Tab and Enter."""
    with scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/attention")
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "main"


def test_halting_takes_no_mouse(chromium: Browser, scene: Scene) -> None:
    """From the header with Enter; in the form a radio with an arrow and a button with Space."""
    with scene.visit(chromium) as seen:
        page = seen.page
        page.goto(f"{scene.url}/incident/{scene.names['exercise']}")
        page.get_by_role("link", name="Halt").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/halt?*")
        page.get_by_label("One incident").focus()
        page.keyboard.press("ArrowDown")
        expect(page.get_by_label("One channel of a mode")).to_be_checked()
        page.get_by_label("Which channel").select_option("webhook")
        page.get_by_role("button", name="Show what would stop").focus()
        page.keyboard.press("Space")
        page.wait_for_url("**/halt/confirm")
        page.get_by_label("Why").focus()
        page.keyboard.type("by keyboard")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/halted/*")
        assert "by keyboard" in page.locator("main").inner_text()


@pytest.mark.parametrize("name", EXERCISE)
def test_a_page_about_an_exercise_cannot_be_taken_for_a_live_one(chromium: Browser, scene: Scene, name: str) -> None:
    """The word is in the title and in a striped banner, and the page has an edge that live ones have not."""
    with scene.visit(chromium) as seen:
        page = seen.page
        page.goto(scene.url + PAGES[name].format(**scene.names))
        assert page.title().startswith("EXERCISE – ")
        banner = page.locator(".stripe--exercise")
        assert "EXERCISE" in banner.inner_text()
        assert "repeating-linear-gradient" in banner.evaluate("one => getComputedStyle(one).backgroundImage")
        assert page.locator(".stripe--live").count() == 0


def test_a_page_about_a_live_incident_says_live(chromium: Browser, scene: Scene) -> None:
    """In the title and in the banner."""
    with scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/incident/{scene.names['live']}")
        assert seen.page.title().startswith("LIVE – ")
        assert "LIVE" in seen.page.locator(".stripe--live").inner_text()
        assert seen.page.locator(".stripe--exercise").count() == 0


def test_the_checks_would_notice(chromium: Browser, scene: Scene) -> None:
    """A page without a visible focus, with pale letters and with too much width is found out."""
    with scene.visit(chromium, viewport=NARROW) as seen:
        page = seen.page
        page.goto(f"{scene.url}/halt")
        page.evaluate("document.querySelector('main h1').style.color = '#ddd'")
        assert any(found.startswith("color-contrast") for found in findings(page))
        page.evaluate(
            """() => { const main = document.querySelector('main')
                main.style.width = '900px'
                const link = document.querySelector('.govuk-skip-link')
                link.style.cssText = 'outline:none !important;box-shadow:none' }"""
        )
        assert page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not tabbed(page)[0]["seen"]
