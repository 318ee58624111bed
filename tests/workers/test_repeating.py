"""A repeat that waited too long: what was harmless when it was decided may not be any more when it leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from dispatcher.sender_bootstrap import now
from dispatcher.store.tables import DELIVERIES
from tests.stage import Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system


def doubted(stage: Stage, since: timedelta) -> str:
    """A plan whose delivery went into doubt that long ago, at another host, and was let go to be repeated."""
    stage.account("webhook")
    plan = stage.cleared()
    values = {"attempts": 1, "looked": 1, "first_intent_at": now() - since}
    with stage.desk.store.write() as work:
        work.execute(update(DELIVERIES).where(DELIVERIES.c.plan == plan).values(**values))
    stage.release(plan)
    stage.work(lambda: stage.ended(plan), roles=("relay", "accounts"))
    return plan


def test_a_repeat_with_an_old_key_is_for_people(make: Make) -> None:
    """The receiver may have forgotten the key: nothing is sent."""
    stage = make()
    plan = doubted(stage, timedelta(hours=13))
    assert [(row.state, row.reason) for row in stage.rows(plan)] == [("held", "ambiguous")]
    assert stage.published()["webhook"] == 0


def test_a_repeat_with_a_young_key_leaves(make: Make) -> None:
    """The receiver still knows the key: a repeat is harmless."""
    stage = make()
    plan = doubted(stage, timedelta(hours=11))
    assert stage.states(plan) == {"accepted": 1}
