"""The whole way of an order for paid space, from two authors at once to what the agency got."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dispatcher.bootstrap import open_desk
from dispatcher.domain.errors import GateClosed
from dispatcher.domain.plan import Placement, Spend
from dispatcher.sender_bootstrap import now
from dispatcher.service import clearing, spending
from dispatcher.store import spends
from tests.paid import buying, put_in_force
from tests.stage import Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

SIGNERS = ("checker-1", "director-1", "finance-1")


def buyer(make: Make, **options: Any) -> Stage:
    """A deployment with a webhook that stands for an agency, and a cap of £90,000 a case."""
    made = make(**options)
    made.desk.store.close()
    put_in_force(made.folder, buying(), now())
    made.desk = open_desk(made.folder)
    made.account("webhook")
    return made


def order(stage: Stage, pence: int) -> str:
    """Submit an order, whose central approval is named."""
    spend = (Spend("webhook", "storms", pence, 0, "AMC-2026-014"),)
    return stage.submitted(placement=Placement.PAID, spend=spend)


def released(stage: Stage, pence: int) -> str:
    """An order that everybody signed."""
    plan = order(stage, pence)
    for person in SIGNERS:
        clearing.approve(stage.desk, plan, stage.pen(person))
    stage.release(plan)
    return plan


def test_of_two_orders_at_once_exactly_one_is_reserved(make: Make, story_url: str) -> None:
    """£60,000 and £60,000 against £90,000: the other is refused with G13 and leaves its refusal only."""
    stage = buyer(make, database=story_url)
    together = threading.Barrier(2)

    def submit(number: int) -> list[str]:
        own = Stage(stage.folder, open_desk(stage.folder, f"author-{number}"), stage.far)
        together.wait()
        try:
            order(own, 6_000_000)
        except GateClosed as closed:
            return [clause for clause, _, _ in closed.reasons]
        finally:
            own.desk.store.close()
        return []

    with ThreadPoolExecutor(2) as authors:
        assert sorted(authors.map(submit, range(2))) == [[], ["G13"]]
    with stage.desk.store.read() as work:
        assert [row.pence for row in spends.listed(work)] == [6_000_000]
    assert len(stage.ledger("submission.refused")) == len(stage.ledger("plan.submitted")) == 1


def test_an_order_whose_money_is_committed_reaches_the_agency(make: Make) -> None:
    """Through the roles themselves: released, permitted, accepted once."""
    stage = buyer(make)
    plan = released(stage, 6_000_000)
    stage.work(lambda: stage.ended(plan))
    assert (stage.states(plan), stage.published()) == ({"accepted": 1}, {"webhook": 1})


def test_an_order_that_finance_has_closed_is_not_sent(make: Make) -> None:
    """Its rest was freed for others: the sender refuses it with G13, and people see it held."""
    stage = buyer(make)
    plan = released(stage, 6_000_000)
    spending.reconcile(stage.desk, plan, "webhook", 0, "INV-7", stage.pen("finance-1"))
    stage.work(lambda: stage.ended(plan))
    assert (stage.states(plan), stage.refusals(plan)) == ({"held": 1}, {"G13"})
    assert not stage.published()


def test_the_relay_frees_what_was_taken_back(make: Make) -> None:
    """Nobody has to submit anything for the room to show."""
    stage = buyer(make)
    plan = order(stage, 6_000_000)
    stage.revoke(plan)

    def freed() -> bool:
        with stage.desk.store.read() as work:
            return spends.find(work, plan, "webhook").taken == 0

    stage.work(freed, roles=("relay",))
