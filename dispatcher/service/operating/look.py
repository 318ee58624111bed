"""One look at a deployment, and what is kept between looks so that the next one costs little.

What has not changed by the ledger is not counted again, but for safety now and then. A Looker belongs to one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from channels.registry import Lane
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.statement import Mode
from dispatcher.service import probing
from dispatcher.service.accounts import lane_of
from dispatcher.service.desk import Desk
from dispatcher.service.judging import ChannelFinding, judge
from dispatcher.service.operating import attention, incidents
from dispatcher.service.operating.incidents import PlanSeen
from dispatcher.service.operating.ledger_tail import LedgerTail
from dispatcher.service.operating.values import LaneNow, Overview, WorkerNow
from dispatcher.service.stopping import Halted, halts_in
from dispatcher.store import accounts, checkpoints, counting, deliveries, records, ways_back, workers
from dispatcher.store.database import Work

COUNTED_AGAIN = timedelta(seconds=30)
"""How long counts, findings and halts are believed when nothing says that they changed."""

REST_S = 0.5
SEEN_WITHIN_S = 4.0
"""Until what changed was looked at; of the five seconds that are promised one is left for showing it."""

WAITING, IN_FLIGHT = ("ready",), ("leased", "sending")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was found about a plan, and when its deliveries were counted."""

    at: datetime
    seen: PlanSeen


def pause_after(took_ms: float) -> float:
    """Seconds until the next look: half a second, and nine times as long as the last look took.

    Where what changes as this look begins would then not be seen by the end of the next in time, it is less, but
    never under twice as long as a look took.
    """
    took_s = took_ms / 1000
    return max(REST_S, min(9 * took_s, max(2 * took_s, SEEN_WITHIN_S - 2 * took_s)))


def _no_rings() -> Mapping[tuple[str, str], int]:
    return {}


