"""Requests that no page of ours makes: each gets an answer that says what is wrong, and changes nothing."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.domain.statement import Mode
from dispatcher.sender_bootstrap import now
from dispatcher.service import stopping
from ops.console import app
from ops.console.handling import MOST_FIELDS
from ops.console.signing_in.cookies import SIGNED_IN
from tests.ops.console.seen import Scripted, busy
from tests.ops.console.served import Served, deployment_at, served

SAME = {"Sec-Fetch-Site": "same-origin"}
FORM = {**SAME, "Content-Type": "application/x-www-form-urlencoded"}
ACTS = ["/halt/confirm", "/halt/do", "/account/x-1/hold/do", "/plan/abcd/cancel/do", "/sign-out"]
TEN_MB = 10 * 1024 * 1024
LONG = "y" * 501
FILE = b"--b\r\nContent-Disposition: form-data; name=scope; filename=a\r\n\r\nall\r\n--b--\r\n"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A console over a deployment that a test may change."""
    with served(deployment_at(tmp_path / "deployment"), Scripted(busy(now()), now)) as one:
        yield one


@pytest.fixture
def http(console: Served) -> Iterator[httpx.Client]:
    """Somebody from ops, signed in."""
    with httpx.Client(base_url=console.url, cookies={SIGNED_IN: console.cookie}, timeout=20) as client:
        yield client


def halts(console: Served) -> list[str]:
    """All halts there are."""
    return [halt.statement for mode in Mode for halt in stopping.halts(console.console.desk, mode)]


@pytest.mark.parametrize("path", ACTS)
def test_a_form_of_ten_megabytes_is_refused_before_it_is_read(console: Served, path: str) -> None:
    """The answer is there when nothing but the head was sent."""
    place = urlsplit(console.url)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=10) as line:
        head = f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nSec-Fetch-Site: same-origin\r\n"
        head += f"Cookie: {SIGNED_IN}={console.cookie}\r\nContent-Length: {TEN_MB}\r\n\r\n"
        line.sendall(head.encode())
        assert line.recv(64).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ACTS)
def test_what_acts_is_not_asked_for(http: httpx.Client, path: str) -> None:
    """No link and no picture stops anything: 405, on a page that leads on."""
    answer = http.get(path)
    assert answer.status_code == 405
    assert "<h1" in answer.text


@pytest.mark.parametrize("path", ["/", "/ledger", "/incident/x", "/healthz", "/events", "/sign-in"])
def test_what_only_shows_takes_no_form(http: httpx.Client, path: str) -> None:
    """405, and not a page as if it had been asked for."""
    assert http.post(path, headers=SAME).status_code == 405


@pytest.mark.parametrize("path", ACTS)
@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}])
def test_a_form_of_another_site_is_refused(
    console: Served, http: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    """Though the cookie came along."""
    answer = http.post(path, data={"scope": "all", "mode": "exercise"}, headers=headers)
    assert answer.status_code == 403
    assert "not sent from a page of this console" in answer.text
    assert halts(console) == []


@pytest.mark.parametrize(
    "path",
    ["/incident/x", "/delivery/x", "/halted/x", "/account/x/hold", "/plan/x/cancel", "/x", "/static/x"],
)
def test_what_there_is_not_is_said_on_a_page(http: httpx.Client, path: str) -> None:
    """404, with what to do next and the way to everything else."""
    answer = http.get(path)
    assert answer.status_code == 404
    assert "What to do: " in answer.text
    assert 'href="/attention"' in answer.text


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/ledger", "since", "soon"),
        ("/ledger", "until", "2026-13-40"),
        ("/ledger", "below", "-1"),
        ("/ledger", "incident", "inc-gone"),
        ("/ledger", "words", LONG),
        ("/deliveries", "state", "gone"),
        ("/deliveries", "plan", "zzz"),
        ("/deliveries", "incident", "inc-gone"),
        ("/deliveries", "account", LONG),
    ],
)
def test_a_value_that_is_none_is_refused_and_kept(http: httpx.Client, path: str, name: str, value: str) -> None:
    """400, the field named, and what was typed still in it."""
    answer = http.get(path, params={name: value})
    assert answer.status_code == 400
    assert "There is a problem" in answer.text
    assert f'href="#{name}"' in answer.text
    assert f'value="{value}"' in answer.text


@pytest.mark.parametrize("query", ["scope=gone", "scope=account&target=gone", "mode=gone", "scope=incident"])
def test_a_halt_of_nothing_is_offered_anew(http: httpx.Client, query: str) -> None:
    """A page with the problem and the form, and nothing to confirm."""
    answer = http.get(f"/halt?{query}")
    assert "There is a problem" in answer.text
    assert 'action="/halt/confirm"' in answer.text
    assert 'action="/halt/do"' not in answer.text


