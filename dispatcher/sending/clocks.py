"""Whether this host's time can be gone by: windows are only as good as the clock that they are judged by.

Rules (reference: policy 6.4, reliability 2.3)
  1. A clock that was set, forwards or back, since this process began is not gone by while it is off.
  2. Neither is one that differs from the database's time, or lags the relay's signed status.
  3. Two seconds either way are let pass. What is refused for this waits; nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.contract import Clock

TOLERANCE = timedelta(seconds=2)
"""How far a worker's clock may be off (reference: policy 6.4)."""

Elapsed = Callable[[], float]
"""Seconds since some moment, by a counter that nobody can set and that goes on while the host sleeps."""


@dataclass(slots=True)
class WatchedClock:
    """This process's clock, held against a counter that cannot be set."""

    clock: Clock
    elapsed: Elapsed
    _began: datetime
    _counted: float

    @classmethod
    def starting(cls, clock: Clock, elapsed: Elapsed) -> WatchedClock:
        """Begin to watch a clock, which is right now or is refused by rule 2."""
        return cls(clock, elapsed, clock(), elapsed())

    def fault(self, now: datetime, database: datetime | None, status_at: datetime | None) -> str | None:
        """Why ``now`` cannot be gone by, or None; ``database`` and ``status_at`` are others' times, where known."""
        expected = self._began + timedelta(seconds=self.elapsed() - self._counted)
        if abs(now - expected) > TOLERANCE:
            return f"this host's clock was set by {_seconds(now - expected)} s since this process began"
        if database is not None and abs(now - database) > TOLERANCE:
            return f"this host's clock differs from the database's by {_seconds(now - database)} s"
        if status_at is not None and status_at - now > TOLERANCE:
            return f"this host's clock is {_seconds(status_at - now)} s behind the signed status"
        return None


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())
