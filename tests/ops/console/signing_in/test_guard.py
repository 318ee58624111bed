"""What every request passes first: foreign pages, foreign names, too much, and cookies that somebody made up."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select

from dispatcher.domain.errors import Unavailable
from dispatcher.domain.people import Role
from dispatcher.service import sessions
from dispatcher.settings import ConsoleSettings
from dispatcher.store.tables import SESSIONS
from ops.console.signing_in.cookies import SIGNED_IN
from ops.console.signing_in.guard import BODY_MOST, HEADERS
from tests.office import Office
from tests.ops.console.signing_in.support import SAME, served, with_settings

HTTPS = "https://console.example.gov.uk"


@pytest.fixture
def console(office: Office) -> Iterator[httpx.Client]:
    """A console over HTTP, with somebody from ops signed in."""
    cookie = sessions.begin(office.desk, sessions.Known("ops-1", "Ops 1", Role.OPS, *by_key(office, "ops-1")))
    with served(office.desk) as url, httpx.Client(base_url=url, cookies={SIGNED_IN: cookie}) as http:
        yield http


def by_key(office: Office, person: str) -> tuple[str, str]:
    """Issuer and subject of who came by a link."""
    return sessions.BY_LINK, office.pen(person).fingerprint


def origin(console: httpx.Client) -> str:
    """The console's own."""
    return str(console.base_url).rstrip("/")


def test_a_post_of_a_page_of_ours_passes(console: httpx.Client) -> None:
    """By what the browser says of the site, or by the origin where it says nothing."""
    for headers in (SAME, {"Origin": origin(console)}):
        assert console.post("/act", data={"reason": "four"}, headers=headers).text == "done: 4"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "ours"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
    ],
)
def test_a_post_of_another_page_is_refused(console: httpx.Client, headers: dict[str, str]) -> None:
    """Though somebody is signed in, and the cookie came along."""
    headers = {name: origin(console) if said == "ours" else said for name, said in headers.items()}
    assert console.post("/act", data={"reason": "x"}, headers=headers).status_code == 403


def test_two_answers_to_where_from_are_none(console: httpx.Client) -> None:
    """A header that came twice is believed neither time."""
    headers = [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]
    assert console.post("/act", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1", "localhost:1", "", "127.0.0.1:0"]
)
def test_a_name_that_is_not_ours_reaches_nothing(console: httpx.Client, host: str) -> None:
    """DNS rebinding: the name leads here, the page is another's."""
    answer = console.get("/", headers={"Host": host})
    assert (answer.status_code, "ops-1" in answer.text) == (421, False)


def test_localhost_is_ours(console: httpx.Client) -> None:
    """By every name of the loopback address."""
    port = urlsplit(origin(console)).port
    for host in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST"):
        assert console.get("/", headers={"Host": f"{host}:{port}"}).status_code == 200


def test_the_public_address_is_ours(office: Office) -> None:
    """With its origin, and no other scheme's; its answers ask for https from then on."""
    desk = with_settings(office.desk, ConsoleSettings(address=HTTPS))
    with served(desk) as url, httpx.Client(base_url=url, headers={"Host": urlsplit(HTTPS).netloc}) as client:
        passed = client.post("/sign-out", headers={"Origin": HTTPS})
        refused = client.post("/sign-out", headers={"Origin": HTTPS.replace("https", "http")})
    assert (passed.status_code, refused.status_code) == (401, 403)
    assert passed.headers["strict-transport-security"] == "max-age=31536000"


def test_a_form_of_ten_megabytes_is_refused_unread(console: httpx.Client) -> None:
    """It says how much is coming; the answer is there before a second part of it was sent."""
    place = urlsplit(origin(console))
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=10) as line:
        head = f"POST /act HTTP/1.1\r\nHost: {place.netloc}\r\nSec-Fetch-Site: same-origin\r\n"
        line.sendall(f"{head}Content-Type: text/plain\r\nContent-Length: 10485760\r\n\r\nfirst part".encode())
        assert line.recv(64).startswith(b"HTTP/1.1 413 ")


