"""The one way out: what leaves, what is refused, and which failures prove that nothing left."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from channels.contract import Verdict
from channels.http import Ambiguous, Answer, Http, HttpPolicy, NotSent, TransportError, is_public

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"a": 1}'


class Far:
    """A far side that keeps every request it read, and answers with the same bytes each time."""

    def __init__(self, answer: bytes, *, keep_open: bool = False) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._keep_open = keep_open

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _request(reader):
            self.requests.append(head)
            writer.write(self._answer)
            if not self._keep_open:
                break
        writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = next((line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
    return head + await reader.readexactly(int(length))


@asynccontextmanager
async def served(talk: Talk) -> AsyncIterator[tuple[Http, str]]:
    ended: list[asyncio.Future[None]] = []

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(done := asyncio.get_running_loop().create_future())
        try:
            with contextlib.suppress(ConnectionError):
                await talk(reader, writer)
        finally:
            writer.close()
            done.set_result(None)

    server = await asyncio.start_server(quiet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    http = Http(HttpPolicy(frozenset({f"127.0.0.1:{port}"}), allow_private=True, https_only=False))
    try:
        yield http, f"http://127.0.0.1:{port}"
    finally:
        await http.close()
        server.close()
        await asyncio.gather(*ended)


def ask(talk: Talk, method: str = "POST", path: str = "/", timeout_s: float = 5.0, **more: object) -> Answer:
    async def run() -> Answer:
        async with served(talk) as (http, url):
            return await http.request(method, url + path, timeout_s=timeout_s, **more)  # type: ignore[arg-type]

    return asyncio.run(run())


def refused(policy: HttpPolicy, url: str, **more: object) -> NotSent:
    async def run() -> None:
        http = Http(policy)
        try:
            await http.request("POST", url, timeout_s=5.0, **more)  # type: ignore[arg-type]
        finally:
            await http.close()

    with pytest.raises(NotSent) as caught:
        asyncio.run(run())
    return caught.value


def test_an_answer_carries_status_headers_and_body() -> None:
    """Status, case-blind headers, the JSON object and the time taken come back."""
    answer = ask(Far(OK))
    assert (answer.status, answer.headers["content-TYPE"], answer.json()) == (200, "application/json", {"a": 1})
    assert answer.elapsed_ms > 0


def test_json_leaves_compact_in_utf8_asking_for_no_compression() -> None:
    """The body is compact UTF-8 JSON and the request asks for identity encoding."""
    far = Far(OK)
    ask(far, json={"text": "Llŷn"})
    assert far.requests[0].endswith('{"text":"Llŷn"}'.encode())
    assert b"Accept-Encoding: identity" in far.requests[0]


def test_a_form_is_urlencoded() -> None:
    """A form leaves as application/x-www-form-urlencoded."""
    far = Far(OK)
    ask(far, form={"grant_type": "refresh token"})
    assert far.requests[0].endswith(b"grant_type=refresh+token")


def test_a_redirect_is_an_answer() -> None:
    """A 307 comes back as it is, and its target is never called."""
    far = Far(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", keep_open=True)
    assert (ask(far).status, len(far.requests)) == (307, 1)


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("disconnected", b""),
        ("body", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"),
        ("encoding", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
        ("too_large", b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300000),
        ("protocol", b"SMTP ready\r\n\r\n"),
        ("protocol", b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 9000 + b"\r\n\r\n"),
        ("protocol", b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 100 + b"\r\n"),
    ],
)
def test_a_broken_answer_leaves_it_open_whether_the_far_side_acted(code: str, answer: bytes) -> None:
    """Every answer that cannot be read is ambiguous, under its own code."""
    with pytest.raises(Ambiguous) as caught:
        ask(Far(answer), json={})
    assert caught.value.code == code


def test_one_time_limit_covers_a_dripping_body() -> None:
    """A byte now and then cannot hold a call beyond its total time."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    with pytest.raises(Ambiguous, match="no complete answer in time"):
        ask(drip, json={}, timeout_s=0.2)


def test_an_endless_body_is_cut_off_at_the_cap() -> None:
    """Ten gigabytes without a length: the far side gets rid of no more than what lies on the way."""
    written = [0]

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing() and written[0] < 10_000_000_000:
                writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                written[0] += 65_536
                await writer.drain()

    with pytest.raises(Ambiguous) as caught:
        ask(flood, json={}, timeout_s=10)
    assert caught.value.code == "too_large"
    assert written[0] < 16_000_000


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_writing_request_is_sent_once_however_the_connection_ends(method: str) -> None:
    """A connection lost after the request never makes the client send it again."""
    far = Far(b"")
    with pytest.raises(Ambiguous):
        ask(far, method)
    assert len(far.requests) == 1


def test_posts_in_a_row_share_a_connection() -> None:
    """A fan-out does not shake hands for every send."""
    peers = []

    async def run() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peers.append(writer.get_extra_info("peername"))
            await Far(OK, keep_open=True)(reader, writer)

        async with served(talk) as (http, url):
            for _ in range(2):
                await http.request("POST", url, json={}, timeout_s=5)

    asyncio.run(run())
    assert len(peers) == 1


