"""The fault menu: what can go wrong between us and a platform (reference: platforms 15).

A fault wraps the moment at which the platform acts. The pair ACT_THEN_DROP and DROP looks the same from outside: it
is the test that an adapter looks things up and does not guess.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web


class FaultKind(StrEnum):
    """What happens to one request; "acts" says whether the platform did what it was asked."""

    STALL = "stall"  # reads nothing, answers nothing for delay_s, then drops
    DROP = "drop_without_acting"  # reads all, does nothing, drops
    REFUSE = "refuse"  # does nothing, answers `status` with `body`, or with a page where there is none
    THROTTLE = "throttle"  # does nothing, answers 429; with a hint where delay_s > 0
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a word; does nothing, answers as for an expired token
    ERROR_INSIDE = "error_inside"  # does nothing, answers 2xx with an error in the body
    ECHO = "echo"  # does nothing, answers 400 with all that the request's headers held
    ACT_THEN_DROP = "act_then_drop"
    ACT_THEN_ERROR = "act_then_error"  # acts, answers `status`
    LATE = "late"  # acts, answers after delay_s
    LAG = "lag"  # acts and answers; read-back shows it after delay_s
    HIDE = "hide"  # acts and answers; read-back never shows it
    ACT_THEN_HTML = "act_then_html"  # acts, answers 200 with a page
    ACT_THEN_BAD_JSON = "act_then_bad_json"
    ACT_THEN_LYING_LENGTH = "act_then_lying_length"
    ACT_THEN_HUGE = "act_then_huge"
    ACT_THEN_DRIP = "act_then_drip"  # acts, answers a byte now and then for ever
    ACT_THEN_COMPRESSED = "act_then_compressed"


_IDLE = frozenset(
    {
        FaultKind.DROP,
        FaultKind.REFUSE,
        FaultKind.THROTTLE,
        FaultKind.TOKEN_EXPIRED,
        FaultKind.ERROR_INSIDE,
        FaultKind.ECHO,
    }
)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
_PACKED = gzip.compress(b'{"data":{"id":"1"}}', mtime=0)
_RAW: Mapping[FaultKind, bytes] = {
    FaultKind.ACT_THEN_BAD_JSON: _HEAD + b'Content-Length: 9\r\n\r\n{"data":{',
    FaultKind.ACT_THEN_LYING_LENGTH: _HEAD + b'Content-Length: 999\r\n\r\n{"data":{}}',
    FaultKind.ACT_THEN_HUGE: _HEAD + b"Content-Length: 1048576\r\n\r\n" + b" " * 1048576,
    FaultKind.ACT_THEN_COMPRESSED: _HEAD
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_PACKED)
    + _PACKED,
}
PAGE = "<!doctype html><title>Something went wrong</title>"


@dataclass(frozen=True, slots=True)
class Fault:
    """An order for the next ``times`` calls of one kind to one provider whose account contains ``match``.

    ``on`` is a kind of route (publish, withdraw, upload, read, session). ``delay_s``, ``status`` and ``body``, which
    is JSON, mean what the kind says. With ``every``, all but each so-manieth of those calls are spared.
    """

    provider: str
    kind: FaultKind
    times: int = 1
    match: str = ""
    on: str = "publish"
    delay_s: float = 0.0
    status: int = 503
    every: int = 1
    body: str = ""

    def meets(self, provider: str, on: str, account: str) -> bool:
        """Whether a call is one of those."""
        return self.provider == provider and self.on == on and self.match in account


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int
    met: int = 0


class FaultMenu:
    """The faults that are armed."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def arm(self, fault: Fault) -> None:
        """Order a fault, behind those already armed."""
        self._armed.append(_Armed(fault, fault.times))

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def take(self, provider: str, on: str, account: str) -> Fault | None:
        """The fault for this call, used up by one; None where none is armed."""
        for armed in self._armed:
            if not armed.fault.meets(provider, on, account):
                continue
            armed.met += 1
            if armed.met % armed.fault.every:
                continue
            armed.left -= 1
            if not armed.left:
                self._armed.remove(armed)
            return armed.fault
        return None


Act = Callable[[], Awaitable[web.StreamResponse]]


async def suffer(
    fault: Fault, request: web.Request, act: Act, refusal: Callable[[Fault], web.Response]
) -> web.StreamResponse:
    """Handle one request under a fault: decide whether the platform acts, and what the caller hears of it."""
    if fault.kind is FaultKind.STALL:
        await asyncio.sleep(fault.delay_s or 3600)
        return _drop(request)
    if fault.kind in _IDLE:
        return await _idle(fault, request, refusal)
    answer = await act()
    if fault.kind is FaultKind.ACT_THEN_DROP:
        return _drop(request)
    if fault.kind is FaultKind.ACT_THEN_ERROR:
        return web.Response(status=fault.status, text=PAGE, content_type="text/html")
    if fault.kind is FaultKind.ACT_THEN_HTML:
        return web.Response(text=PAGE, content_type="text/html")
    if fault.kind is FaultKind.ACT_THEN_DRIP:
        return await _drip(request)
    if fault.kind in _RAW:
        return _drop(request, _RAW[fault.kind])
    if fault.kind is FaultKind.LATE:
        await asyncio.sleep(fault.delay_s)
    return answer


async def _idle(fault: Fault, request: web.Request, refusal: Callable[[Fault], web.Response]) -> web.StreamResponse:
    if fault.kind is FaultKind.DROP:
        return _drop(request)
    if fault.kind is FaultKind.ECHO:
        heard = " ".join(request.headers.values())
        return web.json_response({"title": heard, "detail": heard, "error": heard, "message": heard}, status=400)
    if fault.kind is FaultKind.REFUSE:
        kind = "application/json" if fault.body else "text/html"
        return web.Response(status=fault.status, text=fault.body or PAGE, content_type=kind)
    return refusal(fault)


def _drop(request: web.Request, raw: bytes = b"") -> web.Response:
    """Close the connection, after ``raw`` where given; the response returned reaches nobody."""
    if request.transport is not None:
        request.transport.write(raw)
        request.transport.close()
    return web.Response(status=500)


async def _drip(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    with contextlib.suppress(ConnectionResetError):
        await answer.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await answer.write(b" ")
            await asyncio.sleep(0.02)
    return answer
