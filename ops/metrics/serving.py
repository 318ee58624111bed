"""``/metrics`` in Prometheus' text or OpenMetrics, by what is asked for, and ``/healthz``. Threads, no event loop.

It listens on loopback unless the deployment says otherwise: there is nothing secret on it, and nothing to change.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from dispatcher.domain.errors import Unavailable
from dispatcher.settings import Settings
from ops.listening import address, host_and_port, told

URL = ("run", "metrics.url")
LINGER_S = 10.0
_PLAIN = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]


class _Quiet(WSGIRequestHandler):
    """Logs nothing: what matters of a scrape is that it came, and Prometheus knows. A silent client is let go."""

    timeout = LINGER_S

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


class Serving:
    """The server, from when it is made until ``close``. ``url`` is where, and stands in ``run/metrics.url``."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        host, port = host_and_port(settings.metrics, "metrics")
        try:
            self._server = make_server(
                host, port, _app(make_wsgi_app(registry)), ThreadingWSGIServer, handler_class=_Quiet
            )
        except OSError as error:
            hint = "give another one in deployment.toml: metrics"
            raise Unavailable(f"nothing can listen on {settings.metrics}: {error.strerror}", hint) from error
        self.url = f"{address(host, self._server.server_port)}/metrics"
        self._told = contextlib.ExitStack()
        self._told.enter_context(told(settings.path(*URL), self.url))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._told.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _app(metrics: Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]) -> Any:
    def serve(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _say(start, HTTPStatus.METHOD_NOT_ALLOWED)
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, start)
            case "/healthz":
                return _say(start, HTTPStatus.OK)
            case _:
                return _say(start, HTTPStatus.NOT_FOUND)

    return serve


def _say(start: StartResponse, status: HTTPStatus) -> Iterable[bytes]:
    start(f"{status.value} {status.phrase}", list(_PLAIN))
    return [f"{status.phrase}\n".encode()]
