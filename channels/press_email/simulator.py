"""A submission server, simulated from RFC 5321, 6409, 3207, 4954 and 2034, and as strict as they are.

Any e-mail address is a login; its password is :func:`password`, and it may send from that address only. Mail goes
nowhere: it is in ``messages``. ``Message-ID`` is no idempotency key here either: one that comes twice is two
messages, which is how the journal counts a double. Some mailboxes have a fate of their own (:data:`FATES`).

When a fault strikes: on ``session`` at AUTH; on ``publish`` at RCPT where it is about who may send how much, else
after the end of the data, when a server takes a message. What a mailbox's own fate refuses meets none.

What a test may arrange: ``limits`` by login, and in a subclass ``tls``, ``implicit`` and ``mechanisms``.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import ClassVar

from aiohttp import web

from channels.contract import Clock, Secret
from channels.press_email import simulator_rules as rules
from channels.press_email.simulator_rules import No
from channels.simulator.faults import PAGE, Fault, FaultKind, FaultMenu
from channels.simulator.journal import Arrival, EffectKind, Journal
from channels.simulator.provider import Example, Provider, Route, RouteKind

FATES: Mapping[str, No] = {
    "nobody": No(550, "5.1.1", "no such user here: <{}>"),
    "closed": No(550, "5.2.1", "mailbox disabled: <{}>"),
    "full": No(452, "4.2.2", "mailbox full: <{}>"),
    "busy": No(450, "4.2.1", "mailbox busy, try again later: <{}>"),
}
"""What RCPT is answered for these mailboxes, in any domain."""

_AT_RCPT: Mapping[FaultKind, No] = {
    FaultKind.THROTTLE: No(450, "4.7.1", "you are sending too much, slow down"),
    FaultKind.TOKEN_EXPIRED: No(530, "5.7.0", "authentication required"),
}
_AT_AUTH: Mapping[FaultKind, No] = {
    FaultKind.THROTTLE: No(454, "4.7.0", "temporary authentication failure"),
    FaultKind.TOKEN_EXPIRED: No(535, "5.7.8", "authentication credentials invalid"),
}
_RAW: Mapping[FaultKind, bytes] = {
    FaultKind.ACT_THEN_HTML: PAGE.encode() + b"\r\n",
    FaultKind.ACT_THEN_BAD_JSON: b"2\r\n",
    FaultKind.ACT_THEN_LYING_LENGTH: b"250-2.0.0 taken, and there is more:\r\n",
    FaultKind.ACT_THEN_HUGE: b"250 2.0.0 " + b"x" * 1_048_576,
    FaultKind.ACT_THEN_COMPRESSED: gzip.compress(b"250 2.0.0 taken\r\n", mtime=0),
}


def password(username: str) -> str:
    """The password of a login of this server."""
    return f"simulated-{username}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message that was taken, with its envelope."""

    account: str
    sender: str
    recipient: str
    data: bytes
    content: EmailMessage

    @property
    def text(self) -> str:
        """What its reader sees, a line break as such."""
        body = self.content.get_body(("plain",))
        return str(body.get_content() if body else "").replace("\r\n", "\n")


class _Over(Exception):
    """The connection ends here."""


