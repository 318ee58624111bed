"""A map of shapes: self-contained, readable without seeing it, the same bytes each time."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from dispatcher.areas.drawing import map_svg
from dispatcher.areas.shapes import MAX_POINTS

SQUARE = "52.3,-4.2 52.3,-4.1 52.4,-4.1 52.4,-4.2 52.3,-4.2"
CIRCLE = "52.35,-4.15 2"
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str, tag: str = "text") -> list[str]:
    """What stands in the elements of one kind."""
    return [str(element.text) for element in etree.fromstring(svg).iter(f"{SVG}{tag}")]


def test_a_map_says_what_it_shows_to_who_cannot_see_it() -> None:
    """A title with the names, and the shapes in words."""
    svg = map_svg((SQUARE,), (CIRCLE,), names=("Old Town", "Quay"), name="area-1")
    assert texts(svg, "title") == ["Map of Old Town, Quay"]
    assert texts(svg, "desc")[0].startswith("1 outline and 1 circle, 76 km², from 52.300°N")
    root = etree.fromstring(svg)
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "area-1-title area-1-desc")


def test_a_map_has_coordinates_and_a_scale() -> None:
    """Round degrees along both sides, and a bar of a round length."""
    said = texts(map_svg((SQUARE,), ()))
    assert {"52.30°N", "52.35°N", "4.20°W", "4.10°W"} <= set(said)
    assert "2 km" in said


def test_a_map_needs_nothing_from_elsewhere() -> None:
    """No script, no style sheet, no picture, no address but the name of the format."""
    svg = map_svg((SQUARE,), (CIRCLE,))
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert {element.tag.removeprefix(SVG) for element in etree.fromstring(svg).iter()} == {
        *("svg", "title", "desc", "rect", "path", "text")
    }


def test_a_name_is_text_and_nothing_else() -> None:
    """Markup in it is escaped, and what cannot be seen is spelled out."""
    svg = map_svg((SQUARE,), (), names=("<script>\u202e",))
    assert "<script" not in svg
    assert texts(svg, "title") == ["Map of <script>[U+202E]"]


def test_the_same_shapes_are_the_same_bytes() -> None:
    """Twice."""
    assert map_svg((SQUARE,), (CIRCLE,)) == map_svg((SQUARE,), (CIRCLE,))


def test_without_a_shape_there_is_no_map() -> None:
    """Words alone are not drawn."""
    assert map_svg((), (), names=("Old Town",)) == ""


@pytest.mark.parametrize("shape", ["52.35,-4.15 0.01", "52.35,-4.15 400"])
def test_a_map_shows_a_yard_and_a_country(shape: str) -> None:
    """All of it lies on the sheet, which is as wide as asked."""
    root = etree.fromstring(map_svg((), (shape,), width=400))
    width, height = (float(one) for one in root.get("viewBox", "").split()[2:])
    drawn = next(path for path in root.iter(f"{SVG}path") if str(path.get("d")).endswith("Z"))
    for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", str(drawn.get("d"))):
        assert 0 <= float(x) <= width == 400
        assert 0 <= float(y) <= height


def test_a_map_of_very_many_corners_stays_small() -> None:
    """Corners that fall on one spot are one."""
    corners = [f"{52 + n / 1e7:.6f},{-4 + (n % 2) / 1e6:.6f}" for n in range(MAX_POINTS - 1)]
    assert len(map_svg((" ".join([*corners, corners[0]]),), ())) < 100_000
