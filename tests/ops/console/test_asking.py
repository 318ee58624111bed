"""What visitors type into forms: read, or refused with a sentence and kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.domain.errors import NotFound
from ops.console.asking import LONGEST, asked, moment, number, one_of

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("-2h", NOW - timedelta(hours=2)),
        ("-90m", NOW - timedelta(minutes=90)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T18:00", datetime(2026, 11, 21, 18, tzinfo=UTC)),
        ("2026-11-21T18:00+01:00", datetime(2026, 11, 21, 17, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_utc_unless_they_say_otherwise(typed: str, meant: datetime) -> None:
    """A day, a time, a time with an offset, so long ago."""
    assert moment(NOW)(typed) == meant


@pytest.mark.parametrize("typed", ["yesterday", "-0h", "-2y", "0001-01-01T00:00+14:00", "{{7*7}}", "9" * 400])
def test_what_is_no_time_is_a_fault_of_its_field(typed: str) -> None:
    """The value is kept, and the sentence says what to write."""
    given = asked({"since": typed}, ["since"])
    assert given.read("since", moment(NOW)) is None
    assert given.faulty("since")
    assert "-2h" in given.faults[0].says
    assert given.values["since"] == typed


@pytest.mark.parametrize("typed", ["x" * (LONGEST + 1), "null\0byte"])
def test_what_can_name_nothing_is_refused_before_anything_is_read(typed: str) -> None:
    """A reader is not even asked."""
    given = asked({"plan": typed}, ["plan"])
    assert given.text("plan") is None
    assert given.faulty("plan")


def test_an_error_of_the_service_becomes_a_fault() -> None:
    """With what to do next."""

    def read(_name: str) -> str:
        raise NotFound("there is no plan x", "see those there are")

    given = asked({"plan": "x"}, ["plan"])
    assert given.read("plan", read) is None
    assert given.faults[0].says == "there is no plan x. see those there are"


def test_a_word_must_be_one_of_those_there_are() -> None:
    """And those are named."""
    with pytest.raises(ValueError, match="choose a, b"):
        one_of(["a", "b"], "letter")("c")


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "٣", "1" * 19, "x"])
def test_a_place_is_a_whole_number_above_nought(typed: str) -> None:
    """In ASCII digits, as our own links have it."""
    with pytest.raises(ValueError, match="take the link"):
        number(typed)
