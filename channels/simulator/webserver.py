"""The web server that serves our own folders, as a far side: what adapters wrote is fetched from here and compared.

Under ``/<channel>/<name>/<file>`` stands the file of that name in ``root/<name>``, read anew for each request. It
serves as the documentation of these channels asks of a real one: no file whose name begins with a dot, alerts for
ever, everything else never from a cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from channels.contract import Clock
from channels.simulator.journal import Journal
from channels.simulator.provider import Provider, Route, RouteKind

TYPES = {".xml": "application/cap+xml", ".atom": "application/atom+xml", ".html": "text/html"}
FOR_EVER, NEVER = "public, max-age=31536000, immutable", "no-cache"


class WebServer(Provider):
    """Serves what one channel publishes. ``root`` holds a folder per account; without it nothing is there."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.root: Path | None = None

    def routes(self) -> Sequence[Route]:
        """Files, for reading."""
        return [Route("GET", "/{folder}/{file}", RouteKind.READ, self.serve)]

    def account(self, request: web.Request) -> str:
        """The folder's name."""
        return request.match_info["folder"]

    async def serve(self, request: web.Request) -> web.Response:
        """One file, or 404."""
        folder, name = request.match_info["folder"], request.match_info["file"]
        plain = not any(part.startswith(".") or "/" in part for part in (folder, name))
        file = self.root / folder / name if self.root and plain else None
        if file is None or not file.is_file():
            return web.Response(status=404)
        kept = FOR_EVER if file.suffix == ".xml" else NEVER
        kind = TYPES.get(file.suffix, "application/octet-stream")
        return web.Response(body=file.read_bytes(), content_type=kind, headers={"Cache-Control": kept})
