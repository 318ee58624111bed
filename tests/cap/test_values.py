"""Times, numbers, languages and addresses: exactly what CAP writes, nothing that Python would also take."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.cap import values

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=OFFSETS).map(  # noqa: DTZ001
    lambda time: time.replace(microsecond=0)
)


@given(TIMES)
def test_every_cap_time_is_read_as_its_instant(time: datetime) -> None:
    """What Python writes with an offset is read as the same instant, in UTC."""
    read = values.read_time(time.isoformat())
    assert (read, read.tzinfo) == (time, UTC)


@given(st.text("0123456789-:+TZ. ,W", max_size=30))
def test_what_is_no_cap_time_is_refused_in_words(text: str) -> None:
    """Random strings of a time's characters are either refused or of CAP's length."""
    assert values.time(text) is not None or len(text.strip()) == len("2026-11-21T18:05:00-00:00")


def test_minus_zero_and_plus_zero_are_the_same_instant() -> None:
    """The standard asks for -00:00; many senders write +00:00."""
    assert values.read_time("2026-11-21T18:05:00-00:00") == values.read_time("2026-11-21T18:05:00+00:00")


def test_twenty_four_hours_is_the_next_midnight() -> None:
    """XML Schema allows 24:00:00."""
    assert values.read_time("2026-11-21T24:00:00-00:00") == datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-21T18:05Z", "2026-11-21T18:05:00Z", "20261121T180500+0000", "2026-W47-6T18:05:00+00:00"),
        *("2026-11-21 18:05:00+00:00", "2026-11-21T18:05:00.000+00:00", "2026-11-21T18:05:60-00:00"),
        *("2026-11-21T24:00:01-00:00", "2026-11-21T18:05:00+14:01", "2026-11-21T18:05:00,00:00"),
        *("9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00-00:00", "٢٠٢٦-11-21T18:05:00-00:00", ""),
    ],
)
def test_a_time_that_other_readers_take_is_refused(text: str) -> None:
    """Short forms, week dates, fractions, leap seconds and other digits are not CAP."""
    assert values.time(text) is not None


@pytest.mark.parametrize("text", ["nan", "inf", "1e3", "1_000", "0x10", "", "1,5", "--1", "１"])
def test_a_number_that_python_or_people_take_is_refused(text: str) -> None:
    """Only plain ASCII decimals are numbers."""
    assert values.decimal(text) is not None


@pytest.mark.parametrize(
    ("written", "usual"),
    [("en-gb", "en-GB"), ("EN", "en"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("cy-GB", "cy-GB")],
)
def test_a_language_is_written_one_way(written: str, usual: str) -> None:
    """Case does not make two languages of one."""
    assert values.tag(written) == usual
