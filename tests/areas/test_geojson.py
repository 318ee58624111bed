"""Reading area files: what is right comes through as CAP's shapes, and every fault says what to change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.areas.catalogue import jurisdiction
from dispatcher.areas.geojson import MAX_BYTES, Area, read
from dispatcher.areas.shapes import around, rings
from dispatcher.cap.geometry import circle_problem, points, polygon_problem
from tests.areas import geojson as given_file
from tests.areas.geojson import SQUARE, collection, feature

UK = jurisdiction()
POPULATED = {"population": 41_300, "population_source": "census", "population_date": "2021-03-21"}


def one(data: bytes) -> Area:
    """The one area of a file without a fault."""
    (area,), faults = read(data, "f.geojson", UK)
    assert faults == ()
    return area


def fault(data: Any) -> str:
    """The one fault of a file that gives no area."""
    areas, (found,) = read(data if isinstance(data, bytes) else collection(data), "f.geojson", UK)
    assert areas == ()
    return found


def test_a_polygon_is_cap_text_with_latitude_first() -> None:
    """GeoJSON's [longitude, latitude] comes out as lat,lon."""
    area = one(collection(feature()))
    assert area.polygons == ("52.3,-4.2 52.3,-4.1 52.4,-4.1 52.4,-4.2 52.3,-4.2",)
    assert (area.name, area.circles, area.population) == ("Old Town", (), None)


def test_a_point_with_a_radius_is_a_circle() -> None:
    """In kilometres."""
    assert one(collection(given_file.around([-4.21, 52.315], radius_km=1.5))).circles == ("52.315,-4.21 1.5",)


def test_every_polygon_of_several_counts() -> None:
    """A MultiPolygon, and polygons and points side by side."""
    parts = {"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE]]}
    point = {"type": "Point", "coordinates": [-4.2, 52.3]}
    both = {"type": "GeometryCollection", "geometries": [parts, point]}
    area = one(json.dumps({**feature(radius_km=2), "geometry": both}).encode())
    assert (len(area.polygons), area.circles) == (2, ("52.3,-4.2 2",))


def test_a_name_per_language_is_found_by_the_language() -> None:
    """By its first part too; another language goes by the name itself."""
    area = one(collection(feature(**{"name:cy": "Yr Hen Dref"})))
    assert [area.name_in(tag) for tag in ("cy", "cy-GB", "en-GB")] == ["Yr Hen Dref", "Yr Hen Dref", "Old Town"]


def test_people_come_with_who_counted_them_and_when() -> None:
    """As given."""
    estimate = one(collection(feature(**POPULATED))).estimate
    assert estimate
    assert (estimate.people, estimate.source, str(estimate.on)) == (41_300, "census", "2021-03-21")


def test_a_fault_keeps_no_other_area_from_being_read() -> None:
    """The sound feature beside it is there."""
    areas, faults = read(collection(feature(ring=[]), feature(name="Quay")), "f.geojson", UK)
    assert [area.name for area in areas] == ["Quay"]
    assert len(faults) == 1


OPEN = SQUARE[:-1]
SWAPPED = [[north, east] for east, north in SQUARE]
HOLED = {**feature(), "geometry": {"type": "Polygon", "coordinates": [SQUARE, SQUARE]}}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (feature(ring=OPEN), "the polygon is open: end it with its first pair"),
        (feature(ring=SQUARE[:2] + SQUARE[:1]), "has 3 pairs: give at least 4"),
        (feature(ring=SWAPPED), "latitude comes first, they look swapped"),
        (feature(ring=[[-4.2, 152.3], *SQUARE[1:]]), "longitude comes first, they look swapped"),
        (feature(ring=[[258_000, 279_000], *SQUARE[1:]]), "they look like metres"),
        (feature(ring=[[181, 91], *SQUARE[1:]]), "is not on the globe: correct it"),
        (
            feature(ring=[[2.3522, 48.8566], [2.4, 48.8], [2.4, 48.9], [2.3522, 48.8566]]),
            "outside the United Kingdom",
        ),
        (feature(ring=[SQUARE[0]] * 4), "has 1 pairs"),
        (feature(ring=[SQUARE[0], SQUARE[1], SQUARE[0], SQUARE[1], SQUARE[0]]), "covers nothing"),
        (feature(ring=[["-4.2", "52.3"], *SQUARE[1:]]), "pairs of numbers"),
        (feature(ring=[[True, False], *SQUARE[1:]]), "pairs of numbers"),
        (feature(ring=[[-4.2], *SQUARE[1:]]), "pairs of numbers"),
        (feature(ring=None), "a ring is no list"),
        (HOLED, "it has a hole"),
        (given_file.around([-4.2, 52.3]), "needs its radius"),
        (given_file.around([-4.2, 52.3], radius_km=0), "needs its radius"),
        (given_file.around([-4.2, 52.3], radius_km="2"), "needs its radius"),
        (given_file.around([-4.2, 52.3], radius_km=1e-9), "has radius 0"),
        ({**feature(), "geometry": {"type": "LineString", "coordinates": SQUARE}}, "no Polygon"),
        ({**feature(), "geometry": None}, "no Polygon"),
        ({**feature(), "properties": None}, "it has no properties"),
        (feature(name=" "), "it has no name"),
        (feature(name="a\u202eb"), "no name that people read"),
        (feature(name="a" * 121), "120 printable characters at most"),
        (feature(**{"name:cy": 5}), "it has no name:cy"),
        (feature(population=5), "needs its population_source"),
        (feature(**{**POPULATED, "population_date": "last year"}), "needs its population_date"),
        (feature(**{**POPULATED, "population": "41,300"}), "a whole number of people"),
        (feature(**{**POPULATED, "population": -1}), "a whole number of people"),
        ("text", "not a GeoJSON Feature"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a GeoJSON Feature or FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": []}', "there is no feature"),
        (b'{"type": "Feature", "type": "Feature"}', "the same key twice"),
        (b" " * (MAX_BYTES + 1), "larger than 5 MB"),
        (json.dumps({**feature(), "crs": {"type": "name"}}).encode(), "convert it to WGS 84"),
        (json.dumps(feature(ring=[[float("nan"), 52.3], *SQUARE[1:]])).encode(), "NaN is no number"),
        (json.dumps(feature(ring=[[float("inf"), 52.3], *SQUARE[1:]])).encode(), "Infinity is no number"),
        (json.dumps(feature()).replace("52.3", "1e400").encode(), "is not on the globe"),
        (json.dumps(feature()).replace("52.3", "9" * 5_000).encode(), "f.geojson"),
    ],
)
def test_a_fault_says_what_to_change(bad: Any, said: str) -> None:
    """Each of them alone keeps its area out."""
    assert said in fault(bad)


