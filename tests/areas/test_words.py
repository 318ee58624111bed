"""Places in words: bands of people, sizes, what shapes there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.areas import reach_in_words
from dispatcher.areas.words import banded, described, size_in_words


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (None, "an unknown number of people"),
        (0, "fewer than 100 people"),
        (99, "fewer than 100 people"),
        (100, "about 100 people"),
        (8_400, "about 8,500 people"),
        (41_300, "about 40,000 people"),
        (112_000, "about 110,000 people"),
        (996_000, "about 1,000,000 people"),
    ],
)
def test_people_are_told_in_bands(people: int | None, said: str) -> None:
    """Never to the person."""
    assert reach_in_words(people) == said


def test_what_was_added_up_is_at_most() -> None:
    """The band above, because areas may overlap but hold no more."""
    assert reach_in_words(41_300, at_most=True) == "at most about 45,000 people"


@given(st.integers(100, 10**10))
def test_a_band_is_near_and_the_upper_one_is_never_too_low(people: int) -> None:
    """Within a quarter; above, within half."""
    assert abs(banded(people) - people) <= people / 4
    assert people <= banded(people, up=True) <= people * 1.5


def test_a_size_has_two_digits() -> None:
    """From a yard to a country."""
    sizes = (0.012, 2.519, 75.5, 1140.4, 0)
    assert [size_in_words(size) for size in sizes] == ["0.012 km²", "2.5 km²", "76 km²", "1,100 km²", "0 km²"]


def test_shapes_are_described() -> None:
    """How many, how large, where."""
    square = "52.3,-4.2 52.3,-4.1 52.4,-4.1 52.4,-4.2 52.3,-4.2"
    assert described((square,), ()) == "1 outline, 76 km², from 52.300°N to 52.400°N, 4.200°W to 4.100°W"
    assert described((square,), ("52.35,-4.15 1", "52.35,-4.15 2")).startswith("1 outline and 2 circles, 76 km²")
    assert described((), ()) == "no shape is known"
