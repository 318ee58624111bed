"""A web server of a test's own, with what a source of alerts serves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>Rivers</title>{}</feed>'
ENTRY = '<entry><id>{0}</id><updated>{1}</updated><link type="application/cap+xml" href="{0}"/></entry>'


@dataclass
class Source:
    """What is served at which path, how often each was asked for, and a path that answers only at the end."""

    address: str = ""
    pages: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    slow: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def lists(self, *links: str, at: str = "/feed.atom", updated: str = "1") -> None:
        """Serve a list of these links, the newest first."""
        self.pages[at] = ATOM.format("".join(ENTRY.format(link, updated) for link in links)).encode()

    async def answer(self, request: web.Request) -> web.Response:
        """One answer."""
        self.asked.append(request.path)
        self.headers.append(dict(request.headers))
        if request.path == self.slow:
            await self.ended.wait()
        if request.path in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[request.path]})
        body = self.pages.get(request.path)
        if body is None:
            return web.Response(status=404)
        tag = f'"{len(body)}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        return web.Response(body=body, headers={"ETag": tag})


@contextmanager
def serving() -> Iterator[Source]:
    """A source that serves nothing yet."""
    source, loop, ready = Source(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", source.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        source.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        stop = asyncio.Event()
        source.ended = asyncio.Event()
        stopping.append(lambda: (source.ended.set(), stop.set()))
        ready.set()
        await stop.wait()
        await runner.cleanup()

    stopping: list[object] = []
    thread = threading.Thread(
        target=lambda: (asyncio.set_event_loop(loop), loop.run_until_complete(serve())), daemon=True
    )
    thread.start()
    assert ready.wait(10)
    yield source
    loop.call_soon_threadsafe(stopping[0])  # type: ignore[arg-type]
    thread.join(10)
    loop.close()