class PressEmail(Provider):
    """The server; ``messages`` holds what was taken, oldest first."""

    name: ClassVar[str] = "press_email"
    tls: ClassVar[ssl.SSLContext | None] = None
    implicit: ClassVar[bool] = False
    mechanisms: ClassVar[tuple[str, ...]] = ("PLAIN", "LOGIN")

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.messages: list[Message] = []
        self.limits: dict[str, int] = {}
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    def routes(self) -> Sequence[Route]:
        """None: it speaks SMTP, on a port of its own."""
        return ()

    @classmethod
    def example(cls, address: str, name: str = "press@city.example") -> Example:
        """An account of its own."""
        secrets = {"username": Secret(name), "password": Secret(password(name))}
        settings = {"base_url": address, "from": name}
        return Example("Press office", settings, secrets, Secret("news@paper.example"))

    def account(self, request: web.Request) -> str:
        """No HTTP request is for it."""
        del request
        return ""

    async def open(self, faults: FaultMenu, port: int) -> str:
        """Listen; the address is ``smtps://`` where TLS comes first or is asked for."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a server's callback runs in one
            self._sessions.add(task)
            task.add_done_callback(self._sessions.discard)
            with contextlib.suppress(asyncio.CancelledError):  # by close(), and nobody waits for it
                await _Session(self, faults, reader, writer).run()

        context = self.tls if self.implicit else None
        self._server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context, limit=2 * rules.LINE_OCTETS)
        scheme = "smtps" if self.tls else "smtp"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)


@dataclass
class _Session:
    """One connection, from the greeting to its end."""

    server: PressEmail
    faults: FaultMenu
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeted: bool = False
    secure: bool = False
    account: str = ""
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    arrival: Arrival | None = None
    fault: Fault | None = None

    async def run(self) -> None:
        self.secure = self.server.implicit
        try:
            with contextlib.suppress(_Over, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await self.say(220, "", "simulator ESMTP")
                while True:
                    await self.obey(await self.command())
        finally:
            if self.secure:
                self.writer.transport.abort()  # an orderly end of TLS would wait for the client
            else:
                self.writer.close()

    async def command(self) -> str:
        line = await self.reader.readuntil(b"\n")
        if len(line) > rules.COMMAND_OCTETS or not line.endswith(b"\r\n") or not line.isascii():
            await self.say(500, "5.5.2", "a command is a line of ASCII with CR LF, 512 octets at most")
            raise _Over
        self.heard.append(line[:-2].decode("ascii"))
        return self.heard[-1]

    async def obey(self, line: str) -> None:
        verb, _, argument = line.partition(" ")
        match verb.upper():
            case "EHLO" | "HELO":
                await self.hello(argument, extended=verb.upper() == "EHLO")
            case "STARTTLS" if self.server.tls and not self.secure:
                await self.start_tls()
            case "AUTH":
                await self.auth(argument)
            case "MAIL":
                await self.mail(argument)
            case "RCPT":
                await self.rcpt(argument)
            case "DATA":
                await self.data()
            case "RSET" | "NOOP":
                self.reset()
                await self.say(250, "2.0.0", "ok")
            case "QUIT":
                await self.say(221, "2.0.0", "bye")
                raise _Over
            case _:
                await self.say(502, "5.5.1", "no such command here")

    async def hello(self, name: str, *, extended: bool) -> None:
        if not name.strip():
            return await self.say(501, "5.5.4", "who are you?")
        self.greeted = True
        self.reset()
        offers = ["simulator", f"SIZE {rules.MESSAGE_OCTETS}", "ENHANCEDSTATUSCODES"]
        if self.server.tls and not self.secure:
            offers.append("STARTTLS")
        elif self.server.mechanisms:
            offers.append(f"AUTH {' '.join(self.server.mechanisms)}")
        shown = offers if extended else offers[:1]
        marks = ["-"] * (len(shown) - 1) + [" "]
        await self.send("".join(f"250{mark}{offer}\r\n" for mark, offer in zip(marks, shown, strict=True)).encode())
        return None

    async def start_tls(self) -> None:
        await self.say(220, "2.0.0", "go ahead")
        assert self.server.tls is not None  # noqa: S101 - obey has looked
        await self.writer.start_tls(self.server.tls)
        self.secure, self.greeted = True, False

    async def auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        if self.account or not self.greeted or mechanism.upper() not in self.server.mechanisms:
            wrong = (
                No(503, "5.5.1", "not now") if self.account or not self.greeted else No(504, "5.5.4", "not offered")
            )
            return await self.refuse(wrong)
        if self.server.tls and not self.secure:
            return await self.say(538, "5.7.11", "encryption required")
        given = await self.plain(initial) if mechanism.upper() == "PLAIN" else await self.asked()
        if isinstance(given, No):
            return await self.refuse(given)
        username, secret = given
        self.server.journal.arrivals.append(self.arrived(username, RouteKind.SESSION, "AUTH"))
        fault = self.faults.take(self.server.name, RouteKind.SESSION, username)
        if fault is not None:
            await self.suffer_login(fault)
        elif secret != password(username):
            await self.say(535, "5.7.8", "authentication credentials invalid")
        else:
            self.account = username
            await self.say(235, "2.7.0", "welcome")
        return None

    async def plain(self, initial: str) -> tuple[str, str] | No:
        found = rules.words(initial, 3)
        return found if isinstance(found, No) else (found[1], found[2])

    async def asked(self) -> tuple[str, str] | No:
        given = []
        for question in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"):
            await self.say(334, "", question)
            answer = rules.words(await self.command(), 1)
            if isinstance(answer, No):
                return answer
            given += answer
        return given[0], given[1]

    async def mail(self, argument: str) -> None:
        address = rules.path(argument)
        if not self.account:
            await self.say(530, "5.7.0", "authentication required")
        elif self.sender:
            await self.say(503, "5.5.1", "a message has begun")
        elif isinstance(address, No):
            await self.refuse(address)
        elif address != self.account:
            await self.say(553, "5.7.1", f"<{address}> is not yours")
        else:
            self.sender = address
            await self.say(250, "2.1.0", "ok")

    async def rcpt(self, argument: str) -> None:
        address = rules.path(argument)
        if not self.sender:
            return await self.say(503, "5.5.1", "MAIL first")
        if isinstance(address, No):
            return await self.refuse(address)
        own = FATES.get(address.partition("@")[0])
        if self.arrival is None:
            self.arrival = self.arrived(self.account, RouteKind.PUBLISH, "RCPT")
            self.server.journal.arrivals.append(self.arrival)
            if own is None:  # else it comes to no data for a fault to strike at
                self.fault = self.faults.take(self.server.name, RouteKind.PUBLISH, self.account)
            self.arrival.fault = str(self.fault.kind) if self.fault else ""
        fate = self.fate(own)
        if fate is not None:
            return await self.refuse(No(fate.code, fate.enhanced, fate.text.format(address)))
        self.recipients.append(address)
        return await self.say(250, "2.1.5", "ok")

    def fate(self, own: No | None) -> No | None:
        if self.fault is not None and self.fault.kind in _AT_RCPT:
            return _AT_RCPT[self.fault.kind]
        sent = sum(message.account == self.account for message in self.server.messages)
        if sent >= self.server.limits.get(self.account, sent + 1):
            return _AT_RCPT[FaultKind.THROTTLE]
        return own

    async def data(self) -> None:
        if not self.recipients:
            return await self.say(503, "5.5.1", "RCPT first")
        await self.say(354, "", "end it with a dot")
        data = bytearray()
        while (line := await self.reader.readuntil(b"\n")) != b".\r\n":
            data += line[1:] if line.startswith(b".") else line
        content = rules.message(bytes(data), self.sender)
        if isinstance(content, No):
            await self.refuse(content)
        else:
            await self.end(bytes(data), content)
        return self.reset()

    async def end(self, data: bytes, content: EmailMessage) -> None:
        """The message is whole: take it, or not, and say so, or not, as a fault has it."""
        assert self.arrival is not None  # noqa: S101 - there are recipients
        self.arrival.key = str(content["Message-ID"])
        if self.fault is not None and await self.suffered(self.fault):
            return
        for recipient in self.recipients:
            message = Message(self.account, self.sender, recipient, data, content)
            self.server.messages.append(message)
            self.server.put(
                self.arrival,
                self.fault,
                EffectKind.PUBLISHED,
                key=self.arrival.key,
                reference=str(len(self.server.messages)),
                text=message.text,
            )
        if self.fault is not None:
            await self.answer_badly(self.fault)
        await self.say(250, "2.0.0", f"queued as {len(self.server.messages)}")

    async def suffered(self, fault: Fault) -> bool:
        """Whether a fault had the server do nothing; the reply that goes with it is given."""
        match fault.kind:
            case FaultKind.STALL:
                await asyncio.sleep(fault.delay_s or 3600)
                raise _Over
            case FaultKind.DROP:
                raise _Over
            case FaultKind.REFUSE:
                await self.say(fault.status, "", fault.body or "no")
            case FaultKind.ECHO:
                await self.say(554, "5.7.1", " ".join(self.heard)[:900])
            case FaultKind.ERROR_INSIDE:
                await self.say(250, "5.7.1", "not taken")
            case _:
                return False
        return True

    async def answer_badly(self, fault: Fault) -> None:
        """The server has acted; what else it does than say so. Returns where it says so after all."""
        match fault.kind:
            case FaultKind.ACT_THEN_DROP:
                raise _Over
            case FaultKind.ACT_THEN_ERROR:
                await self.say(fault.status, "", "something went wrong")
            case FaultKind.ACT_THEN_DRIP:
                while True:
                    await self.send(b"2")
                    await asyncio.sleep(0.02)
            case FaultKind.LATE:
                return await asyncio.sleep(fault.delay_s)
            case kind if kind in _RAW:
                await self.send(_RAW[kind])
            case _:
                return None
        raise _Over

    async def suffer_login(self, fault: Fault) -> None:
        if fault.kind in _AT_AUTH:
            return await self.refuse(_AT_AUTH[fault.kind])
        if fault.kind is FaultKind.REFUSE:
            return await self.say(fault.status, "", "no")
        if fault.kind is FaultKind.STALL:
            await asyncio.sleep(fault.delay_s or 3600)
        raise _Over

    def arrived(self, account: str, kind: RouteKind, path: str) -> Arrival:
        return Arrival(self.server.name, account, str(kind), path, self.server.clock())

    def reset(self) -> None:
        self.sender, self.arrival, self.fault = "", None, None
        self.recipients.clear()

    async def refuse(self, no: No) -> None:
        await self.say(no.code, no.enhanced, no.text)

    async def say(self, code: int, enhanced: str, text: str) -> None:
        if self.arrival is not None:
            self.arrival.status = code
        await self.send(f"{code} {f'{enhanced} {text}'.strip()}\r\n".encode())

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
