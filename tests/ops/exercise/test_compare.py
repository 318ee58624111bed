"""A scorecard beside earlier runs and real events, and how it reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dispatcher.service.exercising import Outcome, Run
from ops.exercise.compare import direction, events
from ops.exercise.score import TIMES, score
from ops.exercise.shown import document, told
from tests.ops.exercise.built import ALARM, GOOD, storm


def run(days: int, *, outcome: Outcome = Outcome.PASSED, **times: int) -> Run:
    """A run of the storm, so many days after the first."""
    card = score(storm().entries, storm().far, GOOD, finished=True).document()
    card["times"] = {**dict.fromkeys(TIMES), **times}
    return Run(f"exr-{days}", "storm", outcome, ALARM + timedelta(days=days), card)


def row(made: Run, *before: Run, time: str = "first_public") -> dict[str, Any]:
    """One time of a run beside the others."""
    found: dict[str, Any] = next(one for one in document(made, [made, *before])["compared"] if one["time"] == time)
    return found


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (30_000, 60_000, "better by 30.0 s"),
        (60_000, 30_000, "worse by 30.0 s"),
        (31_000, 30_000, "as before"),
        (200, 50, "as before"),
        (30_000, None, ""),
        (None, 30_000, ""),
    ],
)
def test_shorter_is_better_and_a_tenth_is_nothing(now: int | None, before: int | None, words: str) -> None:
    """A machine that is busy makes small differences."""
    assert direction(now, before) == words


def test_a_run_stands_beside_the_last_and_the_best_before_it() -> None:
    """The best may be older than the last."""
    made = row(run(3, first_public=40_000), run(2, first_public=60_000), run(1, first_public=30_000))
    assert (made["last_ms"], made["best_ms"], made["words"]) == (60_000, 30_000, "better by 20.0 s")


def test_what_was_broken_off_is_no_run_to_compare_with() -> None:
    """It would win with what it never did."""
    broken = run(1, outcome=Outcome.BROKEN_OFF, first_public=1)
    assert row(run(2, first_public=40_000), broken)["last_ms"] is None


def test_real_events_stand_beside_the_time_that_they_are_about() -> None:
    """Hawaii took 38 minutes and NHK 5; a run without a correction is compared with neither."""
    found = {event.name.partition(",")[0]: event.seconds for event, _ in events({"corrected_all": 4_000})}
    assert (found["Hawaii"], found["NHK"]) == (38 * 60, 5 * 60)
    assert not list(events({"corrected_all": None}))


def test_every_event_names_its_source_and_a_time_that_there_is() -> None:
    """A figure without a source is a rumour."""
    known = [event for event, _ in events(dict.fromkeys(TIMES, 1))]
    assert known
    assert all(event.source and event.time in TIMES for event in known)


def test_the_card_says_who_was_waited_for_and_what_was_lost() -> None:
    """In plain lines, without colour or boxes."""
    made = run(2, first_public=40_000)
    text = told(document(made, [made, run(1, first_public=60_000)]))
    assert "PASSED" in text
    assert "better by 20.0 s" in text
    assert "Waited 2 min 30 s for people, 1 min 30 s for the script in their place" in text
    assert "0 lost, 0 doubled" in text
