"""What is worked out from shapes: sizes, centres, what lies outside, what crosses itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.areas.shapes import around, centre, crossing, outside, problems, square_km
from dispatcher.cap.geometry import Box, points, ring

UK = Box(49.5, -9.0, 61.2, 2.4, "the United Kingdom")
SQUARE = "52.3,-4.2 52.3,-4.1 52.4,-4.1 52.4,-4.2 52.3,-4.2"
BOW_TIE = "52,-4 53,-3 52,-3 53,-4 52,-4"


def test_the_size_of_a_square_is_that_on_the_globe() -> None:
    """A tenth of a degree each way at 52.35 north: 11.12 by 6.79 kilometres."""
    assert square_km((SQUARE,), ()) == pytest.approx(75.5, rel=0.002)


def test_the_size_of_a_circle_is_that_of_a_disc() -> None:
    """3 km about a point: 28.27 square kilometres."""
    assert square_km((), ("52.3,-4.2 3",)) == pytest.approx(28.27, rel=0.002)


def test_what_two_shapes_cover_counts_once() -> None:
    """The same square twice is as large as once; a circle inside it adds nothing."""
    assert square_km((SQUARE, SQUARE), ("52.35,-4.15 1",)) == pytest.approx(square_km((SQUARE,), ()))


def test_the_centre_lies_in_the_middle() -> None:
    """Of all shapes together; none has none."""
    assert centre((SQUARE,), ()) == pytest.approx((52.35, -4.15))
    assert (centre((), ()), around((), ())) == (None, None)


def test_a_shape_inside_the_jurisdiction_is_not_outside() -> None:
    """Nothing is said of it."""
    assert outside((SQUARE,), ("52.3,-4.2 3",), UK) == ()


@pytest.mark.parametrize(
    ("polygons", "circles", "said"),
    [
        (("48.8,2.3 48.9,2.3 48.9,2.4 48.8,2.3",), (), "polygon 1: 48.8,2.3 lies outside the United Kingdom"),
        ((), ("52.3,-4.2 3", "0,0 3"), "circle 2: 0,0 lies outside the United Kingdom"),
        (("-4.2,52.3 -4.1,52.3 -4.1,52.4 -4.2,52.3",), (), "latitude comes first, they look swapped"),
        ((), ("-4.2,52.3 3",), "latitude comes first, they look swapped"),
    ],
)
def test_a_shape_outside_says_where_and_whether_it_looks_swapped(polygons, circles, said: str) -> None:
    """Swapped coordinates of this country stay on the globe: only the jurisdiction tells them."""
    (told,) = outside(polygons, circles, UK)
    assert said in told


def test_a_bow_tie_crosses_itself() -> None:
    """And is told where."""
    assert crossing(BOW_TIE) == (
        "the polygon crosses or touches itself near 52.5000,-3.5000: draw its outline in one turn"
    )
    assert crossing(SQUARE) is None


def test_a_polygon_around_the_globe_is_refused() -> None:
    """It would be everywhere but where it was meant."""
    everywhere = Box(-90, -180, 90, 180)
    assert problems(("0,179 1,179 1,-179 0,179",), (), everywhere) == (
        "polygon 1 goes around the globe: split it at the date line",
    )


@given(st.floats(49.6, 61), st.floats(-8.9, 2.3), st.floats(0.01, 50))
def test_a_ring_is_closed_and_lies_around_its_centre(north: float, east: float, radius: float) -> None:
    """Its middle is the circle's."""
    corners = ring(f"{north:.6f},{east:.6f} {radius:.6f}")
    assert corners[0] == corners[-1]
    middle = centre((), (f"{north:.6f},{east:.6f} {radius:.6f}",))
    assert middle == pytest.approx((north, east), abs=0.01)


@given(st.lists(st.tuples(st.integers(-90, 90), st.integers(-180, 180)), min_size=1))
def test_points_are_read_as_they_are_written(pairs: list[tuple[int, int]]) -> None:
    """Latitude first."""
    assert points(" ".join(f"{north},{east}" for north, east in pairs)) == tuple(pairs)
