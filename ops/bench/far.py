"""A far side that does as good as nothing else: it reads a request, waits, answers, and counts.

The simulator plays platforms in detail and would itself be what is measured. This one takes whatever webhooks and
GOV.UK Notify are sent, in a process of its own, for every rival alike::

    with far_side() as far:
        far.reset(delay_ms=50)
        ...                                   # post to f"{far.url}/webhook/…"
        far.counted().last                    # the machine's monotonic time at which the last answer left
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any

import uvloop

ILL = b"POST /webhook/ill-"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"(?:webhook-id: *|\"reference\": *\")([^\r\"]+)", re.IGNORECASE)
_BODY = b'{"id": "740e5834-3a29-46b4-9a6f-16142fde533a"}'
_TAKEN = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY


@dataclass
class Counted:
    """Requests so far, those that came with a key that was seen before, and ``time.monotonic()`` of both ends.

    ``p95`` is when 95 % of those had come that are not to the ill provider.
    """

    requests: int = 0
    doubled: int = 0
    first: float = 0.0
    last_received: float = 0.0
    last: float = 0.0
    p95: float = 0.0


class _Side:
    """What all connections share."""

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, delay_ms: float, ill_ms: float = 0) -> None:
        self.delay_s = delay_ms / 1000
        self.ill_s = (ill_ms or delay_ms) / 1000
        self.counted = Counted()
        self.keys: set[bytes] = set()
        self.well: list[float] = []

    def received(self, request: bytes) -> float:
        """Count a request; returns for how many seconds its answer waits."""
        counted, now = self.counted, time.monotonic()
        counted.first, counted.last_received = counted.first or now, now
        counted.requests += 1
        if key := _KEY.search(request):
            counted.doubled += key[1] in self.keys
            self.keys.add(key[1])
        if request.startswith(ILL):
            return self.ill_s
        self.well.append(now)
        return self.delay_s

    def answered(self) -> None:
        self.counted.last = time.monotonic()


class _Connection(asyncio.Protocol):
    def __init__(self, side: _Side) -> None:
        self._side, self._left = side, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._left += data
        while (end := self._left.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._left, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._left) < whole:
                return
            request, self._left = self._left[:whole], self._left[whole:]
            self._take(request)

    def _take(self, request: bytes) -> None:
        if request.startswith((b"GET /_far ", b"POST /_far ")):
            self._ordered(request)
            return
        wait_s = self._side.received(request)
        if wait_s:
            asyncio.get_running_loop().call_later(wait_s, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        self._side.answered()
        if not self._transport.is_closing():
            self._transport.write(_TAKEN)

    def _ordered(self, request: bytes) -> None:
        if request.startswith(b"POST"):
            self._side.reset(**json.loads(request.partition(b"\r\n\r\n")[2]))
        elif self._side.well:
            self._side.counted.p95 = self._side.well[max(0, math.ceil(0.95 * len(self._side.well)) - 1)]
        body = json.dumps(asdict(self._side.counted)).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@dataclass(frozen=True, slots=True)
class Far:
    """A running far side, seen from another process."""

    url: str

    def reset(self, delay_ms: float, ill_ms: float = 0) -> None:
        """Count from nought, and answer after so long; the ill provider, whose accounts are named after it, after
        ``ill_ms``."""
        self._ask({"delay_ms": delay_ms, "ill_ms": ill_ms})

    def counted(self) -> Counted:
        """What came since."""
        return self._ask(None)

    def _ask(self, order: dict[str, float] | None) -> Counted:
        data = None if order is None else json.dumps(order).encode()
        with urllib.request.urlopen(f"{self.url}/_far", data, timeout=10) as answer:  # noqa: S310 - our own server
            return Counted(**json.loads(answer.read()))


@contextmanager
def far_side() -> Iterator[Far]:
    """Serve on a free port until the end of the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening:
        process = get_context("fork").Process(target=_serve, args=(listening,), daemon=True)
        process.start()
        try:
            yield Far(f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            process.terminate()
            process.join()


def _serve(listening: socket.socket) -> None:
    async def serve() -> None:
        side = _Side()
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(side), sock=listening)
        await server.serve_forever()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
    sys.exit(0)
