"""The SMTP client: where it may go, what it demands, and what each kind of loss proves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import Secret
from channels.http import Ambiguous, HttpPolicy, NotSent, TransportError
from channels.press_email.simulator import PressEmail, password
from channels.simulator.server import Simulator
from channels.smtp import Login, Mail, Said, Server, Smtp, Stage, Tls, stuffed
from tests.certificate import self_signed

SENDER = "press@city.example"
LOGIN = Login(Secret(SENDER), Secret(password(SENDER)))
HEAD = f"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nFrom: <{SENDER}>\r\nMessage-ID: <1@city.example>\r\n"
DATA = f"{HEAD}\r\n.Hello\r\n.\r\n".encode()
MAIL = Mail(SENDER, "news@paper.example", DATA)
TO_DATA = ["220 hi", "250-a\r\n250 AUTH PLAIN", "235 ok", "250 ok", "250 ok", "354 go"]
"""What a server says up to the data."""

NO_REPLIES = (
    *(b"\r\n", b"OK\r\n", b"25\r\n", b"2500 a\r\n", b"250-a\r\n", b"250-a\r\n251 b\r\n", b"250_a\r\n"),
    *(b"<html>\r\n", b"199 a\r\n", b"600 a\r\n", b"x" * 2000 + b"\r\n", b"250-a\r\n" * 65 + b"250 a\r\n"),
    b"\x1f\x8b\x08\n",
)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def policy(port: int, *, https_only: bool = False, private: bool = True) -> HttpPolicy:
    """A policy for one local server."""
    return HttpPolicy(frozenset({f"127.0.0.1:{port}"}), allow_private=private, https_only=https_only)


def script(*replies: str | bytes) -> Serve:
    """A server that says these, one at the start and one after each command, or after the data; then it hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told = False
        for index, reply in enumerate(replies):
            if index:
                await reader.readuntil(b"\r\n.\r\n" if told else b"\r\n")
            writer.write(reply if isinstance(reply, bytes) else reply.encode() + b"\r\n")
            told = isinstance(reply, str) and reply.startswith("354")
        if told:
            await reader.readuntil(b"\r\n.\r\n")

    return serve


async def listening(serve: Serve) -> tuple[asyncio.Server, int]:
    """A server that serves so, hangs up at the end, and does not mind being hung up on; and its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


def submitted(serve: Serve, timeout_s: float = 5.0) -> Said | TransportError:
    """What comes of a message handed to this server in the clear."""

    async def main() -> Said | TransportError:
        server, port = await listening(serve)
        try:
            return await Smtp(policy(port)).submit(Server("127.0.0.1", port, Tls.NONE, "a"), LOGIN, MAIL, timeout_s)
        except TransportError as error:
            return error
        finally:
            server.close()

    return asyncio.run(main())


def refused(server: Server, rules: HttpPolicy, mail: Mail = MAIL) -> NotSent:
    """The refusal of a call that must not leave."""
    with pytest.raises(NotSent) as caught:
        asyncio.run(Smtp(rules).submit(server, LOGIN, mail, 5.0))
    return caught.value


def test_a_message_is_taken_with_250_to_the_end_of_its_data() -> None:
    """The reply that counts, and what it was a reply to."""
    said = submitted(script(*TO_DATA, "250-2.0.0 taken\r\n250 2.0.0 queued"))
    assert isinstance(said, Said)
    assert (said.stage, said.reply.code, said.reply.enhanced) == (Stage.MESSAGE, 250, "2.0.0")


@pytest.mark.parametrize("stage", range(len(TO_DATA)))
def test_a_connection_lost_before_the_data_ended_sent_nothing(stage: int) -> None:
    """Whatever had been said until then."""
    error = submitted(script(*TO_DATA[:stage], b""))
    assert isinstance(error, NotSent)


def test_a_connection_lost_after_the_data_ended_proves_nothing() -> None:
    """RFC 1047: the server may have taken the message."""
    error = submitted(script(*TO_DATA))
    assert isinstance(error, Ambiguous)
    assert error.code == "disconnected"


@pytest.mark.parametrize("reply", NO_REPLIES)
@pytest.mark.parametrize(("replies", "kind"), [(TO_DATA, Ambiguous), (TO_DATA[:4], NotSent)])
def test_what_is_no_reply_is_no_answer(reply: bytes, replies: list[str], kind: type[TransportError]) -> None:
    """Never taken for a refusal once the data has ended, and in nobody's way before that."""
    assert isinstance(submitted(script(*replies, reply)), kind)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_after_the_data_raise_anything_else(reply: bytes) -> None:
    """A server's last words are an answer, or in doubt."""
    assert isinstance(submitted(script(*TO_DATA, reply)), Said | Ambiguous)


