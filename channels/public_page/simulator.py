"""Where an exercise's pages are served."""

from __future__ import annotations

from typing import ClassVar

from channels.simulator.webserver import WebServer


class PageServer(WebServer):
    """Serves pages."""

    name: ClassVar[str] = "public_page"
