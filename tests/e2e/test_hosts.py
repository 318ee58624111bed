"""Two hosts: one PostgreSQL, one Redis over TCP, a deployment folder each with its own sender files.

X is the first host's account and the webhook the second's, because each credential lies on one; both hold the text
messages'. Nothing else tells them apart.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import redis

from dispatcher.bootstrap import open_desk
from dispatcher.domain.statement import Mode
from dispatcher.embedded.errors import RedisMissing
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.redis import private_redis
from tests.e2e.deployment import BOTH, LIST_SIZE, Cleared, Deployment, deployment_at
from tests.e2e.processes import process
from tests.servers import PostgresServer, missing, until

pytestmark = pytest.mark.system

ROLES = ("relay", "accounts", "recipients")
ACCOUNTS = ("x-city", "webhook-council", "sms-city")


@contextmanager
def redis_over_tcp(root: Path) -> Iterator[str]:
    """A Redis that both hosts reach over the network."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(root)]
    with process([_redis_binary(root), *words], root / "redis.log"), redis.Redis(port=port) as client:
        until(lambda: _answers(client), "Redis answers")
        yield f"redis://127.0.0.1:{port}/0"


def _redis_binary(root: Path) -> Path:
    try:
        return private_redis(Folder(root)).binary
    except RedisMissing as error:
        missing("redis-server", str(error))


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@dataclass
class Host:
    """One host: its deployment folder, and its roles while they run."""

    site: Deployment
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self, *roles: str) -> None:
        """Start roles, all unless named, and wait until they say so."""
        for role in roles or ROLES:
            self.running[role] = self.stack.enter_context(self.site.role(role, Mode.EXERCISE))
        for role in roles or ROLES:
            until(partial(self._begun, role), f"{role} starts", 60)

    def _begun(self, role: str) -> bool:
        opened = role == "relay" or self._spent_file(role).exists()
        return opened and "started" in self.site.log(f"{role}-{Mode.EXERCISE}").read_text()

    def kill(self) -> None:
        """As when its power fails."""
        for child in self.running.values():
            child.kill()
        for child in self.running.values():
            child.wait()

    def drain(self, role: str) -> int:
        """Ask a role to stop; how it ended."""
        self.running[role].send_signal(signal.SIGTERM)
        return self.running[role].wait(30)

    def spent(self, role: str, event: str) -> int:
        """How many of an event this host's own spent file of a role holds."""
        return self._spent_file(role).read_text().count(f'"event":"{event}"')

    def _spent_file(self, role: str) -> Path:
        return self.site.folder / "sender" / "exercise" / role / "spent.jsonl"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[tuple[Host, Host]]:
    """Both hosts, with every role running on each."""
    root = tmp_path_factory.mktemp("hosts")
    servers = {"database": postgres_server.create_database("hosts")}
    with redis_over_tcp(root) as url, deployment_at(root / "first", redis=url, **servers) as site:
        for channel, name in zip(("x", "webhook", "notify"), ACCOUNTS, strict=True):
            site.add(channel, name)
        site.add_list("residents")
        first, second = Host(site), Host(_copied(site, root / "second"))
        _lose(first, "webhook-council")
        _lose(second, "x-city")
        with first.stack, second.stack:
            first.start()
            second.start()
            until(lambda: site.status(Mode.EXERCISE), "a relay signs", 60)
            yield first, second
        second.site.desk.store.close()


def _copied(site: Deployment, root: Path) -> Deployment:
    """The same deployment as another host has it: nothing was ever sent there."""
    folder = root / "deployment"
    shutil.copytree(site.folder, folder, ignore=shutil.ignore_patterns("run", "redis", "logs"))
    for name in ("run", "redis", "logs"):
        (folder / name).mkdir()
    return Deployment(folder, site.simulator, open_desk(folder, "second"))


def _lose(host: Host, account: str) -> None:
    (host.site.folder / "credentials" / "exercise" / "accounts" / f"{account}.age").unlink()


def released(site: Deployment, *names: str) -> Cleared:
    """A plan that was just released; each text message's answer takes half a second."""
    plan = site.cleared(*names, languages=BOTH)
    site.fault(provider="notify", kind="late", delay_s=0.5, times=LIST_SIZE)
    site.release(plan)
    return plan


def doubled(site: Deployment) -> int:
    """What stands twice on any public record, by the platforms' own count."""
    return sum(count["doubled"] for count in site.journal()["counts"].values())


def test_each_account_posts_from_its_own_host(hosts: tuple[Host, Host]) -> None:
    """Everything is delivered once; each host's spent file holds the posts whose credential lies there."""
    first = hosts[0]
    posts = [host.spent("accounts", "accepted") for host in hosts]
    messages = sum(host.spent("recipients", "accepted") for host in hosts)
    plan = released(first.site, *ACCOUNTS)
    assert first.site.ended(plan) == {"accepted": LIST_SIZE + 2}
    assert doubled(first.site) == 0
    more = [count + 1 for count in posts]
    until(lambda: [host.spent("accounts", "accepted") for host in hosts] == more, "each host's post is on its disk")
    until(
        lambda: sum(host.spent("recipients", "accepted") for host in hosts) == messages + LIST_SIZE,
        "every message is on a host's disk",
    )


def test_a_rolling_restart_loses_and_doubles_nothing(hosts: tuple[Host, Host]) -> None:
    """While messages go out every role of either host is drained and started again, one at a time."""
    first = hosts[0]
    plan = released(first.site, *ACCOUNTS)
    until(lambda: first.site.requests("notify"), "messages are under way")
    ends = []
    for host in hosts:
        for role in ROLES:
            ends.append(host.drain(role))
            host.start(role)
    assert ends == [0] * len(ends)
    assert first.site.ended(plan) == {"accepted": LIST_SIZE + 2}
    assert doubled(first.site) == 0


def test_a_killed_host_leaves_the_rest_working(hosts: tuple[Host, Host]) -> None:
    """What it had begun is found out about, what it had not goes from the other; its own account waits for it."""
    first, second = hosts
    plan = released(first.site, "webhook-council", "sms-city")
    before = len(first.site.requests("notify"))
    until(lambda: len(first.site.requests("notify")) > before, "messages are under way")
    first.kill()
    assert second.site.ended(plan) == {"accepted": LIST_SIZE + 1}
    assert doubled(second.site) == 0
    waiting = second.site.cleared("x-city")
    second.site.release(waiting)
    (row,) = second.site.rows(waiting)
    until(lambda: second.site.clauses(row.id) == {"G07"}, "the other host says that it does not hold the account")
    first.start()
    assert first.site.ended(waiting) == {"accepted": 1}
