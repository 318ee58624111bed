"""The egress proxy: CONNECT on a unix socket, a connection to the very address that was checked, and bytes both ways.

Rules (reference: reliability 4)
  1. The socket is for its owner and its owner's group (0660 in a 0750 folder): who may open it may use its list.
  2. A name is resolved once per connection, here, and the address that was found good is the one connected to.
  3. A connection ends when either side has said all, at a cap on bytes each way, or at a total time. There is a cap
     on connections.
  4. What travels is never looked at: it is TLS between the client and the platform.
  5. Each connection is one line in the log, at its end: what was decided, who asked, host, address, bytes, duration.
  6. Stopping lets connections under way end for a while, then cuts them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from dispatcher.egress.guard import Guard, Refused, Target, read_request
from dispatcher.sending.sockets import bound, peer, remove

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

CONNECTED = b"HTTP/1.1 200 Connected\r\n\r\n"
CHUNK = 64 * 1024
"""How much is held of one connection each way."""


class Cut(Exception):
    """A connection reached a cap; the words say which."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may take, and how many there may be.

    ``bytes_each_way`` is sixty answers of the size that a client reads; ``total_s`` is four times the longest call.
    """

    connections: int = 64
    request_s: float = 5.0
    connect_s: float = 10.0
    total_s: float = 120.0
    close_s: float = 2.0
    stop_s: float = 8.0
    bytes_each_way: int = 16 * 1024 * 1024


@dataclass(slots=True)
class _Trip:
    """What there is to say of one connection at its end. ``code`` is what the client was told."""

    verdict: str = "refused"
    reason: str = ""
    code: int = 0
    host: str = ""
    address: str = ""
    passed: dict[str, int] = field(default_factory=lambda: {"bytes_out": 0, "bytes_in": 0})

    def ended(self, reason: str, code: int | None = None) -> None:
        """It ended before its time."""
        self.reason, self.code = reason, self.code if code is None else code


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system resolves it. Raises OSError or UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def serve(proxy: Proxy, path: Path, stopping: asyncio.Event) -> None:
    """Serve ``proxy`` at ``path`` until ``stopping``. Raises Unavailable where another process serves there."""
    listening = await asyncio.start_unix_server(proxy.connected, sock=bound(path, group=True))
    try:
        await stopping.wait()
    finally:
        listening.close()
        remove(path)
        await proxy.drain()


class Proxy:
    """All connections of one list."""

    def __init__(self, guard: Guard, limits: Limits | None = None, resolve: Resolve = resolved) -> None:
        self._guard = guard
        self._limits = limits or Limits()
        self._resolve = resolve
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._log = structlog.get_logger("egress")

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its request to its line in the log."""
        task, trip, started = asyncio.current_task(), _Trip(), time.monotonic()
        pid, uid = peer(writer)
        self._tasks.add(task)
        try:
            async with asyncio.timeout(self._limits.total_s):
                await self._carry(reader, writer, trip)
        except Refused as refused:
            trip.ended(str(refused), refused.status)
            writer.write(f"HTTP/1.1 {refused.status} {refused}\r\n\r\n".encode())
        except TimeoutError:
            trip.ended("out of time")
        except (Cut, OSError, EOFError) as error:
            trip.ended(str(error) if isinstance(error, Cut) else type(error).__name__)
        finally:
            say = self._log.warning if trip.reason else self._log.info
            told = {"verdict": trip.verdict, "reason": trip.reason, "code": trip.code, **trip.passed}
            took_ms = round((time.monotonic() - started) * 1000)
            say("egress", host=trip.host, address=trip.address, **told, total_ms=took_ms, peer_pid=pid, peer_uid=uid)
            await self._close(writer)
            self._tasks.discard(task)

    async def drain(self) -> None:
        """Wait for connections under way, then cut them."""
        tasks = [task for task in self._tasks if task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._limits.stop_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trip: _Trip) -> None:
        request = await self._request(reader)
        if len(self._tasks) > self._limits.connections:
            raise Refused(503, "too many connections")
        target = read_request(request)
        trip.host = str(target)
        self._guard.check(target)
        far_reader, far_writer = await self._far(target, trip)
        trip.verdict, trip.code = "allowed", 200
        try:
            writer.write(CONNECTED)
            await _until_either_ends(
                self._pass(reader, far_writer, trip.passed, "bytes_out"),
                self._pass(far_reader, writer, trip.passed, "bytes_in"),
            )
        finally:
            await self._close(far_writer)

    async def _request(self, reader: asyncio.StreamReader) -> bytes:
        try:
            async with asyncio.timeout(self._limits.request_s):
                return await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise Refused(400, "the request is too long") from None
        except TimeoutError:
            raise Refused(408, "no request in time") from None

    async def _far(self, target: Target, trip: _Trip) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the first address that answers, of those that were found good (rule 2)."""
        try:
            async with asyncio.timeout(self._limits.connect_s):
                for address in self._guard.reachable(await self._resolve(target.host, target.port)):
                    trip.address = address
                    with contextlib.suppress(OSError):
                        return await asyncio.open_connection(address, target.port, flags=socket.AI_NUMERICHOST)
        except TimeoutError:
            raise Refused(504, "no connection in time") from None
        except (OSError, UnicodeError):
            raise Refused(502, "the name could not be resolved") from None
        raise Refused(502, "the connection failed")

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passed: dict[str, int], way: str
    ) -> None:
        while chunk := await source.read(CHUNK):
            if passed[way] + len(chunk) > self._limits.bytes_each_way:
                raise Cut(f"more than {self._limits.bytes_each_way} bytes one way")
            passed[way] += len(chunk)
            sink.write(chunk)
            await sink.drain()

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        """Close once what was written has left, or after a while whether it has or not."""
        writer.close()
        try:
            async with asyncio.timeout(self._limits.close_s):
                await writer.wait_closed()
        except OSError:
            writer.transport.abort()


async def _until_either_ends(*ways: Coroutine[Any, Any, None]) -> None:
    """Run both ways until one has ended, and end the other; raises what ended it badly."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            raise error
