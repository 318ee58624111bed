"""The registry of processes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.store import workers
from dispatcher.store.database import Store
from dispatcher.store.workers import Doing, Process
from tests.cast import NOW

ONE, OTHER = (Process(f"accounts/{n}", "accounts", "live", "host-1", n, "1.0") for n in (1, 2))


def beat(store: Store, process: Process, doing: Doing = workers.IDLE, hours: int = 0) -> None:
    """It speaks, so many hours after the test began."""
    with store.write() as work:
        workers.beat(replace(work, now=NOW + timedelta(hours=hours)), process, doing)


def owners(store: Store) -> list[str]:
    """Who is listed."""
    with store.read() as work:
        return [row.owner for row in workers.rows(work)]


def test_a_process_is_listed_once_with_its_last_word(store: Store) -> None:
    """However often it speaks; it started when it spoke first."""
    beat(store, ONE)
    beat(store, ONE, Doing("plan abc", NOW, 16), hours=1)
    with store.read() as work:
        (row,) = workers.rows(work)
    assert (row.started_at, row.seen_at, row.in_flight) == (NOW, NOW + timedelta(hours=1), 16)


def test_a_process_that_stops_in_good_order_is_not_listed(store: Store) -> None:
    """The others are."""
    beat(store, ONE)
    beat(store, OTHER)
    with store.write() as work:
        workers.stop(work, ONE.owner)
    assert owners(store) == [OTHER.owner]


@pytest.mark.parametrize(("hours", "listed"), [(23, 2), (25, 1)])
def test_a_process_that_was_lost_is_forgotten_after_a_day(store: Store, hours: int, listed: int) -> None:
    """Once another one starts."""
    beat(store, ONE)
    beat(store, OTHER, hours=hours)
    assert len(owners(store)) == listed