def test_silence_after_the_data_proves_nothing() -> None:
    """No reply in the time there is."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for index, reply in enumerate(TO_DATA):
            if index:
                await reader.readuntil(b"\r\n")
            writer.write(reply.encode() + b"\r\n")
        await reader.read()

    error = submitted(silent, timeout_s=0.3)
    assert isinstance(error, Ambiguous)
    assert error.code == "read_timeout"


def test_silence_before_the_data_sent_nothing() -> None:
    """Not even a greeting."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    error = submitted(silent, timeout_s=0.2)
    assert isinstance(error, NotSent)


def test_a_closed_port_is_no_doubt() -> None:
    """Nothing listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert refused(Server("127.0.0.1", port, Tls.NONE, "a"), policy(port)).code == "connect"


def test_a_server_that_is_not_listed_is_not_spoken_to() -> None:
    """Port and name must both be allowed; a name alone means the scheme's own port."""
    listed = HttpPolicy(frozenset({"mail.city.example"}), allow_private=True)
    assert refused(Server("mail.city.example", 25, Tls.IMPLICIT, "a"), listed).code == "refused"
    assert refused(Server("mail.city.example", 465, Tls.STARTTLS, "a"), listed).code == "refused"
    assert refused(Server("other.city.example", 465, Tls.IMPLICIT, "a"), listed).code == "refused"


def test_nothing_is_said_in_the_clear_where_tls_is_wanted() -> None:
    """A live account of a production deployment has no plain connection."""
    assert "TLS" in str(refused(Server("127.0.0.1", 2525, Tls.NONE, "a"), policy(2525, https_only=True)))


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "localhost"])
def test_a_private_address_is_not_reached(host: str) -> None:
    """Whatever a name resolves to: the address that is connected to is looked at."""
    server = Server(host, 465, Tls.IMPLICIT, "a")
    assert refused(server, HttpPolicy(frozenset({server.name}))).code == "address"


def test_a_name_that_nobody_knows_is_no_doubt() -> None:
    """Nothing was connected to."""
    assert refused(
        Server("nobody.invalid", 465, Tls.IMPLICIT, "a"), HttpPolicy(frozenset({"nobody.invalid"}))
    ).code == ("dns")


@pytest.mark.parametrize("address", ["a@b.example>\r\nDATA", "a@b.example\n", "ŷ@b.example", "a\0@b.example"])
def test_an_address_that_would_be_a_command_is_not_said(address: str) -> None:
    """Even where whoever called did not look."""

    async def main() -> list[str]:
        async with Simulator((PressEmail,)) as far:
            port = int(far.address("press_email").rpartition(":")[2])
            mail = Mail(SENDER, address, DATA)
            with pytest.raises(NotSent):
                await Smtp(policy(port)).submit(Server("127.0.0.1", port, Tls.NONE, "a"), LOGIN, mail, 5.0)
            return [arrival.path for arrival in far.journal.arrivals]

    assert asyncio.run(main()) == ["AUTH"]


