"""Parts of pages that change by themselves: each is rendered once per look, for all viewers together.

Rules
  1. A fragment holds nothing about who reads it, so that everybody is sent the same bytes.
  2. Every fragment knows the version at which it changed last. Whoever has version n is sent what changed after n:
     a viewer that comes back after an hour, and one that missed one message, alike.
  3. Versions begin anew with the process, under another name: a viewer of an earlier one is sent everything.
  4. What a page reads from the database it reads at most every FRESH_S, and for at most a twentieth of the time. As
     long as what it read last is younger than BELIEVED_S nobody waits for the next.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import NotFound
from dispatcher.service.desk import Desk
from dispatcher.service.operating.values import Overview
from ops.console.live import Live

_AGE = re.compile(r'(<span class="age" data-(?:since|until)="\d+">)[^<]*')
"""That time goes by is no change."""

FRESH_S, BELIEVED_S = 2.0, 30.0
IDLE_SHARE = 20
PAGES_KEPT = 200

Read = Callable[[Desk, Overview, str], Mapping[str, Any]]
"""What a page's fragments are rendered with besides the overview: given that, and what follows the page's name."""


@dataclass(frozen=True, slots=True)
class LivePage:
    """A page by name, the fragments in it (``templates/live/NAME.html``) and what they read from the database."""

    name: str
    fragments: tuple[str, ...]
    read: Read | None = None


COMMON = ("marks", "attention-count")
"""On every page."""

SHELL = LivePage("shell", ())


@dataclass(slots=True)
class Rendered:
    """The fragments of one page as they are now; ``changed`` says at which version each came to be so."""

    html: dict[str, str] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    read: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    read_at: float = 0.0
    read_again_at: float = 0.0
    messages: dict[int, bytes] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """Of the newest fragment."""
        return max(self.changed.values(), default=0)

    def part(self, name: str) -> Markup:
        """One fragment in its place."""
        inner = Markup(self.html[name])  # noqa: S704 - our own template's, escaped there
        return Markup('<div data-fragment="{}">{}</div>').format(name, inner)


class Fragments:
    """All fragments of one process."""

    def __init__(self, desk: Desk, live: Live, templates: Environment, pages: Sequence[LivePage]) -> None:
        self._desk = desk
        self._live = live
        self._templates = templates
        self._pages = {page.name: page for page in (SHELL, *pages)}
        self._kept: OrderedDict[str, Rendered] = OrderedDict()
        self._making: dict[str, asyncio.Task[Rendered]] = {}
        self._version = 0
        self.process = desk.random_bytes(4).hex()
        self.renderings = 0

    def shell(self) -> Rendered:
        """What is on every page; nothing is read for it."""
        kept = self._kept.setdefault("shell", Rendered())
        if kept.at != self._live.overview.at:
            self._render(SHELL, kept, self._live.overview, {})
        return kept

    async def of(self, key: str) -> Rendered:
        """The fragments of ``page`` or ``page:what`` as they are now. Raises NotFound, NotSeenYet, Unavailable."""
        page = self._page(key)
        kept = self._kept.get(key)
        if kept is not None and self._fresh(page, kept):
            return kept
        if key not in self._making:
            self._making[key] = asyncio.create_task(self._made(page, key))
            self._making[key].add_done_callback(lambda done: self._ended(key, done))
        if kept is not None and page.read is not None and time.monotonic() - kept.read_at < BELIEVED_S:
            return kept  # the next one who asks has what is being read now
        return await asyncio.shield(self._making[key])

    async def message(self, key: str, since: int) -> tuple[int, bytes]:
        """The version, and what is to be said to a viewer that has ``since``: the same bytes for all such viewers."""
        rendered = await self.of(key)
        if since not in rendered.messages:
            changed = {name: rendered.html[name] for name, at in rendered.changed.items() if at > since}
            rendered.messages[since] = self.said(rendered.version, changed)
        return rendered.version, rendered.messages[since]

    def said(self, version: int, changed: Mapping[str, str]) -> bytes:
        """One message: which version, as of when, whether the database is away, and the fragments that changed."""
        facts: dict[str, Any] = {
            "id": f"{self.process}-{version}",
            "at": format_time(self._live.overview.at),
            "away": self._live.away,
        }
        if changed:
            facts["fragments"] = changed
        return json.dumps(facts, ensure_ascii=False).encode()

    def since(self, id_: str) -> int:
        """The version that a viewer says it has; 0 for one of another process, or none."""
        process, _, version = id_.partition("-")
        return int(version) if process == self.process and version.isascii() and version.isdigit() else 0

    def _ended(self, key: str, done: asyncio.Task[Rendered]) -> None:
        self._making.pop(key, None)
        if not done.cancelled():
            done.exception()  # told to whoever waits for it, and to nobody where nobody does

    def _page(self, key: str) -> LivePage:
        name, _, _what = key.partition(":")
        if name not in self._pages:
            raise NotFound(f"there is no live page {name}", f"the pages are: {', '.join(self._pages)}")
        return self._pages[name]

    def _fresh(self, page: LivePage, kept: Rendered) -> bool:
        if page.read is not None:
            return time.monotonic() < kept.read_again_at
        return kept.at == self._live.overview.at

    async def _made(self, page: LivePage, key: str) -> Rendered:
        overview, what = self._live.overview, key.partition(":")[2]
        began = time.monotonic()
        read = await asyncio.to_thread(page.read, self._desk, overview, what) if page.read else {}
        kept = self._kept.setdefault(key, Rendered())
        self._kept.move_to_end(key)
        if len(self._kept) > PAGES_KEPT:
            self._kept.popitem(last=False)
        ended = time.monotonic()
        kept.read_at = ended
        kept.read_again_at = ended + max(FRESH_S, IDLE_SHARE * (ended - began))
        kept.read = read
        self._render(page, kept, overview, read)
        return kept

    def _render(self, page: LivePage, kept: Rendered, overview: Overview, read: Mapping[str, Any]) -> None:
        self.renderings += 1
        for name in (*COMMON, *page.fragments):
            template = self._templates.get_template(f"live/{name}.html")
            html = template.render(overview=overview, now=overview.at, **read).strip()
            if name not in kept.html or _still(kept.html[name]) != _still(html):
                self._version += 1
                kept.changed[name] = self._version
            kept.html[name] = html
        kept.at = overview.at
        kept.messages.clear()


def _still(html: str) -> str:
    """Without the ages, which go on by themselves."""
    return _AGE.sub(r"\1", html)
