"""The spend ledger on both databases: rows that move one way, and caps that no race exceeds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from dispatcher.domain.errors import NotFound, Stale
from dispatcher.domain.lifecycle import SpendState
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Placement, Plan, Spend
from dispatcher.gate.policy import PolicyVersion
from dispatcher.service import spending
from dispatcher.store import deliveries, records, spends
from dispatcher.store.database import Store, Work, open_engine
from dispatcher.store.tables import CLEARANCES, SPENDS
from tests.builders import Drafted, draft
from tests.cast import NOW, policies, policy_document

RACERS = 8
EACH = 3
ORDER, CAP = 100, 1_050
"""In pence: ten orders fit, the rest of the eleventh's room stays."""


@pytest.fixture
def policy() -> PolicyVersion:
    """The example policy with paid webhooks, for £10.50 a case."""
    document = policy_document()
    webhook = document["policy"][0]["channel"]["webhook"]
    webhook |= {"placements": ["paid"], "spend": {"cap_case_pence": CAP, "cap_year_pence": CAP * 3}}
    return policies(document).versions[-1]


def bought(name: str, *, case: str = "storms", pence: int = ORDER) -> Plan:
    """A plan for space on the webhook."""
    plan = draft("webhook", spend=(Spend("webhook", case, pence, 2026),), nonce=name).plan
    return replace(plan, destinations=tuple(replace(d, placement=Placement.PAID) for d in plan.destinations))


def open_for(work: Work, plan: Plan, lasting: timedelta) -> None:
    """Give a plan a delivery, which somebody may release for so long."""
    destination = plan.destinations[0]
    common = {"id": f"dlv-{plan.digest}", "plan": plan.digest, "incident": plan.incident, "mode": "live"}
    place = {"lane": "accounts", "channel": destination.channel, "account": destination.account, "kind": "publish"}
    times = {"due_at": work.now, "expires_at": work.now + lasting}
    deliveries.add(work, {**common, **place, **times, "rendering": destination.renderings[TextKind.PUBLISH]})


def free(store: Store) -> int:
    """One sweep."""
    with store.write() as work:
        return spends.free(work)


def row(store: Store, plan: Plan, channel: str = "x") -> spends.StoredSpend:
    """The one row of a plan's channel."""
    with store.read() as work:
        return spends.find(work, plan.digest, channel)


@pytest.fixture
def racers(engine: Engine) -> Iterator[list[Store]]:
    """Stores that share nothing but the database, as processes do."""
    url = engine.url.render_as_string(hide_password=False)
    made = [Store(open_engine(url), lambda: NOW, f"racer:{number}") for number in range(RACERS)]
    yield made
    for one in made:
        one.close()


def race(racers: list[Store], policy: PolicyVersion, plan_of: Callable[[str], Plan]) -> int:
    """Let every store submit several plans, all beginning at once; how many got through."""
    together = threading.Barrier(len(racers))

    def submit(store: Store, plan: Plan) -> bool:
        try:
            with store.write() as work:
                records.add_plan(work, plan, "msg-1")
                spending.reserve(work, plan, policy)
                open_for(work, plan, timedelta(hours=1))
        except spending.NoRoom:
            return False
        return True

    def run(store: Store) -> int:
        plans = [plan_of(f"{store.writer}/{number}") for number in range(EACH)]
        together.wait()
        return sum(submit(store, plan) for plan in plans)

    with ThreadPoolExecutor(len(racers)) as threads:
        return sum(threads.map(run, racers))


@pytest.mark.usefixtures("planned")
def test_a_race_reserves_exactly_what_fits(racers: list[Store], policy: PolicyVersion) -> None:
    """Twenty-four orders at once against a cap with room for ten: ten get through, the cap is never exceeded."""
    assert race(racers, policy, bought) == CAP // ORDER
    with racers[0].read() as work:
        assert [spend.pence for spend in spends.listed(work, SPENDS.c.channel == "webhook")] == [ORDER] * 10


@pytest.mark.usefixtures("planned")
def test_a_race_of_many_cases_keeps_to_the_years_cap(racers: list[Store], policy: PolicyVersion) -> None:
    """Orders of different cases have no row in common, and still see one another."""
    assert race(racers, policy, lambda name: bought(name, case=name, pence=ORDER * 2)) == CAP * 3 // (ORDER * 2)


def test_a_release_that_races_a_refund_commits_or_finds_it_gone(racers: list[Store], planned: Drafted) -> None:
    """Money that one transaction frees and another commits ends in one of the two states, and one is told."""
    plan = planned.plan
    frees, commits = racers[:2]
    together = threading.Barrier(2)

    def commit() -> bool:
        together.wait()
        try:
            with commits.write() as work:
                spends.commit(work, plan)
        except Stale:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        done = threads.submit(commit)
        together.wait()
        freed = free(frees)
        committed = done.result()
    assert {committed, bool(freed)} == {True, False}
    assert row(frees, plan).state is (SpendState.COMMITTED if committed else SpendState.FREED)


def test_what_can_still_be_released_stays_reserved(store: Store, planned: Drafted) -> None:
    """The sweep takes nothing from a plan that people are signing."""
    with store.write() as work:
        open_for(work, planned.plan, timedelta(seconds=30))
    assert free(store) == 0
    assert row(store, planned.plan).state is SpendState.RESERVED


def test_a_window_that_has_passed_frees(store: Store, planned: Drafted) -> None:
    """At its end, whether or not its deliveries were swept already."""
    with store.write() as work:
        open_for(work, planned.plan, timedelta(0))
    assert (free(store), free(store)) == (1, 0)
    assert row(store, planned.plan).state is SpendState.FREED


@pytest.mark.parametrize("state", ["refused", "expired", "revoked", "stood_down"])
def test_a_clearance_that_is_over_frees(store: Store, planned: Drafted, state: str) -> None:
    """Of whichever channel: one plan has one release."""
    with store.write() as work:
        open_for(work, planned.plan, timedelta(hours=1))
        work.execute(update(CLEARANCES).values(state=state))
    assert free(store) == 1
    assert row(store, planned.plan).taken == 0


def test_what_was_committed_is_never_freed(store: Store, planned: Drafted) -> None:
    """Only an invoice tells what became of it."""
    with store.write() as work:
        spends.commit(work, planned.plan)
    assert free(store) == 0
    assert row(store, planned.plan).taken == 100


def test_what_is_reconciled_takes_what_was_billed(store: Store, planned: Drafted) -> None:
    """The rest is free again."""
    with store.write() as work:
        spends.commit(work, planned.plan)
    with store.write() as work:
        spend = spends.find(work, planned.plan.digest, "x")
        assert spends.move(work, spend, SpendState.RECONCILED, billed=60, invoice="INV-7")
        assert not spends.move(work, spend, SpendState.RECONCILED, billed=0, invoice="INV-8")
    assert (row(store, planned.plan).taken, row(store, planned.plan).invoice) == (60, "INV-7")


@pytest.mark.usefixtures("planned")
def test_money_beyond_32_bits_is_kept_to_the_penny(store: Store) -> None:
    """A budget in pence is larger than a common integer column."""
    plan = bought("large", pence=10**13 + 1)
    with store.write() as work:
        records.add_plan(work, plan, "msg-1")
        spends.add(work, plan)
    assert row(store, plan, "webhook").pence == 10**13 + 1


def test_a_channel_that_buys_nothing_is_named(store: Store, planned: Drafted) -> None:
    """With where to look."""
    with pytest.raises(NotFound, match="buys nothing on webhook"):
        row(store, planned.plan, "webhook")
