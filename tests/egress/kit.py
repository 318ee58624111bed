"""The egress proxy on a real socket, and far sides that count who arrives.

The way of a test::

    async with far_side() as allowed, proxied(tmp_path, Guard(...), resolve=to("127.0.0.1")) as proxy:
        assert await proxy.ask(b"CONNECT …") == ...
        assert allowed.arrivals == 0
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import structlog

from dispatcher.egress.guard import Guard
from dispatcher.egress.proxy import CONNECTED, Limits, Proxy, Resolve, resolved, serve

T = TypeVar("T")
Logs = list[MutableMapping[str, Any]]
HERE = ["127.0.0.1"]
QUICK = Limits(request_s=1.0, connect_s=1.0, total_s=5.0, close_s=0.5, stop_s=2.0)


@dataclass
class FarSide:
    """A server on every address of this machine. It counts connections, keeps what it reads, and gives one answer."""

    port: int
    answer: bytes
    arrivals: int = 0
    read: bytearray = field(default_factory=bytearray)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: count it, read until the other side has said all, answering what comes first."""
        self.arrivals += 1
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not self.read:
                    writer.write(self.answer)
                self.read += data
        writer.close()


@asynccontextmanager
async def far_side(host: str = "0.0.0.0", port: int = 0, answer: bytes = b"") -> AsyncIterator[FarSide]:
    """Run a server on this address, and where that is all of IPv4, on all of IPv6 at the same port."""
    first = socket.create_server((host, port))
    far = FarSide(first.getsockname()[1], answer)
    listening = [await asyncio.start_server(far.talk, sock=first)]
    if host == "0.0.0.0" and socket.has_ipv6:
        with contextlib.suppress(OSError):
            second = socket.create_server(("::", far.port), family=socket.AF_INET6)
            listening.append(await asyncio.start_server(far.talk, sock=second))
    try:
        yield far
    finally:
        for one in listening:
            one.close()


@dataclass
class Running:
    """A proxy that is being served."""

    path: Path
    proxy: Proxy

    @asynccontextmanager
    async def line(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to the proxy, on which nothing was said yet."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def ask(self, request: bytes, then: bytes = b"", answers: int = 0) -> bytes:
        """Send a request and, once that was accepted, what follows; hang up after so many bytes of an answer.

        Returns all that came back.
        """
        async with self.line() as (reader, writer):
            try:
                writer.write(request)
                got = b""
                if then:
                    got = await reader.readexactly(len(CONNECTED))
                    writer.write(then)
                while answers > 0 and (more := await asyncio.wait_for(reader.read(answers), 10)):
                    got, answers = got + more, answers - len(more)
                writer.write_eof()
                return got + await asyncio.wait_for(reader.read(), 10)
            except ConnectionError:
                return b""


@asynccontextmanager
async def proxied(
    folder: Path, guard: Guard, *, resolve: Resolve = resolved, limits: Limits = QUICK
) -> AsyncIterator[Running]:
    """Serve a proxy meanwhile."""
    path, stopping = folder / "egress" / "live.sock", asyncio.Event()
    proxy = Proxy(guard, limits, resolve)
    serving = asyncio.create_task(serve(proxy, path, stopping))
    while not path.exists():
        await asyncio.sleep(0)
        if serving.done():
            serving.result()
    try:
        yield Running(path, proxy)
    finally:
        stopping.set()
        await serving


def to(*answers: Sequence[str]) -> Resolve:
    """A resolver that gives these answers, one after the other and the last again and again, whatever it is asked."""
    left = list(answers)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def connect(authority: str) -> bytes:
    """The one request that there is."""
    return f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode()


def status(answer: bytes) -> int:
    """The status of an answer, 0 where there is none."""
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def played(
    folder: Path,
    scene: Callable[[Running, FarSide], Awaitable[T]],
    *,
    answer: bytes = b"",
    resolve: Resolve | None = None,
    limits: Limits = QUICK,
) -> tuple[T, Logs]:
    """What comes of a scene with a proxy and the one far side on its list, and what the proxy logged."""

    async def main() -> T:
        async with far_side("127.0.0.1", answer=answer) as far:
            guard = Guard(frozenset({f"far.example:{far.port}"}), allow_private=True)
            async with proxied(folder, guard, resolve=resolve or to(HERE), limits=limits) as proxy:
                return await scene(proxy, far)

    with structlog.testing.capture_logs() as logs:
        result = asyncio.run(main())
    return result, logs


@asynccontextmanager
async def opened(proxy: Running, far: FarSide) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A tunnel to the far side."""
    async with proxy.line() as (reader, writer):
        writer.write(connect(f"far.example:{far.port}"))
        assert await reader.readexactly(len(CONNECTED)) == CONNECTED
        yield reader, writer


def has_read(far: FarSide, many: int) -> bool:
    """Whether so many bytes arrived."""
    return len(far.read) == many


async def asked(proxy: Running, far: FarSide) -> bytes:
    """The answer to the one request that is allowed, and what the far side said."""
    return await proxy.ask(connect(f"far.example:{far.port}"), b"hello", len(far.answer))


async def refused(proxy: Running, far: FarSide) -> bytes:
    """What the request that is allowed comes to, where it is refused."""
    return await proxy.ask(connect(f"far.example:{far.port}"))
