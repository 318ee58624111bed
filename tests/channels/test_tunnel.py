"""Out through the egress proxy: the only way, TLS end to end, and a refusal proves that nothing left."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from channels.contract import Secret, Verdict
from channels.http import Ambiguous, Answer, Http, HttpPolicy, NotSent
from channels.smtp import Login, Mail, Server, Smtp, Tls
from dispatcher.egress.guard import Guard
from tests.certificate import self_signed
from tests.egress.kit import far_side, proxied, to

NAME = "open.example"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"a": 1}'
HERE = ["127.0.0.1"]
MAIL = Mail("press@city.example", "news@paper.example", b"Subject: Storm\r\n\r\nStay in.\r\n")


async def sent(egress: Path, url: str, hosts: frozenset[str] | None = None, timeout_s: float = 5.0) -> Answer:
    """One post through a proxy, with a secret in its header and body."""
    names = hosts or frozenset({url.split("/")[2]})
    http = Http(HttpPolicy(names, https_only=False, egress=egress))
    try:
        return await http.request(
            "POST", url, headers={"Authorization": "s3cret"}, data=b"s3cret", timeout_s=timeout_s
        )
    finally:
        await http.close()


def failed(scene: Callable[[], Awaitable[object]]) -> NotSent | Ambiguous:
    """How a request failed."""
    with pytest.raises((NotSent, Ambiguous)) as caught:
        asyncio.run(scene())  # type: ignore[arg-type]
    return caught.value


def guard(port: int) -> Guard:
    """A list of one name."""
    return Guard(frozenset({f"{NAME}:{port}"}), allow_private=True)


def test_a_request_goes_out_through_the_proxy(tmp_path: Path) -> None:
    """The name is resolved by the proxy: nothing here knows it."""

    async def main() -> tuple[Answer, bytes]:
        async with far_side(answer=OK) as far, proxied(tmp_path, guard(far.port), resolve=to(HERE)) as proxy:
            answer = await sent(proxy.path, f"http://{NAME}:{far.port}/post")
            return answer, bytes(far.read)

    answer, read = asyncio.run(main())
    assert (answer.status, answer.json()) == (200, {"a": 1})
    assert read.startswith(b"POST /post HTTP/1.1\r\nHost: open.example")


def test_an_address_of_ipv6_is_asked_for_in_brackets(tmp_path: Path) -> None:
    """As a list has it."""

    async def main() -> int:
        async with far_side("127.0.0.1", answer=OK) as far:
            known = Guard(frozenset({f"[2606:4700::1111]:{far.port}"}), allow_private=True)
            async with proxied(tmp_path, known, resolve=to(HERE)) as proxy:
                return (await sent(proxy.path, f"http://[2606:4700::1111]:{far.port}/")).status

    assert asyncio.run(main()) == 200


def over_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, *, trusted: bool
) -> tuple[Answer | NotSent, int]:
    """What comes of a request to a far side with a certificate for 127.0.0.1, and how many requests it read."""
    file, requests = self_signed(tmp_path), list[bytes]()
    monkeypatch.setenv("SSL_CERT_FILE", str(file if trusted else tmp_path / "nobody.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"s3cret\r\n"))
        writer.write(OK)

    async def main() -> Answer | NotSent:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        known = Guard(frozenset({f"{host}:{port}"}), allow_private=True)
        async with proxied(tmp_path, known, resolve=to(HERE)) as proxy:
            try:
                return await sent(proxy.path, f"https://{host}:{port}/post")
            except NotSent as error:
                return error
            finally:
                server.close()

    return asyncio.run(main()), len(requests)


def test_tls_is_with_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its certificate is checked against the name in the URL, as without a proxy."""
    answer, requests = over_tls(tmp_path, monkeypatch, "127.0.0.1", trusted=True)
    assert isinstance(answer, Answer)
    assert (answer.json(), requests) == ({"a": 1}, 1)


@pytest.mark.parametrize(("host", "trusted"), [(NAME, True), ("127.0.0.1", False)])
def test_a_certificate_of_somebody_else_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool
) -> None:
    """For another name, or signed by nobody: no byte of the request left."""
    error, requests = over_tls(tmp_path, monkeypatch, host, trusted=trusted)
    assert isinstance(error, NotSent)
    assert (error.code, requests) == ("tls", 0)


def test_the_proxy_sees_no_word_of_a_request(tmp_path: Path) -> None:
    """All that crosses it before the far side has shown a certificate is a TLS greeting with the host's name."""

    async def main() -> tuple[str, bytes]:
        async with far_side(answer=b"not TLS") as far, proxied(tmp_path, guard(far.port), resolve=to(HERE)) as proxy:
            with pytest.raises(NotSent) as caught:
                await sent(proxy.path, f"https://{NAME}:{far.port}/post")
            return caught.value.code, bytes(far.read)

    code, read = asyncio.run(main())
    assert (code, read[:2], NAME.encode() in read, b"s3cret" in read) == ("tls", b"\x16\x03", True, False)


