"""How long sending took: progress, latency, and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, groupby
from typing import Any

from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import StatementKind
from dispatcher.service.reviewing.plans import PlanRead
from dispatcher.service.reviewing.sent import Tally
from dispatcher.service.reviewing.signed import holding
from dispatcher.store import tallies, ways_back
from dispatcher.store.database import Work

MOST_STEPS = 200
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Curve:
    """How many of a channel's deliveries had been accepted by each of the progress's ``ends``, never falling."""

    channel: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Acceptances of one text of a plan over the time in which it went out; ``ends`` of at most 200 equal steps."""

    plan: str
    kind: TextKind
    start: datetime
    ends: tuple[datetime, ...]
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """How durations lie, in milliseconds, at most 1 % too long; ``most`` is exact."""

    count: int
    median: int
    p95: int
    most: int


@dataclass(frozen=True, slots=True)
class Latency:
    """Where the time of one channel's deliveries of one kind of text went; None where nothing was measured.

    ``queue``: from the signature (the release, or the order of the way back) to a delivery's first attempt.
    ``adapter``: of each attempt, from its intent to its recorded answer, without the platform. ``platform``: of each
    attempt, what the platform took.
    """

    channel: str
    kind: TextKind
    queue: Spread | None
    adapter: Spread | None
    platform: Spread | None


@dataclass(frozen=True, slots=True)
class WentBack:
    """An order to correct, withdraw or end what a plan put out, and how long its effect took.

    ``made`` deliveries and ``tasks`` for people came of it, of which ``accepted`` and ``done`` took effect.
    ``first_ms`` and ``last_ms``: from the order to the first and the last of these so far. ``stood_ms``: how long the
    message had been public when it was ordered; None where it was not.
    """

    plan: str
    kind: TextKind
    ordered_at: datetime
    ordered_by: str
    reason: str
    accounts: int
    made: int
    accepted: int
    tasks: int
    done: int
    first_ms: int | None
    last_ms: int | None
    stood_ms: int | None


def progress(work: Work, counts: Iterable[Tally]) -> tuple[Progress, ...]:
    """How many of each text of each plan had been accepted when."""
    accepted = sorted((one for one in counts if one.first_accepted_at), key=lambda one: (one.plan, one.kind))
    texts = groupby(accepted, key=lambda one: (one.plan, one.kind))
    found = (_progress(work, plan, kind, list(group)) for (plan, kind), group in texts)
    return tuple(sorted(found, key=lambda one: one.start))


def latency(work: Work, incident: str) -> tuple[Latency, ...]:
    """Where the time of sending went, channel by channel."""
    found: dict[tuple[str, TextKind], dict[str, Spread]] = {}
    for (channel, kind, part), rows in groupby(tallies.durations(work, incident), key=lambda row: row[:3]):
        spread = _spread([(count, longest) for *_, count, longest in rows])
        found.setdefault((channel, TextKind(kind)), {})[part] = spread
    return tuple(
        Latency(channel, kind, *(parts.get(name) for name in ("queue", "adapter", "platform")))
        for (channel, kind), parts in found.items()
    )


def went_back(work: Work, plan: PlanRead, counts: Iterable[Tally]) -> Iterator[WentBack]:
    """The orders of a plan's way back."""
    tasks = ways_back.tasks(work, open_only=False, plan=plan.digest)
    reasons = {said.id: str(said.body.get("reason", "")) for said in holding(plan.signatures, StatementKind.REVOKE)}
    for way in ways_back.of(work, plan.digest):
        made = [one for one in counts if (one.plan, one.kind) == (way.plan, way.kind)]
        done = [task for task in tasks if task.kind == way.kind]
        yield _went_back(way, plan.public_at, reasons.get(way.statement, ""), made, done)


def _progress(work: Work, plan: str, kind: TextKind, counts: Sequence[Tally]) -> Progress:
    start = min(at for one in counts for at in (one.first_intent_at, one.first_accepted_at) if at)
    last = max(at for one in counts if (at := one.last_accepted_at))
    whole = (last - start) // MILLISECOND + 1
    step = -(-whole // MOST_STEPS)
    steps = -(-whole // step)
    found: dict[str, list[int]] = {}
    for channel, number, count in tallies.accepted(work, plan, str(kind), start, step):
        found.setdefault(channel, [0] * steps)[min(max(number, 0), steps - 1)] += count
    ends = tuple(start + MILLISECOND * step * (number + 1) for number in range(steps))
    curves = (Curve(channel, tuple(accumulate(one))) for channel, one in found.items())
    return Progress(plan, kind, start, ends, tuple(curves))


def _spread(buckets: Sequence[tuple[int, int]]) -> Spread:
    """The middle and the tail by rank, each the longest duration of the bucket that it falls into."""
    count = sum(number for number, _ in buckets)
    reached = list(accumulate(number for number, _ in buckets))
    median, p95 = (next(n for n, sum_ in enumerate(reached) if sum_ * 100 >= count * part) for part in (50, 95))
    return Spread(count, buckets[median][1], buckets[p95][1], buckets[-1][1])


def _went_back(
    way: Any, public_at: datetime | None, reason: str, made: Sequence[Tally], tasks: Sequence[Any]
) -> WentBack:
    done = [task.done_at for task in tasks if task.done_at]
    effects = done + [at for one in made for at in (one.first_accepted_at, one.last_accepted_at) if at]
    took = sorted(_ms(at - way.ordered_at) for at in effects)
    return WentBack(
        plan=way.plan,
        kind=TextKind(way.kind),
        ordered_at=way.ordered_at,
        ordered_by=way.ordered_by,
        reason=reason,
        accounts=len(way.renderings),
        made=sum(one.total for one in made),
        accepted=sum(one.states.get(state, 0) for one in made for state in ways_back.PUBLIC),
        tasks=len(tasks),
        done=len(done),
        first_ms=took[0] if took else None,
        last_ms=took[-1] if took else None,
        stood_ms=_ms(way.ordered_at - public_at) if public_at and public_at <= way.ordered_at else None,
    )


def _ms(span: timedelta) -> int:
    return span // MILLISECOND
