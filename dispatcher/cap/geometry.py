"""Polygons and circles as CAP writes them: text of ``lat,lon`` pairs in degrees.

Rules
  1. Latitude first; -90 to 90 and -180 to 180, plain decimals only (reference: cap 3.4).
  2. A polygon has at least four pairs and ends where it began. Its winding and whether it crosses itself are
     policy, not format.
  3. A circle is a centre and a radius in kilometres; radius 0 marks the event's point and no audience.
"""

from __future__ import annotations

import re

from dispatcher.cap.report import quoted

_NUMBER = r"[+-]?(?:\d{1,20}(?:\.\d{0,40})?|\.\d{1,40})"
_PAIR = re.compile(rf"({_NUMBER}),({_NUMBER})", re.ASCII)
_RADIUS = re.compile(r"\+?(?:\d{1,20}(?:\.\d{0,40})?|\.\d{1,40})", re.ASCII)
MIN_PAIRS = 4


def polygon_problem(text: str) -> str | None:
    """Say what to change in a polygon, or None."""
    points: list[tuple[float, float]] = []
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


def points(polygon: str) -> list[tuple[float, float]]:
    """The pairs of a sound polygon, latitude first."""
    pairs = (pair.split(",") for pair in polygon.split())
    return [(float(latitude), float(longitude)) for latitude, longitude in pairs]


def circle(text: str) -> tuple[float, float, float]:
    """Latitude, longitude and radius in kilometres of a sound circle."""
    centre, radius = text.split()
    latitude, longitude = centre.split(",")
    return float(latitude), float(longitude), float(radius)


def _point(pair: str) -> tuple[float, float] | str:
    match = _PAIR.fullmatch(pair)
    if match is None:
        return f"{quoted(pair)}, is not latitude,longitude: write two decimal numbers and a comma, no space"
    latitude, longitude = float(match[1]), float(match[2])
    if abs(latitude) <= 90 and abs(longitude) <= 180:
        return latitude, longitude
    swapped = abs(longitude) <= 90 and abs(latitude) <= 180
    advice = "latitude comes first, they look swapped" if swapped else "correct it"
    return f"{quoted(pair)}, is not on the globe: {advice}"
