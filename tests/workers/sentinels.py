"""A real Redis with two replicas and three Sentinels, on ports of this machine's own loopback."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from dispatcher.embedded.errors import RedisMissing
from dispatcher.embedded.process import ending_with
from dispatcher.embedded.redis import find_redis_server
from tests.servers import missing, until

NAME, DOWN_AFTER_MS = "main", 1_000


@dataclass
class Watched:
    """Servers and Sentinels by port; the first server begins as the primary."""

    servers: list[int]
    sentinels: list[int]
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of the primary, wherever it is."""
        return f"sentinel://{','.join(f'127.0.0.1:{port}' for port in self.sentinels)}/{NAME}"

    def primary(self) -> int:
        """The port that a Sentinel names."""
        with redis.Redis(port=self.sentinels[0], socket_timeout=1) as sentinel:
            return int(sentinel.sentinel_get_master_addr_by_name(NAME)[1])  # type: ignore[no-untyped-call]

    def kill(self, port: int) -> None:
        """End one without a farewell."""
        self.processes[port].kill()
        self.processes[port].wait(10)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(server.getsockname()[1]) for server in taken]


@contextmanager
def watched_redis(root: Path, *lines: str) -> Iterator[Watched]:
    """All six running and aware of each other; ``lines`` go into each server's configuration."""
    try:
        program = find_redis_server()
    except RedisMissing as error:
        missing("redis-server", str(error))
    ports = free_ports(6)
    made = Watched(ports[:3], ports[3:])
    try:
        for port in made.servers:
            replica = () if port == ports[0] else (f"replicaof 127.0.0.1 {ports[0]}",)
            said = ("appendonly yes", "repl-diskless-sync-delay 0", "repl-ping-replica-period 1", *replica, *lines)
            _start(made, program, root, port, said)
        until(lambda: _replicas(ports[0]) == 2, "both replicas follow")
        for port in made.sentinels:
            watch = f"sentinel monitor {NAME} 127.0.0.1 {ports[0]} 2"
            times = (f"down-after-milliseconds {NAME} {DOWN_AFTER_MS}", f"failover-timeout {NAME} 5000")
            said = (watch, *(f"sentinel {time}" for time in times))
            _start(made, program, root, port, said, "--sentinel")
        until(lambda: all(_knows_all(port) for port in made.sentinels), "the Sentinels know of all")
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait(10)


def _start(made: Watched, program: Path, root: Path, port: int, lines: tuple[str, ...], *words: str) -> None:
    folder = root / str(port)
    folder.mkdir()
    config = folder / "redis.conf"
    config.write_text("\n".join((f"port {port}", "bind 127.0.0.1", f"dir {folder}", 'save ""', *lines, "")))
    with (folder / "log").open("wb") as log:
        made.processes[port] = subprocess.Popen(
            [program, config, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
        )


def _replicas(port: int) -> int:
    with redis.Redis(port=port, socket_timeout=1) as client:
        try:
            told = client.info("replication")
        except redis.RedisError:
            return 0
        return sum(told.get(f"slave{number}", {}).get("state") == "online" for number in range(2))


def _knows_all(port: int) -> bool:
    with redis.Redis(port=port, socket_timeout=1) as client:
        try:
            told = client.sentinel_master(NAME)  # type: ignore[no-untyped-call]
        except redis.RedisError:
            return False
        return (told["num-slaves"], told["num-other-sentinels"]) == (2, 2)
