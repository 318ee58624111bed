"""A platform without an API: a person posts what was cleared, and signs for it; and mends it so too."""

from __future__ import annotations

from typing import Any

import pytest

from channels import registry
from channels.contract import Account
from dispatcher.domain.errors import GateClosed, Invalid
from dispatcher.domain.message import TextKind
from dispatcher.service import accounts, handing_off, taking_back
from dispatcher.store import deliveries
from tests.stage import MODE, Stage
from tests.workers.conftest import Make


@pytest.fixture
def hall(make: Make) -> Stage:
    """A deployment whose one account is posted to by hand."""
    stage = make()
    made = Account("nextdoor", "manual", "City on Nextdoor", ("en-GB",), {"characters": "2000"})
    accounts.add(stage.desk, made, MODE, {}, "ops-1")
    return stage


def waiting(stage: Stage, plan: str, kind: str = "publish") -> Any:
    """The delivery of that kind, once a person is waited for."""

    def found() -> Any:
        rows = [row for row in stage.rows(plan) if row.kind == kind and row.state == "handed_over"]
        return rows[0] if rows else None

    stage.work(found, roles=["relay", "accounts"])
    return found()


def released(stage: Stage) -> str:
    """A plan that was just released."""
    plan = stage.cleared()
    stage.release(plan)
    return plan


def signed(stage: Stage, delivery: str, person: str = "operator-1") -> handing_off.Receipt:
    """One person's receipt, with the link that stands for a post in an exercise."""
    link = registry.exercise_receipt("manual", delivery)
    return handing_off.receipt(stage.desk, delivery, stage.pen(person), link)


def test_the_text_is_shown_and_one_receipt_settles_it(hall: Stage) -> None:
    """Who posted it and the link are on record."""
    row = waiting(hall, released(hall))
    shown = handing_off.shown(hall.desk, row.id)
    assert shown.reason == "waiting for a person to post it on City on Nextdoor"
    assert "Stay indoors" in shown.texts["en-GB"]
    made = signed(hall, row.id)
    assert (made.state, made.signed_by, made.needed, made.late) == ("accepted", ("operator-1",), 0, False)
    with hall.desk.store.read() as work:
        kept = deliveries.find(work, row.id)
    assert (kept.url, kept.reference) == (made.url, made.url)


def test_a_halt_keeps_the_text_back(hall: Stage) -> None:
    """Nobody is shown what may not go out, and the answer says why; after the halt it is shown again."""
    row = waiting(hall, released(hall))
    halt = hall.halt()
    with pytest.raises(GateClosed, match="post nothing") as refused:
        handing_off.shown(hall.desk, row.id)
    assert {clause for clause, _, _ in refused.value.reasons} == {"G16"}
    hall.resume(halt)
    assert handing_off.shown(hall.desk, row.id).delivery == row.id


def test_a_revocation_keeps_the_text_back(hall: Stage) -> None:
    """The plan's clearance is gone."""
    plan = released(hall)
    row = waiting(hall, plan)
    hall.revoke(plan)
    with pytest.raises(GateClosed, match="post nothing"):
        handing_off.shown(hall.desk, row.id)


def test_nothing_is_signed_for_before_it_was_handed_over(hall: Stage) -> None:
    """No worker has asked its gate yet."""
    plan = released(hall)
    [row] = hall.rows(plan)
    with pytest.raises(Invalid, match="was opened yet"):
        signed(hall, row.id)
    with pytest.raises(Invalid, match="is ready, not handed over"):
        handing_off.shown(hall.desk, row.id)


@pytest.mark.parametrize(
    ("kind", "what"), [(TextKind.CORRECT, "to correct the post"), (TextKind.WITHDRAW, "to take down the post")]
)
def test_the_way_back_is_a_persons_too(hall: Stage, kind: TextKind, what: str) -> None:
    """It names the link that the first receipt gave, and ends with a receipt of its own."""
    plan = released(hall)
    first = signed(hall, waiting(hall, plan).id)
    taking_back.take_back(hall.desk, plan, kind, hall.pen("director-1"))
    shown = handing_off.shown(hall.desk, waiting(hall, plan, str(kind)).id)
    assert (shown.original, what in shown.reason) == (first.url, True)
    assert signed(hall, shown.delivery, "operator-2").state == "accepted"
