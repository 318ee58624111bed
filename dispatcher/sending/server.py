"""The sender behind a local socket, as the process that holds the credential runs it.

Rules (design: architecture, decided 1)
  1. The socket is 0600 in a 0700 folder, and whoever connects runs as one of the allowed users, by the kernel's word
     (unix(7): SO_PEERCRED). Nothing that arrives is believed beyond that; it is bundles and orders.
  2. One request at a time per connection. Whatever is malformed, too long or too slow closes the connection with a
     logged reason, and harms nobody else.
  3. A send that has begun is carried to its end though its asker is gone: what came of it is in the spent file.
  4. Stopping lets go of idle connections at once and waits for requests under way.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import structlog

from channels.contract import Json, Note
from dispatcher.domain.documents import DocumentError, Reader
from dispatcher.domain.statement import Envelope
from dispatcher.sending import wire
from dispatcher.sending.order import MAX_ORDERS, Bundle, Order
from dispatcher.sending.permit import Sender
from dispatcher.sending.probing import Prober
from dispatcher.sending.sockets import bound, peer, remove

BACKLOG = 128
MAX_CONNECTIONS = 64

Work = Callable[[Sender, Note], Awaitable[Json]]
Verbs = Mapping[str, Callable[[Reader], Work]]


class NotNotedError(Exception):
    """The asker could not make a handle durable, or is gone: the adapter must not go on."""


async def serve(
    sender: Sender,
    path: Path,
    stopping: asyncio.Event,
    *,
    timeout_s: float,
    allowed: Collection[int] | None = None,
    prober: Prober | None = None,
) -> None:
    """Serve ``sender``, and ``prober`` where there is one, at ``path`` until ``stopping``.

    ``timeout_s`` bounds every frame, look-up and acknowledgement; a send has its outlet's own time. ``allowed`` are
    the user ids that may connect, our own unless given. Raises Unavailable when another process serves there.
    """
    users = frozenset({os.getuid()} if allowed is None else allowed)
    probes: Verbs = {} if prober is None else {"probe": partial(_probe, prober)}
    switchboard = _Switchboard(sender, {**_VERBS, **probes}, timeout_s, users)
    listening = await asyncio.start_unix_server(switchboard.connected, sock=bound(path), backlog=BACKLOG)
    try:
        await stopping.wait()
    finally:
        listening.close()
        remove(path)
        await switchboard.hang_up()


class _Switchboard:
    """All connections of one server."""

    def __init__(self, sender: Sender, verbs: Verbs, timeout_s: float, users: frozenset[int]) -> None:
        self._sender = sender
        self._verbs = verbs
        self._timeout_s = timeout_s
        self._users = users
        self._talks: dict[asyncio.Task[None], _Talk] = {}
        self._log = structlog.get_logger("sender_socket")

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte to its last."""
        pid, uid = peer(writer)
        task = asyncio.current_task()
        if uid not in self._users or len(self._talks) >= MAX_CONNECTIONS or task is None:
            self._log.warning("connection_refused", peer_pid=pid, peer_uid=uid, count=len(self._talks))
            writer.transport.abort()
            return
        talk = self._talks[task] = _Talk(self._sender, self._verbs, reader, writer, self._timeout_s)
        try:
            await talk.run()
        except (OSError, EOFError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            self._log.warning("connection_closed", peer_pid=pid, verb=talk.verb, reason=reason)
        finally:
            await self._close(writer)
            del self._talks[task]

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        try:
            async with asyncio.timeout(self._timeout_s):
                await writer.wait_closed()
        except OSError as error:
            self._log.warning("answer_lost", error=type(error).__name__)
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()  # here and not in "finally": asyncio trips over one that has closed by itself
            raise

    async def hang_up(self) -> None:
        """Cancel connections between requests; wait for the others."""
        for task, talk in self._talks.items():
            talk.last = True
            if not talk.verb:
                task.cancel()
        if self._talks:
            await asyncio.wait(list(self._talks))


class _Talk:
    """One connection: request, notes, answer, and again. ``verb`` is what is under way, empty between requests."""

    def __init__(
        self,
        sender: Sender,
        verbs: Verbs,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        timeout_s: float,
    ) -> None:
        self.verb = ""
        self.last = False
        self._sender = sender
        self._verbs = verbs
        self._reader = reader
        self._writer = writer
        self._timeout_s = timeout_s
        self._log = structlog.get_logger("sender_socket")

    async def run(self) -> None:
        """Answer until the other side hangs up. Raises OSError, EOFError or ValueError for a faulty one."""
        while not self.last and (body := await self._read()) is not None:
            reader = Reader(wire.unpack(body), "request")
            verb = reader.text("verb")
            if verb not in self._verbs:
                raise DocumentError(f"request.verb: there is no {verb[:20]!r}")
            work = self._verbs[verb](reader)
            reader.done()
            self.verb = verb
            await self._write(await self._answer(work))
            self.verb = ""

    async def _answer(self, work: Work) -> Json:
        limit_s = self._timeout_s if self.verb in _LOOKS else None  # what leaves a trace is never cut off half-way
        try:
            async with asyncio.timeout(limit_s):
                return {"answer": await work(self._sender, self._note)}
        except Exception as error:  # noqa: BLE001 - one request that fails must not end the sender
            self._log.exception("request_failed", verb=self.verb)
            return {"failed": type(error).__name__}

    async def _note(self, handle: str) -> None:
        """Have a handle made durable by who asked. Raises NotNotedError."""
        try:
            await self._write({"note": handle})
            body = await self._read()
            if body is not None and wire.unpack(body) == wire.NOTED:
                return
        except (OSError, EOFError, ValueError) as error:
            self.last = True
            raise NotNotedError(type(error).__name__) from error
        raise NotNotedError("the asker could not note it")

    async def _read(self) -> bytes | None:
        """One frame's body; None when the other side hung up between frames."""
        async with asyncio.timeout(self._timeout_s):
            try:
                head = await self._reader.readexactly(wire.LENGTH.size)
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    raise
                return None
            (length,) = wire.LENGTH.unpack(head)
            return await self._reader.readexactly(wire.checked_length(length))

    async def _write(self, document: Json) -> None:
        async with asyncio.timeout(self._timeout_s):
            self._writer.write(wire.pack(document))
            await self._writer.drain()


def _permit(reader: Reader) -> Work:
    bundle, orders = Bundle.from_document(reader.raw("bundle")), reader.each("orders", _order)
    if len(orders) > MAX_ORDERS:
        raise DocumentError(f"request.orders: more than {MAX_ORDERS}")

    async def work(sender: Sender, _: Note) -> Json:
        return [wire.answer_document(answer) for answer in await sender.permit(bundle, orders)]

    return work


def _send(reader: Reader) -> Work:
    permit = wire.read_permit(reader.raw("permit"))

    async def work(sender: Sender, note: Note) -> Json:
        return wire.outcome_document(await sender.send(permit, note))

    return work


def _find(reader: Reader) -> Work:
    bundle, order = Bundle.from_document(reader.raw("bundle")), Order.from_document(reader.raw("order"))

    async def work(sender: Sender, _: Note) -> Json:
        return wire.finding_document(await sender.find(bundle, order))

    return work


def _read_back(reader: Reader) -> Work:
    bundle, order = Bundle.from_document(reader.raw("bundle")), Order.from_document(reader.raw("order"))
    reference = reader.text("reference")

    async def work(sender: Sender, _: Note) -> Json:
        return wire.read_back_document(await sender.read_back(bundle, order, reference))

    return work


def _tell(reader: Reader) -> Work:
    stops = reader.each("stops", lambda item, _: Envelope.from_document(item))
    newest = reader.raw("status")
    status = None if newest is None else Envelope.from_document(newest)

    async def work(sender: Sender, _: Note) -> Json:
        await sender.tell(stops, status)
        return None

    return work


def _issue(reader: Reader) -> Work:
    bundle, order = Bundle.from_document(reader.raw("bundle")), Order.from_document(reader.raw("order"))
    device, envelope = reader.text("device"), Envelope.from_document(reader.raw("envelope"))

    async def work(sender: Sender, _: Note) -> Json:
        return wire.answer_document(await sender.issue(bundle, order, device, envelope))

    return work


def _probe(prober: Prober, reader: Reader) -> Work:
    account = reader.text("account")

    async def work(_sender: Sender, _: Note) -> Json:
        return wire.probe_document(await prober.probe(account))

    return work


_VERBS: Verbs = {
    "permit": _permit,
    "send": _send,
    "find": _find,
    "read_back": _read_back,
    "tell": _tell,
    "issue": _issue,
}
_LOOKS = ("find", "read_back")


def _order(document: Json, _where: str) -> Order:
    return Order.from_document(document)
