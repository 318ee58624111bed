"""How times and durations are typed and said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.wording.slots import moment_of
from dispatcher.wording.spoken import said_duration, said_moment
from tests.wording.support import NOW


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("now", NOW),
        ("+90m", NOW + timedelta(minutes=90)),
        ("18:00", NOW.replace(hour=18)),
        ("09:00", NOW.replace(day=22, hour=9)),
        ("2026-11-21T18:00+01:00", NOW.replace(hour=17)),
        ("2026-11-21T18:00", None),
        ("25:00", None),
        ("+0h", None),
    ],
)
def test_a_time_is_typed_in_three_ways(typed: str, meant: datetime | None) -> None:
    """A clock time is the next one by the clock of the United Kingdom; a date says its offset."""
    assert moment_of(typed, NOW) == meant


def test_a_clock_time_in_summer_is_by_the_clock_on_the_wall() -> None:
    """18:00 in July is 17:00 UTC."""
    noon = datetime(2026, 7, 4, 12, tzinfo=UTC)
    assert moment_of("18:00", noon) == noon.replace(hour=17)
    assert said_moment(noon, "en-GB") == "13:00 on 4 July"


@pytest.mark.parametrize(
    ("span", "english", "welsh"),
    [
        (timedelta(hours=1), "1 hour", "1 awr"),
        (timedelta(minutes=90), "90 minutes", "90 munud"),
        (timedelta(hours=24), "24 hours", "24 awr"),
        (timedelta(days=2), "2 days", "2 ddiwrnod"),
        (timedelta(days=4), "4 days", "4 diwrnod"),
    ],
)
def test_a_duration_is_said_in_the_largest_whole_unit(span: timedelta, english: str, welsh: str) -> None:
    """With the same digits in both languages, and the mutation that two asks for."""
    assert (said_duration(span, "en-GB"), said_duration(span, "cy-GB")) == (english, welsh)
