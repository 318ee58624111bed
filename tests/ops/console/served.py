"""A console that is served for a test: over a real deployment, on a free port, with whatever looks handed in."""

from __future__ import annotations

import asyncio
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dispatcher.bootstrap import open_desk
from dispatcher.domain.people import DeploymentKind
from dispatcher.service import deploying, sessions
from dispatcher.service.desk import Desk
from ops.console.context import Console
from ops.console.live import Looking
from ops.console.serving import made, serve_until
from ops.console.signing_in.cookies import SIGNED_IN
from tests.deployments import deployed
from tests.office import FilePen
from tests.servers import until

REST_S = 0.02
"""Between two looks of a test."""

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Answered:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Served:
    """A console that listens at ``url``, and the cookie of somebody who is signed in."""

    url: str
    console: Console
    cookie: str

    def get(self, path: str, cookie: str | None = None, **headers: str) -> Answered:
        """Ask for a page, as whoever is signed in unless ``cookie`` says otherwise; redirections are not followed."""
        cookie = self.cookie if cookie is None else cookie
        asked = urllib.request.Request(self.url + path, headers={"Cookie": f"{SIGNED_IN}={cookie}", **headers})
        try:
            with _opener.open(asked, timeout=20) as answer:
                return Answered(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, dict(error.headers), error.read().decode())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def deployment_at(folder: Path, database: str = "") -> Desk:
    """A deployment of its own, with nothing in it."""
    blueprint = deploying.Blueprint(
        "example-city",
        DeploymentKind.TEST,
        "Example City",
        "http://127.0.0.1:9",
        database=database,
        redis="unix:///nowhere/redis.sock",
    )
    deployed(folder, blueprint)
    return open_desk(folder, "console")


def signed_in(desk: Desk, person: str = "ops-1") -> str:
    """The cookie of somebody who used a one-time link."""
    token, _until = sessions.sign_link(desk, FilePen(desk.settings.path("keys", "exercise", person)))
    return sessions.use_link(desk, token)


@contextmanager
def served(desk: Desk, looker: Looking, rest_s: float = REST_S) -> Iterator[Served]:
    """Serve a console from a thread of its own."""
    console = made(desk, looker, lambda _took_ms: rest_s)
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve_until(console, stopping)))
    thread.start()
    said = desk.settings.path("run", "console.url")
    try:
        url = until(lambda: said.exists() and said.read_text().strip(), "the console listens")
        until(lambda: console.live.seen or console.live.away, "the console has looked")
        yield Served(url, console, signed_in(desk))
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(20)
        assert not thread.is_alive(), "the console did not end"
        loop.close()
        desk.store.close()
