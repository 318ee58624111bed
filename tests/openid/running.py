"""A real OpenID provider, and the wire to it: a server in between that can change what passes."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from dispatcher.embedded.process import ending_with
from tests.servers import missing

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "build" / "openid"
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}

Form = dict[str, list[str]]


@dataclass
class Wire:
    """What stands between the console and the provider. The provider is reached under ``url`` and no other name.

    ``asked`` may change the form of a token request, ``token`` the answer to it, ``keys`` the published keys.
    """

    url: str = ""
    port: int = 0
    asked: Callable[[Form], Form] = lambda form: form
    token: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer
    keys: Callable[[dict[str, Any]], dict[str, Any]] = lambda keys: keys
    forms: list[Form] = field(default_factory=list)

    def plain(self) -> None:
        """Change nothing any more."""
        fresh = Wire()
        self.asked, self.token, self.keys, self.forms = fresh.asked, fresh.token, fresh.keys, []

    def groups(self, person: str, *groups: str) -> None:
        """Have the provider put somebody into these groups alone."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", "/test/groups", json.dumps({"person": person, "groups": groups}))
        assert connection.getresponse().status == 204
        connection.close()


@contextmanager
def provider_running(folder: Path, host: str = "127.0.0.1") -> Iterator[Wire]:
    """Run a provider that is reached under a name of the loopback address; what is missing is skipped aloud."""
    node = shutil.which("node")
    if node is None or not (MODULES / "node_modules" / "oidc-provider").is_dir():
        missing("an OpenID provider", "run `make openid` where Node.js 20, npm and its registry are at hand")
    wire = Wire()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _between(wire))
    wire.url = f"http://{host}:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [node, Path(__file__).with_name("provider.mjs"), MODULES, wire.url]
    with (folder / "provider.log").open("wb") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
        )
    try:
        assert child.stdout is not None
        line = child.stdout.readline().decode().strip()
        assert line, f"the provider did not start: {(folder / 'provider.log').read_text()[-2000:]}"
        wire.port = int(line)
        yield wire
    finally:
        child.communicate()
        server.shutdown()
        server.server_close()


def _between(wire: Wire) -> type[BaseHTTPRequestHandler]:
    class Between(BaseHTTPRequestHandler):
        """Hands every request on under its own ``Host``."""

        def do_GET(self) -> None:
            self._pass(b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if self.path == "/token":
                form = parse_qs(body.decode())
                wire.forms.append(form)
                body = urlencode(wire.asked(form), doseq=True).encode()
            self._pass(body)

        def _pass(self, body: bytes) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", wire.port, timeout=10)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            told, changed = answer.read(), {"/token": wire.token, "/jwks": wire.keys}.get(self.path)
            if changed is not None and answer.status == 200:
                told = json.dumps(changed(json.loads(told))).encode()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)
            connection.close()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Between
