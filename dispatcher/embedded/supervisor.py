"""The core of ``dispatcher up``: Redis and every role of the Procfile, started, kept alive and stopped together.

Rules
  1. Nothing starts before the folder is proved writable, the disk has room, and the deployment's lock is ours.
  2. The lock is inherited by the roles: as long as one of them lives, even after our own death by SIGKILL, a second
     ``up`` is refused. They get SIGTERM from the kernel when we die.
  3. Whatever dies is started again, Redis too, at once at first and then ever more slowly; each time a line says so.
     A fault of ours on the way (a full disk) delays a restart, it never ends the run.
  4. Roles get an environment of a few named variables: the deployment's path and mode, never a secret.
  5. SIGTERM, SIGINT and SIGHUP stop the run: roles first, then Redis; SIGTERM to each group, SIGKILL after the grace.

One run::

    prepare folder -> lock -> Redis ready -> migrate ends with 0 -> roles started -> run/up.json, on_ready()
    ... restarts ... -> signal -> roles stopped -> Redis stopped -> up.json removed -> lock free
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dispatcher.domain.statement import Mode
from dispatcher.embedded.errors import AlreadyRunning, DeploymentUnusable, StepFailed
from dispatcher.embedded.folder import FREE_FLOOR_BYTES, Folder
from dispatcher.embedded.lock import Lock, alive, holder
from dispatcher.embedded.process import describe, exited, signal_group, spawn, tail
from dispatcher.embedded.procfile import Role, find_procfile, read_procfile
from dispatcher.embedded.redis import START_TIMEOUT_S, private_redis
from dispatcher.embedded.state import UpState, clear_state, write_state

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "CREDENTIALS_DIRECTORY")
_REDIS = "redis"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how often, how much. A child that lived ``healthy_s`` starts again without delay growing."""

    redis_start_s: float = START_TIMEOUT_S
    leftovers_s: float = 5.0
    stop_grace_s: float = 10.0
    backoff_first_s: float = 0.2
    backoff_cap_s: float = 15.0
    healthy_s: float = 30.0
    free_floor_bytes: int = FREE_FLOOR_BYTES


def to_stderr(line: str) -> None:
    """Write one line for the person at the terminal; a terminal that is gone is no reason to stop."""
    with suppress(OSError):
        sys.stderr.write(f"dispatcher up: {line}\n")


def _nothing(_state: UpState) -> None:
    return


@dataclass(slots=True)
class Supervisor:
    """One ``up`` of one deployment. :meth:`run` blocks until it is stopped; call it from the main thread."""

    deployment: Path
    mode: Mode
    limits: Limits = field(default_factory=Limits)
    say: Callable[[str], None] = to_stderr
    on_ready: Callable[[UpState], None] = _nothing

    def run(self) -> None:
        """Start everything, keep it alive, and return after an orderly stop.

        Raises EmbeddedError before anything was started or, for Redis and the steps, after all was stopped again.
        """
        folder = Folder(self.deployment.absolute())
        folder.prepare(self.limits.free_floor_bytes)
        roles = read_procfile(find_procfile(folder.root))
        with self._lock(folder) as lock:
            try:
                asyncio.run(_Run(self, folder, roles, lock.fd).main())
            except OSError as error:
                raise DeploymentUnusable(f"The deployment at {folder.root} could not be started: {error}.") from error

    def _lock(self, folder: Folder) -> Lock:
        """Another ``up`` that lives is told at once; what a killed one left behind is waited for."""
        path = folder.run / "up.lock"
        pid = holder(path)
        wait_s = 0 if pid is not None and alive(pid) else self.limits.leftovers_s
        return Lock(path, "`dispatcher up` for this deployment", wait_s=wait_s)


