"""Out through an egress proxy: its unix socket is asked for one host and port, and TLS begins inside the tunnel.

Rules
  1. The proxy is told ``CONNECT host:port`` and nothing else (RFC 9110, 9.3.6). TLS runs from here to the platform:
     the proxy sees neither request nor answer.
  2. Whatever is not the proxy's 200 is :class:`TunnelRefused`: nothing of a request has left.
  3. No name is resolved here, and no other way is tried.

Example::

    → CONNECT open.tiktokapis.com:443 HTTP/1.1
      Host: open.tiktokapis.com:443

    ← HTTP/1.1 200 Connected            (a TLS handshake with open.tiktokapis.com follows)
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

MAX_ANSWER_BYTES = 256
"""The proxy's answer is one line and an empty one."""

_ANSWER = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) ([ -~]*)\r\n\r\n")


class TunnelRefused(OSError):
    """The proxy did not open the way; the message says what it said."""


async def tunnel(egress: Path, authority: str) -> socket.socket:
    """A connection to ``authority`` (``host:port``) through the proxy at ``egress``. Raises TunnelRefused."""
    loop, sock = asyncio.get_running_loop(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        await loop.sock_connect(sock, str(egress))
        await loop.sock_sendall(sock, f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        await _accepted(sock)
    except TunnelRefused:
        sock.close()
        raise
    except OSError as error:
        sock.close()
        raise TunnelRefused(f"the egress proxy cannot be reached ({error.strerror}): is its role running?") from error
    except BaseException:
        sock.close()
        raise
    return sock


async def _accepted(sock: socket.socket) -> None:
    """Read the proxy's answer, and not one byte more: what follows is the platform's. Raises TunnelRefused."""
    loop, answer = asyncio.get_running_loop(), b""
    while not answer.endswith(b"\r\n\r\n") and len(answer) < MAX_ANSWER_BYTES:
        byte = await loop.sock_recv(sock, 1)
        if not byte:
            break
        answer += byte
    said = _ANSWER.fullmatch(answer)
    if said is None:
        raise TunnelRefused("the egress proxy closed without a sound answer")
    if said[1] != b"200":
        raise TunnelRefused(f"the egress proxy refused: {said[1].decode()} {said[2].decode()}")


class TunnelConnector(aiohttp.BaseConnector):
    """aiohttp's pool of connections, each one opened through the proxy at ``egress``."""

    def __init__(self, egress: Path, **pool: Any) -> None:
        super().__init__(**pool)
        self._egress = egress
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's
    ) -> ResponseHandler:
        del traces, timeout  # one time limit covers the whole request
        host = req.connection_key.host
        name = f"[{host}]" if ":" in host else host
        try:
            sock = await tunnel(self._egress, f"{name}:{req.connection_key.port}")
        except TunnelRefused as refused:
            raise aiohttp.ClientConnectorError(req.connection_key, refused) from refused
        try:
            tls, inside = (self._tls, host) if req.is_ssl() else (None, None)
            made = await self._loop.create_connection(self._factory, sock=sock, ssl=tls, server_hostname=inside)
        except ssl.SSLCertVerificationError as error:
            raise aiohttp.ClientConnectorCertificateError(req.connection_key, error) from error
        except ssl.SSLError as error:
            raise aiohttp.ClientConnectorSSLError(req.connection_key, error) from error
        except OSError as error:
            raise aiohttp.ClientConnectorError(req.connection_key, error) from error
        return made[1]