def test_a_form_that_hides_its_size_is_counted(console: httpx.Client) -> None:
    """Chunked, without a length."""
    form = {**SAME, "Content-Type": "application/x-www-form-urlencoded"}
    big = console.post("/act", content=iter([b"reason=", *[b"x" * 8_192] * 100]), headers=form)
    small = console.post("/act", content=iter([b"reason=", b"x" * 10]), headers=form)
    assert (big.status_code, small.text) == (413, "done: 10")


def test_just_as_much_as_may_be_passes(console: httpx.Client) -> None:
    """The bound itself is allowed, one byte more is not."""
    form = {**SAME, "Content-Type": "application/x-www-form-urlencoded"}
    sizes = [
        console.post("/act", content=b"reason=" + b"x" * (BODY_MOST - 7 + more), headers=form) for more in (0, 1)
    ]
    assert [answer.status_code for answer in sizes] == [200, 413]


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere", "/fault", "/healthz"])
def test_every_answer_has_the_headers(console: httpx.Client, path: str) -> None:
    """Pages, refusals, what is not there and what failed."""
    for answer in (console.get(path), console.get(path, headers={"Host": "evil.example"})):
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "cookie",
    ["forged", "", "a" * 43, "a" * 100, "a" * 8_000, "%00", "' OR 1=1 --", "used:", "ä", "..", '"', "=" * 43],
)
def test_a_cookie_that_somebody_made_up_is_nobodys(console: httpx.Client, cookie: str) -> None:
    """Forged, cut short, huge or foreign: sent to the sign-in, and never a fault."""
    console.cookies.clear()
    answer = console.get("/", headers={"Cookie": f"{SIGNED_IN}={cookie}".encode()})
    assert (answer.status_code, answer.headers.get("location")) in [(303, "/sign-in"), (400, None), (431, None)]


def test_a_part_of_a_cookie_and_its_row_are_nobodys(console: httpx.Client, office: Office) -> None:
    """Neither most of its letters nor what the database has of it."""
    whole = str(console.cookies[SIGNED_IN])
    with office.desk.store.read() as work:
        (row,) = work.execute(select(SESSIONS.c.id)).all()
    for forged in (whole[:-1], whole[::-1], whole.swapcase(), row.id):
        console.cookies.clear()
        assert console.get("/", headers={"Cookie": f"{SIGNED_IN}={forged}"}).status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(office: Office) -> None:
    """And over https it is of this very host."""
    for address, name in (("", SIGNED_IN), (HTTPS, f"__Host-{SIGNED_IN}")):
        desk = with_settings(office.desk, replace(ConsoleSettings(), address=address))
        token, _ = sessions.sign_link(desk, office.pen("ops-1"))
        with served(desk) as url:
            host = urlsplit(address or url).netloc
            answer = httpx.post(f"{url}/sign-in/link/{token}", headers={**SAME, "Host": host})
        said = answer.headers["set-cookie"]
        assert said.startswith(f"{name}=")
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(said.split("; "))
        assert ("Secure" in said.split("; ")) is bool(address)
        assert "Domain" not in said


def test_nobody_is_shown_a_page_without_signing_in(console: httpx.Client) -> None:
    """Whatever is not open to all is closed, and the sign-in leads back to it."""
    console.cookies.clear()
    answer = console.get("/incident/inc-1?a=b&c=d")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/sign-in?next=%2Fincident%2Finc-1%3Fa%3Db%26c%3Dd",
    )
    assert console.post("/act", headers=SAME).status_code == 401
    assert [console.get(path).status_code for path in ("/healthz", "/sign-in")] == [200, 200]


def test_who_signed_out_stays_out_while_the_database_is_away(
    console: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only who was known when it went is remembered."""
    cookie = console.cookies[SIGNED_IN]
    assert console.get("/").status_code == 200
    assert console.post("/sign-out", headers=SAME).status_code == 303

    def away(*_args: object, **_named: object) -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(sessions, "visitor", away)
    assert httpx.get(f"{console.base_url}/", cookies={SIGNED_IN: cookie}).status_code == 503
