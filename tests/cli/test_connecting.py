"""``account connect`` as somebody types it: the browser's way back to a loopback port, or from the keyboard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from channels.x.simulator import CLIENT, CLIENT_SECRET
from dispatcher.cli.errors import NeedsTerminal
from dispatcher.cli.redirect import heard
from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.domain.statement import Mode
from dispatcher.settings import load_settings
from tests.cli.conftest import Office
from tests.stage import far_sides

PROGRAM = "from dispatcher.cli.main import run; run()"
NEW = ("--channel", "x", "--handle", "@city", "--language", "en-GB", "--mode", "exercise")


class Browser(urllib.request.HTTPRedirectHandler):
    """Follows redirects, or, ``stays``, tells where it was sent."""

    def __init__(self, *, stays: bool) -> None:
        self.stays = stays

    def redirect_request(self, *args: object) -> urllib.request.Request | None:
        """Where it is sent next; None to stay."""
        return None if self.stays else super().redirect_request(*args)  # type: ignore[arg-type]

    def open(self, url: str) -> str:
        """Open an address; gives the text that is shown, or the address that it was sent to."""
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({}), self).open(url) as shown:
                return str(shown.read().decode())
        except urllib.error.HTTPError as sent:
            with sent:
                return str(sent.headers["Location"])


def files(office: Office) -> list[str]:
    """The app's id and secret in files, as options."""
    found = []
    for name, value in (("client_id", CLIENT), ("client_secret", CLIENT_SECRET)):
        (office.folder.parent / name).write_text(f"{value}\n")
        found += ["--secret-file", f"{name}={office.folder.parent / name}"]
    return found


@contextmanager
def typed(office: Office, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command as a process of its own, up to the address that it prints."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    deployment = {"DISPATCHER_DEPLOYMENT": str(office.folder), "DISPATCHER_KEY": str(office.key("ops-1"))}
    command = [sys.executable, "-c", PROGRAM, "account", "connect", "city-x", *words]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, env=environment | deployment, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            url = next((line.strip() for line in process.stderr if line.startswith("http")), "")
            assert url, "no address was printed"
            yield process, url
        finally:
            process.kill()


@pytest.mark.parametrize("paste", [False, True])
def test_somebody_consents_and_the_account_is_there(office: Office, paste: bool) -> None:
    """Whether the browser comes back to this machine or not; no secret is printed, and a probe is next."""
    with far_sides() as far:
        settings = office.folder / "deployment.toml"
        settings.write_text(settings.read_text().replace("http://127.0.0.1:9", far.url))
        words = (*NEW, "--set", f"base_url={far.url}/x", *files(office), *(["--paste"] if paste else []))
        with typed(office, *words) as (process, url):
            shown = Browser(stays=paste).open(url)
            out, err = process.communicate(f"{shown}\n" if paste else None, timeout=20)
    assert process.returncode == 0, err
    assert paste or "close this window" in shown
    held = load_settings(office.folder).vault(Mode.EXERCISE, "accounts").open("city-x")
    assert (json.loads(out)["owner"], held.account.settings["user_id"]) == ("1", "1")
    assert not [
        name for name, secret in held.secrets.items() if secret.reveal() in url.replace(CLIENT, "") + out + err
    ]
    assert "dispatcher channel probe city-x" in err


def test_a_new_account_says_what_it_is(office: Office) -> None:
    """Half of it is no account, and nobody is asked to consent."""
    said = office.run("account", "connect", "city-x", "--channel", "x", *files(office), by="ops-1", code=2).err
    assert "--handle, --mode must be given" in said


def test_an_account_that_is_none_cannot_be_connected_again(office: Office) -> None:
    """Wrong input: a misspelt name asks nobody."""
    assert "no account city-y" in office.run("account", "connect", "city-y", by="ops-1", code=2).err


def test_an_app_that_is_not_named_is_asked_for(office: Office) -> None:
    """Without a terminal, by the option that would."""
    settings = ("--set", "base_url=http://127.0.0.1:9/x")
    said = office.run("account", "connect", "city-x", *NEW, *settings, by="ops-1", code=2).err
    assert "missing: client_id" in said
    assert "--secret-file" in said


def get(url: str, path: str) -> int:
    """The status of one request."""
    line = HTTPConnection(urlsplit(url).netloc, timeout=5)
    line.request("GET", path)
    status = line.getresponse().status
    line.close()
    return status


def test_only_an_answer_ends_the_listening() -> None:
    """Not what browsers ask for besides, nor a connection that says nothing."""
    with heard("", paste=False) as redirected:
        silent = HTTPConnection(urlsplit(redirected.url).netloc, timeout=5)
        silent.connect()
        statuses = [get(redirected.url, path) for path in ("/favicon.ico?code=1", "/", "/?code=1&state=2")]
        assert (statuses, redirected.wait(5)) == ([404, 404, 200], "/?code=1&state=2")
        silent.close()


def test_nobody_listens_afterwards() -> None:
    """The port is closed with the question."""
    with heard("", paste=False) as redirected:
        url = redirected.url
    with pytest.raises(ConnectionRefusedError):
        get(url, "/?code=1")


def test_only_this_machine_is_listened_to() -> None:
    """At one address of it, and not at all that it has."""
    with heard("", paste=False) as redirected, pytest.raises(ConnectionRefusedError):
        get(redirected.url.replace("127.0.0.1", "127.0.0.2"), "/?code=1")


def test_a_browser_that_does_not_come_back_is_said() -> None:
    """With what to do where it is on another machine."""
    with heard("", paste=False) as redirected, pytest.raises(Unavailable, match="no browser came back") as late:
        redirected.wait(0.01)
    assert "--paste" in late.value.next_step


def test_the_registered_port_is_taken_where_it_is_free() -> None:
    """The redirect is told as it was given; a port that somebody has is said."""
    with heard("", paste=False) as other:
        port = urlsplit(other.url).port
    with heard(f"http://localhost:{port}/back", paste=False) as redirected:
        assert redirected.url == f"http://localhost:{port}/back"
        assert get(f"http://127.0.0.1:{port}", "/back?error=access_denied") == 200
        with pytest.raises(Unavailable, match=f"port {port}"), heard(redirected.url, paste=False):
            pass


@pytest.mark.parametrize(
    "redirect",
    ["not an address", "ftp://a.example/", "http://127.0.0.1/?x=1", "http://127.0.0.1:99999/", "http://[x/"],
)
def test_what_is_no_address_to_be_sent_to_is_refused(redirect: str) -> None:
    """Before anything is asked."""
    with pytest.raises(Invalid, match="no address"), heard(redirect, paste=False):
        pass


def test_a_redirect_elsewhere_is_pasted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody can listen there; where nobody pastes it either, that is said."""
    (tmp_path / "empty").touch()
    with (tmp_path / "empty").open() as nothing, heard("https://city.example/back", paste=False) as redirected:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert redirected.url == "https://city.example/back"
        with pytest.raises(NeedsTerminal):
            redirected.wait(1)