class Looker:
    """See the module. ``rings`` says at once how many rings wait for a lane in a mode, as far as anybody knows."""

    def __init__(self, desk: Desk, rings: Callable[[], Mapping[tuple[str, str], int]] = _no_rings) -> None:
        self._desk = desk
        self._rings = rings
        self._tail = LedgerTail()
        self._plans: dict[str, _Kept] = {}
        self._halts: tuple[datetime, tuple[Halted, ...]] | None = None
        self._last: Overview | None = None

    def look(self) -> Overview:
        """Look at everything. Raises Unavailable where the database cannot be reached."""
        began = time.monotonic()
        with self._desk.store.read() as work:
            found = self._look(work)
        found = replace(found, took_ms=(time.monotonic() - began) * 1000, number=self._number(found))
        self._last = found
        return found

    def _number(self, found: Overview) -> int:
        """One more than the last, unless only time has passed."""
        if self._last is None:
            return 1
        passing = ("number", "at", "took_ms")
        same = all(
            getattr(found, field.name) == getattr(self._last, field.name)
            for field in fields(Overview)
            if field.name not in passing
        )
        return self._last.number + (not same)

    def _look(self, work: Work) -> Overview:
        self._tail.read(work)
        halts, plans = self._halted(work), [self._plan(work, row) for row in counting.plans(work)]
        self._plans = {plan.digest: self._plans[plan.digest] for plan in plans}
        registry = self._workers(work)
        probes = tuple(probing.known(self._desk))
        lanes = self._lanes(work, plans, registry)
        newest = checkpoints.newest(work)
        settings = self._desk.settings
        return Overview(
            number=0,
            at=work.now,
            took_ms=0.0,
            deployment=settings.deployment,
            kind=str(settings.kind),
            incidents=tuple(incidents.of(work, plans, halts, self._tail)),
            lanes=lanes,
            workers=registry,
            attention=tuple(attention.matters(self._desk, work, plans, probes, lanes)),
            halts=halts,
            probes=probes,
            checkpoint_at=newest.made_at if newest else None,
            ledger_waiting_since=checkpoints.waiting_since(work),
            ledger_size=self._tail.newest,
        )

    def _plan(self, work: Work, row: Any) -> PlanSeen:
        """What is known of a plan: as it was found last, unless something may have changed it."""
        kept = self._plans.get(row.digest)
        changed = self._tail.everything or row.incident in self._tail.incidents
        stale = kept is None or work.now - kept.at > COUNTED_AGAIN
        if kept is None or changed or stale or kept.seen.state != row.state:
            kept = self._plans[row.digest] = _Kept(work.now, self._seen(work, row))
        elif self._tail.signed:  # about another incident or none: that moves no delivery of this one
            kept = self._plans[row.digest] = _Kept(kept.at, self._judged(work, row, kept.seen))
        return kept.seen

    def _judged(self, work: Work, row: Any, before: PlanSeen) -> PlanSeen:
        """The same deliveries, and what the gate says of the plan now."""
        findings = self._findings(work, before.stored) if row.state == "submitted" else ()
        return replace(before, findings=findings)

    def _seen(self, work: Work, row: Any) -> PlanSeen:
        stored = records.plan(work, row.digest)
        counts = tuple(deliveries.counts(work, row.digest))
        lists = {place.account for place in stored.plan.destinations if lane_of(place.channel) is Lane.RECIPIENTS}
        own = {place.account for place in stored.plan.destinations} - lists
        released = row.released_at is not None
        ready = sorted({account for _, _, account, state, _, _ in counts if state in WAITING}) if released else []
        return PlanSeen(
            stored=stored,
            released_at=row.released_at,
            signed_at=counting.signed_last(work, row.digest) or row.created_at,
            counts=counts,
            posts=tuple(counting.posts(work, row.digest, own)) if released else (),
            due={account: counting.due(work, row.digest, account) for account in ready},
            findings=self._findings(work, stored) if row.state == "submitted" else (),
            tasks=ways_back.tasks(work, open_only=False, plan=row.digest) if released else (),
        )

    def _findings(self, work: Work, stored: records.StoredPlan) -> tuple[ChannelFinding, ...]:
        try:
            return tuple(judge(self._desk, work, stored))
        except (DispatcherError, ValueError, LookupError):  # a plan that nobody can judge is said to be so
            return ()

    def _halted(self, work: Work) -> tuple[Halted, ...]:
        if self._halts is None or self._tail.signed or work.now - self._halts[0] > COUNTED_AGAIN:
            found = [halt for mode in Mode for halt in halts_in(self._desk, work, mode) if halt.in_force]
            self._halts = (work.now, tuple(found))
        return self._halts[1]

    def _workers(self, work: Work) -> tuple[WorkerNow, ...]:
        lasting = self._desk.settings.timing.lasting("silence")
        names = [field.name for field in fields(WorkerNow) if field.name != "live"]
        return tuple(
            WorkerNow(live=work.now - row.seen_at <= lasting, **{name: getattr(row, name) for name in names})
            for row in workers.rows(work)
        )

    def _lanes(self, work: Work, plans: Iterable[PlanSeen], registry: Iterable[WorkerNow]) -> tuple[LaneNow, ...]:
        """The lanes that have accounts, in each mode that has any."""
        of_lane: dict[tuple[str, str], set[str]] = {}
        for row in accounts.rows(work):
            of_lane.setdefault((row.lane, row.mode), set()).add(row.id)
        running = [plan for plan in plans if plan.released_at is not None]
        live = [(one.role, one.mode) for one in registry if one.live]
        return tuple(
            self._lane(work, lane, mode, frozenset(names), running, live.count((lane, mode)))
            for (lane, mode), names in sorted(of_lane.items(), key=lambda one: (one[0][1], one[0][0]))
        )

    def _lane(
        self, work: Work, lane: str, mode: str, names: frozenset[str], plans: Iterable[PlanSeen], live: int
    ) -> LaneNow:
        states: dict[str, int] = {}
        delayed, oldest = 0, []
        for plan in plans:
            for _, _, account, state, count, _ in plan.counts:
                if account in names:
                    states[state] = states.get(state, 0) + count
            for account in names & plan.due.keys():
                first, later = plan.due[account]
                delayed += later
                oldest += [first] if first is not None and first <= work.now else []
        waiting, in_flight = _sum(states, WAITING) - delayed, _sum(states, IN_FLIGHT)
        pace, last = self._tail.per_minute(names), self._tail.last_of(names)
        return LaneNow(
            lane=lane,
            mode=mode,
            waiting=max(0, waiting),
            delayed=delayed,
            in_flight=in_flight,
            in_doubt=states.get("in_doubt", 0),
            held=states.get("held", 0),
            oldest_due_at=min(oldest, default=None),
            per_minute=pace,
            empty_in_s=60 * (waiting + in_flight) // pace if pace and waiting + in_flight > 0 else None,
            live=live,
            last_done_at=last.at if last else None,
            last_done=last.account if last else "",
            rings=self._rings().get((lane, mode)),
        )


def _sum(states: Mapping[str, int], wanted: Iterable[str]) -> int:
    return sum(states.get(state, 0) for state in wanted)
