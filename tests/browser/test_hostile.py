"""Whatever an officer types and whatever a provider answers is shown as text: on every page, at once and live."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from channels.text import spelled_out
from dispatcher.domain.errors import DispatcherError
from tests.browser.hostile import HOSTILE, MARKUP, UNSEEN, named, paint, written
from tests.browser.scene import Scene, Seen, scene_at
from tests.servers import until

pytestmark = pytest.mark.system

PAGES = {
    "/": ("title", "halt's reason"),
    "/attention": ("probe's detail", "hold's reason", "foreign post's link"),
    "/workers": ("process",),
    "/incident/{exercise}": ("title", "shown text"),
    "/incident/{live}": ("title",),
    "/delivery/{x-1}": ("attempt", "title"),
    "/delivery/{mastodon-1}": ("attempt", "url", "shown text", "title"),
    "/deliveries?incident={exercise}": (),
    "/ledger": ("facts",),
    "/halt?scope=incident&target={exercise}": ("title among what can be halted",),
    "/halted/{halt}": ("reason",),
    "/account/webhook-1/hold": ("reason",),
    "/plan/{plan}/cancel": (),
}
"""Each page, and what on it holds the text besides the name of who is signed in and the halt at the top."""

SHAPES = ("markup", "unseen", "odd address", "long")
"""One of each kind of text; every one of them is asked for in addresses."""

LIVE = ("/", "/attention", "/workers", "/incident/{exercise}")
ASKED = (
    "/ledger?words={0}&person={0}&since={0}&below={0}&kind={0}",
    "/deliveries?incident={0}&channel={0}&state={0}&after={0}",
    "/halt?scope={0}&target={0}&mode={0}",
    "/halt?scope=account&target={0}",
    "/incident/{0}",
    "/delivery/{0}",
    "/halted/{0}",
    "/account/{0}/hold",
    "/plan/{0}/cancel",
    "/{0}",
)
HARM = """() => {
    const all = [...document.querySelectorAll('*')], ours = (one) => new URL(one.href).origin === location.origin
    const safe = (one) => ['noopener', 'noreferrer'].every((word) => one.relList.contains(word))
    const href = (one) => one.getAttribute('href') || '/'
    const led = (one) => /^[/#?]/.test(href(one)) ? ours(one) : /^https?:[/][/]/.test(href(one)) && safe(one)
    const made = all.filter((one) => one.matches('[data-hostile], img, iframe, object, embed, base, svg'))
    const acting = all.filter((one) => one.getAttributeNames().some((name) => name.startsWith('on')))
    const scripts = [...document.scripts].filter((one) => !one.src.endsWith('/static/live.js'))
    const links = all.filter((one) => one.matches('a') && !led(one))
    const unseen = /[\\u202a-\\u202e\\u2060-\\u2069\\u200b\\ufeff\\x1b\\0]/.exec(document.body.textContent)
    const found = [...links, ...made, ...acting, ...scripts].map((one) => one.outerHTML.slice(0, 200))
    return unseen ? [...found, 'unseen ' + unseen[0].charCodeAt(0)] : found
}"""
SHOWN = 50
"""Characters of a text that are looked for: long ones are cut short on some pages."""

COMES = """([where, text]) => [...document.querySelectorAll(where)].map((one) => one.textContent)
    .join(' ').replace(/\\s+/g, ' ').includes(text)"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A deployment with trouble of every kind, which each test paints over."""
    with scene_at(tmp_path_factory.mktemp("hostile")) as made:
        yield made


def plain(text: str) -> str:
    """As a page has it, without regard to space."""
    return re.sub(r"\s+", " ", spelled_out(text)[:SHOWN]).strip()


def shows(page: Page, text: str, where: str = "main") -> bool:
    """Whether a text stands in a part of a page, or comes to stand there by itself."""
    try:
        page.wait_for_function(COMES, arg=[where, plain(text)], timeout=10_000)
    except PlaywrightTimeout:
        return False
    return True


def opened(page: Page, scene: Scene, path: str, text: str) -> bool:
    """Open a page; whether what it is called is of now: what it read last is believed for a moment."""
    page.goto(scene.url + path.format(**scene.names))
    return not path.startswith("/incident/") or plain(text) in re.sub(r"\s+", " ", page.locator("h1").inner_text())


def faults(seen: Seen) -> list[str]:
    """What the browser complained of; that a page answers 400 or 404 is no fault."""
    return [said for said in seen.wrong if "Failed to load resource" not in said]


@pytest.mark.parametrize("name", SHAPES)
def test_every_page_shows_it_as_text(chromium: Browser, scene: Scene, name: str) -> None:
    """Wherever it stands: no element, no link and no handler comes of it, and it can be read."""
    text, wrong = HOSTILE[name], []
    paint(scene, text)
    with scene.visit(chromium, name=text) as seen:
        named(scene, text)
        for path, places in PAGES.items():
            until(lambda path=path: opened(seen.page, scene, path, text), f"{path} has read anew")
            for where in (".halted", ".top__who", *(["main"] if places else [])):
                wrong += [] if shows(seen.page, text, where) else [f"{path}: not shown in {where}"]
            wrong += [f"{path}: {found}" for found in seen.page.evaluate(HARM)]
    assert wrong + faults(seen) == []


@pytest.mark.parametrize("name", SHAPES)
def test_it_arrives_live_as_text(chromium: Browser, scene: Scene, name: str) -> None:
    """In the fragments that open pages are sent, and in what is announced of them."""
    text = HOSTILE[name]
    with scene.visit(chromium) as seen:
        first = seen.page
        pages = [first, *(first.context.new_page() for _ in LIVE[1:])]
        for page, path in zip(pages, LIVE, strict=True):
            if page is not first:
                scene.watched(page, seen)
            page.goto(scene.url + path.format(**scene.names))
            page.evaluate("window.stillHere = true")
        paint(scene, text)
        for page in pages:
            page.bring_to_front()
            assert shows(page, text)
            assert page.evaluate("window.stillHere") is True
            assert page.evaluate(HARM) == []
    assert faults(seen) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_asked_for_is_shown_as_text(chromium: Browser, scene: Scene, name: str) -> None:
    """In addresses and query strings: a page of ours that says what is wrong, never a fault, never markup."""
    given, wrong = quote(HOSTILE[name][:2_000], safe=""), []
    with scene.visit(chromium) as seen:
        for path in ASKED:
            answer = seen.page.goto(scene.url + path.format(given))
            wrong += [f"{path}: {found}" for found in seen.page.evaluate(HARM)]
            if answer is None or answer.status not in (200, 400, 404) or seen.page.locator("h1").count() != 1:
                wrong.append(f"{path} answers {answer.status if answer else 'nothing'}")
    assert wrong + faults(seen) == []


@pytest.mark.parametrize("text", [*MARKUP, *UNSEEN])
def test_the_words_of_a_message_are_shown_as_text(chromium: Browser, scene: Scene, text: str) -> None:
    """To whoever reads what will go out, word for word, where such words can be submitted at all."""
    with suppress(DispatcherError):
        incident = written(scene, text)
        with scene.visit(chromium) as seen:
            seen.page.goto(f"{scene.url}/incident/{incident}")
            assert shows(seen.page, text, ".wording")
            assert seen.page.evaluate(HARM) == []
            seen.page.get_by_role("link", name="x-1").first.click()
            seen.page.locator("tbody a").first.click()
            seen.page.wait_for_url("**/delivery/*")
            assert shows(seen.page, text, ".wording")
            assert seen.page.evaluate(HARM) + faults(seen) == []


def test_what_is_long_buries_nothing(chromium: Browser, scene: Scene) -> None:
    """On the page Now whatever is longer than a screen's line or two is cut, and says how much is left out."""
    paint(scene, HOSTILE["long"])
    with scene.visit(chromium) as seen:
        named(scene, HOSTILE["long"])
        seen.page.goto(scene.url)
        assert shows(seen.page, HOSTILE["long"], ".halted")
        assert "more characters" in " ".join(seen.page.locator(".halted").all_inner_texts())
        runs = seen.page.evaluate("(document.body.innerText.match(/x{20,}/g) || []).map((one) => one.length)")
        assert max(runs) <= 200


def test_only_addresses_of_the_web_are_links(chromium: Browser, scene: Scene) -> None:
    """And they tell the other side nothing of us."""
    address = "https://social.example/@city/123?a=1&b=%22"
    paint(scene, address)
    with scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/delivery/{scene.names['mastodon-1']}")
        link = seen.page.locator("dl").get_by_role("link", name=address)
        assert link.get_attribute("href") == address
        assert link.get_attribute("rel") == "noopener noreferrer"
        paint(scene, HOSTILE["script address"])
        seen.page.reload()
        assert shows(seen.page, HOSTILE["script address"])
        assert seen.page.locator("main a[href*='javascript'], main a[href*='alert']").count() == 0


def test_the_check_would_notice(chromium: Browser, scene: Scene) -> None:
    """Markup, handlers, foreign links and links of other kinds are found out."""
    with scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/attention")
        seen.page.evaluate(
            """() => { document.querySelector('main').innerHTML = '<b data-hostile>b</b><p onclick="x()">p</p>' +
                '<a href="javascript:x()">a</a><a href="https://evil.example/">a</a>' +
                '<a href="//evil.example">a</a>' }"""
        )
        assert len(seen.page.evaluate(HARM)) == 5
        assert any("Content Security Policy" in said for said in seen.wrong)