@pytest.mark.parametrize("path", ["/", "/halt", "/events", "/healthz", "/static/console.css", "/sign-in"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.nip.example", "localhost:1"])
def test_another_name_reaches_nothing(http: httpx.Client, path: str, host: str) -> None:
    """DNS rebinding: 421 with our own name, for pages, streams and files alike."""
    answer = http.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "not served under that name" in answer.text


@pytest.mark.parametrize("cookie", ["forged", "", "A" * 43, "A" * 8_000, "../../etc/passwd", "\x01", "ä", '"a"'])
def test_a_cookie_that_is_none_leads_to_the_sign_in(console: Served, cookie: str) -> None:
    """Forged or oversized, for pages and streams; never a fault."""
    headers = {"Cookie": f"{SIGNED_IN}={cookie}".encode()}
    with httpx.Client(base_url=console.url, headers=headers) as nobody:
        page, stream = nobody.get("/attention"), nobody.get("/events?page=now")
        act = nobody.post("/halt/do", data={"scope": "all", "mode": "exercise"}, headers=SAME)
    malformed = page.status_code == 400  # the server itself refuses a head that is none
    assert malformed or (page.status_code, page.headers["location"]) == (303, "/sign-in?next=%2Fattention")
    assert stream.status_code in (400, 401)
    assert act.status_code in (400, 401)
    assert halts(console) == []


@pytest.mark.parametrize("path", ["/halt/confirm", "/halt/do"])
def test_too_many_fields_are_refused(console: Served, http: httpx.Client, path: str) -> None:
    """As 400, on a page."""
    body = urlencode([(f"field{number}", "x") for number in range(MOST_FIELDS + 1)])
    answer = http.post(path, content=body, headers=FORM)
    assert answer.status_code == 400
    assert "<h1" in answer.text
    assert halts(console) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe\x00%zz&&==", FORM["Content-Type"]),
        (b'{"scope": "all"}', "application/json"),
        (FILE, "multipart/form-data; boundary=b"),
        (b"no boundary", "multipart/form-data"),
        (b"scope=" + b"x" * 5_000, FORM["Content-Type"]),
        (b"scope=account&target=%00", FORM["Content-Type"]),
    ],
)  # fmt: skip
def test_a_form_that_is_none_is_no_fault(http: httpx.Client, body: bytes, kind: str) -> None:
    """Bytes that are no text, other formats, files, a word that is none: a page, and never a 500."""
    answer = http.post("/halt/confirm", content=body, headers={**SAME, "Content-Type": kind})
    assert answer.status_code in (200, 400)
    assert "<h1" in answer.text


def test_a_form_sent_twice_stops_once(own: Served) -> None:
    """A nervous finger, a proxy that tries again: the second leads to the same halt."""
    with httpx.Client(base_url=own.url, cookies={SIGNED_IN: own.cookie}, headers=SAME, timeout=20) as http:
        page = http.get("/halt?scope=all&mode=exercise").text
        (form,) = re.findall(r'<form method="post" action="/halt/do".*?</form>', page, re.DOTALL)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        answers = [http.post("/halt/do", data={**fields, "reason": "twice"}) for _ in range(2)]
    (halt,) = halts(own)
    assert [answer.status_code for answer in answers] == [303, 303]
    assert {answer.headers["location"] for answer in answers} == {f"/halted/{halt}"}


def test_a_reason_that_no_statement_holds_is_refused_by_name(own: Served) -> None:
    """The field takes 2,000 letters; whoever sends 60,000 all the same is told that nothing was stopped."""
    with httpx.Client(base_url=own.url, cookies={SIGNED_IN: own.cookie}, headers=SAME, timeout=20) as http:
        answer = http.post("/halt/do", data={"scope": "all", "mode": "exercise", "reason": "x" * 60_000})
    assert answer.status_code == 409
    assert "Nothing was stopped" in answer.text
    assert halts(own) == []


def test_a_fault_of_ours_is_a_page_behind_the_same_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to do instead, and carries the headers of every answer."""

    async def fault(_: Request) -> Response:
        raise RuntimeError("as a fault of ours would")

    monkeypatch.setattr(app, "ROUTES", (*app.ROUTES, Route("/fault", fault)))
    with served(deployment_at(tmp_path / "deployment"), Scripted(busy(now()), now)) as console:
        answer = console.get("/fault")
    assert (answer.status, "onsole has made a fault" in answer.text, "<h1" in answer.text) == (500, True, True)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
