"""How a connection through the proxy ends: by either side, by a cap on how many there are, when the proxy stops."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import structlog

from dispatcher.egress.guard import Guard
from dispatcher.egress.proxy import CONNECTED, Proxy, serve
from tests.egress.kit import (
    HERE,
    QUICK,
    FarSide,
    Running,
    connect,
    far_side,
    opened,
    played,
    proxied,
    refused,
    status,
    to,
)
from tests.sending.socketed import eventually


def test_connections_have_a_cap(tmp_path: Path) -> None:
    """One more is refused; when one has ended, there is room again."""

    async def scene(proxy: Running, far: FarSide) -> list[int]:
        async with opened(proxy, far):
            async with opened(proxy, far):
                full = await refused(proxy, far)
            while not (answer := await refused(proxy, far)).startswith(CONNECTED):
                assert status(answer) == 503
        return [status(full), status(answer)]

    told, logs = played(tmp_path, scene, limits=replace(QUICK, connections=2))
    assert told == [503, 200]
    assert "too many connections" in {line["reason"] for line in logs}


def test_when_the_far_side_ends_the_tunnel_ends(tmp_path: Path) -> None:
    """The client reads the end, and need not say anything."""

    async def main() -> bytes:
        async def goodbye(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"goodbye")
            writer.close()

        far = await asyncio.start_server(goodbye, "127.0.0.1", 0)
        port = far.sockets[0].getsockname()[1]
        guard = Guard(frozenset({f"far.example:{port}"}), allow_private=True)
        async with proxied(tmp_path, guard, resolve=to(HERE)) as proxy, proxy.line() as (reader, writer):
            writer.write(connect(f"far.example:{port}"))
            said = await asyncio.wait_for(reader.read(), 4)
        far.close()
        return said

    assert asyncio.run(main()) == CONNECTED + b"goodbye"


def test_when_the_client_ends_the_tunnel_ends(tmp_path: Path) -> None:
    """The far side is let go at once."""

    async def main() -> bytes:
        ended = asyncio.get_running_loop().create_future()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ended.set_result(await reader.read())
            writer.close()

        far = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = far.sockets[0].getsockname()[1]
        guard = Guard(frozenset({f"far.example:{port}"}), allow_private=True)
        async with proxied(tmp_path, guard, resolve=to(HERE)) as proxy:
            await proxy.ask(connect(f"far.example:{port}"), b"last words")
            heard: bytes = await asyncio.wait_for(ended, 4)
        far.close()
        return heard

    assert asyncio.run(main()) == b"last words"


def test_a_connection_that_breaks_is_logged(tmp_path: Path) -> None:
    """By the kind of its end."""

    async def main() -> None:
        async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            line = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()

        far = await asyncio.start_server(reset, "127.0.0.1", 0)
        port = far.sockets[0].getsockname()[1]
        guard = Guard(frozenset({f"far.example:{port}"}), allow_private=True)
        async with proxied(tmp_path, guard, resolve=to(HERE)) as proxy, proxy.line() as (reader, writer):
            writer.write(connect(f"far.example:{port}") + b"x")
            await asyncio.wait_for(reader.read(), 4)
        far.close()

    with structlog.testing.capture_logs() as logs:
        asyncio.run(main())
    assert [(line["verdict"], line["reason"]) for line in logs] == [("allowed", "ConnectionResetError")]


def test_stopping_lets_what_is_under_way_end(tmp_path: Path) -> None:
    """The socket is gone at once, and a tunnel that was open still carries."""

    async def main() -> tuple[bool, bytes]:
        async with far_side("127.0.0.1", answer=b"welcome!") as far:
            guard, stopping = Guard(frozenset({f"far.example:{far.port}"}), allow_private=True), asyncio.Event()
            path = tmp_path / "egress.sock"
            proxy = Proxy(guard, QUICK, to(HERE))
            serving = asyncio.create_task(serve(proxy, path, stopping))
            await eventually(path.exists)
            async with opened(Running(path, proxy), far) as (reader, writer):
                stopping.set()
                await eventually(lambda: not path.exists())
                writer.write(b"hello")
                got, still = await reader.readexactly(8), not serving.done()
            await serving
            return still, got

    assert asyncio.run(main()) == (True, b"welcome!")


def test_stopping_cuts_what_does_not_end(tmp_path: Path) -> None:
    """After its time to stop, and with its line."""

    async def main() -> bytes:
        async with far_side("127.0.0.1") as far, AsyncExitStack() as stack:
            guard = Guard(frozenset({f"far.example:{far.port}"}), allow_private=True)
            limits = replace(QUICK, stop_s=0.1)
            async with proxied(tmp_path, guard, resolve=to(HERE), limits=limits) as proxy:
                reader, _ = await stack.enter_async_context(opened(proxy, far))
            return await reader.read()

    with structlog.testing.capture_logs() as logs:
        assert asyncio.run(main()) == b""
    assert [(line["verdict"], line["total_ms"] < 2000) for line in logs] == [("allowed", True)]


def test_stopping_without_connections_takes_no_time(tmp_path: Path) -> None:
    """There is nothing to wait for."""

    async def scene(_proxy: Running, far: FarSide) -> int:
        return far.arrivals

    assert played(tmp_path, scene) == (0, [])
