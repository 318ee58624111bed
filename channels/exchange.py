"""One request and its answer over aiohttp: what the rules of ``channels.http`` come to. Only that module uses it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from types import SimpleNamespace

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from channels.calls import Ambiguous, Answer, HttpPolicy, NotSent, TransportError, is_public
from channels.tunnel import TunnelConnector, TunnelRefused

LARGE_BYTES = 1024 * 1024  # what is more is written in pieces, so that the event loop goes on meanwhile
MAX_HEADERS = 64
MAX_HEADER_BYTES = 8190
MAX_CONNECTIONS = 256
IDLE_S = 2.0
"""For so long a connection that nobody uses may be used again; servers wait 5 s (Node.js) to 75 s (nginx)."""

_REPEATABLE = frozenset({"GET", "HEAD"})


@dataclass(slots=True)
class _Progress:
    connected: bool = False


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes | None


class _AddressRefused(OSError):
    pass


class _Lost(aiohttp.ClientError):
    pass


class Exchange:
    """The connections of one client, within its policy."""

    def __init__(self, policy: HttpPolicy) -> None:
        self._policy = policy
        self._opened: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        content: tuple[str, bytes] | None,
        timeout_s: float,
        most_bytes: int | None = None,
    ) -> Answer:
        """As :meth:`channels.http.Http.request`; ``content`` is the body's type and the body."""
        request = self._prepare(method, url, headers, params, content)
        progress = _Progress()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(request, progress, most_bytes or self._policy.most_bytes)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure = _failure(error, request, progress)
        raise failure

    async def close(self) -> None:
        """Close every connection."""
        if self._opened is not None:
            await self._opened.close()
        self._opened = None

    def _prepare(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        content: tuple[str, bytes] | None,
    ) -> _Request:
        target = self._allowed(url)
        sent = CIMultiDict(headers)
        if any(not value.isprintable() for pair in sent.items() for value in pair):
            raise NotSent("refused", f"{target.host}: a header holds a control character; check the credential")
        sent["Accept-Encoding"] = "identity"
        if content:
            sent.setdefault("Content-Type", content[0])
        return _Request(method.upper(), target.update_query(params), sent, content[1] if content else None)

    def _allowed(self, url: str) -> URL:
        try:
            target = URL(url)
            host, port = target.host, target.port
        except ValueError:
            raise NotSent("refused", "this is not a URL") from None
        if not host or target.scheme not in {"https", "http"} or target.user or target.password:
            raise NotSent("refused", "only plain https URLs without user names can be called")
        if target.scheme == "http" and self._policy.https_only:
            raise NotSent("refused", f"{host}: only https is allowed")
        name = f"[{host}]" if ":" in host else host
        if f"{name}:{port}" in self._policy.hosts or (target.is_default_port() and name in self._policy.hosts):
            return target
        raise NotSent("refused", f"{name}:{port} is not on this account's list of allowed hosts")

    async def _exchange(self, request: _Request, progress: _Progress, most_bytes: int) -> Answer:
        started = time.perf_counter()
        async with self._session().request(
            request.method,
            request.url,
            headers=request.headers,
            data=BytesIO(request.body) if request.body and len(request.body) > LARGE_BYTES else request.body,
            allow_redirects=False,
            middlewares=() if request.method in _REPEATABLE else (_send_once,),
            trace_request_ctx=progress,
        ) as response:
            body = await _read(response, most_bytes)
            elapsed_ms = (time.perf_counter() - started) * 1000
            return Answer(response.status, CIMultiDictProxy(CIMultiDict(response.headers)), body, elapsed_ms)

    def _session(self) -> aiohttp.ClientSession:
        self._opened = self._opened or self._open()
        return self._opened

    def _connector(self) -> aiohttp.BaseConnector:
        if self._policy.egress:
            return TunnelConnector(self._policy.egress, limit=MAX_CONNECTIONS, keepalive_timeout=IDLE_S)
        return aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS, keepalive_timeout=IDLE_S, socket_factory=self._socket, ttl_dns_cache=30
        )

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=self._connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=False,
            max_headers=MAX_HEADERS,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            trace_configs=[_tracer()],
        )

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, peer = address
        if not self._policy.allow_private and not is_public(str(peer[0])):
            raise _AddressRefused("not a public address")
        return socket.socket(family, kind, protocol)


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    host = response.url.host
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Ambiguous("encoding", f"{host}: the answer is compressed although that was not asked for")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most_bytes:
            response.close()
            raise Ambiguous("too_large", f"{host}: the answer is larger than {most_bytes} bytes")
    return bytes(body)


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Lost from error


def _tracer() -> aiohttp.TraceConfig:
    async def connected(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.connected = True

    tracer = aiohttp.TraceConfig()
    tracer.on_connection_create_end.append(connected)
    tracer.on_connection_reuseconn.append(connected)
    return tracer


def _failure(error: Exception, request: _Request, progress: _Progress) -> TransportError:
    host = request.url.host
    if not progress.connected:
        code, why = _early(error)
        return NotSent(code, f"{host}: {why}; nothing was sent")
    code, why = _late(error)
    return Ambiguous(code, f"{host}: {why}")


def _early(error: Exception) -> tuple[str, str]:
    if isinstance(error, TimeoutError):
        return "connect_timeout", "no connection in time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "dns", "the name could not be resolved"
    if isinstance(error, aiohttp.ClientSSLError):
        return "tls", "the TLS handshake failed"
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _AddressRefused):
        return "address", "the address is private, local or reserved"
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, TunnelRefused):
        return "egress", str(error.os_error)
    return "connect", "the connection failed"


def _late(error: Exception) -> tuple[str, str]:
    if isinstance(error, TimeoutError):
        return "read_timeout", "no complete answer in time"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "body", "the answer broke off"
    if isinstance(error, aiohttp.ClientResponseError):
        return "protocol", "the answer is not sound HTTP"
    return "disconnected", "the connection was lost before an answer"