class _Run:
    """The moving parts of one run; its life is one event loop."""

    def __init__(self, up: Supervisor, folder: Folder, roles: Sequence[Role], lock_fd: int) -> None:
        self.up, self.folder, self.roles, self.lock_fd = up, folder, roles, lock_fd
        self.redis = private_redis(folder)
        self.stopping = asyncio.Event()
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.keepers: dict[str, asyncio.Task[None]] = {}
        self.restarts: dict[str, int] = {}
        self.is_ready = False

    async def main(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.stopping.set)
        try:
            await self._start_redis()
            await self._run_steps()
            self._start_roles()
            await self.stopping.wait()
        finally:
            self.stopping.set()
            await self._stop([name for name in self.children if name != _REDIS])
            await self._stop([_REDIS])
            clear_state(self.folder)

    async def _start_redis(self) -> None:
        child = self.redis.spawn(wait_s=self.up.limits.leftovers_s)
        self.children[_REDIS] = child
        await asyncio.to_thread(self.redis.wait_ready, child, self.up.limits.redis_start_s)
        self._keep(_REDIS, self.redis.spawn)

    async def _run_steps(self) -> None:
        for step in (role for role in self.roles if role.is_step):
            child = self.children[step.name] = self._spawn(step)
            code = await self._unless_stopping(exited(child))
            if code is None:
                return
            del self.children[step.name]
            if code != 0:
                log = self._log(step.name)
                raise StepFailed(
                    f"`{step.name}` {describe(code)}, so nothing else was started. The end of {log}:\n{tail(log)}"
                )

    async def _unless_stopping(self, work: Coroutine[None, None, int]) -> int | None:
        """Return what ``work`` returns, or None as soon as the run is stopping."""
        result, stop = asyncio.create_task(work), asyncio.create_task(self.stopping.wait())
        await asyncio.wait((result, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if result.done():
            return result.result()
        result.cancel()
        return None

    def _start_roles(self) -> None:
        if self.stopping.is_set():
            return
        for role in self.roles:
            if not role.is_step:
                self.children[role.name] = self._spawn(role)
                self._keep(role.name, partial(self._spawn, role))
        self.is_ready = True
        self._report()
        self.up.on_ready(self._state())

    def _keep(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.restarts[name] = 0
        self.keepers[name] = asyncio.create_task(self._keep_alive(name, start))
        self.keepers[name].add_done_callback(lambda _keeper: self.stopping.set())

    async def _keep_alive(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        """Wait for the child to die, say so, start it again; return when the run is stopping."""
        loop, limits = asyncio.get_running_loop(), self.up.limits
        delay_s = limits.backoff_first_s
        while True:
            born = loop.time()
            how = describe(await exited(self.children[name]))
            if loop.time() - born >= limits.healthy_s:
                delay_s = limits.backoff_first_s
            while not self.stopping.is_set():
                self.up.say(f"{name} {how}; starting it again in {delay_s:g} s. Its log: {self._log(name)}")
                await self._pause(delay_s)
                delay_s = min(delay_s * 2, limits.backoff_cap_s)
                if (problem := self._restart(name, start)) is None:
                    break
                how = f"could not be started ({problem})"
            if self.stopping.is_set():
                return

    def _restart(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> str | None:
        """Start ``name`` again unless we are stopping; return what went wrong."""
        if self.stopping.is_set():
            return None
        try:
            self.children[name] = start()
        except (OSError, AlreadyRunning) as error:
            return str(error)
        self.restarts[name] += 1
        self._report()
        return None

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _stop(self, names: Sequence[str]) -> None:
        children = [self.children[name] for name in names if name in self.children]
        ends = [asyncio.create_task(exited(child)) for child in children]
        for number in (signal.SIGTERM, signal.SIGKILL):
            for child in children:
                signal_group(child, number)
            if ends:
                await asyncio.wait(ends, timeout=self.up.limits.stop_grace_s)
        await asyncio.gather(*ends, *(self.keepers[name] for name in names if name in self.keepers))

    def _spawn(self, role: Role) -> subprocess.Popen[bytes]:
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {
            "DISPATCHER_DEPLOYMENT": str(self.folder.root),
            "DISPATCHER_MODE": self.up.mode,
            "PYTHONUNBUFFERED": "1",
        }
        return spawn(role.argv, log=self._log(role.name), cwd=self.folder.root, env=env, keep_fds=(self.lock_fd,))

    def _log(self, name: str) -> Path:
        return self.redis.log if name == _REDIS else self.folder.logs / f"{name}.jsonl"

    def _state(self) -> UpState:
        pids = {name: child.pid for name, child in self.children.items()}
        redis = pids.pop(_REDIS)
        return UpState(os.getpid(), self.up.mode, redis, self.redis.url, pids, dict(self.restarts))

    def _report(self) -> None:
        if not self.is_ready:
            return
        try:
            write_state(self.folder, self._state())
        except OSError as error:
            self.up.say(f"up.json could not be written ({error.strerror}); the run goes on.")
