"""The console while the database is slow or away: what it shows, and what it never claims."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest

from dispatcher.domain.errors import Unavailable
from dispatcher.service.sessions import Noting
from ops.console import halting
from ops.console.pages import stopping
from ops.console.signing_in.cookies import SIGNED_IN
from tests.ops.console.served import Served


def post(console: Served, path: str, **form: str) -> tuple[int, str]:
    """Press a button of a page of the console; redirections are not followed."""
    headers = {"Cookie": f"{SIGNED_IN}={console.cookie}", "Sec-Fetch-Site": "same-origin"}
    asked = urllib.request.Request(console.url + path, urlencode(form).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_what_was_seen_last_is_shown_though_reading_cannot_be_recorded(
    console: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is known reads on."""

    def away(*_args: object) -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(Noting, "read", away)
    assert console.get("/workers").status == 200


def test_a_halt_that_is_not_written_yet_is_never_taken_for_done(
    console: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visitor is told that nobody knows, and what to type."""
    go_on = threading.Event()

    def slow(*_args: object) -> str:
        go_on.wait(20)
        return "/halted/x"

    monkeypatch.setattr(stopping, "WAIT_S", 0.05)
    monkeypatch.setattr(halting, "halt", slow)
    try:
        status, page = post(console, "/halt/do", scope="all", mode="live", once="a")
    finally:
        go_on.set()
    assert status == 503
    assert "Nobody knows yet whether this was stopped" in page
    assert "dispatcher halt --mode live" in page
    assert "nothing was changed" not in page
