"""Real far sides for these tests. ``make test-peers`` gets them where it can; what is missing is skipped aloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher.embedded.process import ending_with
from tests.peers.exim import Exim, exim_running
from tests.servers import missing

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "build" / "peers"
HANDLE, PASSWORD = "council.test", "correct horse battery"


@dataclass(frozen=True)
class Pds:
    """A PDS with one account, and an app password of it."""

    url: str
    did: str
    app_password: str

    @property
    def host(self) -> str:
        """Where it listens."""
        return self.url.removeprefix("http://")

    def call(self, method: str, **params: str) -> dict[str, Any]:
        """Ask it without any adapter, as anybody may."""
        query = "&".join(f"{name}={value}" for name, value in params.items())
        with urllib.request.urlopen(f"{self.url}/xrpc/{method}?{query}") as answer:
            told: dict[str, Any] = json.load(answer)
            return told

    def cid(self, uri: str) -> str:
        """The content identifier of a record."""
        repo, collection, rkey = uri.removeprefix("at://").split("/")
        told = self.call("com.atproto.repo.getRecord", repo=repo, collection=collection, rkey=rkey)
        return str(told["cid"])

    def commit(self) -> str:
        """The newest commit of the account's repository: whatever is written makes another."""
        return str(self.call("com.atproto.sync.getLatestCommit", did=self.did)["rev"])


@pytest.fixture(scope="session")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pds]:
    """The PDS of a session."""
    node = shutil.which("node")
    if node is None or not (MODULES / "node_modules" / "@atproto" / "pds").is_dir():
        missing("a Bluesky PDS", "run `make test-peers` where Node.js 20, npm and its registry are at hand")
    folder = tmp_path_factory.mktemp("pds")
    command = [node, Path(__file__).with_name("pds.mjs"), MODULES, folder]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "LOG_ENABLED": "false"},
            preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
        )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().decode().strip()
        assert url, f"the PDS did not start: {(folder / 'log').read_text()[-2000:]}"
        claim = {"handle": HANDLE, "email": "press@council.example", "password": PASSWORD}
        made = _post(url, "com.atproto.server.createAccount", claim, "")
        app = _post(url, "com.atproto.server.createAppPassword", {"name": "dispatcher"}, made["accessJwt"])
        yield Pds(url, made["did"], app["password"])
    finally:
        server.terminate()
        server.communicate(timeout=10)


def _post(url: str, method: str, document: dict[str, str], token: str) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"{url}/xrpc/{method}", json.dumps(document).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        told: dict[str, Any] = json.load(answer)
        return told


@pytest.fixture(scope="session")
def exim() -> Iterator[Exim]:
    """The mail server of a session."""
    with exim_running() as server:
        yield server
