"""The one-time link into the console, from the command line."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dispatcher.bootstrap import open_desk
from dispatcher.service import sessions
from tests.cli.conftest import Office


class Fine(BaseHTTPRequestHandler):
    """Answers as a console that is well."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Something that answers where ``run/console.url`` says."""
    server = HTTPServer(("127.0.0.1", 0), Fine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    (folder / "run" / "console.url").write_text(f"{url}\n")
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def console(office: Office) -> Iterator[str]:
    """The address of a console that answers."""
    with running(office.folder) as url:
        yield url


def test_the_link_is_of_whoever_holds_the_key(office: Office, console: str) -> None:
    """It opens a session of theirs, and is recorded without its token."""
    made = office.run("console", "--json", by="ops-1").json
    address, _, token = made["link"].rpartition("/sign-in/link/")
    assert (made["schema"], made["person"], address) == ("dispatcher/console/v1", "ops-1", console)
    desk = open_desk(office.folder)
    try:
        assert sessions.read_link(desk, token).known.person == "ops-1"
    finally:
        desk.store.close()


def test_the_public_address_is_what_people_open(office: Office, console: str) -> None:
    """Where the settings have one."""
    with (office.folder / "deployment.toml").open("a") as file:
        file.write('\n[console]\naddress = "https://console.example.gov.uk"\n')
    link = office.run("console", "--json", by="ops-1").json["link"]
    assert link.startswith("https://console.example.gov.uk/sign-in/link/")
    assert console


def test_a_console_that_does_not_run_is_said_with_the_command_that_starts_it(office: Office) -> None:
    """Nothing is signed for a link that leads nowhere."""
    before = office.ledger()
    assert "dispatcher worker console" in office.run("console", by="ops-1", code=9).err
    with running(office.folder):
        pass
    assert "does not answer" in office.run("console", by="ops-1", code=9).err
    assert office.ledger() == before


def test_without_a_key_there_is_no_link(office: Office, console: str) -> None:
    """Whoever is at the keyboard is known from their key."""
    assert console
    office.run("console", code=4)


def test_a_key_that_is_nobodys_gets_no_link(office: Office, console: str) -> None:
    """The console's own is somebody's, and signs nobody in."""
    assert console
    office.run("console", "--key", office.folder / "keys" / "console", code=4)


def test_a_halt_from_the_console_is_shown_with_who_asked(office: Office) -> None:
    """In the status, as data and in words."""
    from dispatcher.cli.output import facts
    from dispatcher.domain.people import Role
    from dispatcher.domain.statement import Mode
    from dispatcher.gate.stops import HaltScope
    from dispatcher.service import tightening
    from tests.office import FilePen

    desk, pen = open_desk(office.folder), FilePen(office.folder / "keys" / "console")
    try:
        done = tightening.halt(desk, "ops-1", Role.OPS, pen, HaltScope.ALL, "", Mode.EXERCISE, "wrong area")
    finally:
        desk.store.close()
    (halt,) = office.run("status").json["halts"]
    assert (halt["person"], halt["through"]) == ("ops-1", "console")
    assert facts(done.made)["statement"] == halt["statement"]
    assert "by ops-1, through the console" in office.run("status").err
    assert "halted this" in office.run("resume", halt["statement"], by="ops-1", code=8).err
