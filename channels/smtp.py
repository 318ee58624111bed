"""The one SMTP client: hands one message for one recipient to a submission server (RFC 5321, 6409).

Rules
  1. Only servers on the policy's allow-list are spoken to, by the very address that was checked: without
     ``allow_private`` nothing but public addresses is reached, as in ``channels.http``; and where the policy names an
     egress proxy, that is the only way.
  2. Where the policy wants TLS there is no word in the clear: TLS from the first byte (RFC 8314), or STARTTLS
     (RFC 3207) before anything else. What a server said before STARTTLS is forgotten.
  3. A message is handed over with the end of its data and with nothing before that (RFC 5321, 4.1.1.4). A
     connection lost earlier proves that it was not taken; one lost later proves nothing. (RFC 5321, 3.8 would treat
     that like a 451 and repeat; RFC 1047 says what comes of it: the message twice.)
  4. One message is one connection and one attempt, within one total time. Replies are read up to 64 lines of 1,000
     octets (RFC 5321, 4.5.3.1.5 has 512).
  5. An error names the server and nothing that was said: replies repeat addresses, and may repeat a login.

Example::

    smtp = Smtp(http.policy)
    said = await smtp.submit(server, login, Mail("press@city.example", "news@paper.example", data), timeout_s=25)
    if said.stage is Stage.MESSAGE and said.reply.code == 250: ...
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from channels.contract import Secret
from channels.http import Ambiguous, HttpPolicy, NotSent, TransportError, is_public
from channels.tunnel import TunnelRefused, tunnel

MAX_LINES = 64
MAX_LINE_BYTES = 1000

_REPLY = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\r\n]*))?\r?\n")
_ENHANCED = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}(?=\s|$)")


class Tls(StrEnum):
    """How a connection becomes private."""

    IMPLICIT = "implicit"  # from the first byte
    STARTTLS = "starttls"  # asked for, and demanded
    NONE = "none"  # for the simulator and for test deployments


_PORTS = {Tls.IMPLICIT: 465, Tls.STARTTLS: 587, Tls.NONE: 587}


class Stage(StrEnum):
    """What the server was answering when it gave the reply that counts."""

    GREETING = "greeting"
    HELLO = "hello"
    TLS = "starttls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    MESSAGE = "message"  # the end of the data: the only reply by which a message is taken


@dataclass(frozen=True, slots=True)
class Server:
    """A submission server. ``hello`` is the name that we give ourselves."""

    host: str
    port: int
    tls: Tls
    hello: str

    @classmethod
    def at(cls, url: str, hello: str, *, starttls: bool = False) -> Server:
        """From ``smtps://host[:port]``, or ``smtp://`` in the clear. Raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtps", "smtp"} or not parts.hostname or parts.username or parts.password:
            raise ValueError("the server's address must be smtps://host or smtps://host:port")
        secure = Tls.STARTTLS if starttls else Tls.IMPLICIT
        tls = Tls.NONE if parts.scheme == "smtp" else secure
        return cls(parts.hostname, parts.port or _PORTS[tls], tls, hello)

    @property
    def name(self) -> str:
        """Host and port, as an allow-list has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to the server."""

    username: Secret
    password: Secret


@dataclass(frozen=True, slots=True)
class Mail:
    """One message with its envelope. ``data`` has CRLF line ends and is 7 bit; dots are stuffed here."""

    sender: str
    recipient: str = field(repr=False)
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said; the text stays out of ``repr``, for it may hold addresses."""

    code: int
    lines: tuple[str, ...] = field(repr=False)

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), or nothing where there is none."""
        found = _ENHANCED.match(self.lines[0])
        return found.group() if found else ""


@dataclass(frozen=True, slots=True)
class Said:
    """The reply that decided an attempt, and what it was a reply to."""

    stage: Stage
    reply: Reply
    elapsed_ms: float = 0.0


class _Refused(Exception):
    def __init__(self, stage: Stage, reply: Reply) -> None:
        super().__init__(stage)
        self.said = Said(stage, reply)


