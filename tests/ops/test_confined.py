"""The launcher's sandbox, tried from within: no way out leads anywhere, and what is the role's own is there."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.sender_bootstrap import egress_socket
from dispatcher.service import deploying
from dispatcher.settings import Settings, load_settings
from ops.deploy.confined import sandbox
from ops.deploy.syscalls import DENIED, filter_program
from tests.servers import program, until
from workers.tiktok_sender import ROLE, socket_path

pytestmark = pytest.mark.system

PROBE = Path(__file__).with_name("probe.py")
MANIFESTS = Path(__file__).parents[2] / "ops" / "deploy" / "kubernetes"
SYSTEM_FILES = {
    "writing programs": "/usr/bin/new",
    "writing this Python": str(Path(sys.prefix) / "new"),
    "writing the kernel's settings": "/proc/sys/kernel/hostname",
}
OWN = {"its own credentials", "its own renewed secrets", "its own record", "its own socket", "the egress proxy"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A deployment with everybody's files in it."""
    folder = tmp_path_factory.mktemp("confined") / "deployment"
    blueprint = deploying.Blueprint("example-city", DeploymentKind.TEST, "Example City", "http://127.0.0.1:9")
    deploying.init(folder, blueprint, datetime.now(UTC), secrets.token_bytes)
    return load_settings(folder)


@contextlib.contextmanager
def listening(*addresses: str | tuple[str, int]) -> Iterator[None]:
    """Servers outside, at paths and abstract names, or at a port for TCP and UDP."""
    with contextlib.ExitStack() as stack:
        for address in addresses:
            if isinstance(address, str):
                server = stack.enter_context(socket.socket(socket.AF_UNIX))
                server.bind(address)
                server.listen(64)
                continue
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            with contextlib.suppress(OSError):
                stack.enter_context(socket.create_server(address, family=family, backlog=64))
                datagrams = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                datagrams.bind(address)
        yield


def free_port() -> int:
    """A port for the servers outside."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        return int(server.getsockname()[1])


def own_address() -> str:
    """An address of this machine that is not loopback's, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        try:
            line.connect(("203.0.113.1", 9))  # nothing is sent; the kernel picks an address
        except OSError:
            return "127.0.0.1"
        return str(line.getsockname()[0])


def places(settings: Settings, port: int, planted: str, *, harmful: bool) -> dict[str, object]:
    """What the probe is told to try; only where it is confined, also what would do harm elsewhere."""
    at, key = settings.path, settings.path("keys")
    (at("redis") / "appendonly.aof").write_text("queue")
    return {
        "port": port,
        "harmful": harmful,
        "host": own_address(),
        "planted": planted,
        "abstract": f"dispatcher-{os.getpid()}",
        "sockets": {
            "Redis by its socket": str(at("run", "redis.sock")),
            "a socket in the temporary folder": str(at("..", "elsewhere.sock").resolve()),
            "the supervisor's folder": str(at("run", "other.sock")),
        },
        "files": {
            "the database": str(at("data", "dispatcher.db")),
            "the database's folder": str(at("data")),
            "Redis by its file": str(at("redis", "appendonly.aof")),
            "the status key": str(key / "status"),
            "people's keys": str(key / "exercise"),
            "a person's key": str(key / "exercise" / "director-1"),
            "another role's identity": str(key / "role-live-accounts"),
            "another mode's identity": str(key / f"role-exercise-{ROLE}"),
            "another role's credentials": str(at("credentials", "live", "accounts")),
            "another lane's credentials": str(at("credentials", "live", "recipients")),
            "another mode's credentials": str(at("credentials", "exercise", ROLE)),
            "another role's record": str(at("sender", "live", "accounts")),
            "the logs": str(at("logs")),
            "passwords of the system": "/etc/shadow",
            "users of the system": "/etc/passwd",
            "the resolver's settings": "/etc/resolv.conf",
            "a home": str(Path.home() / ".bash_history"),
            "passwords of PostgreSQL": str(Path.home() / ".pgpass"),
            "the kernel's memory": "/proc/kcore",
            "a disk": "/dev/sda",
            "shared memory of others": str(at("..", "elsewhere.txt").resolve()),
        },
        "written": {
            "writing the settings": str(at("deployment.toml")),
            "writing the trust": str(at("trust", "policy.toml")),
            "writing its credentials": str(at("credentials", "live", ROLE, "new.age")),
            "writing the egress folder": str(egress_socket(settings, Mode.LIVE).with_name("other.sock")),
            **(SYSTEM_FILES if harmful else {}),
        },
        "own": {
            "credentials": str(at("credentials", "live", ROLE)),
            "renewed": str(at("credentials", "live", ROLE, "secrets")),
            "record": str(at("sender", "live", ROLE)),
            "socket": str(socket_path(settings, Mode.LIVE)),
            "egress": str(egress_socket(settings, Mode.LIVE)),
        },
    }


