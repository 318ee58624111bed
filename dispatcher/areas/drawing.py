"""A map of shapes as one SVG element that needs nothing else: no tiles, no script, no font, no network.

Rules (reference: ux 2, 7)
  1. North is up; one kilometre is as long across as it is up, in the middle of the map.
  2. A dark outline on light ground, letters that stay letters, and nothing told by colour alone.
  3. What the map shows is said in words beside it, for who cannot see it. Other people's text is spelled out.
  4. The same shapes are the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from channels.text import spelled_out
from dispatcher.areas.shapes import around, rings
from dispatcher.areas.words import degrees, described
from dispatcher.cap.geometry import EARTH_KM, Box, Point, disc

INK, SOFT, LINE, FAINT = "#14191f", "#4a5560", "#c3cad1", "#d9e6ee"
FONT = "'DejaVu Sans', sans-serif"
DEGREE_KM = math.pi * EARTH_KM / 180
"""One degree of latitude."""
LEAST_KM = 0.5
"""A map is no narrower than this, however small what it shows."""
MARGIN = 0.15
"""Of the larger side of what is shown, on each side of it."""
LOW, HIGH = 0.45, 1.0
"""Bounds of a map's height, of its width."""
_SVG = "http://www.w3.org/2000/svg"
_LETTER = 11
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What a map holds: its north-western corner, units per degree each way, and its size in units."""

    north: float
    west: float
    across: float
    up: float
    width: int
    height: int

    def at(self, point: Point) -> tuple[float, float]:
        return (point[1] - self.west) * self.across, (self.north - point[0]) * self.up


def map_svg(
    polygons: Sequence[str], circles: Sequence[str], *, names: Sequence[str] = (), width: int = 648, name: str = "map"
) -> str:
    """Sound shapes (CAP strings) on a map ``width`` units wide; empty where there is none.

    ``names`` are what the place is called; ``name`` begins every id in it, so that several stand on one page.
    """
    box = around(polygons, circles)
    if box is None:
        return ""
    sheet = _sheet(box, width)
    svg = etree.fromstring(f'<svg xmlns="{_SVG}"/>')
    for key, value in {"viewBox": f"0 0 {sheet.width} {sheet.height}", "width": sheet.width}.items():
        svg.set(key, str(value))
    svg.set("font-family", FONT)
    svg.set("font-size", str(_LETTER))
    _add(svg, "rect", width=sheet.width, height=sheet.height, fill="#ffffff", stroke=LINE)
    _graticule(svg, sheet)
    for corners in rings(polygons, circles):
        _add(svg, "path", d=_path(sheet, corners), fill=FAINT, fill_opacity=0.6, stroke=INK, stroke_width=2)
    for circle in circles:
        x, y = sheet.at(disc(circle)[0])
        _add(svg, "path", d=f"M{x - 4:.1f},{y:.1f}h8M{x:.1f},{y - 4:.1f}v8", stroke=INK, stroke_width=2)
    _scale(svg, sheet)
    labelled(svg, name, _title(names), described(polygons, circles))
    return etree.tostring(svg, encoding="unicode")


def labelled(svg: Any, name: str, title: str, description: str) -> None:
    """Have an SVG element say what it shows to who cannot see it."""
    for place, (word, text) in enumerate((("title", title), ("desc", description))):
        told = etree.Element(f"{{{_SVG}}}{word}", id=f"{name}-{word}")
        told.text = spelled_out(text)
        svg.insert(place, told)
    svg.set("role", "img")
    svg.set("aria-labelledby", f"{name}-title {name}-desc")


def _sheet(box: Box, width: int) -> _Sheet:
    """The box with a margin, brought to sides of which neither is much longer than the other."""
    middle, centre = (box.south + box.north) / 2, (box.west + box.east) / 2
    squeeze = max(0.01, math.cos(math.radians(middle)))
    wide, high = (box.east - box.west) * squeeze, box.north - box.south
    margin = 2 * MARGIN * max(wide, high, LEAST_KM / DEGREE_KM)
    wide, high = wide + margin, high + margin
    wide, high = max(wide, high / HIGH), max(high, wide * LOW)
    unit = width / wide
    return _Sheet(middle + high / 2, centre - wide / squeeze / 2, unit * squeeze, unit, width, round(high * unit))


def _path(sheet: _Sheet, corners: Sequence[Point]) -> str:
    placed = [f"{x:.1f},{y:.1f}" for x, y in map(sheet.at, corners)]
    seen = [place for index, place in enumerate(placed) if index == 0 or place != placed[index - 1]]
    return f"M{'L'.join(seen)}Z"


def _graticule(svg: Any, sheet: _Sheet) -> None:
    for degree, label in _lines(sheet.west, sheet.width / sheet.across, 5, "EW"):
        x, _ = sheet.at((sheet.north, degree))
        _add(svg, "path", d=f"M{x:.1f},0V{sheet.height}", stroke=LINE)
        _add(svg, "text", label, x=f"{x + 3:.1f}", y=sheet.height - 5, fill=SOFT)
    for degree, label in _lines(sheet.north - sheet.height / sheet.up, sheet.height / sheet.up, 4, "NS"):
        _, y = sheet.at((degree, sheet.west))
        _add(svg, "path", d=f"M0,{y:.1f}H{sheet.width}", stroke=LINE)
        _add(svg, "text", label, x=4, y=f"{y - 3:.1f}", fill=SOFT)


def _lines(start: float, length: float, most: int, sides: str) -> Iterator[tuple[float, str]]:
    """Round degrees within a stretch, at most so many and one, each as people write it."""
    step = _round_up(length / most)
    digits = max(0, -math.floor(math.log10(step)))
    for count in range(math.ceil(start / step), math.floor((start + length) / step) + 1):
        yield count * step, degrees(count * step, sides, digits)


def _scale(svg: Any, sheet: _Sheet) -> None:
    """A bar of a round length, no longer than a quarter of the map, in its upper right corner."""
    unit = sheet.up / DEGREE_KM
    longest = sheet.width / 4 / unit
    kilometres = max(step for step in _rounds(longest) if step <= longest)
    length = kilometres * unit
    left, label = sheet.width - length - 12, f"{kilometres:g} km" if kilometres >= 1 else f"{kilometres * 1000:g} m"
    _add(svg, "path", d=f"M{left:.1f},20v6h{length:.1f}v-6", fill="none", stroke=INK, stroke_width=2)
    middle = f"{left + length / 2:.1f}"
    _add(svg, "text", label, x=middle, y=16, fill=INK, text_anchor="middle")


def _round_up(value: float) -> float:
    return next(step for step in _rounds(value) if step >= value)


def _rounds(value: float) -> list[float]:
    """Round figures about a value: 1, 2 and 5 with noughts."""
    power = 10.0 ** math.floor(math.log10(value))
    return [power / 2, *(step * power for step in _STEPS), 10 * power]


def _title(names: Sequence[str]) -> str:
    return f"Map of {', '.join(names)}" if names else "Map of the area"


def _add(svg: Any, tag: str, text: str | None = None, **facts: object) -> None:
    made = etree.SubElement(
        svg, f"{{{_SVG}}}{tag}", {key.replace("_", "-"): str(value) for key, value in facts.items()}
    )
    made.text = text
