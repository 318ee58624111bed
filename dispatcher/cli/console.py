"""``dispatcher console``: a one-time link into the ops console for whoever holds the key at hand."""

from __future__ import annotations

import urllib.error
import urllib.request
from urllib.parse import urlsplit

import click

from dispatcher.cli.commands import Verb
from dispatcher.cli.output import say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Unavailable
from dispatcher.service import sessions
from dispatcher.settings import Settings

ANSWERS_S = 3.0
RUNNING = "dispatcher worker console"


@click.command(cls=Verb)
def console(session: Session) -> None:
    """Print a link that opens the ops console once, within a minute, for whoever holds the key at hand.

    What the console may do is what your roles allow: some may halt, hold and cancel, all others read. The link is
    worth nothing once it was opened; treat it as a password until then.
    """
    desk = session.desk
    address = _address(desk.settings)
    token, until = sessions.sign_link(desk, session.pen)
    link = f"{address}/sign-in/link/{token}"
    session.read_out("console", {"link": link, "person": session.person, "until": until}, link)
    say("Open it within a minute; it works once.")


def _address(settings: Settings) -> str:
    """Where the console is. Raises Unavailable where it runs nowhere that is known here."""
    written = settings.path("run", "console.url")
    public = settings.console.address.rstrip("/")
    try:
        local = written.read_text("utf-8").strip().rstrip("/")
    except OSError:
        local = ""
    if local and not _answers(local):
        raise Unavailable(
            f"the console does not answer at {local}; where `dispatcher up` runs, `dispatcher log` says why", RUNNING
        )
    if not (public or local):
        raise Unavailable("no console runs here; where `dispatcher up` runs, `dispatcher log` says why", RUNNING)
    return public or local


def _answers(url: str) -> bool:
    """Whether a console is there. It is asked directly: a proxy of the environment has no part in this machine."""
    if urlsplit(url).scheme not in ("http", "https"):
        return False
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/healthz", timeout=ANSWERS_S):
            return True
    except urllib.error.HTTPError:
        return True  # it is there, and says what ails it itself
    except (OSError, ValueError):
        return False
