"""Polygons and circles as CAP writes them: text of ``lat,lon`` pairs in degrees; and the places that these name.

Rules
  1. Latitude first; -90 to 90 and -180 to 180, plain decimals only (reference: cap 3.4).
  2. A polygon has at least four pairs and ends where it began. Its winding and whether it crosses itself are
     policy, not format.
  3. A circle is a centre and a radius in kilometres; radius 0 marks the event's point and no audience.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeAlias

from dispatcher.cap.report import quoted

_NUMBER = r"[+-]?(?:\d{1,20}(?:\.\d{0,40})?|\.\d{1,40})"
_PAIR = re.compile(rf"({_NUMBER}),({_NUMBER})", re.ASCII)
_RADIUS = re.compile(r"\+?(?:\d{1,20}(?:\.\d{0,40})?|\.\d{1,40})", re.ASCII)
MIN_PAIRS = 4
EARTH_KM = 6371.0088
"""The Earth's mean radius (source: IUGG)."""
ROUND = 72
"""Corners that a circle is drawn and measured with: its size is then right to 0.2 per cent."""

Point: TypeAlias = tuple[float, float]
"""Latitude and longitude, in degrees."""


@dataclass(frozen=True, slots=True)
class Box:
    """All points between two parallels and two meridians, in degrees; ``name`` is what people call it.

    One that passes the antimeridian has ``west`` greater than ``east``.
    """

    south: float
    west: float
    north: float
    east: float
    name: str = "the jurisdiction"

    def holds(self, point: Point) -> bool:
        """Whether a point lies inside, or on the edge."""
        latitude, longitude = point
        after, before = self.west <= longitude, longitude <= self.east
        aside = after and before if self.west <= self.east else after or before
        return aside and self.south <= latitude <= self.north


def polygon_problem(text: str) -> str | None:
    """Say what to change in a polygon, or None."""
    points: list[Point] = []
    for number, pair in enumerate(re.finditer(r"\S+", text), 1):
        point = _point(pair[0])
        if isinstance(point, str):
            return f"pair {number}, {point}"
        points.append(point)
    if len(points) < MIN_PAIRS:
        return f"the polygon has {len(points)} pairs: give at least {MIN_PAIRS}, the last equal to the first"
    if points[0] != points[-1]:
        return f"the polygon is open: end it with its first pair, {text.split(None, 1)[0]}"
    return None


def circle_problem(text: str) -> str | None:
    """Say what to change in a circle, or None."""
    parts = text.split(None, 2)
    if len(parts) != 2 or not _RADIUS.fullmatch(parts[1]):
        return f"{quoted(text.strip())} is not a circle: write latitude,longitude, a space and the radius in km"
    point = _point(parts[0])
    return f"centre {point}" if isinstance(point, str) else None


def is_point(circle: str) -> bool:
    """Whether a sound circle has radius 0."""
    return float(circle.split()[1]) == 0


def points(polygon: str) -> tuple[Point, ...]:
    """The corners of a sound polygon, the first again at the end."""
    return tuple(_sound(pair) for pair in polygon.split())


def disc(circle: str) -> tuple[Point, float]:
    """The centre of a sound circle, and its radius in kilometres."""
    centre, radius = circle.split()
    return _sound(centre), float(radius)


def ring(circle: str) -> tuple[Point, ...]:
    """A sound circle as a closed ring of ``ROUND`` corners on the sphere."""
    (latitude, longitude), radius = disc(circle)
    turn, up = radius / EARTH_KM, math.radians(latitude)

    def corner(bearing: float) -> Point:
        sine = math.sin(up) * math.cos(turn) + math.cos(up) * math.sin(turn) * math.cos(bearing)
        east = math.sin(bearing) * math.sin(turn) * math.cos(up)
        aside = math.atan2(east, math.cos(turn) - math.sin(up) * sine)
        return math.degrees(math.asin(sine)), longitude + math.degrees(aside)

    corners = [corner(2 * math.pi * step / ROUND) for step in range(ROUND)]
    return (*corners, corners[0])


def _sound(pair: str) -> Point:
    latitude, longitude = pair.split(",")
    return float(latitude), float(longitude)


def _point(pair: str) -> Point | str:
    match = _PAIR.fullmatch(pair)
    if match is None:
        return f"{quoted(pair)}, is not latitude,longitude: write two decimal numbers and a comma, no space"
    latitude, longitude = float(match[1]), float(match[2])
    if abs(latitude) <= 90 and abs(longitude) <= 180:
        return latitude, longitude
    swapped = abs(longitude) <= 90 and abs(latitude) <= 180
    advice = "latitude comes first, they look swapped" if swapped else "correct it"
    return f"{quoted(pair)}, is not on the globe: {advice}"