@pytest.mark.parametrize(
    ("url", "starttls", "expected"),
    [
        ("smtps://mail.city.example", False, ("mail.city.example:465", Tls.IMPLICIT)),
        ("smtps://mail.city.example", True, ("mail.city.example:587", Tls.STARTTLS)),
        ("smtps://mail.city.example:2465", False, ("mail.city.example:2465", Tls.IMPLICIT)),
        ("smtps://[2001:db8::1]", False, ("[2001:db8::1]:465", Tls.IMPLICIT)),
        ("smtp://127.0.0.1:2525", False, ("127.0.0.1:2525", Tls.NONE)),
    ],
)
def test_an_address_says_how_a_server_is_reached(url: str, starttls: bool, expected: tuple[str, Tls]) -> None:
    """Port and TLS, and smtps is never in the clear."""
    server = Server.at(url, "a", starttls=starttls)
    assert (server.name, server.tls) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b".", b"..\r\n"), (b"a\r\n.\r\n..b\r\n", b"a\r\n..\r\n...b\r\n"), (b"a.b\r\n", b"a.b\r\n"), (b"", b"\r\n")],
)
def test_a_dot_that_begins_a_line_is_doubled(data: bytes, expected: bytes) -> None:
    """So that no text ends the data (RFC 5321, 4.5.2)."""
    assert stuffed(data) == expected


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def under_tls(certificate: Path, tls: Tls, trusted: bool = True) -> tuple[Said | TransportError, int]:
    """What comes of a message to a server with this certificate, and how many messages it took."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    class Secure(PressEmail):
        implicit = tls is Tls.IMPLICIT

    Secure.tls = context
    ours = ssl.create_default_context(cafile=str(certificate)) if trusted else None

    async def main() -> tuple[Said | TransportError, int]:
        async with Simulator((Secure,)) as far:
            server, port = far.provider("press_email"), int(far.address("press_email").rpartition(":")[2])
            assert isinstance(server, PressEmail)
            smtp = Smtp(policy(port, https_only=True), ours)
            try:
                said: Said | TransportError = await smtp.submit(Server("127.0.0.1", port, tls, "a"), LOGIN, MAIL, 5.0)
            except TransportError as error:
                said = error
            return said, len(server.messages)

    return asyncio.run(main())


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_a_message_goes_out_under_tls(certificate: Path, tls: Tls) -> None:
    """From the first byte, or once it is asked for."""
    said, taken = under_tls(certificate, tls)
    assert isinstance(said, Said)
    assert (said.stage, said.reply.code, taken) == (Stage.MESSAGE, 250, 1)


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_a_certificate_that_nobody_signed_is_not_trusted(certificate: Path, tls: Tls) -> None:
    """The login stays here."""
    error, taken = under_tls(certificate, tls, trusted=False)
    assert isinstance(error, NotSent)
    assert (error.code, taken) == ("tls", 0)


def with_starttls(serve: Serve) -> TransportError:
    """What comes of a message to a server that is to be asked for TLS."""

    async def main() -> TransportError:
        server, port = await listening(serve)
        with pytest.raises(TransportError) as caught:
            await Smtp(policy(port)).submit(Server("127.0.0.1", port, Tls.STARTTLS, "a"), LOGIN, MAIL, 5.0)
        server.close()
        return caught.value

    return asyncio.run(main())


def test_a_server_that_hides_starttls_is_told_nothing() -> None:
    """Somebody between may have taken the offer out: there is no going on without."""
    error = with_starttls(script("220 hi", "250-a\r\n250 AUTH PLAIN", b""))
    assert isinstance(error, NotSent)
    assert error.code == "tls"


def test_replies_slipped_in_before_tls_are_not_believed() -> None:
    """What comes with the go-ahead, in the clear, is no part of what is said under TLS."""
    slipped = b"220 go\r\n250-a\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"
    error = with_starttls(script("220 hi", "250-a\r\n250 STARTTLS", slipped))
    assert isinstance(error, NotSent)


def test_an_error_shows_neither_address_nor_login() -> None:
    """The server is named, and nothing that was said to it."""
    error = submitted(script(*TO_DATA, f"{LOGIN.password.reveal()} {MAIL.recipient}"))
    assert isinstance(error, Ambiguous)
    assert MAIL.recipient not in str(error)
    assert LOGIN.password.reveal() not in repr(error) + repr(LOGIN) + repr(MAIL)
