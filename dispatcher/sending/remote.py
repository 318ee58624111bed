"""The sender behind a local socket, as a worker sees it (design: architecture, decided 1).

Rules
  1. A connection per call, and a total time for each, given by the caller: the longest that a platform may take, and
     a margin.
  2. ``send`` never raises for the socket. Not written whole: nothing can have been acted on, so *deferred*. Written
     whole and no answer: *in doubt*. A write that ran out of time counts as whole, because nobody can tell.
  3. Every other call raises Unavailable. Nothing has left after it, but a release code may have been issued and lost.
  4. A ``note`` is passed on, and acknowledged only when it is durable.
  5. One envelope that cannot be carried is left out of what is told, so that a forged row cannot hold up a halt.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog

from channels.contract import Finding, Found, Json, Note, Outcome, Probe, ReadBack, Seen, Verdict
from channels.listing import Timeline
from dispatcher.domain.documents import Reader
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.statement import Envelope
from dispatcher.sending import wire
from dispatcher.sending.order import Bundle, Order
from dispatcher.sending.permit import HandOff, Permit, Refusal, unreadable
from dispatcher.sending.sockets import short_address

T = TypeVar("T")
MAX_ENVELOPE = 256 * 1024
"""Bytes on the wire; far more than any statement that a verifier reads."""


class RemoteSender:
    """Implements :class:`dispatcher.sending.permit.Sender` over the socket at ``path``.

    It is a :class:`dispatcher.sending.probing.Prober` as well.

    ``timeout_s`` is per call; ``sending_s`` that of one which sends, where it may take longer than the others.
    """

    def __init__(self, path: Path, timeout_s: float, sending_s: float | None = None) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._sending_s = timeout_s if sending_s is None else sending_s
        self._log = structlog.get_logger("remote")

    @property
    def held(self) -> None:
        """Not known here: a deployment has one of these."""
        return

    async def arm(self, bundle: Bundle) -> None:
        """Nothing: people finish what goes this way, and milliseconds do not matter to them."""

    async def permit(self, bundle: Bundle, orders: Sequence[Order]) -> list[Permit | Refusal]:
        """Ask the gate for each order; at most 1,000. Raises Unavailable."""
        try:
            listed: list[Json] = [order.document() for order in orders]
            request = wire.pack({"verb": "permit", "bundle": bundle.document(), "orders": listed})
        except ValueError as error:
            return [unreadable(order, error) for order in orders]
        return await self._ask(request, lambda answer: _answers(answer, orders))

    async def send(self, permit: Permit, note: Note) -> Outcome:
        """Check once more and send. A permit is good for one call."""
        request, line = wire.pack({"verb": "send", "permit": wire.permit_document(permit)}), _Line(self._path)
        try:
            return wire.read_outcome(await self._exchange(line, request, note))
        except (OSError, ValueError) as error:
            name = type(error).__name__
            if line.unsent:
                return Outcome(Verdict.DEFERRED, f"the sender cannot be reached ({name})", "unreachable")
            return Outcome(Verdict.IN_DOUBT, f"the sender was asked and did not answer ({name})", "sender_lost")

    async def find(self, bundle: Bundle, order: Order) -> Finding:
        """Look for an earlier attempt's post in the platform's record. Raises Unavailable."""
        try:
            request = wire.pack({"verb": "find", "bundle": bundle.document(), "order": order.document()})
        except ValueError as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        return await self._ask(request, wire.read_finding)

    async def read_back(self, bundle: Bundle, order: Order, reference: str) -> ReadBack:
        """Read what the public sees of what was accepted under ``reference``. Raises Unavailable."""
        about: dict[str, Json] = {"bundle": bundle.document(), "order": order.document(), "reference": reference}
        try:
            request = wire.pack({"verb": "read_back", **about})
        except ValueError as error:
            return ReadBack(Seen.UNKNOWN, reason=str(error))
        return await self._ask(request, wire.read_read_back)

    async def tell(self, stops: Sequence[Envelope], status: Envelope | None) -> None:
        """Hand over halts, resumes, revocations and the newest signed status. Raises Unavailable."""
        listed: list[Json] = [document for stop in stops if (document := self._carried(stop)) is not None]
        newest = None if status is None else self._carried(status)
        try:
            request = wire.pack({"verb": "tell", "stops": listed, "status": newest})
        except wire.FrameError as error:
            raise self._unavailable(error) from error
        await self._ask(request, _nothing)

    async def issue(self, bundle: Bundle, order: Order, device: str, envelope: Envelope) -> HandOff | Refusal:
        """Seal the packet of a handed-over delivery and show its code, once. Raises Unavailable."""
        try:
            parts: dict[str, Json] = {"bundle": bundle.document(), "order": order.document(), "device": device}
            request = wire.pack({"verb": "issue", "envelope": envelope.document(), **parts})
        except ValueError as error:
            return unreadable(order, error)
        return await self._ask(request, wire.read_hand_off_or_refusal)

    async def probe(self, account: str) -> Probe:
        """Have an account probed. Raises Unavailable."""
        return await self._ask(wire.pack({"verb": "probe", "account": account}), wire.read_probe)

    async def timeline(self, account: str, since: datetime) -> Timeline:
        """Nothing: no channel that is sent to this way lists its posts."""
        del account, since
        return Timeline(fault="nobody here can list what it has published")

    async def close(self) -> None:
        """Nothing is kept open between calls."""

    async def _ask(self, request: bytes, read: Callable[[Json], T]) -> T:
        try:
            return read(await self._exchange(_Line(self._path), request))
        except (OSError, ValueError) as error:
            raise self._unavailable(error) from error

    async def _exchange(self, line: _Line, request: bytes, note: Note | None = None) -> Json:
        """The answer to one request. Raises OSError and ValueError."""
        try:
            async with asyncio.timeout(self._timeout_s if note is None else self._sending_s):
                await line.ask(request)
                while True:
                    frame = Reader(wire.unpack(await line.read()), "frame")
                    if note is None or not frame.has("note"):
                        return _answer(frame)
                    handle = frame.text("note")
                    frame.done()
                    await line.write(wire.pack(await self._noted(note, handle)))
        finally:
            line.close()

    async def _noted(self, note: Note, handle: str) -> Json:
        try:
            await note(handle)
        except Exception as error:  # noqa: BLE001 - whatever failed, the sender must hear that it is not durable
            self._log.error("not_noted", error=type(error).__name__)
            return wire.NOT_NOTED
        return wire.NOTED

    def _carried(self, envelope: Envelope) -> Json:
        try:
            document: Json = dict(envelope.document())
            size = len(wire.pack(document))
        except ValueError as error:
            self._log.warning("stop_refused", reason=str(error))
            return None
        if size > MAX_ENVELOPE:
            self._log.warning("stop_refused", reason=f"{size} bytes; {MAX_ENVELOPE} are the most")
            return None
        return document

    def _unavailable(self, error: Exception) -> Unavailable:
        said = str(error) if isinstance(error, ValueError) else type(error).__name__
        return Unavailable(f"the sender behind {self._path.name} did not answer: {said}", "dispatcher up")


class _Line:
    """One connection, on a plain socket: only its ``send`` tells what has not been taken (rule 2)."""

    def __init__(self, path: Path) -> None:
        self.unsent = True
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    async def ask(self, request: bytes) -> None:
        """Connect and write the request. Raises OSError, with ``unsent`` where the last byte was not taken."""
        with short_address(self._path) as address:
            await self._loop.sock_connect(self._socket, address)
        self.unsent = False
        try:
            await self.write(request)
        except OSError:
            self.unsent = True
            raise

    async def write(self, frame: bytes) -> None:
        """Write a frame whole. Raises OSError."""
        await self._loop.sock_sendall(self._socket, frame)

    async def read(self) -> bytes:
        """Read a frame's body. Raises OSError or FrameError."""
        (length,) = wire.LENGTH.unpack(await self._exactly(wire.LENGTH.size))
        return await self._exactly(wire.checked_length(length))

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    async def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = await self._loop.sock_recv(self._socket, min(size - len(data), 1 << 16))
            if not part:
                raise ConnectionResetError("the sender hung up")
            data += part
        return bytes(data)


def _answer(frame: Reader) -> Json:
    if frame.has("failed"):
        raise wire.FrameError(f"it failed: {frame.text('failed')}")
    answer = frame.raw("answer")
    frame.done()
    return answer


def _answers(answer: Json, orders: Sequence[Order]) -> list[Permit | Refusal]:
    read = Reader({"answers": answer}, "permit").each("answers", wire.read_permit_or_refusal)
    if [given.delivery for given in read] != [order.delivery for order in orders]:
        raise wire.FrameError("it answered about other deliveries")
    return list(read)


def _nothing(answer: Json) -> None:
    if answer is not None:
        raise wire.FrameError("it answered where there is nothing to say")
