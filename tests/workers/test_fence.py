"""The self-fence, in processes that really die of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.servers import until
from workers.fence import SelfFence

HOLDING = """
import sys, time
from datetime import timedelta
from workers.fence import SelfFence

lease, since_s = timedelta(seconds=float(sys.argv[1])), time.monotonic() - float(sys.argv[2])
fence = SelfFence(margin=timedelta(0))
with fence.during(lease, since_s):
    print("holding", flush=True)
    sys.stdin.readline()
    print("sent", flush=True)
print("free", flush=True)
sys.stdin.readline()
"""


@contextmanager
def holder(lease_s: float, asked_before_s: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a lease, and sends when it gets a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(lease_s), str(asked_before_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str], say: str = "") -> str:
    """Give the process a line, and read one."""
    assert process.stdin is not None
    assert process.stdout is not None
    if say:
        process.stdin.write(say + "\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_lease_that_ends_kills_its_process() -> None:
    """Whoever still holds a lease at its end is killed by the kernel's alarm."""
    with holder(0.3) as process:
        assert line(process) == "holding"
        assert process.wait(10) == -signal.SIGALRM


def test_a_stopped_process_dies_before_its_next_step() -> None:
    """A process that was stopped past its lease does not send when it is continued."""
    with holder(0.5) as process:
        line(process)
        os.kill(process.pid, signal.SIGSTOP)
        until(lambda: _alarmed(process.pid), "the alarm is pending")
        assert process.stdin is not None
        process.stdin.write("send\n")
        process.stdin.flush()
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(10) == -signal.SIGALRM
        assert line(process) == ""


def test_a_lease_counts_from_when_it_was_asked_for() -> None:
    """Whatever held the answer up does not make the lease longer."""
    with holder(60, asked_before_s=60) as process:
        assert process.wait(10) == -signal.SIGALRM


def test_a_free_process_is_not_killed() -> None:
    """Once the lease is given back the alarm is off: the process outlives what would have been its end."""
    with holder(0.3) as process:
        line(process)
        line(process, "send")
        assert line(process) == "free"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)


def test_the_earliest_end_counts() -> None:
    """Of several leases the one that ends first is armed, and after it the next."""
    fence, now_s = SelfFence(margin=timedelta(0)), time.monotonic()
    with fence.during(timedelta(minutes=9), now_s):
        with fence.during(timedelta(minutes=3), now_s):
            assert 170 < signal.getitimer(signal.ITIMER_REAL)[0] <= 180
        assert 530 < signal.getitimer(signal.ITIMER_REAL)[0] <= 540
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def _pending(pid: int) -> set[signal.Signals]:
    fields = dict(row.split(":", 1) for row in Path(f"/proc/{pid}/status").read_text().splitlines())
    mask = int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16)
    return {number for number in signal.Signals if mask >> (number - 1) & 1}


def _alarmed(pid: int) -> bool:
    return signal.SIGALRM in _pending(pid)
