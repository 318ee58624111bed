"""How a connection through the proxy ends: by either side, by a cap on how many there are, when the proxy stops."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
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
    Logs,
    Running,
    asked,
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

    async def main(logs: Logs) -> tuple[bytes, Logs]:
        async with far_side("127.0.0.1") as far, AsyncExitStack() as stack:
            guard = Guard(frozenset({f"far.example:{far.port}"}), allow_private=True)
            limits = replace(QUICK, stop_s=0.1)
            async with proxied(tmp_path, guard, resolve=to(HERE), limits=limits) as proxy:
                reader, _ = await stack.enter_async_context(opened(proxy, far))
            told = list(logs)
            return await reader.read(), told

    with structlog.testing.capture_logs() as logs:
        rest, told = asyncio.run(main(logs))
    assert (rest, [(line["verdict"], line["total_ms"] < 2000) for line in told]) == (b"", [("allowed", True)])


def test_stopping_without_connections_takes_no_time(tmp_path: Path) -> None:
    """There is nothing to wait for."""

    async def scene(_proxy: Running, far: FarSide) -> int:
        return far.arrivals

    assert played(tmp_path, scene) == (0, [])


def test_a_connection_that_has_ended_is_let_go_at_once(tmp_path: Path) -> None:
    """Nothing waits for the time that there is for what was written last."""

    async def scene(proxy: Running, far: FarSide) -> float:
        started = time.monotonic()
        await asked(proxy, far)
        return time.monotonic() - started

    took_s, _ = played(tmp_path, scene, answer=b"welcome!", limits=replace(QUICK, close_s=30.0))
    assert took_s < 5


def test_a_client_that_does_not_read_is_cut_off(tmp_path: Path) -> None:
    """What it did not take in time it does not get later."""
    answer = bytes(4_000_000)

    async def scene(proxy: Running, far: FarSide) -> int:
        async with opened(proxy, far) as (reader, writer):
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(b"x")
            await eventually(lambda: not proxy.proxy._tasks)
            reader._transport.resume_reading()  # type: ignore[attr-defined]
            with contextlib.suppress(ConnectionError):
                return len(await reader.read())
        return 0

    taken, (line,) = played(tmp_path, scene, answer=answer, limits=replace(QUICK, total_s=0.3, close_s=0.2))
    assert 0 < line["bytes_in"] < len(answer)
    assert taken < line["bytes_in"]


def test_nobody_is_read_faster_than_the_far_side_reads(tmp_path: Path) -> None:
    """What a far side does not take stays with the client, and not in the proxy's memory."""
    many = 64_000_000

    async def main() -> None:
        done = asyncio.Event()

        async def deaf(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await done.wait()
            writer.close()

        far = await asyncio.start_server(deaf, "127.0.0.1", 0)
        port = far.sockets[0].getsockname()[1]
        guard = Guard(frozenset({f"far.example:{port}"}), allow_private=True)
        limits = replace(QUICK, total_s=0.5, close_s=0.1, bytes_each_way=2 * many)
        async with proxied(tmp_path, guard, resolve=to(HERE), limits=limits) as proxy:
            async with proxy.line() as (reader, writer):
                writer.write(connect(f"far.example:{port}") + bytes(many))
                with contextlib.suppress(ConnectionError):
                    await reader.read()
                writer.transport.abort()
            done.set()
        far.close()

    with structlog.testing.capture_logs() as logs:
        asyncio.run(main())
    assert 0 < logs[0]["bytes_out"] < many / 2


def test_a_proxy_has_its_caps_unless_others_are_given(tmp_path: Path) -> None:
    """As the role starts it."""

    async def main() -> int:
        async with far_side("127.0.0.1") as far:
            guard, stopping = Guard(frozenset({f"far.example:{far.port}"}), allow_private=True), asyncio.Event()
            proxy = Running(tmp_path / "egress.sock", Proxy(guard, resolve=to(HERE)))
            serving = asyncio.create_task(serve(proxy.proxy, proxy.path, stopping))
            await eventually(proxy.path.exists)
            told = status(await refused(proxy, far))
            stopping.set()
            await serving
            return told

    assert asyncio.run(main()) == 200
