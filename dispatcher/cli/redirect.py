"""Hearing where a browser was sent after somebody consented: on this machine's loopback, or from the keyboard.

Rules (RFC 8252, 7.3 and 8.3)
  1. It listens on loopback only, while one question is open, and takes one answer: the first request to the path of
     the redirect that carries one. Whether that answers our question is for who asked to check.
  2. An answer holds a code. It is in no log, and is not shown as it is typed.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, urlsplit

import click

from dispatcher.cli.errors import NeedsTerminal
from dispatcher.domain.errors import Invalid, Unavailable

LOOPBACK = ("127.0.0.1", "localhost")
IDLE_S = 5.0
"""How long a connection that says nothing is kept: browsers open some beforehand."""

DONE = b"<!doctype html><title>Dispatcher</title><p>You can close this window and go back to the terminal.\n"


class Redirected(Protocol):
    """Where a browser is sent, and how that is heard of."""

    url: str

    def wait(self, seconds: float) -> str:
        """The whole address that it was sent to. Raises Unavailable, NeedsTerminal."""


@contextmanager
def heard(redirect: str, *, paste: bool) -> Iterator[Redirected]:
    """Listen at ``redirect``, or at a free port where it is empty; ask for it where it is elsewhere or ``paste``.

    Raises Invalid for what is no address, Unavailable where its port is taken.
    """
    target = _target(redirect or f"http://{LOOPBACK[0]}")
    if paste or target.scheme == "https" or target.hostname not in LOOPBACK:
        yield _Keyboard(redirect or f"http://{LOOPBACK[0]}/")
        return
    try:
        server = _Server((LOOPBACK[0], target.port or (80 if redirect else 0)), _Answer)
    except OSError as error:
        raise Unavailable(
            f"port {target.port or 80} cannot be listened on: {error.strerror}", "free it, or give --paste"
        ) from error
    server.path = target.path or "/"
    server.url = redirect or f"http://{LOOPBACK[0]}:{server.server_port}/"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _target(redirect: str) -> SplitResult:
    """An address to send a browser to, in its parts. Raises Invalid."""
    with suppress(ValueError):  # of a host that is none, or a port
        target = urlsplit(redirect)
        plain = not target.query and not target.fragment and target.port != 0
        if target.scheme in ("http", "https") and target.hostname and plain:
            return target
    raise Invalid(f"{redirect!r} is no address to send a browser to", "give it as the app has it registered")


class _Keyboard:
    def __init__(self, url: str) -> None:
        self.url = url

    def wait(self, seconds: float) -> str:
        del seconds  # a person takes the time they need; the platform says when a code is too old
        if sys.stdin.isatty():
            typed: str = click.prompt("The whole address that the browser was sent to", hide_input=True, err=True)
            return typed
        if line := sys.stdin.readline():
            return line
        raise NeedsTerminal("there is nobody to paste the address", "run this on a terminal, or pipe the address in")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    url = path = ""

    def __init__(self, *address: object) -> None:
        super().__init__(*address)  # type: ignore[arg-type]
        self.answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def wait(self, seconds: float) -> str:
        try:
            return self.answers.get(timeout=seconds)
        except queue.Empty:
            raise Unavailable(
                f"no browser came back within {seconds:g} s",
                "give the command again; with --paste where the browser is on another machine",
            ) from None


class _Answer(BaseHTTPRequestHandler):
    server: _Server
    timeout = IDLE_S

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        found = asked.path == self.server.path and {"code", "error"} & set(parse_qs(asked.query))
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if found:
            self.wfile.write(DONE)
            self.server.answers.put(self.path)

    def log_message(self, *_: object) -> None:
        """Nothing: the path holds a code."""
