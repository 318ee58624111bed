"""Exercises on record: runs, the last ones, and a team whose last one is too old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.statement import Mode
from dispatcher.service import exercising
from dispatcher.service.exercising import Outcome, lapse
from tests.office import Office

NOW = datetime(2026, 11, 21, tzinfo=UTC)
MONTH = timedelta(days=31)
CARD = {"times": {"declared": 30_000}, "incident": "inc-1"}


def scored(office: Office, outcome: Outcome = Outcome.PASSED, scenario: str = "storm") -> str:
    """A run that has ended; its id."""
    run = exercising.begin(office.desk, scenario, {})
    exercising.score(office.desk, run, scenario, outcome, CARD)
    return run


@pytest.mark.parametrize(
    ("days", "max_age", "is_lapsed"),
    [(None, None, False), (400, None, False), (31, MONTH, False), (32, MONTH, True), (None, MONTH, True)],
    ids=["no rule", "no rule, long ago", "just in time", "too old", "never"],
)
def test_an_exercise_lapses_only_where_policy_says_so(
    days: int | None, max_age: timedelta | None, is_lapsed: bool
) -> None:
    """On the last day it still counts."""
    last = None if days is None else NOW - timedelta(days=days)
    assert (lapse(last, max_age, NOW) is not None) is is_lapsed


def test_a_lapse_says_when_the_last_was() -> None:
    """Beside what policy asks."""
    found = lapse(NOW - timedelta(days=90), MONTH, NOW)
    assert found is not None
    assert "every 31 days, and the last was on 23 August 2026" in found.told


def test_a_team_without_an_exercise_is_warned(office: Office) -> None:
    """None is on record, and the warning says what to type."""
    (told,) = exercising.lapsed(office.desk)
    assert "none is on record" in told
    assert told.endswith("dispatcher exercise run storm")


def test_an_exercise_itself_is_not_warned_of(office: Office) -> None:
    """Whoever holds one is mending it."""
    assert exercising.lapsed(office.desk, Mode.EXERCISE) == ()


def test_a_run_ends_the_warning_until_it_is_too_old(office: Office) -> None:
    """By the clock, not by the number of runs."""
    scored(office)
    assert exercising.lapsed(office.desk) == ()
    office.clock.now += timedelta(days=32)
    assert exercising.lapsed(office.desk)


def test_a_run_that_was_broken_off_does_not_count(office: Office) -> None:
    """The last whole one does, however old it is."""
    scored(office, Outcome.BROKEN_OFF)
    assert exercising.lapsed(office.desk)


def test_runs_are_read_back_newest_first(office: Office) -> None:
    """Each with its scorecard, of one scenario or of all."""
    first, second, third = scored(office), scored(office, scenario="riot"), scored(office)
    assert [one.run for one in exercising.runs(office.desk)] == [third, second, first]
    assert [one.run for one in exercising.runs(office.desk, "riot")] == [second]
    assert exercising.runs(office.desk)[0].card["times"] == CARD["times"]


def test_a_run_is_named_by_its_beginning(office: Office) -> None:
    """The newest without a name; a beginning that fits several is refused."""
    first, second = scored(office), scored(office)
    assert exercising.run_named(office.desk, None).run == second
    assert exercising.run_named(office.desk, first).run == first
    with pytest.raises(Invalid, match="fits 2 runs"):
        exercising.run_named(office.desk, "exr-")
    with pytest.raises(NotFound, match="there is no run"):
        exercising.run_named(office.desk, "exr-zzzzzzzz0")


def test_before_the_first_run_its_command_is_named(office: Office) -> None:
    """Nothing to show yet."""
    with pytest.raises(NotFound, match="no exercise has been scored"):
        exercising.run_named(office.desk, None)