def test_a_refusal_of_the_proxy_proves_that_nothing_left(tmp_path: Path) -> None:
    """The message says what the proxy said."""

    async def scene() -> object:
        async with proxied(tmp_path, Guard(frozenset())) as proxy:
            return await sent(proxy.path, f"https://{NAME}/", frozenset({NAME}))

    error = failed(scene)
    assert isinstance(error, NotSent)
    assert (error.code, error.outcome().verdict) == ("egress", Verdict.DEFERRED)
    assert str(error) == "open.example: the egress proxy refused: 403 not on the list; nothing was sent"


def test_without_the_proxy_nothing_leaves(tmp_path: Path) -> None:
    """There is no other way, although the far side could be reached."""

    async def scene() -> object:
        async with far_side(answer=OK) as far:
            try:
                return await sent(tmp_path / "nobody.sock", f"http://127.0.0.1:{far.port}/")
            finally:
                assert far.arrivals == 0

    error = failed(scene)
    assert isinstance(error, NotSent)
    assert (error.code, "is its role running?" in str(error)) == ("egress", True)


@contextlib.asynccontextmanager
async def pretending(path: Path, said: bytes, *, stay: bool = False) -> AsyncIterator[Path]:
    """Something else than a proxy, which says this to whoever connects."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        if stay:
            await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(talk, path)
    try:
        yield path
    finally:
        server.close()


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.1 200", b"SSH-2.0-server\r\n\r\n", b"HTTP/1.1 200 " + b"x" * 300, b"HTTP/1.1 99 no\r\n\r\n"],
)
def test_what_is_no_sound_answer_opens_nothing(tmp_path: Path, said: bytes) -> None:
    """Cut short, endless, or of another protocol."""

    async def scene() -> object:
        async with pretending(tmp_path / "egress.sock", said) as path:
            return await sent(path, f"http://{NAME}/")

    error = failed(scene)
    assert isinstance(error, NotSent)
    assert (error.code, "without a sound answer" in str(error)) == ("egress", True)


def test_a_silent_proxy_is_given_up(tmp_path: Path) -> None:
    """Within the request's own time, and nothing was sent."""

    async def scene() -> object:
        async with pretending(tmp_path / "egress.sock", b"", stay=True) as path:
            return await sent(path, f"http://{NAME}/", timeout_s=0.2)

    error = failed(scene)
    assert isinstance(error, NotSent)
    assert error.code == "connect_timeout"


def test_a_tunnel_that_breaks_after_the_request_proves_nothing(tmp_path: Path) -> None:
    """The far side read it, and may have acted."""

    async def scene() -> object:
        async with pretending(tmp_path / "egress.sock", b"HTTP/1.1 200 Connected\r\n\r\n") as path:
            return await sent(path, f"http://{NAME}/")

    error = failed(scene)
    assert isinstance(error, Ambiguous)
    assert error.outcome().verdict is Verdict.IN_DOUBT


def test_two_requests_share_a_tunnel(tmp_path: Path) -> None:
    """As they share a connection without a proxy."""

    async def main() -> int:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tunnels.append(writer)
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(OK)

        tunnels: list[object] = []
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with proxied(tmp_path, guard(port), resolve=to(HERE)) as proxy:
            http = Http(HttpPolicy(frozenset({f"{NAME}:{port}"}), https_only=False, egress=proxy.path))
            for _ in range(2):
                await http.request("GET", f"http://{NAME}:{port}/", timeout_s=5.0)
            await http.close()
        server.close()
        return len(tunnels)

    assert asyncio.run(main()) == 1


@pytest.mark.parametrize("listed", [True, False])
def test_mail_goes_the_same_way(tmp_path: Path, listed: bool) -> None:
    """To a listed server through the proxy, and otherwise not at all."""

    async def main() -> tuple[str, int]:
        async with far_side("127.0.0.1", answer=b"554 no\r\n") as far:
            known = guard(far.port) if listed else Guard(frozenset())
            server = Server(NAME, far.port, Tls.NONE, "a")
            async with proxied(tmp_path, known, resolve=to(HERE)) as proxy:
                smtp = Smtp(HttpPolicy(frozenset({server.name}), https_only=False, egress=proxy.path))
                with pytest.raises(NotSent) as caught:
                    await smtp.submit(server, Login(Secret("a"), Secret("b")), MAIL, 0.5)
            return caught.value.code, far.arrivals

    assert asyncio.run(main()) == (("read_timeout", 1) if listed else ("egress", 0))
