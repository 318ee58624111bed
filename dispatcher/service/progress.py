"""How a released plan comes along: per channel how far, how fast, how long still, and what failed for which reason.

Rules
  1. A number is what the database says; a rate is what ended since the release, or lately where somebody has watched
     for longer. Whoever looks for the first time, or again after a lost terminal, is told as much.
  2. How long still is what is left at that rate, and no guess where nothing has ended yet: then the platforms' own
     limits say it (``dispatcher.service.estimating``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from channels.registry import called
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.service import estimating
from dispatcher.service.desk import Desk
from dispatcher.store import deliveries
from dispatcher.store.database import Work

REACHED = ("accepted", "visible", "handed_over")
FAILED = ("rejected", "expired", "cancelled", "held", "missing")
WINDOW_S = 10.0
"""A rate is of the last so many seconds."""

Counts = Sequence[tuple[str, str, str, str, int, int]]


@dataclass(frozen=True, slots=True)
class ChannelProgress:
    """One channel: of ``total`` deliveries how many are out, still to go and failed; ``per_s`` ended a second.

    ``left_s``: seconds until the last is expected to have ended; None where nobody can tell.
    """

    channel: str
    reached: int
    left: int
    failed: int
    total: int
    per_s: float
    left_s: int | None

    @property
    def sentence(self) -> str:
        """The same in words."""
        said = [f"{called(self.channel)}: {self.reached:,} of {self.total:,} out"]
        said += [f"{self.left:,} to go{_pace(self.per_s, self.left_s)}"] if self.left else []
        said += [f"{self.failed:,} FAILED or held"] if self.failed else []
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Failure:
    """How many deliveries of a channel are in a state that nobody wants, and why."""

    channel: str
    state: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a plan."""

    counts: Counts
    channels: tuple[ChannelProgress, ...]
    failures: tuple[Failure, ...]

    @property
    def left(self) -> int:
        """Deliveries that a machine still has to move."""
        return sum(one.left for one in self.channels)

    @property
    def sentence(self) -> str:
        """All of it in a line: ``still sending, 6 of 9 channels done, 1,204 of 20,013 out, about 30 s left``."""
        done = sum(not one.left for one in self.channels)
        reached, total = sum(one.reached for one in self.channels), sum(one.total for one in self.channels)
        said = [f"{done} of {len(self.channels)} channels done", f"{reached:,} of {total:,} out"]
        failed = sum(one.failed for one in self.channels)
        said += [f"{failed:,} failed or held"] if failed else []
        waits = [one.left_s for one in self.channels if one.left_s is not None]
        said += [f"about {max(waits)} s left"] if self.left and waits else []
        return f"{'still sending' if self.left else 'ended'}, {', '.join(said)}"


@dataclass
class Watcher:
    """Looks at one plan again and again, and remembers enough to tell how fast it goes."""

    desk: Desk
    plan: str
    limits: Mapping[str, int] = field(default_factory=dict)
    _looks: deque[tuple[datetime, dict[str, int]]] = field(default_factory=deque)

    def look(self) -> Progress:
        """How the plan stands now."""
        with self.desk.store.read() as work:
            counts = deliveries.counts(work, self.plan)
            failures = _failures(work, self.plan, counts)
            released = deliveries.dispatch_of(work, self.plan)
            now = work.now
        ended = {channel: total - left for channel, (total, left, _, _) in _summed(counts).items()}
        if not self._looks and released is not None:
            self._looks.append((released.released_at, {}))
        self._looks.append((now, ended))
        while len(self._looks) > 2 and (now - self._looks[1][0]).total_seconds() > WINDOW_S:
            self._looks.popleft()
        return Progress(counts, tuple(self._channels(counts, now)), failures)

    def _channels(self, counts: Counts, now: datetime) -> Iterable[ChannelProgress]:
        since, before = self._looks[0]
        seconds = (now - since).total_seconds()
        for channel, (total, left, reached, failed) in _summed(counts).items():
            per_s = max(0, total - left - before.get(channel, 0)) / seconds if seconds > 0 else 0.0
            left_s = (ceil(left / per_s) if per_s else self._limit(channel)) if left else 0
            yield ChannelProgress(channel, reached, left, failed, total, round(per_s, 1), left_s)

    def _limit(self, channel: str) -> int | None:
        if not self.limits:
            try:
                found = estimating.of_plan(self.desk, self.plan)
            except DispatcherError:
                return None
            self.limits = {one.channel: max(one.seconds, 1) for one in sorted(found, key=lambda one: one.seconds)}
        return self.limits.get(channel)


def _summed(counts: Counts) -> dict[str, tuple[int, int, int, int]]:
    """Per channel: all, left for a machine, out, failed."""
    found: dict[str, tuple[int, int, int, int]] = {}
    for _, channel, _, state, count, _ in counts:
        total, left, reached, failed = found.get(channel, (0, 0, 0, 0))
        found[channel] = (
            total + count,
            left + count * (state in UNSETTLED),
            reached + count * (state in REACHED),
            failed + count * (state in FAILED),
        )
    return found


def _failures(work: Work, plan: str, counts: Counts) -> tuple[Failure, ...]:
    if not any(state in FAILED for _, _, _, state, _, _ in counts):
        return ()
    return tuple(Failure(*row) for row in deliveries.reasons(work, plan, FAILED))


def _pace(per_s: float, left_s: int | None) -> str:
    pace = f" at {per_s:,g} a second" if per_s else ""
    return pace + (f", about {left_s:,} s" if left_s is not None else "")
