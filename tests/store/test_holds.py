"""Holds by people and by breakers, side by side, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.contract import Account
from dispatcher.domain.statement import Mode
from dispatcher.store import accounts, holds
from dispatcher.store.database import Store


@pytest.fixture
def account(store: Store) -> str:
    """An account's name."""
    with store.write() as work:
        accounts.add_account(work, Account("x-1", "x", "Example", ("en-GB",)), "accounts", Mode.EXERCISE)
    return "x-1"


def test_a_breaker_touches_no_persons_hold(store: Store, account: str) -> None:
    """It opens and closes; the hold stands."""
    with store.write() as work:
        holds.place(work, account, "ops-1", "maintenance")
        holds.broke(work, account, 5.0, "no answer")
        holds.broke(work, account, None, "")
        assert holds.standing(work).held == {account: "maintenance"}


def test_the_end_of_a_hold_closes_no_breaker(store: Store, account: str) -> None:
    """It is the account that is ill, not the person's wish."""
    with store.write() as work:
        holds.place(work, account, "ops-1", "maintenance")
        holds.broke(work, account, 5.0, "no answer")
        holds.lift(work, account, "ops-1")
        assert holds.standing(work).broken == {account: work.now + timedelta(seconds=5)}


def test_a_breaker_that_opens_again_says_until_when(store: Store, account: str) -> None:
    """One row each, the newest."""
    with store.write() as work:
        holds.broke(work, account, 5.0, "no answer")
        holds.broke(work, account, 10.0, "no answer")
        assert [row.until for row in holds.rows(work)] == [work.now + timedelta(seconds=10)]


def test_a_breaker_whose_time_is_over_closes_nothing(store: Store, account: str) -> None:
    """Its account is tried again."""
    with store.write() as work:
        holds.broke(work, account, 5.0, "no answer")
        standing = holds.standing(work)
        assert standing.closed(work.now) == {account}
        assert standing.closed(work.now + timedelta(seconds=5)) == frozenset()
