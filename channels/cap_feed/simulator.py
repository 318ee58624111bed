"""Where an exercise's feed is served."""

from __future__ import annotations

from typing import ClassVar

from channels.simulator.webserver import WebServer


class FeedServer(WebServer):
    """Serves feeds."""

    name: ClassVar[str] = "cap_feed"
