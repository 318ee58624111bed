"""Looking at a page as people do: at a desk, on a telephone and on paper, in a real Chromium without a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

DESK, TELEPHONE, PAPER = "desk", "telephone", "paper"
VIEWS = {DESK: (1280, 900), TELEPHONE: (360, 740), PAPER: (794, 1123)}
"""Width and height in CSS pixels; paper is A4 at 96 dots an inch."""


@contextmanager
def opened(chromium: Browser, file: Path, view: str = DESK) -> Iterator[tuple[Page, list[str]]]:
    """The page in a view, and every address that it asked for besides itself."""
    width, height = VIEWS[view]
    context = chromium.new_context(offline=True, viewport={"width": width, "height": height})
    asked: list[str] = []
    try:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.emulate_media(media="print" if view == PAPER else "screen")
        page.goto(file.as_uri())
        asked.remove(file.as_uri())
        yield page, asked
    finally:
        context.close()


def findings(page: Page) -> list[str]:
    """What axe-core finds: the rule, and the first element that breaks it."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