def tried(settings: Settings, *, confined: bool) -> dict[str, bool]:
    """What the probe reaches, inside the sandbox or outside it."""
    port, planted = free_port(), secrets.token_hex(16)
    told = places(settings, port, planted, harmful=confined)
    command = [sys.executable, "-I", "-c", PROBE.read_text(), json.dumps(told)]
    inside = sandbox(settings, Mode.LIVE, ROLE)  # which makes the folders that are the role's own
    paths = [*told["sockets"].values(), told["own"]["egress"]]  # type: ignore[attr-defined, index]
    outside = ["\0" + str(told["abstract"]), *paths]
    settings.path("..", "elsewhere.txt").write_text("somebody else's")
    with listening(("0.0.0.0", port), ("::", port), *outside):
        try:
            if confined:
                wanted = "import sys; from ops.deploy.confined import run; sys.exit(run(sys.argv[1:]))"
                command = [sys.executable, "-c", wanted, str(program("bwrap")), *inside, *command]
            environment = os.environ | {"PGPASSWORD": planted, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
        finally:
            for path in map(Path, [*paths, told["own"]["socket"]]):  # type: ignore[index]
                path.unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    reached: dict[str, bool] = json.loads(done.stdout)
    return reached


@pytest.fixture(scope="module")
def within(settings: Settings) -> dict[str, bool]:
    """What was reached from within."""
    return tried(settings, confined=True)


def test_no_way_out_of_the_sandbox_leads_anywhere(within: dict[str, bool]) -> None:
    """Of all that was tried, only what is the role's own was reached."""
    assert {name for name, reached in within.items() if reached} == OWN


def test_at_least_sixty_ways_out_were_tried(within: dict[str, bool]) -> None:
    """Promise 17 counts them (reference: reliability 7)."""
    assert len(within.keys() - OWN) >= 60


def test_without_the_sandbox_they_lead_somewhere(settings: Settings) -> None:
    """The control: the same tries from the same machine reach servers, files and rights of others."""
    reached = {name for name, was in tried(settings, confined=False).items() if was}
    assert reached >= OWN
    assert {
        "TCP to loopback",
        "TCP to the host",
        "UDP to loopback",
        "an abstract socket",
        "Redis by its socket",
        "the database",
        "a person's key",
        "another role's identity",
        "another mode's credentials",
        "the environment outside",
        "another process",
        "new privileges",
        "writing the settings",
        "writing the egress folder",
    } <= reached


def test_the_filter_denies_the_same_as_the_manifests() -> None:
    """By name there, by number here."""
    rules = json.loads((MANIFESTS / "sender-seccomp.json").read_text())["syscalls"]
    sockets = [rule for rule in rules if rule["names"] == ["socket"]]
    assert {name for rule in rules if rule not in sockets for name in rule["names"]} == set(DENIED)
    assert [rule["args"] for rule in sockets] == [[{"index": 0, "value": socket.AF_UNIX, "op": "SCMP_CMP_NE"}]]
    assert {rule["action"] for rule in rules} == {"SCMP_ACT_ERRNO"}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_there_is_a_filter_for_each_machine(machine: str) -> None:
    """Whole instructions; for another machine there is none."""
    assert len(filter_program(machine)) % 8 == 0
    with pytest.raises(KeyError):
        filter_program("vax")


def test_a_signal_reaches_what_runs_inside(settings: Settings, tmp_path: Path) -> None:
    """The launcher passes SIGTERM on, and ends as what it started ended."""
    waiting = "import signal, sys; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); signal.pause()"
    wanted = "import sys; from ops.deploy.confined import run; sys.exit(run(sys.argv[1:]))"
    inside = [str(program("bwrap")), *sandbox(settings, Mode.LIVE, ROLE), sys.executable, "-I", "-c", waiting]
    said = tmp_path / "said"
    with said.open("wb") as output:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        started = subprocess.Popen([sys.executable, "-c", wanted, *inside], stdout=output, env=environment)
    until(lambda: said.read_bytes() == b"up\n", "it runs")
    started.send_signal(signal.SIGTERM)
    assert started.wait(20) == 7