class _Lost(Exception):
    """No usable reply: a code for records and words for people."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(slots=True)
class _Talk:
    """One connection: what is asked, and the replies. ``handed_over`` is set before the end of data is written."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    handed_over: bool = False
    before_tls: asyncio.StreamWriter | None = None

    async def expect(self, stage: Stage, line: str | None, *codes: int) -> Reply:
        """Say a line, or nothing at the greeting, and read the reply. Raises _Refused unless it is one of these."""
        if line is not None:
            if not (line.isascii() and line.isprintable()):  # a line end in it would be a command of somebody else's
                raise _Lost("refused", "an address holds a character that no command may hold")
            await self.write(line.encode("ascii") + b"\r\n")
        reply = await self.reply()
        if reply.code not in codes:
            raise _Refused(stage, reply)
        return reply

    async def write(self, data: bytes) -> None:
        """Have it on its way."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> Reply:
        """Read one reply of one line or several. Raises _Lost for what is none."""
        lines: list[str] = []
        codes: set[bytes] = set()
        while len(lines) < MAX_LINES:
            match = _REPLY.fullmatch(await self._line())
            if match is None:
                break
            codes.add(match[1])
            lines.append((match[3] or b"").decode("utf-8", "replace"))
            if match[2] != b"-":
                if len(codes) == 1:
                    return Reply(int(match[1]), tuple(lines))
                break
        raise _Lost("protocol", "the reply is not sound SMTP")

    async def _line(self) -> bytes:
        try:
            return await self.reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise _Lost("too_large", f"a line of the reply is longer than {MAX_LINE_BYTES} octets") from None
        except asyncio.IncompleteReadError:
            raise _Lost("disconnected", "the connection was lost before a reply") from None

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under TLS, with a reader that holds nothing of what came before it."""
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(MAX_LINE_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport = await loop.start_tls(self.writer.transport, protocol, context, server_hostname=host)
        if transport is None:
            raise _Lost("tls", "the TLS handshake failed")
        protocol.connection_made(transport)
        self.before_tls = self.writer  # kept, because a writer that is let go of closes what is under it
        self.reader, self.writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    def leave(self) -> None:
        """Say goodbye, and wait for no answer to it: what there was to know is known."""
        self.writer.write(b"QUIT\r\n")
        if self.writer.get_extra_info("ssl_object") is None:
            self.writer.close()
        else:
            self.drop()  # an orderly end of TLS waits for the far side

    def drop(self) -> None:
        """Hang up, with nothing more said."""
        self.writer.transport.abort()


class Smtp:
    """The client of one account. It keeps no connection, so it has nothing to close.

    ``tls`` is a context of one's own, for servers whose certificate no public authority signed.
    """

    def __init__(self, policy: HttpPolicy, tls: ssl.SSLContext | None = None) -> None:
        self._policy = policy
        self._tls = tls

    async def submit(self, server: Server, login: Login, mail: Mail, timeout_s: float) -> Said:
        """Hand one message over. Raises NotSent or Ambiguous; a refusal is an answer."""

        async def steps(talk: _Talk) -> Said:
            await self._enter(talk, server, login)
            await talk.expect(Stage.SENDER, f"MAIL FROM:<{mail.sender}>", 250)
            await talk.expect(Stage.RECIPIENT, f"RCPT TO:<{mail.recipient}>", 250, 251)
            await talk.expect(Stage.DATA, "DATA", 354)
            await talk.write(stuffed(mail.data))
            talk.handed_over = True
            await talk.write(b".\r\n")
            return Said(Stage.MESSAGE, await talk.reply())

        return await self._within(server, timeout_s, steps)

    async def look(self, server: Server, login: Login, sender: str, timeout_s: float) -> Said:
        """Log in and have the sender's address taken, then leave. Raises NotSent."""

        async def steps(talk: _Talk) -> Said:
            await self._enter(talk, server, login)
            return Said(Stage.SENDER, await talk.expect(Stage.SENDER, f"MAIL FROM:<{sender}>", 250))

        return await self._within(server, timeout_s, steps)

    async def _within(self, server: Server, timeout_s: float, steps: Callable[[_Talk], Awaitable[Said]]) -> Said:
        self._check(server)
        started, talk = time.perf_counter(), None
        try:
            async with asyncio.timeout(timeout_s):
                talk = await self._connected(server)
                said = await _answered(talk, steps)
            talk.leave()
            return Said(said.stage, said.reply, (time.perf_counter() - started) * 1000)
        except (_Lost, TimeoutError, OSError) as error:
            failure = _failure(error, server, talk)
        finally:
            if talk is not None and not talk.writer.is_closing():
                talk.drop()
        raise failure

    def _check(self, server: Server) -> None:
        bare = server.name.rpartition(":")[0]
        known = {server.name, bare} if server.port == _PORTS[server.tls] else {server.name}
        if not known & self._policy.hosts:
            raise NotSent("refused", f"{server.name} is not on this account's list of allowed hosts")
        if server.tls is Tls.NONE and self._policy.https_only:
            raise NotSent("refused", f"{server.name}: only connections under TLS are allowed; use smtps://")

    async def _connected(self, server: Server) -> _Talk:
        sock = await self._socket(server)
        context = self._context() if server.tls is Tls.IMPLICIT else None
        name = server.host if context else None
        try:
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=context, server_hostname=name, limit=MAX_LINE_BYTES
            )
        except BaseException:
            sock.close()
            raise
        return _Talk(reader, writer)

    async def _socket(self, server: Server) -> socket.socket:
        """A connection to the first address that may be reached and answers, or through the egress proxy."""
        if self._policy.egress:
            try:
                return await tunnel(self._policy.egress, server.name)
            except TunnelRefused as refused:
                raise _Lost("egress", str(refused)) from None
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        except OSError:
            raise _Lost("dns", "the name could not be resolved") from None
        public = [one for one in found if self._policy.allow_private or is_public(str(one[4][0]))]
        if not public:
            raise _Lost("address", "the address is private, local or reserved")
        for family, kind, protocol, _, address in public:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setblocking(False)
                await loop.sock_connect(sock, address)
                return sock
            except OSError:
                sock.close()
            except BaseException:
                sock.close()
                raise
        raise _Lost("connect", "the connection failed")

    def _context(self) -> ssl.SSLContext:
        self._tls = self._tls or ssl.create_default_context()
        return self._tls

    async def _enter(self, talk: _Talk, server: Server, login: Login) -> None:
        await talk.expect(Stage.GREETING, None, 220)
        offers = await _hello(talk, server)
        if server.tls is Tls.STARTTLS:
            if "STARTTLS" not in offers:
                raise _Lost("tls", "the server does not offer STARTTLS, and TLS is required")
            await talk.expect(Stage.TLS, "STARTTLS", 220)
            await talk.secure(self._context(), server.host)
            offers = await _hello(talk, server)
        await _log_in(talk, offers.get("AUTH", ()), login)


