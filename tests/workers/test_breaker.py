"""When an account is left alone, and how many repeats it gets."""

from __future__ import annotations

import pytest

from channels.contract import Outcome, Verdict
from workers.breaker import FLOOR_PER_S, SHARE, WINDOW_S, Breaker, RetryBudget, failed

FLOOR = round(FLOOR_PER_S * WINDOW_S)


def broken(breaker: Breaker, at_s: float = 0.0) -> Breaker:
    """A breaker after five failures in a row."""
    for number in range(5):
        breaker.heard(f"dlv-{number}", True, at_s)
    return breaker


def test_five_failures_in_a_row_open_it() -> None:
    """The fifth, and not the fourth."""
    breaker = Breaker(1.0, 60.0)
    assert [breaker.heard("dlv", True, 0.0) for _ in range(5)] == [False] * 4 + [True]
    assert not breaker.admits("other", 0.5)


def test_half_of_the_last_twenty_open_it() -> None:
    """Though never two of them in a row."""
    breaker = Breaker(1.0, 60.0)
    opened = [breaker.heard("dlv", bool(number % 2), 0.0) for number in range(20)]
    assert opened.index(True) == 19


def test_a_success_breaks_the_row() -> None:
    """Four failures, a success, four failures: nothing."""
    breaker = Breaker(1.0, 60.0)
    assert not any(breaker.heard("dlv", failure, 0.0) for failure in [*[True] * 4, False, *[True] * 4])


def test_half_open_one_goes_ahead() -> None:
    """When its time is over the first that asks may go, and no other meanwhile."""
    breaker = broken(Breaker(1.0, 60.0))
    assert [breaker.admits(name, 1.0) for name in ("first", "second", "first")] == [True, False, True]


def test_a_success_of_the_one_that_went_ahead_closes_it() -> None:
    """Then everybody may go."""
    breaker = broken(Breaker(1.0, 60.0))
    breaker.admits("first", 1.0)
    assert breaker.heard("first", False, 1.1)
    assert breaker.admits("second", 1.1)


def test_a_failure_of_the_one_that_went_ahead_doubles_the_wait() -> None:
    """One second, two, four, up to the most there is."""
    breaker, waits, now_s = broken(Breaker(1.0, 5.0)), [], 0.0
    for number in range(4):
        waits.append(breaker.wait_s(now_s))
        now_s += waits[-1]
        breaker.admits(f"probe-{number}", now_s)
        breaker.heard(f"probe-{number}", True, now_s)
    assert waits == [1.0, 2.0, 4.0, 5.0]


def test_one_that_went_ahead_and_was_never_called_makes_room_for_another() -> None:
    """The gate refused it, say."""
    breaker = broken(Breaker(1.0, 60.0))
    breaker.admits("refused", 1.0)
    breaker.ended("refused")
    assert breaker.admits("next", 1.0)


def test_stragglers_neither_close_nor_open_it() -> None:
    """Answers to calls that were under way when it opened say nothing new."""
    breaker = broken(Breaker(1.0, 60.0))
    assert not breaker.heard("straggler", False, 0.1)
    assert not breaker.admits("other", 0.1)


def test_what_another_process_found_holds_here() -> None:
    """Open while it says so; closed when it says so."""
    breaker = Breaker(1.0, 60.0)
    breaker.follow(3.0, 0.0)
    assert not breaker.admits("dlv", 2.9)
    breaker.follow(None, 2.9)
    assert breaker.admits("dlv", 2.9)


def test_what_it_found_itself_is_not_closed_by_silence() -> None:
    """Another process that knows of nothing does not close it."""
    breaker = broken(Breaker(1.0, 60.0))
    breaker.follow(None, 0.5)
    assert not breaker.admits("dlv", 0.5)


@pytest.mark.parametrize(
    ("outcome", "failure"),
    [
        (Outcome(Verdict.ACCEPTED), False),
        (Outcome(Verdict.REJECTED, "too long", status=400), False),
        (Outcome(Verdict.REJECTED, "suspended", status=403, account_wide=True), True),
        (Outcome(Verdict.IN_DOUBT, "no answer", "timeout"), True),
        (Outcome(Verdict.DEFERRED, "no connection", "connect"), True),
        (Outcome(Verdict.DEFERRED, "busy", status=503), True),
        (Outcome(Verdict.DEFERRED, "slow down", status=429, retry_after_s=1.0, account_wide=True), None),
        (Outcome(Verdict.DEFERRED, "the account waits", "paused"), None),
        (Outcome(Verdict.DEFERRED, "G16", "G16"), None),
    ],
)
def test_what_counts_as_a_failure_of_the_account(outcome: Outcome, failure: bool | None) -> None:
    """What concerns one message, or was no call, does not."""
    assert failed(outcome) is failure


def test_without_sends_there_is_a_floor_of_repeats() -> None:
    """After a crash what was in doubt may be repeated, though nothing else is sent."""
    budget = RetryBudget()
    assert [budget.take(True, 0.0) for _ in range(FLOOR + 1)] == [True] * FLOOR + [False]


def test_repeats_are_at_most_a_share_of_sends() -> None:
    """A fifth, above the floor."""
    budget = RetryBudget()
    for _ in range(1_000):
        assert budget.take(False, 0.0)
    assert sum(budget.take(True, 0.0) for _ in range(1_000)) == FLOOR + round(SHARE * 1_000)


def test_first_sends_have_no_budget() -> None:
    """Used up or not."""
    budget = RetryBudget()
    while budget.take(True, 0.0):
        pass
    assert budget.take(False, 0.0)


def test_the_window_slides() -> None:
    """Half a window later half of what was used up is free again; after two windows all is."""
    budget = RetryBudget()
    while budget.take(True, 0.0):
        pass
    assert sum(budget.take(True, 1.5 * WINDOW_S) for _ in range(2 * FLOOR)) == FLOOR // 2
    assert sum(budget.take(True, 4 * WINDOW_S) for _ in range(2 * FLOOR)) == FLOOR
