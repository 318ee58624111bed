"""The ledger as it is read: a page at a time, by columns, and what is under a legal hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dispatcher.store import history
from dispatcher.store.database import Store

HOUR = timedelta(hours=1)


@pytest.fixture
def written(store: Store) -> Store:
    """Nine entries, of two incidents in turn."""
    with store.write() as work:
        for number in range(9):
            work.record("incident.noted" if number % 3 else "plan.moved", incident=f"inc-{number % 2}", number=number)
    return store


def ids(store: Store, **wanted: Any) -> list[int]:
    """The ids that are found, in the order in which they are."""
    with store.read() as work:
        return [row.id for row in history.newest_first(work, **wanted)]


@pytest.mark.parametrize("page", [1, 2, 3, 9, 10])
def test_pages_leave_nothing_out_and_repeat_nothing(
    written: Store, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest first, also where the last page is exactly full."""
    monkeypatch.setattr(history, "PAGE", page)
    assert ids(written) == list(range(9, 0, -1))
    with written.read() as work:
        assert [row.id for row in history.entries_by_id(work, {9, 2, 4})] == [2, 4, 9]


def test_columns_narrow_what_is_read(written: Store) -> None:
    """Incident, kinds and families, and times from the first on and before the last."""
    with written.read() as work:
        at = next(history.newest_first(work)).recorded_at
    assert ids(written, incident="inc-1", kinds=["plan."]) == [4]
    assert ids(written, kinds=["plan.moved"]) == [7, 4, 1]
    assert len(ids(written, since=at, until=at + HOUR)) == 9
    assert ids(written, since=at + HOUR) == ids(written, until=at) == []


def test_names_narrow_what_is_read(store: Store) -> None:
    """As they are written, with no letter that stands for others."""
    with store.write() as work:
        for account in ("city_x", "cityAx", "City_x"):
            work.record("account.held", account=account)
    assert ids(store, names=["city_x"]) == [1]
    assert ids(store, names=["city", "Ax"]) == [2]
    assert ids(store, names=["nobody"]) == []


def test_ids_are_known_as_far_below_as_one_may_still_appear(written: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the newest, or below the one that a reader knows, with all that came since."""
    monkeypatch.setattr(history, "LATE_IDS", 3)
    with written.read() as work:
        assert history.ids_above(work) == {7, 8, 9}
        assert history.ids_above(work, 5) == {3, 4, 5, 6, 7, 8, 9}


def test_the_last_word_on_a_legal_hold_counts(store: Store) -> None:
    """Of each incident its own."""
    said = [("inc-1", "retained"), ("inc-2", "retained"), ("inc-1", "unretained"), ("inc-3", "unretained")]
    with store.write() as work:
        assert history.retained(work) == set()
        for incident, what in said:
            work.record(f"incident.{what}", incident=incident)
    with store.read() as work:
        assert history.retained(work) == {"inc-2"}
