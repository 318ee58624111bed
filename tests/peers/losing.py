"""A proxy that loses one answer: the platform acted, or was never asked, and the caller cannot tell which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def losing(host: str, marker: bytes, *, acts: bool) -> AsyncIterator[str]:
    """Stand before ``host`` (``host:port``); yields where. What holds ``marker`` is the last of its connection.

    With ``acts`` it is passed on, and the connection is cut when the answer comes; without, it is cut at once. After
    that one loss everything passes.
    """
    name, _, port = host.rpartition(":")
    to_lose = [marker]
    at_work: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(name, int(port))
        answers = asyncio.create_task(_pass_on(far_reader, writer))
        try:
            while said := await reader.read(65_536):
                if not (to_lose and to_lose[0] in said):
                    far_writer.write(said)
                    continue
                to_lose.clear()
                if acts:
                    answers.cancel()
                    await asyncio.gather(answers, return_exceptions=True)
                    far_writer.write(said)
                    await far_reader.read(1)
                break
        finally:
            answers.cancel()
            for one in (writer, far_writer):
                one.transport.abort()

    def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at_work.add(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(keep, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


async def _pass_on(far: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await far.read(65_536):
        writer.write(said)
    writer.close()
