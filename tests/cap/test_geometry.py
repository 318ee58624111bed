"""Polygons and circles: closed rings and discs on the globe, in plain decimals, latitude first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.cap.geometry import Box, circle_problem, is_point, polygon_problem, ring

LATITUDES = st.integers(-9_000, 9_000).map(lambda hundredths: hundredths / 100)
LONGITUDES = st.integers(-18_000, 18_000).map(lambda hundredths: hundredths / 100)
POINTS = st.tuples(LATITUDES, LONGITUDES).map(lambda point: f"{point[0]:.2f},{point[1]:.2f}")
RINGS = st.lists(POINTS, min_size=3, max_size=12).map(lambda points: [*points, points[0]])
BAD_PAIRS = (
    "NaN,1",
    "inf,1",
    "1e1,1",
    "1_0,1",
    "1;1",
    "1,",
    ",1",
    "1",
    "1,1,1",
    "0x1,1",
    "90.01,0",
    "0,180.01",
    "٥٢,4",
)


@given(RINGS, st.sampled_from([" ", "\n", "\t ", "\r\n   "]))
def test_every_closed_ring_on_the_globe_is_sound(ring: list[str], space: str) -> None:
    """Any three points and the first again, with any white space between."""
    assert polygon_problem(f"\n{space.join(ring)} ") is None


@given(RINGS, st.sampled_from(BAD_PAIRS), st.data())
def test_one_bad_pair_anywhere_spoils_a_ring(ring: list[str], bad: str, data: st.DataObject) -> None:
    """The problem names the pair by its number."""
    number = data.draw(st.integers(0, len(ring) - 1))
    problem = polygon_problem(" ".join([*ring[:number], bad, *ring[number + 1 :]]))
    assert (problem or "").startswith(f"pair {number + 1}, ")


@given(RINGS)
def test_a_ring_that_does_not_close_is_open(ring: list[str]) -> None:
    """Ending elsewhere than at the first point is named."""
    problem = polygon_problem(" ".join([*ring, "0.015,0.015"]))
    assert "is open: end it with its first pair" in (problem or "")


@given(st.lists(POINTS, max_size=3))
def test_fewer_than_four_pairs_are_no_polygon(points: list[str]) -> None:
    """The problem counts them."""
    assert f"has {len(points)} pairs" in (polygon_problem(" ".join(points)) or "")


def test_a_ring_closes_by_value_not_by_spelling() -> None:
    """1.0 and 1.00 are one place."""
    assert polygon_problem("1.0,1 2,2 3,3 1.00,+1.") is None


def test_swapped_coordinates_are_recognised() -> None:
    """A longitude that cannot be a latitude suggests the cure."""
    assert "latitude comes first" in (polygon_problem("-104.09,52.41 -104.0,52.4 -104.0,52.5 -104.09,52.41") or "")


@given(POINTS, st.integers(0, 20_000))
def test_every_point_with_a_radius_is_a_circle(point: str, radius: int) -> None:
    """Radius 0 is sound and means a point."""
    circle = f"{point} {radius}"
    assert circle_problem(circle) is None
    assert is_point(circle) == (radius == 0)


@pytest.mark.parametrize(
    "text", ["", "52,4", "52,4 -1", "52,4 x", "52 4 1", "52,4,1", "52,4 1 1", "91,0 1", "NaN,0 1"]
)
def test_what_is_no_circle_is_refused(text: str) -> None:
    """Centre and radius, nothing less and nothing more."""
    assert circle_problem(text) is not None


def test_a_box_may_pass_the_antimeridian() -> None:
    """Fiji has one."""
    fiji = Box(-21.0, 176.0, -12.0, -178.0)
    assert [fiji.holds((-18.0, longitude)) for longitude in (177.0, -179.0, 0.0)] == [True, True, False]


def test_a_circle_reaches_as_far_as_its_radius() -> None:
    """A degree of latitude is some 111 km, one of longitude less."""
    corners = ring("60,0 111.2")
    assert [round(max(corner[axis] for corner in corners)) for axis in (0, 1)] == [61, 2]
