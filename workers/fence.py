"""The self-fence: a process that was stopped or starved past its lease dies instead of sending late.

The kernel's timer is armed for the earliest end of any lease under which bytes may still leave, with a margin. Its
signal is left at its default, which kills; the sweeper then finds the rows and puts them in doubt.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta


class SelfFence:
    """One per process. ``margin`` is how long before the lease's end the process must be gone."""

    def __init__(self, margin: timedelta) -> None:
        self._margin_s = margin.total_seconds()
        self._ends: dict[int, float] = {}
        self._next = 0

    @contextmanager
    def during(self, lease: timedelta, since_s: float) -> Iterator[None]:
        """Hold the process to a lease. ``since_s``: ``time.monotonic()`` before it was asked for."""
        self._next += 1
        name = self._next
        self._ends[name] = self.end(lease, since_s)
        self._arm()
        try:
            yield
        finally:
            del self._ends[name]
            self._arm()

    def end(self, lease: timedelta, since_s: float) -> float:
        """When the process must be gone, by ``time.monotonic()``."""
        return since_s + lease.total_seconds() - self._margin_s

    def _arm(self) -> None:
        if not self._ends:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        signal.setitimer(signal.ITIMER_REAL, max(0.001, min(self._ends.values()) - time.monotonic()))