def test_two_areas_of_one_name_are_a_fault() -> None:
    """Whatever their case: nobody could say which was meant."""
    _, faults = read(collection(feature(), feature(name="OLD TOWN")), "f.geojson", UK)
    assert faults == ("f.geojson, feature 2: OLD TOWN is there twice: give each area a name of its own",)


def test_more_polygons_than_are_taken_are_refused_before_anything_else() -> None:
    """1,000 at most; simplify."""
    parts = {"type": "MultiPolygon", "coordinates": [[SQUARE]] * 1_001}
    assert "1,001 polygons: at most 1,000" in fault({**feature(), "geometry": parts})


def test_more_points_than_are_taken_are_refused() -> None:
    """50,000 at most, however many polygons they are in."""
    ring = [[-4 + n / 1e5, 52 + (n % 2) / 1e5] for n in range(50_001)]
    assert "50,002 points: at most 50,000" in fault(feature(ring=[*ring, ring[0]]))


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers as files have them, with up to fifteen decimals."""
    return st.floats(low, high, allow_nan=False)


CORNERS = st.tuples(numbers(-8.9, 2.3), numbers(49.6, 61.1)).map(list)


@given(st.lists(CORNERS, min_size=3, max_size=12))
def test_a_polygon_is_the_same_shape_in_cap(corners: list[list[float]]) -> None:
    """Every corner is within half a millionth of a degree, in its order, and CAP finds nothing wrong."""
    areas, faults = read(collection(feature(ring=[*corners, corners[0]])), "f.geojson", UK)
    if faults:  # corners in one line, or too few different ones
        assert "covers nothing" in faults[0] or "pairs: give at least" in faults[0]
        return
    (polygon,) = areas[0].polygons
    assert polygon_problem(polygon) is None
    wanted = [(north, east) for east, north in [*corners, corners[0]]]
    for north, east in points(polygon):
        while abs(wanted[0][0] - north) > 5.1e-7 or abs(wanted[0][1] - east) > 5.1e-7:
            wanted.pop(0)
    assert len(wanted) <= len(corners)


@given(CORNERS, numbers(0.001, 300))
def test_a_circle_is_the_same_disc_in_cap(centre: list[float], radius: float) -> None:
    """CAP finds nothing wrong with it, and its ring keeps its distance."""
    (area,), faults = read(collection(given_file.around(centre, radius_km=radius)), "f.geojson", UK)
    assert faults == ()
    assert circle_problem(area.circles[0]) is None
    box = around((), area.circles)
    assert box is not None
    assert box.north - box.south == pytest.approx(2 * radius / 111.195, rel=1e-3, abs=2e-6)
    assert len(rings((), area.circles)[0]) == 73


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "properties", "geometry", "coordinates", "name", "features", "geometries", "radius_km"]
                ),
                inner
                | st.sampled_from(
                    ["Feature", "FeatureCollection", "Polygon", "Point", "MultiPolygon", "GeometryCollection"]
                ),
            )
        ),
    )
)
def test_nonsense_is_a_fault_and_never_an_exception(nonsense: Any) -> None:
    """Whatever the file holds."""
    areas, faults = read(json.dumps(nonsense).encode(), "f.geojson", UK)
    assert faults or areas
    read(collection({"type": "Feature", "properties": {"name": "x", "radius_km": 1}, "geometry": nonsense}), "f", UK)