async def _answered(talk: _Talk, steps: Callable[[_Talk], Awaitable[Said]]) -> Said:
    try:
        return await steps(talk)
    except _Refused as refused:
        return refused.said


def stuffed(data: bytes) -> bytes:
    """The data with a dot before each line that begins with one (RFC 5321, 4.5.2), ended by a line end."""
    whole = data if data.endswith(b"\r\n") else data + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", whole)


async def _hello(talk: _Talk, server: Server) -> dict[str, tuple[str, ...]]:
    """Each extension that the server offers, with its words, in capitals."""
    reply = await talk.expect(Stage.HELLO, f"EHLO {server.hello}", 250)
    words = [line.upper().replace("=", " ").split() for line in reply.lines[1:]]
    return {first: tuple(rest) for first, *rest in (found for found in words if found)}


async def _log_in(talk: _Talk, offered: tuple[str, ...], login: Login) -> None:
    """AUTH PLAIN, or LOGIN where that is all there is (RFC 4954, 4616)."""
    username, password = login.username.reveal(), login.password.reveal()
    if "PLAIN" in offered:
        await talk.expect(Stage.LOGIN, f"AUTH PLAIN {_base64(f'{chr(0)}{username}{chr(0)}{password}')}", 235)
    elif "LOGIN" in offered:
        await talk.expect(Stage.LOGIN, "AUTH LOGIN", 334)
        await talk.expect(Stage.LOGIN, _base64(username), 334)
        await talk.expect(Stage.LOGIN, _base64(password), 235)
    else:
        raise _Lost("login", "the server offers no login by PLAIN or LOGIN")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _failure(error: Exception, server: Server, talk: _Talk | None) -> TransportError:
    code, why = _said_of(error, talk)
    if talk is not None and talk.handed_over:
        return Ambiguous(code, f"{server.host}: {why}; the message was handed over, and may be on its way")
    return NotSent(code, f"{server.host}: {why}; no message was handed over")


def _said_of(error: Exception, talk: _Talk | None) -> tuple[str, str]:
    if isinstance(error, _Lost):
        return error.code, str(error)
    if isinstance(error, ssl.SSLError):
        return "tls", "the TLS handshake failed, or TLS broke off"
    if isinstance(error, TimeoutError):
        return ("read_timeout", "no reply in time") if talk else ("connect_timeout", "no connection in time")
    return "disconnected", "the connection was lost"
