"""Workers killed in the middle of sending, as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from channels.simulator.faults import FaultKind
from dispatcher.sender_bootstrap import now
from dispatcher.store.deliveries import attempts
from ops.chaos.crew import leftovers
from tests.servers import until
from tests.stage import Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

DISPATCHER = Path(sys.executable).with_name("dispatcher")
CALL_S = 2
CLAIM_S = 1.5
"""The promise is 0.5 s (reference: reliability 7); a busy machine gets a second more."""

STOPS = int(os.environ.get("STOPS", "1"))
"""How often a worker is stopped under load; the promise is made of a hundred times (reference: reliability 7)."""


@pytest.fixture
def city(make: Make, redis_url: str) -> Stage:
    """Notify and sixty numbers, with leases that soon run out."""
    stage = make(redis=redis_url, timing={"lease_ms": 6_000}, timeout_ms=2_000)
    stage.account("notify")
    stage.numbers(60)
    return stage


@contextmanager
def worker(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """The recipients' worker, in a process of its own."""
    log = (stage.folder / "logs" / "worker.log").open("ab")
    words = ["--deployment", str(stage.folder), "worker", "recipients", "--mode", "exercise"]
    process = subprocess.Popen([str(DISPATCHER), *words], stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        log.close()


def doubts(stage: Stage) -> int:
    """Deliveries that the sweeper put in doubt."""
    entries = stage.ledger("deliveries.swept")
    return sum(entry["count"] for entry in entries if entry["target"] == "in_doubt")


def intents(stage: Stage, delivery: str) -> list[datetime]:
    """When a worker meant to send a delivery."""
    with stage.desk.store.read() as work:
        return [attempt.intended_at for attempt in attempts(work, delivery)]


@pytest.mark.parametrize("acting", [FaultKind.LATE, FaultKind.STALL])
def test_what_a_killed_worker_had_begun_is_looked_up(city: Stage, acting: FaultKind) -> None:
    """Killed with requests under way, whether acted on or not: put in doubt, looked up, and delivered once."""
    city.fault("notify", acting, times=60, delay_s=0.8)
    plan = city.cleared(lists=["city"])
    city.release(plan)
    with worker(city) as process:
        until(lambda: len(city.far.journal.arrivals) > 5, "requests are under way")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert city.states(plan)["sending"] > 0
    city.far.disarm()
    city.work(lambda: city.ended(plan), roles=["relay", "recipients"], timeout_s=30)
    assert doubts(city) > 0
    assert city.states(plan) == {"accepted": 60}
    assert (city.published()["notify"], city.doubled()) == (60, 0)


def test_a_stopped_worker_never_sends_late(city: Stage) -> None:
    """A worker stopped past its lease and continued is dead before it sends; another has done its work."""
    city.fault("notify", FaultKind.LATE, times=20, delay_s=0.8)
    plan = city.cleared(lists=["city"])
    city.release(plan)
    with worker(city) as process:
        until(lambda: len(city.far.journal.arrivals) > 5, "requests are under way")
        with city.desk.store.write():  # not in the middle of its own writing: SQLite would stand still with it
            os.kill(process.pid, signal.SIGSTOP)
            os.waitpid(process.pid, os.WUNTRACED)  # only then has its last thread stopped
        city.far.disarm()
        city.work(lambda: city.ended(plan), roles=["relay", "recipients"], timeout_s=30)
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(10) == -signal.SIGALRM
    assert (city.published()["notify"], city.doubled()) == (60, 0)


def test_a_worker_that_is_asked_to_stop_drains(city: Stage) -> None:
    """SIGTERM in the middle: it answers for what it has begun, and ends well."""
    city.fault("notify", FaultKind.LATE, times=60, delay_s=0.5)
    plan = city.cleared(lists=["city"])
    city.release(plan)
    with worker(city) as process:
        until(lambda: len(city.far.journal.effects) > 2, "some were sent")
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert city.states(plan).keys() <= {"accepted", "ready"}
    assert city.states(plan)["accepted"] == city.published()["notify"]


@pytest.mark.parametrize("_time", range(STOPS))
def test_a_worker_that_is_stopped_under_load_is_gone_in_time(make: Make, redis_url: str, _time: int) -> None:
    """By SIGTERM with hundreds in hand: it claims no more, calls nobody anew, and answers for calls under way."""
    stage = make(redis=redis_url, timeout_ms=CALL_S * 1000)
    stage.account("notify")
    stage.numbers(400)
    stage.fault("notify", FaultKind.LATE, times=400, delay_s=CALL_S * 0.7)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    with worker(stage) as process:
        until(lambda: len(stage.far.journal.effects) > 5, "some were sent")
        process.send_signal(signal.SIGTERM)
        last_claim = now() + timedelta(seconds=CLAIM_S)
        assert process.wait(CALL_S + 5) == 0
    assert max(at for row in stage.rows(plan) for at in intents(stage, row.id)) < last_claim
    assert stage.states(plan).keys() == {"accepted", "ready"}
    assert stage.states(plan)["accepted"] == stage.published()["notify"]
    assert leftovers(stage.folder) == []


def test_a_slow_platform_does_not_kill_its_worker(make: Make, redis_url: str) -> None:
    """A chunk that takes longer than its lease is begun as far as the lease holds; the rest goes with the next."""
    stage = make(redis=redis_url, chunk=100, timing={"lease_ms": 6_000}, timeout_ms=2_000)
    stage.account("notify")
    stage.numbers(100)
    stage.fault("notify", FaultKind.LATE, times=100, delay_s=1.8)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    with worker(stage) as process:
        until(lambda: stage.ended(plan) or process.poll() is not None, "all is sent")
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert stage.states(plan) == {"accepted": 100}
    assert (stage.published()["notify"], stage.doubled()) == (100, 0)