def test_a_connection_that_nobody_uses_is_closed_before_a_server_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no post is lost on one that the far side has just given up."""
    monkeypatch.setattr("channels.exchange.IDLE_S", 0.01)

    async def run() -> None:
        closed = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Far(OK, keep_open=True)(reader, writer)  # ends when the client has hung up
            closed.set()

        async with served(talk) as (http, url):
            await http.request("POST", url, json={}, timeout_s=5)
            await asyncio.wait_for(closed.wait(), 10)

    asyncio.run(run())


def test_a_read_survives_a_stale_connection() -> None:
    """A GET whose kept-alive connection was closed meanwhile is sent again."""

    async def run() -> list[int]:
        async with served(Far(OK)) as (http, url):  # closes after each answer, having promised to keep alive
            return [(await http.request("GET", url, timeout_s=5)).status for _ in range(5)]

    assert asyncio.run(run()) == [200] * 5


def test_a_closed_port_proves_that_nothing_was_sent() -> None:
    """A refused connection is NotSent, and so deferred."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connecting is refused
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        policy = HttpPolicy(frozenset({host}), allow_private=True, https_only=False)
        failure = refused(policy, f"http://{host}/")
    assert (failure.code, failure.outcome().verdict) == ("connect", Verdict.DEFERRED)


def test_a_failed_tls_handshake_proves_that_nothing_was_sent() -> None:
    """A far side that does not speak TLS sees no request."""
    far = Far(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def run() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"not a handshake")
            writer.close()

        async with served(talk) as (http, url):
            await http.request("POST", url.replace("http://", "https://"), json={}, timeout_s=5)

    with pytest.raises(NotSent) as caught:
        asyncio.run(run())
    assert (caught.value.code, far.requests) == ("tls", [])


def test_an_unknown_name_proves_that_nothing_was_sent() -> None:
    """A name that does not resolve is NotSent."""
    failure = refused(HttpPolicy(frozenset({"nobody.invalid"})), "https://nobody.invalid/")
    assert failure.code in {"dns", "connect"}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://api.x.com:8443/",
        "https://api.x.com.evil.example/",
        "https://api.x.com@evil.example/",
        "https://user:secret@api.x.com/",
        "http://api.x.com/",
        "https://[api.x.com]/",
        "https://api.x.com./",
        "file:///etc/passwd",
        "//api.x.com/",
        "",
    ],
)
def test_only_the_allowed_host_over_https_is_called(url: str) -> None:
    """Everything that is not exactly an allowed host over https is refused before a socket exists."""
    assert refused(HttpPolicy(frozenset({"api.x.com"})), url).code == "refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:7f00:1]", "169.254.169.254"])
def test_without_leave_no_private_address_is_reached(host: str) -> None:
    """An allowed name or literal that leads to a private address is refused when connecting."""
    policy = HttpPolicy(frozenset({f"{host}:9"}), https_only=False)
    assert refused(policy, f"http://{host}:9/").code == "address"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False),
        ("2001:0:1::1", False),
        ("ff0e::1", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
        ("::10.0.0.1", False),
        ("64:ff9b:1::808:808", False),
        ("fec0::1", False),
        ("4000::1", False),
        ("3fff::1", False),
        ("192.0.0.192", False),
        ("192.88.99.1", False),
        ("168.63.129.16", False),
    ],
)
def test_public_addresses_are_told_from_all_others(address: str, public: bool) -> None:
    """Private, local, shared, multicast and tunnelled addresses are not public, in v4 nor in v6."""
    assert is_public(address) is public


def test_a_header_with_a_line_break_is_refused() -> None:
    """A credential that ends in a line break cannot smuggle a header."""
    failure = refused(
        HttpPolicy(frozenset({"api.x.com"})), "https://api.x.com/", headers={"Authorization": "a\r\nb: c"}
    )
    assert failure.code == "refused"


def test_errors_show_neither_query_nor_credential() -> None:
    """Nothing of the query or the headers is in an error or in what hangs on it."""

    def everything(error: BaseException | None) -> str:
        return "" if error is None else repr(error) + everything(error.__cause__) + everything(error.__context__)

    with pytest.raises(TransportError) as caught:
        ask(Far(b"SMTP\r\n\r\n"), path="/p?token=s3cret", headers={"Authorization": "Bearer s3cret"}, json={})
    assert "s3cret" not in everything(caught.value)


def test_an_answer_does_not_show_what_it_holds() -> None:
    """Body and headers, where tokens live, are not in an answer's repr."""
    assert "s3cret" not in repr(Answer(200, {"Set-Cookie": "s3cret"}, b"s3cret", 1.0))


@pytest.mark.parametrize("body", [b"[]", b"<html>", b"", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"\xff"])
def test_what_is_not_a_json_object_reads_as_nothing(body: bytes) -> None:
    """Hostile or foreign bodies give None and no exception."""
    assert Answer(200, {}, body, 1.0).json() is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("14", 14.0), ("Sat, 21 Nov 2026 22:00:30 GMT", 30.0), ("Sat, 21 Nov 2026 21:00:00 GMT", 0.0)]
    + [(v, None) for v in ("", "soon", "-5", "1e9", "²")],
)
def test_retry_after_reads_seconds_and_dates(value: str, expected: float | None) -> None:
    """Retry-After is read in both of its forms, and nonsense reads as none."""
    now = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
    assert Answer(429, {"Retry-After": value}, b"", 1.0).retry_after_s(now) == expected
