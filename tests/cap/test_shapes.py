"""Plane geometry on degrees: what crosses, what repeats, what lies within what."""

import pytest

from dispatcher.cap.geometry import points
from dispatcher.cap.shapes import crosses, repeats, within

SQUARE = points("0,0 0,10 10,10 10,0 0,0")


@pytest.mark.parametrize(
    ("polygon", "found"),
    [
        ("0,0 0,10 10,10 10,0 0,0", False),
        ("0,0 10,10 10,0 0,10 0,0", True),  # a bow tie
        ("0,0 0,10 10,10 5,0 10,0 0,0", True),  # a corner that touches a side
        ("0,0 0,4 4,4 4,2 2,2 2,0 0,0", False),  # an L
        ("0,0 0,5 0,5 5,5 0,0", False),  # a corner said twice in a row is no crossing
    ],
)
def test_what_crosses_itself_is_found(polygon: str, found: bool) -> None:
    """Sides that are not neighbours do not touch."""
    assert crosses(points(polygon)) is found


def test_a_point_that_comes_twice_is_found() -> None:
    """The first and last are one."""
    assert not repeats(SQUARE)
    assert repeats(points("0,0 0,5 0,5 5,5 0,0"))


def test_a_ring_within_another_is_told_from_one_beside_it() -> None:
    """All of its corners count."""
    assert within(points("2,2 2,4 4,4 2,2"), SQUARE)
    assert not within(points("2,2 2,14 4,4 2,2"), SQUARE)
    assert not within(points("20,20 20,24 24,24 20,20"), SQUARE)
