"""The one HTTP client; with ``channels.smtp``, which goes by the same policy, the only way out.

Rules
  1. Only hosts on the allow-list are called, over https unless the policy says otherwise. Redirects are answers, not
     orders; proxies from the environment and cookies are ignored.
  2. The address is checked at the moment of connecting, on the very address that is connected to: without
     ``allow_private`` nothing but public addresses is reached, whatever a name resolves to.
  3. One request is sent at most once; only GET and HEAD may be sent again when a kept-alive connection turns out
     stale. Whatever publishes shares connections that were in use a moment ago (:data:`IDLE_S`): a fan-out does not
     shake hands for every send, and no server gives up a connection that soon. (aiohttp by itself re-sends PUT and
     DELETE after a lost connection; :func:`_send_once` stops that.)
  4. An answer is read within one total time, up to 64 headers and 256 KiB, uncompressed
     (reference: reliability 4). Whatever breaks a cap is as good as no answer.
  5. An error names the host and nothing else of the URL, and carries no aiohttp error with it, because those hold
     headers and queries.
  6. Where the policy names an egress proxy, that is the only way: nothing is resolved or connected to from here.

Errors: which one is raised says whether a repeat is safe::

    TransportError            code, message
    ├── NotSent               no byte of the request left: refused here, DNS, connect, TLS, waiting for a connection
    └── Ambiguous             the far side may have acted: read timeout, reset, closed without answer, oversize,
                              compressed or lying answer

Example::

    http = Http(HttpPolicy(hosts=frozenset({"api.x.com"})))
    answer = await http.request("POST", "https://api.x.com/2/tweets", json={"text": text}, timeout_s=10)
    if answer.status == 201 and (body := answer.json()): ...
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json as jsonlib
import math
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from channels.contract import Outcome, Verdict
from channels.tunnel import TunnelConnector, TunnelRefused

MAX_BODY_BYTES = 256 * 1024
LARGE_BYTES = 1024 * 1024  # what is more is written in pieces, so that the event loop goes on meanwhile
MAX_HEADERS = 64
MAX_HEADER_BYTES = 8190
MAX_CONNECTIONS = 256
IDLE_S = 2.0
"""For so long a connection that nobody uses may be used again; servers wait 5 s (Node.js) to 75 s (nginx)."""

_REPEATABLE = frozenset({"GET", "HEAD"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
"""All that was ever given out of IPv6 for the public internet (IANA, IPv6 address space)."""

_NEVER = [ipaddress.ip_network(name) for name in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "3fff::/20")]
"""What ``is_global`` lets pass: protocol assignments, 6to4 relays (RFC 7526), the address under which Azure tells a
machine about itself, documentation (RFC 9637)."""


class TransportError(Exception):
    """No usable answer. ``code`` is a short word for records; the message is for people and holds no secret."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def outcome(self) -> Outcome:
        """The outcome of a publishing call that ended so: deferred where nothing was sent, else in doubt."""
        verdict = Verdict.DEFERRED if isinstance(self, NotSent) else Verdict.IN_DOUBT
        return Outcome(verdict, reason=str(self), code=self.code)


class NotSent(TransportError):
    """No byte of the request left. Codes: refused, dns, connect, tls, address, egress, connect_timeout."""


class Ambiguous(TransportError):
    """The request may have arrived. Codes: read_timeout, disconnected, protocol, body, encoding, too_large."""


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """Where a client may go.

    ``hosts`` are ``host`` (the scheme's own port) or ``host:port``, lower case, IPv6 in brackets.
    ``allow_private`` is for the simulator and for test deployments only. ``egress`` is the socket of the proxy that
    is the only way out; it goes by a list of its own, and says which addresses may be reached. ``most_bytes`` is the
    largest answer that is read.
    """

    hosts: frozenset[str]
    allow_private: bool = False
    https_only: bool = True
    egress: Path | None = None
    most_bytes: int = MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``headers`` ignores case; it and ``body`` stay out of ``repr``, for they may hold tokens."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    elapsed_ms: float

    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None where it is anything else."""
        try:
            value = jsonlib.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def outcome(
        self, verdict: Verdict, code: str = "", reason: str = "", *, wide: bool = False, **more: Any
    ) -> Outcome:
        """The outcome that this answer is taken to prove; ``wide`` where it concerns all that the account sends."""
        told = {"account_wide": wide, "status": self.status, "provider_ms": self.elapsed_ms, **more}
        return Outcome(verdict, reason, code, **told)

    def retry_after_s(self, now: datetime) -> float | None:
        """``Retry-After`` in seconds from ``now``, given as seconds or as a date; None where absent or senseless."""
        value = self.headers.get("Retry-After", "").strip()
        if value.isascii() and value.isdigit():
            return float(value[:9])
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, math.ceil((aware - now).total_seconds()))


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


class Http:
    """The client of one process and policy. Use inside one event loop; call :meth:`close` at its end."""

    def __init__(self, policy: HttpPolicy) -> None:
        self._policy = policy
        self._opened: aiohttp.ClientSession | None = None

    @property
    def policy(self) -> HttpPolicy:
        """Where this client may go: what speaks another protocol for the same account goes by it too."""
        return self._policy

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        data: bytes | None = None,
        params: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> Answer:
        """Send one request and read its answer within ``timeout_s`` in total.

        At most one of ``json``, ``form`` and ``data`` gives the body. Raises NotSent or Ambiguous; any status,
        3xx included, is an answer.
        """
        request = self._prepare(method, url, headers or {}, params, _body(json, form, data))
        progress = _Progress()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(request, progress)
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
        params: Mapping[str, str] | None,
        content: tuple[str, bytes] | None,
    ) -> _Request:
        target = self._allowed(url)
        sent = CIMultiDict(headers)
        if any(not value.isprintable() for pair in sent.items() for value in pair):
            raise NotSent("refused", f"{target.host}: a header holds a control character; check the credential")
        sent["Accept-Encoding"] = "identity"
        if content:
            sent.setdefault("Content-Type", content[0])
        return _Request(method.upper(), target.update_query(params or {}), sent, content[1] if content else None)

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

    async def _exchange(self, request: _Request, progress: _Progress) -> Answer:
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
            body = await _read(response, self._policy.most_bytes)
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


def multipart(fields: Mapping[str, str], name: str, mime: str, data: bytes) -> tuple[str, bytes]:
    """A form with one file: its content type and its body, the same bytes for the same form (RFC 7578)."""
    boundary = hashlib.sha256(data).hexdigest()
    parts = [(f'name="{key}"', "text/plain; charset=utf-8", value.encode()) for key, value in fields.items()]
    parts.append((f'name="{name}"; filename="{name}"', mime, data))
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {about}\r\nContent-Type: {kind}\r\n\r\n".encode()
        + value
        + b"\r\n"
        for about, kind, value in parts
    )
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet; looks inside v4-mapped and NAT64 addresses.

    Private, loopback, link-local (the metadata services'), multicast, reserved and tunnelled addresses do not.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip.ipv4_mapped
        if inner is not None:
            return is_public(str(inner))
        if ip not in _UNICAST or ip.sixtofour is not None or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NEVER)


def _body(json: Any, form: Mapping[str, str] | None, data: bytes | None) -> tuple[str, bytes] | None:
    if sum(part is not None for part in (json, form, data)) > 1:
        raise ValueError("give one of json, form and data")
    if json is not None:
        return "application/json", jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
    if form is not None:
        return "application/x-www-form-urlencoded", urlencode(form).encode()
    return None if data is None else ("application/octet-stream", data)


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
