"""What others do with the same sends: a bare loop, plain Dramatiq, Celery, Apprise, each at its best setting.

bare       channels.http in one loop, nothing kept: the limit of the client that we use ourselves
dramatiq   one message per send on Redis, ``requests`` with kept-alive connections, a row committed per send
celery     the same with Celery
apprise    one ``async_notify`` to all addresses; it keeps nothing

A run's seconds are from its first call to the moment when the last send is answered, and its row, where it keeps
one, is committed. No setting has more sends in flight than ours, :data:`IN_FLIGHT`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import uvloop

from channels.http import Http, HttpPolicy
from dispatcher.embedded.process import ending_with
from ops.bench.far import Far
from ops.bench.rival_worker import BODY, DATABASE, REDIS, URL, Rows
from ops.exercise.stage import ExerciseFailed, until

IN_FLIGHT = 256
MODULE = "ops.bench.rival_worker"
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Course:
    """So many sends to a far side, for a rival that keeps its rows in ``database`` and its messages in ``redis``."""

    far: Far
    sends: int
    delay_ms: float
    database: str
    redis: str

    @property
    def url(self) -> str:
        """Where to post."""
        return f"{self.far.url}/webhook/rival"

    @property
    def kind(self) -> str:
        """Which database that is."""
        return self.database.partition(":")[0].partition("+")[0]


Run = Callable[[Course], float]


def bare(course: Course, processes: int) -> float:
    """Seconds of bare loops in so many processes, which share the sends in flight."""
    fork = get_context("fork")
    ready: Barrier = fork.Barrier(processes + 1)
    loops = [fork.Process(target=_bare, args=(course, processes, ready), daemon=True) for _ in range(processes)]
    for loop in loops:
        loop.start()
    course.far.reset(course.delay_ms)
    ready.wait()
    began = time.monotonic()
    for loop in loops:
        loop.join()
    return _counted(course, began)


def dramatiq(course: Course, processes: int, threads: int) -> float:
    """Seconds of plain Dramatiq with its own defaults but for the number of workers."""
    words = [sys.executable, "-m", "dramatiq", MODULE, "-p", str(processes), "-t", str(threads)]
    return _queued(course, words, "send_by_dramatiq")


def celery(course: Course, pool: str, concurrency: int) -> float:
    """Seconds of Celery with one worker of this pool."""
    words = [sys.executable, "-m", "celery", "-A", MODULE, "worker", f"--pool={pool}", f"--concurrency={concurrency}"]
    return _queued(course, [*words, "--loglevel=error", "--without-gossip", "--without-mingle"], "send_by_celery")


def apprise(course: Course, processes: int) -> float:
    """Seconds of Apprise in so many processes, all addresses in one call each."""
    course.far.reset(course.delay_ms)
    address = course.url.replace("http://", "json://")
    words = _calling("notify", address, course.sends // processes)
    notifying = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(processes)]  # noqa: S603 - our own
    began = min(float(one.communicate(timeout=TIMEOUT_S)[0]) for one in notifying)
    return _counted(course, began)


SETTINGS: Mapping[str, Mapping[str, Run]] = {
    "bare": {f"{count} processes": partial(bare, processes=count) for count in (1, 2, 4)},
    "dramatiq": {f"-p 2 -t {count}": partial(dramatiq, processes=2, threads=count) for count in (8, 64, 128)},
    "celery": {
        f"--pool={pool} -c {count}": partial(celery, pool=pool, concurrency=count)
        for pool, count in (("prefork", 16), ("prefork", 64), ("threads", 64))
    },
    "apprise": {f"{count} processes": partial(apprise, processes=count) for count in (1, 2, 4)},
}
"""How each is run; a figure about it takes its best setting."""


def best(rival: str, course: Course) -> tuple[float, str]:
    """The fewest seconds that a rival needs, and by which setting; one that does not come to an end is not the best.

    Raises ExerciseFailed where none does.
    """
    found = []
    for setting, run in SETTINGS[rival].items():
        try:
            found.append((run(course), setting))
        except ExerciseFailed as failed:
            print(f"{rival} {setting}: {failed}")
    if not found:
        raise ExerciseFailed(f"{rival} came to no end with any setting")
    return min(found)


def _bare(course: Course, processes: int, ready: Barrier) -> None:
    async def send_all() -> None:
        http = Http(HttpPolicy(frozenset({course.far.url.removeprefix("http://")}), True, https_only=False))
        slots = asyncio.Semaphore(IN_FLIGHT // processes)

        async def send(number: int) -> None:
            async with slots:
                headers = {"webhook-id": f"{os.getpid()}-{number}"}
                await http.request("POST", course.url, headers=headers, data=BODY.encode(), timeout_s=60)

        await asyncio.to_thread(ready.wait)
        await asyncio.gather(*map(send, range(course.sends // processes)))
        await http.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(send_all())


def _queued(course: Course, words: list[str], actor: str) -> float:
    """Seconds from the first message to the last row, with workers that have shown that they are there."""
    rows = Rows(course.database)
    rows.clear()
    environment = {**os.environ, REDIS: course.redis, URL: course.url, DATABASE: course.database}
    with _working(words, environment):
        _enqueue(actor, environment, 1)
        until(lambda: rows.count() >= 1 or None, f"{actor} works", 60)
        rows.clear()
        course.far.reset(course.delay_ms)
        began = _enqueue(actor, environment, course.sends)
        until(lambda: rows.count() >= course.sends or None, f"{actor} has sent everything", TIMEOUT_S)
        return time.monotonic() - began


def _enqueue(actor: str, environment: Mapping[str, str], count: int) -> float:
    """Enqueue so many sends; returns when the first of them was."""
    done = subprocess.run(_calling(actor, count), check=True, env=dict(environment), stdout=subprocess.PIPE)  # noqa: S603
    return float(done.stdout)


def _calling(function: str, *given: str | int) -> list[str]:
    """A process that calls a rival's function; loading the rival is not measured, so it prints when it has begun."""
    code = f"import time; from {MODULE} import {function} as call; print(time.monotonic()); call(*{given!r})"
    return [sys.executable, "-c", code]


@contextmanager
def _working(words: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    with Path(os.devnull).open("w") as nowhere:
        streams: dict[str, Any] = {"stdout": nowhere, "stderr": nowhere}
        process = subprocess.Popen(words, env=dict(environment), preexec_fn=ending_with(os.getpid()), **streams)  # noqa: S603, PLW1509
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _counted(course: Course, began: float) -> float:
    counted = course.far.counted()
    if counted.requests != course.sends:
        raise RuntimeError(f"{counted.requests} requests for {course.sends} sends")
    return counted.last - began
