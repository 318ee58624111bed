"""Counting deliveries in the database: the same on both, and as exact as it says."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from dispatcher.domain.statement import StatementKind
from dispatcher.store import deliveries, tallies
from dispatcher.store.database import Store, Work
from dispatcher.store.tables import ATTEMPTS, DELIVERIES, STATEMENTS
from tests.builders import INCIDENT, Drafted
from tests.cast import NOW

MS = timedelta(milliseconds=1)


@pytest.fixture
def released(store: Store, planned: Drafted) -> Drafted:
    """The plan, released at NOW."""
    with store.write() as work:
        query = STATEMENTS.select().where(STATEMENTS.c.kind == str(StatementKind.RELEASE))
        statement = work.execute(query).first().id
        about = {"id": "dsp-1", "plan": planned.plan.digest, "incident": INCIDENT, "mode": "live"}
        signed = {"released_by": "director-1", "statement": statement}
        deliveries.add_dispatch(work, {**about, **signed}, ["recipients"])
    return planned


def delivered(work: Work, plan: str, number: int, **values: Any) -> None:
    """One delivery to a recipient."""
    about = {"id": f"dly-{number}", "plan": plan, "incident": INCIDENT, "mode": "live", "lane": "recipients"}
    place = {
        "channel": "notify",
        "account": "sms-1",
        "kind": "publish",
        "rendering": "r",
        "destination": f"leaf-{number}",
    }
    times = {"due_at": NOW, "expires_at": NOW + timedelta(hours=1)}
    work.execute(insert(DELIVERIES).values(**about, **place, **times, **values))


def attempted(
    work: Work, number: int, queue_ms: int, took_ms: int, provider_ms: int | None, attempt: int = 1
) -> None:
    """One attempt at it, which began so long after the release."""
    began = work.now + queue_ms * MS
    about = {"delivery": f"dly-{number}", "number": attempt, "fence": attempt, "owner": "w", "verdict": "accepted"}
    times = {"intended_at": began, "ended_at": began + took_ms * MS, "provider_ms": provider_ms}
    work.execute(insert(ATTEMPTS).values(**about, **times))


def test_durations_are_exact_below_a_second_and_within_one_percent_above(store: Store, released: Drafted) -> None:
    """Each bucket comes with its longest, so that no percentile is too short."""
    waits = [0, 7, 999, 1_000, 1_004, 1_009, 1_010, 99_950, 99_999, 100_000]
    with store.write() as work:
        for number, wait in enumerate(waits):
            delivered(work, released.plan.digest, number)
            began = {"delivery": f"dly-{number}", "number": 1, "fence": 1, "owner": "w"}
            released_at = deliveries.dispatch_of(work, released.plan.digest).released_at
            work.execute(insert(ATTEMPTS).values(**began, intended_at=released_at + wait * MS))
        found = tallies.durations(work, INCIDENT)
    assert [(part, count, longest) for _, _, part, count, longest in found] == [
        ("queue", 1, 0),
        ("queue", 1, 7),
        ("queue", 1, 999),
        ("queue", 3, 1_009),
        ("queue", 1, 1_010),
        ("queue", 2, 99_999),
        ("queue", 1, 100_000),
    ]


def test_a_durations_parts_are_the_queue_the_adapter_and_the_platform(store: Store, released: Drafted) -> None:
    """A second attempt waited for no release; an adapter that took less than its platform said took nothing."""
    with store.write() as work:
        delivered(work, released.plan.digest, 1)
        attempted(work, 1, 40, 100, 70)
        attempted(work, 1, 900, 20, 30, attempt=2)
        delivered(work, released.plan.digest, 2)
        attempted(work, 2, 60, 50, None)
        found = tallies.durations(work, INCIDENT)
    parts = {
        name: Counter({took: n for _, _, part, n, took in found if part == name}) for name in ("adapter", "platform")
    }
    assert parts == {"adapter": {0: 1, 30: 1, 50: 1}, "platform": {30: 1, 70: 1}}
    assert sum(n for _, _, part, n, _ in found if part == "queue") == 2


def test_acceptances_are_counted_by_step(store: Store, released: Drafted) -> None:
    """The first step begins with the start, and what was not accepted is in none."""
    with store.write() as work:
        for number, after in enumerate((0, 99, 100, 350)):
            delivered(work, released.plan.digest, number, accepted_at=NOW + after * MS)
        delivered(work, released.plan.digest, 9)
        found = tallies.accepted(work, released.plan.digest, "publish", NOW, 100)
    assert found == [("notify", 0, 2), ("notify", 1, 1), ("notify", 3, 1)]


def test_troubles_are_the_most_frequent_first(store: Store, released: Drafted) -> None:
    """As many lines as asked for, each with one of its deliveries."""
    with store.write() as work:
        for number, reason in enumerate(("no such number", "refused", "refused", "late")):
            delivered(work, released.plan.digest, number)
            for state in ("leased", "sending", "rejected"):
                change = DELIVERIES.update().where(DELIVERIES.c.id == f"dly-{number}")
                work.execute(change.values(state=state, reason=reason))
        found = tallies.troubles(work, INCIDENT, 2)
    assert [(row.reason, row.count, row.example) for row in found] == [("refused", 2, "dly-1"), ("late", 1, "dly-3")]
