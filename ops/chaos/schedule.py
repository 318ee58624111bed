"""What goes wrong and when, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """One kind of harm to a process of ours. What the platforms do wrong is in :mod:`ops.chaos.site`."""

    KILL = "kill"  # kill -9 of one worker
    KILL_HOST = "kill_host"  # kill -9 of a whole process group: every worker of a host
    STOP = "stop"  # SIGSTOP of one worker for longer than its lease, then SIGCONT
    FLUSH = "flush"  # FLUSHALL
    REDIS = "redis"  # kill -9 of Redis, which comes back without its data
    POSTGRES = "postgres"  # PostgreSQL ended as `pg_ctl stop -m immediate` does it, and started again


PER_MINUTE: Mapping[Fault, float] = {
    Fault.KILL: 26,
    Fault.KILL_HOST: 2,
    Fault.STOP: 3,
    Fault.FLUSH: 9,
    Fault.REDIS: 2,
    Fault.POSTGRES: 1.6,
}
"""In a quarter of an hour on each database this is the campaign of the reference (reliability 7, promise 8)."""

DOWN_AT_MOST_S = 2.0


@dataclass(frozen=True, slots=True, order=True)
class Strike:
    """One fault. ``aim`` (from 0 to 1) picks among those it can hit; ``lasting_s`` is how long its victim is away."""

    at_s: float
    fault: Fault
    aim: float
    lasting_s: float


def drawn(seed: int, seconds: float, faults: Iterable[Fault], stopped_for_s: float) -> list[Strike]:
    """The strikes of a campaign in order: each kind as often as its rate says, and at least once.

    A stopped worker stays so for ``stopped_for_s`` and up to half as long again. All are back at the end.
    """
    source = random.Random(seed)  # noqa: S311 - spreads faults, guards nothing
    strikes = []
    for fault in faults:
        for _ in range(max(1, round(PER_MINUTE[fault] * seconds / 60))):
            lasting_s = stopped_for_s * source.uniform(1, 1.5) if fault is Fault.STOP else source.random()
            if fault in (Fault.REDIS, Fault.POSTGRES):
                lasting_s *= DOWN_AT_MOST_S
            at_s = source.uniform(0, max(0, seconds - lasting_s))
            strikes.append(Strike(at_s, fault, source.random(), lasting_s))
    return sorted(strikes)
