"""The real store against the table of moves: random chunks of work, by several holders, most of them late.

A step is one move tried on one delivery: by the queue, by the sweeper, by people, or by a raw UPDATE. Each is
foretold from the row as it stood, and the row is read again after. ``MOVES_STEPS`` says how many (per database).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError

from channels.capabilities import Idempotency, IdempotencyKind
from channels.contract import Finding, Found, Outcome, Verdict
from dispatcher.domain.lifecycle import DELIVERY
from dispatcher.domain.plan import OnAmbiguous
from dispatcher.gate.evidence import Then
from dispatcher.sender_bootstrap import now
from dispatcher.settings import Timing
from dispatcher.store import leasing, queue, sweep
from dispatcher.store.database import Work
from dispatcher.store.leasing import Leased
from dispatcher.store.queue import Move
from dispatcher.store.tables import ATTEMPTS, DELIVERIES
from tests.workers.leases import GONE, LONG, Table, table_at
from workers.outcomes import Rules, after_look, after_refusal, after_send

pytestmark = pytest.mark.system

STEPS = int(os.environ.get("MOVES_STEPS", "5000"))
AT_ONCE = 250
RULES = Rules(Timing(quiet_ms=0, look_again_ms=0, sweep_ms=0, tries=3, looks=3), lambda _failures: 0.0)
OUTCOMES = [Outcome(verdict) for verdict in Verdict]
FINDINGS = [Finding(found) for found in Found]
KINDS = [Idempotency(kind, ttl_s=3_600) for kind in IdempotencyKind]
STATES = sorted(DELIVERY.moves)
PEOPLE = {
    "held": ("accepted", "ready", "cancelled"),
    "handed_over": ("accepted", "rejected", "cancelled", "in_doubt"),
}
SEEN = {"accepted": ("visible", "missing"), "visible": ("missing",), "missing": ("visible",)}
NAMES = itertools.count()

Rows = dict[str, Any]


class Moves(RuleBasedStateMachine):
    """One lane of deliveries, whoever holds a lease on any of them, and what was tried."""

    table: Table
    tried: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self.lane = f"lane-{next(NAMES)}"
        self.names = self.table.add(AT_ONCE, lane=self.lane, account=self.lane)
        self.hands: list[Leased] = []
        self.rows = self._read()

    @rule(limit=st.integers(1, AT_ONCE), lasting=st.sampled_from([GONE, LONG]))
    def lease(self, limit: int, lasting: timedelta) -> None:
        """What is ready is taken, as far as the limit goes."""
        ready = [row for row in self.rows.values() if row.state == "ready"]
        leased = self._do(lambda work: leasing.lease(work, self.lane, "exercise", "w/1", limit, lasting))
        assert len(leased) == min(limit, len(ready))
        self._are(dict.fromkeys((item.id for item in leased), "leased"), tried=len(leased))
        self.hands += leased

    @rule(share=st.integers(1, 3))
    def intend(self, share: int) -> None:
        """Who still owns a lease that lasts commits its intent; nobody else does."""
        asked = self._newest()[::share]
        due = {
            i.id: "sending"
            for i in asked
            if (r := self.rows[i.id]).state == "leased" and r.lease_until is not None and r.lease_until > now()
        }
        kept = self._do(lambda work: queue.intend(work, dict.fromkeys(asked, ""), "w/1", timedelta(0)))
        assert {item.id for item in kept} == due.keys()
        self._are(due, tried=len(asked))

    @rule(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=7))
    def answers(self, outcomes: list[Outcome]) -> None:
        """Every holder, stale or not, records an outcome."""
        pairs = zip(self.hands, itertools.cycle(outcomes), strict=False)
        self._settle([after_send(item, outcome, now(), RULES) for item, outcome in pairs])

    @rule(thens=st.lists(st.sampled_from(list(Then)), min_size=1, max_size=7))
    def refusals(self, thens: list[Then]) -> None:
        """Every holder, stale or not, records a refusal."""
        pairs = zip(self.hands, itertools.cycle(thens), strict=False)
        self._settle([after_refusal(item, then, "no", now(), RULES) for item, then in pairs])

    @rule(
        finding=st.sampled_from(FINDINGS),
        kind=st.sampled_from(KINDS),
        wish=st.sampled_from(list(OnAmbiguous)),
        lasting=st.sampled_from([GONE, LONG]),
    )
    def looks(self, finding: Finding, kind: Idempotency, wish: OnAmbiguous, lasting: timedelta) -> None:
        """What is in doubt is looked for, by one reconciler at a time."""
        free = [
            r for r in self.rows.values() if r.state == "in_doubt" and not (r.lease_until and r.lease_until > now())
        ]
        leased = self._do(lambda work: leasing.lease_doubtful(work, self.lane, "exercise", "r/1", AT_ONCE, lasting))
        assert {item.id for item in leased} == {row.id for row in free}
        self._are({}, tried=len(leased))
        self._settle([after_look(item, finding, kind, wish, now(), RULES) for item in leased])

    @rule(places=st.lists(st.integers(0, 3), min_size=1, max_size=5))
    def people(self, places: list[int]) -> None:
        """People, and whoever reads back, move what waits for them."""
        ways = {**PEOPLE, **SEEN}
        waiting = [row for row in self.rows.values() if row.state in ways]
        pairs = zip(waiting, itertools.cycle(places), strict=False)
        chosen = [(row, ways[row.state][place % len(ways[row.state])]) for row, place in pairs]
        self._settle(
            [Move(row, row.state, target, "by people", due_at=now(), actor="ops-1") for row, target in chosen]
        )

    @rule()
    def swept(self) -> None:
        """Leases that ran out end, before an intent and after one; what waited for a status goes on."""
        fate: dict[str, str] = {}
        for row in self.rows.values():
            late = row.lease_until is not None and row.lease_until < now()
            if row.state == "leased" and late:
                fate[row.id] = "held" if row.leases >= sweep.POISONED_AFTER else "ready"
            if row.state == "sending" and late:
                fate[row.id] = "in_doubt"
            if row.state == "held" and row.reason == "stale_status":
                fate[row.id] = "ready"
        self._do(sweep.lost_leases)
        self._do(lambda work: sweep.lost_sends(work, timedelta(0)))
        self._do(lambda work: sweep.stale_ended(work, "exercise"))
        self._are(fate, tried=len(fate))

    @rule(place=st.integers(0, AT_ONCE - 1), states=st.lists(st.sampled_from(STATES), min_size=4, max_size=8))
    def by_hand(self, place: int, states: list[str]) -> None:
        """The database takes a raw UPDATE along an edge of the table, and refuses every other."""
        row = self.rows[self.names[place]]
        with self.table.store.write() as work:
            for target in states:
                allowed = target == row.state or DELIVERY.allows(row.state, target)
                assert _takes(work, row.id, target) == allowed, f"{row.state} → {target}"
        self._are({}, tried=len(states))

    def teardown(self) -> None:
        """Make room for the next."""
        with self.table.store.write() as work:
            work.execute(delete(ATTEMPTS).where(ATTEMPTS.c.delivery.in_(self.names)))
            work.execute(delete(DELIVERIES).where(DELIVERIES.c.lane == self.lane))

    def _settle(self, moves: Sequence[Move]) -> None:
        """A move counts if its row stands where, and at the fence at which, its holder saw it last."""
        holders = {(m.leased.id, m.source, m.leased.fence): m for m in moves}
        current = [m for (id_, *at), m in holders.items() if at == [self.rows[id_].state, self.rows[id_].fence]]
        made = self._do(lambda work: queue.settle(work, moves))
        assert {move.leased.id for move in made} == {move.leased.id for move in current}
        self._are({move.leased.id: move.target for move in current}, tried=len(moves))

    def _newest(self) -> list[Leased]:
        return list({item.id: item for item in self.hands}.values())

    def _do(self, change: Callable[[Work], Any]) -> Any:
        with self.table.store.write() as work:
            return change(work)

    def _are(self, fate: dict[str, str], *, tried: int) -> None:
        """The rows named went where it was foretold, along an edge; all others stand where they stood."""
        before, self.rows = self.rows, self._read()
        foretold = {name: fate.get(name, row.state) for name, row in before.items()}
        assert {name: row.state for name, row in self.rows.items()} == foretold
        for name, row in self.rows.items():
            assert row.state == before[name].state or DELIVERY.allows(before[name].state, row.state)
            assert row.fence >= before[name].fence
        self.tried["steps"] += tried

    def _read(self) -> Rows:
        with self.table.store.read() as work:
            rows = work.execute(select(DELIVERIES).where(DELIVERIES.c.lane == self.lane)).all()
        return {row.id: row for row in rows}


def _takes(work: Work, delivery: str, target: str) -> bool:
    """Whether the database takes a raw UPDATE; it is undone."""
    step = work.connection.begin_nested()
    try:
        work.execute(text("UPDATE deliveries SET state = :state WHERE id = :id"), {"state": target, "id": delivery})
    except DBAPIError:
        return False
    else:
        return True
    finally:
        step.rollback()


@pytest.fixture(params=["sqlite", "postgres"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """One released plan, on both databases."""
    with table_at(request.getfixturevalue(f"{request.param}_url")) as made:
        yield made


def test_the_store_moves_deliveries_as_the_table_says(table: Table) -> None:
    """Thousands of moves, tried by holders early and late: each is made, or refused, as foretold."""
    tried = {"steps": 0}
    machine = type("MovesHere", (Moves,), {"table": table, "tried": tried})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    while tried["steps"] < STEPS:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=5, stateful_step_count=40, deadline=None, database=None, suppress_health_check=checks
            ),
        )
    assert tried["steps"] >= STEPS
