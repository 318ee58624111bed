"""What every request passes first, and what every answer carries, whoever asks.

Rules
  1. The name in ``Host`` is one of ours: the address listened on, localhost, the public address of the settings. So a
     foreign name that was made to point here (DNS rebinding) reaches nothing.
  2. What changes something comes from a page of ours: ``Sec-Fetch-Site`` is same-origin, or, where a browser sends
     none (it sends it to trustworthy addresses only), ``Origin`` is ours.
  3. A body is at most 64 kB. One that says more is refused unread; one that says nothing is counted.
  4. Every answer has the headers below, also those that say what was refused and what failed.

The referrer policy is ``same-origin`` and not ``no-referrer``: with the latter browsers send ``Origin: null`` with
our own forms (WHATWG Fetch, "append a request Origin header"), and rule 2 could not tell them from foreign ones.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dispatcher.settings import ConsoleSettings

BODY_MOST = 64 * 1024
"""Bytes of a request's body; a form of the console has a few hundred."""

CHANGING_NOTHING = ("GET", "HEAD", "OPTIONS")
LOCAL = ("127.0.0.1", "localhost", "[::1]")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Guard:
    """The middleware. ``address`` is the public one of the settings, or empty; ``listen`` host and port of them."""

    def __init__(self, app: ASGIApp, address: str = "", listen: str = "") -> None:
        self._app = app
        public = urlsplit(address)
        self._public = {public.netloc.lower(): f"{public.scheme}://{public.netloc}".lower()} if public.netloc else {}
        self._listen = listen.rpartition(":")[0].lower()
        self._headers = dict(HEADERS)
        if public.scheme == "https":
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = _Asked(receive)
        answer = _Answer(send, self._headers)
        refused = self._refused(scope)
        try:
            if refused is not None:
                await refused(scope, receive, answer)
            else:
                await self._app(scope, asked, answer)
        except Exception:
            if not answer.begun:
                await _says(FAULT, "The console has made a fault. dispatcher status says the same.")(
                    scope, receive, answer
                )
            raise

    def _refused(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        origins = self._origins(scope)
        hosts = [host.lower() for host in headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in origins:
            return _says(421, f"This console is not served under that name. Use {' or '.join(origins.values())}.")
        if scope["method"] not in CHANGING_NOTHING and not _ours(headers, origins[hosts[0]]):
            return _says(403, "This was not sent from a page of this console. Open the page and try again.")
        said = headers.get("content-length", "0")
        if not said.isascii() or not said.isdigit() or int(said[:20]) > BODY_MOST:
            return _says(TOO_LARGE_CODE, TOO_LARGE)
        return None

    def _origins(self, scope: Scope) -> dict[str, str]:
        """The names that this console is served under, each with its origin."""
        server = scope.get("server") or ("", None)
        port = server[1]
        if port is None:
            return dict(self._public)
        hosts = [*LOCAL, self._listen]
        hosts += [server[0] if ":" not in server[0] else f"[{server[0]}]"] if _is_address(server[0]) else []
        ours: dict[str, str] = {}
        for host in filter(None, hosts):
            for name in _named(host, port):
                ours[name] = f"http://{name}"
        return {**ours, **self._public}


class GuardedApp(Starlette):
    """An application with the guard before everything, the page that says what failed included."""

    def __init__(self, console: ConsoleSettings, routes: Sequence[BaseRoute], **more: Any) -> None:
        self._console = console
        super().__init__(routes=routes, **more)

    def build_middleware_stack(self) -> ASGIApp:
        """As Starlette does, inside the guard."""
        return Guard(super().build_middleware_stack(), self._console.address, self._console.listen)


class _Asked:
    """Counts what comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._bytes = receive, 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            if self._bytes > BODY_MOST:
                raise HTTPException(TOO_LARGE_CODE, TOO_LARGE)
        return message


class _Answer:
    """Puts the headers on."""

    def __init__(self, send: Send, headers: dict[str, str]) -> None:
        self._send, self._headers, self.begun = send, headers, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
            if message["status"] == FAULT:
                headers["Connection"] = "close"  # the server closes after a fault; nobody shall send another after it
        await self._send(message)


def _named(host: str, port: int) -> Iterable[str]:
    """A host as ``Host`` has it; browsers leave the port of the scheme out."""
    return (f"{host}:{port}", host) if port == DEFAULT_PORT else (f"{host}:{port}",)


def _ours(headers: Headers, origin: str) -> bool:
    sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    return sites == ["same-origin"] if sites else origins == [origin]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _says(status: int, words: str) -> PlainTextResponse:
    return PlainTextResponse(
        f"{words}\n", status, headers={"Connection": "close"} if status == TOO_LARGE_CODE else None
    )


DEFAULT_PORT = 80
FAULT = 500
TOO_LARGE_CODE = 413
TOO_LARGE = f"That is more than {BODY_MOST // 1024} kB. Shorten what you typed."
