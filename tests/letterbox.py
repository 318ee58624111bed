"""A real web server that takes notices, as a person's notification service would, or takes its time over them."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.servers import until

THROUGH_APPRISE = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""For tests that load Apprise's services: their mail service tells pictures apart with a module on its way out."""


@dataclass
class Letterbox:
    """``url`` is a contact for the roster, with a secret in it; ``letters`` what came, each with title and body."""

    url: str = ""
    letters: list[dict[str, Any]] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    def letter(self) -> dict[str, Any]:
        """The first letter, once it has come."""
        return until(lambda: self.letters, "a letter came")[0]


@contextmanager
def letterbox(*, slow: bool = False) -> Iterator[Letterbox]:
    """A letterbox on this machine; a slow one keeps whoever brings a letter waiting until the test ends."""
    box = Letterbox()
    if not slow:
        box.open.set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            box.letters.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            box.open.wait(60)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *about: object) -> None:
            """Whoever brought a letter may be gone by now."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        box.url = f"json://director:p4ssw0rd@127.0.0.1:{server.server_port}/notices?rto=60"
        yield box
        box.open.set()
        server.shutdown()
