"""A sender behind a real socket: in this process, or in one of its own that can be killed.

As a program, ``python -m tests.sending.socketed FOLDER SOCKET`` serves a house in FOLDER whose platform never answers
and leaves a file ``reached`` there when it is called.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from channels.contract import DeliveryKind, Job, Note, Outcome
from dispatcher.sending import wire
from dispatcher.sending.permit import Sender
from dispatcher.sending.probing import Prober
from dispatcher.sending.server import serve
from dispatcher.sending.sockets import short_address
from tests.builders import ACCOUNTS, Drafted, draft
from tests.memory_channel import MemoryChannel
from tests.sending.kit import House

T = TypeVar("T")
LONG_S = 10.0


class Run(Protocol):
    """Runs one async test on an event loop."""

    def __call__(self, main: Callable[[], Awaitable[T]]) -> T:
        """Run it to its end."""


class Hanging(MemoryChannel):
    """A platform that says when it is called and answers when it is let go."""

    def __init__(self, say: Callable[[], object] | None = None) -> None:
        super().__init__()
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self._say = say or (lambda: None)

    async def _act(self, did: DeliveryKind, job: Job) -> Outcome:
        self._say()
        self.reached.set()
        await self.go_on.wait()
        return await super()._act(did, job)


class Noting(MemoryChannel):
    """A platform that gives a handle first and wants it kept."""

    def __init__(self, *handles: str) -> None:
        super().__init__()
        self.handles = handles

    async def send(self, job: Job, note: Note) -> Outcome:
        """Note every handle, then publish."""
        for handle in self.handles:
            await note(handle)
        return await super().send(job, note)


class Place(House):
    """A house with platforms of one's choosing."""

    def put(self, channel: str, platform: MemoryChannel, timeout_s: float = LONG_S) -> None:
        """Put a platform in the place of a channel's."""
        self.platforms[channel] = platform
        account = ACCOUNTS[channel].id
        self._outlets[account] = replace(self._outlets[account], adapter=platform, timeout_s=timeout_s)


@asynccontextmanager
async def serving(
    sender: Sender,
    path: Path,
    *,
    timeout_s: float = LONG_S,
    allowed: Collection[int] | None = None,
    prober: Prober | None = None,
) -> AsyncIterator[asyncio.Event]:
    """Serve a sender at ``path``; yields the event that stops it."""
    stopping = asyncio.Event()
    task = asyncio.create_task(serve(sender, path, stopping, timeout_s=timeout_s, allowed=allowed, prober=prober))
    await eventually(lambda: task.done() or path.exists())
    try:
        yield stopping
    finally:
        stopping.set()
        await task


@asynccontextmanager
async def pretending(
    path: Path, pretend: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> AsyncIterator[None]:
    """Let something else than a sender listen at ``path``."""
    talks: set[asyncio.Task[None] | None] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        await pretend(reader, writer)
        with suppress(OSError):
            await writer.wait_closed()

    path.parent.mkdir(parents=True)
    with short_address(path) as address:
        server = await asyncio.start_unix_server(connected, address)
    async with server:
        yield
    await asyncio.gather(*filter(None, talks))


async def whole_frame(reader: asyncio.StreamReader) -> bytes:
    """Read one frame as a sender would."""
    (length,) = wire.LENGTH.unpack(await reader.readexactly(4))
    return await reader.readexactly(length)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(LONG_S):
        while not condition():  # noqa: ASYNC110 - files and other processes set no event
            await asyncio.sleep(0.005)


async def talk(path: Path, *frames: bytes, half_close: bool = False) -> bytes:
    """Write raw bytes and return all that comes back until the other side hangs up."""
    with short_address(path) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    try:
        for frame in frames:
            writer.write(frame)
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(LONG_S):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def planned() -> Drafted:
    """The plan that both processes know."""
    return draft("x")


async def _main(folder: Path, path: Path) -> None:
    house = Place(folder, planned())
    house.put("x", Hanging((folder / "reached").touch))
    await serve(house.sender, path, asyncio.Event(), timeout_s=LONG_S)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), Path(sys.argv[2])))
