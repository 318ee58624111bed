"""Money as people write and read it, and the financial year."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.money import financial_year, pounds, read_pence, year_name


@given(st.integers(0, 10**14 - 1))
def test_what_is_shown_reads_back_to_the_penny(pence: int) -> None:
    """In pounds with their sign, and as bare pence."""
    assert read_pence(pounds(pence)) == pence
    assert read_pence(str(pence)) == pence


@pytest.mark.parametrize(
    ("text", "pence"),
    [("16000000", 16_000_000), ("£160,000.00", 16_000_000), ("£160000", 16_000_000), (" £0.05 ", 5), ("0", 0)],
)
def test_an_amount_is_pence_unless_it_says_pounds(text: str, pence: int) -> None:
    """The sign decides."""
    assert read_pence(text) == pence


@pytest.mark.parametrize(
    "text", ["", "£", "160,000", "160000.00", "£1,60.00", "£1.5", "£1.505", "-1", "£-1", "1e6", "€5", "١٢", "1 000"]
)
def test_an_amount_that_could_be_misread_is_refused(text: str) -> None:
    """Nobody guesses whether pounds or pence were meant; the form is named."""
    with pytest.raises(ValueError, match="£160,000"):
        read_pence(text)


def test_what_is_overdrawn_is_shown_below_zero() -> None:
    """A cap that was lowered beneath what is taken leaves less than nothing."""
    assert pounds(-123_456) == "-£1,234.56"


@pytest.mark.parametrize(
    ("at", "year"),
    [
        (datetime(2026, 3, 31, 22, 59, 59, tzinfo=UTC), 2025),
        (datetime(2026, 3, 31, 23, tzinfo=UTC), 2026),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), 2026),
        (datetime(2027, 1, 1, tzinfo=UTC), 2026),
    ],
)
def test_the_financial_year_begins_on_1_april_in_london(at: datetime, year: int) -> None:
    """That is an hour before midnight UTC, for clocks there have gone forward."""
    assert financial_year(at) == year


def test_a_financial_year_is_named_by_both_its_years() -> None:
    """The century's end included."""
    assert [year_name(year) for year in (2026, 2099)] == ["2026/27", "2099/00"]
