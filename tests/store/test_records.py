"""Documents in the store: by their names, as their bytes, moved only from where they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.domain.errors import Invalid, NotFound, Stale
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.store import deliveries, queue, recipients, records
from dispatcher.store.database import Store
from dispatcher.store.history import entries
from dispatcher.store.queue import Move
from tests.builders import INCIDENT, Drafted, draft, everything_signed, revision


def test_a_plan_comes_back_as_it_was_signed(store: Store, planned: Drafted) -> None:
    """By a beginning of its digest, byte for byte."""
    with store.read() as work:
        found = records.plan(work, planned.plan.digest[:12])
    assert (found.plan, found.digest, found.state) == (planned.plan, planned.plan.digest, "submitted")


def test_a_beginning_that_fits_two_is_refused_with_both(store: Store, planned: Drafted) -> None:
    """Nobody signs for the wrong one by typing too little."""
    other = next(
        found
        for number in range(1_000)
        if (found := replace(draft("x").plan, nonce=f"{number:032x}")).digest[0] == planned.plan.digest[0]
    )
    with store.write() as work:
        records.add_plan(work, other, "msg-1")
    with pytest.raises(Invalid, match=other.digest), store.read() as work:
        records.plan(work, other.digest[0])


@pytest.mark.parametrize("name", ["%", "_", "\\", "zzz"])
@pytest.mark.usefixtures("planned")
def test_a_name_is_no_pattern(store: Store, name: str) -> None:
    """SQL's own wildcards find nothing."""
    with pytest.raises(NotFound), store.read() as work:
        records.plan(work, name)


@pytest.mark.usefixtures("planned")
def test_an_incident_moves_only_from_where_it_is(store: Store) -> None:
    """Who comes second is told, and nothing is written."""
    with store.write() as work:
        records.move_incident(work, INCIDENT, IncidentState.ACTIVE, IncidentState.STOOD_DOWN)
    with pytest.raises(Stale), store.write() as work:
        records.move_incident(work, INCIDENT, IncidentState.ACTIVE, IncidentState.STOOD_DOWN)
    with store.read() as work:
        assert len(entries(work, kinds=["incident.moved"])) == 1


def test_a_plan_moves_only_from_where_it_is(store: Store, planned: Drafted) -> None:
    """A second release of one plan is stale."""
    with store.write() as work:
        records.move_plan(work, planned.plan.digest, INCIDENT, "submitted", "released")
    with pytest.raises(Stale), store.write() as work:
        records.move_plan(work, planned.plan.digest, INCIDENT, "submitted", "released")


def test_the_bundle_has_all_that_a_sender_needs(store: Store, planned: Drafted) -> None:
    """Plan, every rendering, everything signed about it, and what stands for its channel."""
    with store.read() as work:
        bundle = records.bundle(work, planned.plan.digest)
    assert (bundle.plan, bundle.renderings) == (planned.plan.encoded(), planned.renderings)
    assert {e.payload for e in bundle.envelopes} == {e.payload for e in everything_signed(planned.plan)}


@pytest.mark.usefixtures("planned")
def test_the_newest_revision_is_the_one_with_the_highest_number(store: Store) -> None:
    """Written in any order."""
    with store.write() as work:
        for number in (2, 1, 3):
            records.add_revision(work, revision(number=number), "author-1")
    with store.read() as work:
        assert records.newest_revision(work, "msg-1").number == 3


def test_a_delivery_that_people_signed_for_moves_once(store: Store, delivery: str) -> None:
    """The second, from the same reading, has no effect; the ledger says who moved it."""
    with store.write() as work:
        move = Move(deliveries.find(work, delivery), "ready", "cancelled", "cancelled by people", actor="ops-1")
        assert [len(queue.settle(work, [move])) for _ in range(2)] == [1, 0]
    with store.read() as work:
        (entry,) = entries(work, kinds=["delivery.moved"])
    assert b'"actor":"ops-1"' in entry.body


def test_a_list_makes_a_delivery_for_each_of_its_recipients(store: Store, planned: Drafted, delivery: str) -> None:
    """Copied by the database: place and leaf of each, an id of its own, and the same beginning for all."""
    with store.read() as work:
        known = deliveries.find(work, delivery)._mapping
    names = ("plan", "incident", "mode", "channel", "account", "kind", "rendering", "due_at", "expires_at")
    common = {**{name: known[name] for name in names}, "id": "dlv-list", "lane": "recipients"}
    header = {"id": "residents", "mode": "live", "root": "00", "count": 12, "created_by": "ops-1"}
    rows = [{"position": n, "leaf": f"leaf-{n:02}", "language": "cy", "sealed": b""} for n in range(12)]
    with store.write() as work:
        recipients.begin(work, header)
        recipients.add(work, "residents", rows)
        assert deliveries.add(work, common, "residents") == 12
    with store.read() as work:
        made = [row for row in deliveries.listed(work, plan=planned.plan.digest) if row.list == "residents"]
        assert deliveries.find(work, "dlv-list-1").position == 1
    assert {(row.id, row.position, row.destination) for row in made} == {
        (f"dlv-list-{n}", n, f"leaf-{n:02}") for n in range(12)
    }
    assert {(row.state, row.fence, row.expires_at) for row in made} == {("ready", 0, known["expires_at"])}
