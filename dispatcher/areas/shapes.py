"""What can be worked out from shapes as CAP writes them: where they are, how large, what lies outside, what is wrong.

Rules (reference: cap 3.4, 3.6)
  1. A shape is a CAP string that ``dispatcher.cap.geometry`` finds nothing wrong with: latitude first, closed.
  2. Swapped coordinates of this country stay on the globe, so that only a jurisdiction tells them.
  3. At most 1,000 polygons and 50,000 points, counted before anything is worked out from them.
  4. Sizes are those on a sphere of the Earth's mean radius: right to half a per cent.
  5. Only what crosses itself and what several shapes cover together need shapely, which is loaded then, not before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from dispatcher.cap.geometry import (
    EARTH_KM,
    Box,
    Point,
    circle_problem,
    disc,
    is_point,
    points,
    polygon_problem,
    ring,
)

MAX_POLYGONS = 1_000
MAX_POINTS = 50_000
_HAIR = 1e-4  # ten centimetres


def rings(polygons: Sequence[str], circles: Sequence[str]) -> tuple[tuple[Point, ...], ...]:
    """All shapes as closed rings."""
    return (*map(points, polygons), *map(ring, circles))


def around(polygons: Sequence[str], circles: Sequence[str]) -> Box | None:
    """The smallest box that holds all shapes; None where there is none."""
    corners = [corner for one in rings(polygons, circles) for corner in one]
    if not corners:
        return None
    latitudes, longitudes = zip(*corners, strict=True)
    return Box(min(latitudes), min(longitudes), max(latitudes), max(longitudes))


def centre(polygons: Sequence[str], circles: Sequence[str]) -> Point | None:
    """The middle of the box around all shapes; None where there is none."""
    box = around(polygons, circles)
    return None if box is None else ((box.south + box.north) / 2, (box.west + box.east) / 2)


def square_km(polygons: Sequence[str], circles: Sequence[str]) -> float:
    """The size of what the shapes cover together: what two of them cover counts once. They cross no date line."""
    found = [flat(one) for one in rings(polygons, circles)]
    if len(found) == 1:
        return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(found[0]))) / 2
    from shapely import Polygon, make_valid, union_all

    return float(union_all([make_valid(Polygon(one)) for one in found]).area)


def flat(corners: Sequence[Point]) -> list[tuple[float, float]]:
    """A ring in kilometres on a plane on which sizes are true (Lambert's cylinder), about its own surroundings."""
    return [(math.radians(east) * EARTH_KM, math.sin(math.radians(north)) * EARTH_KM) for north, east in corners]


def problems(polygons: Sequence[str], circles: Sequence[str], box: Box) -> tuple[str, ...]:
    """What to change in shapes, all told: none where they can be published for this jurisdiction.

    What crosses itself is not looked for: see :func:`crossing`.
    """
    if fault := too_many(polygons):
        return (fault,)
    broken = [f"polygon {number}: {fault}" for number, fault in _faults(polygons, polygon_problem)]
    broken += [f"circle {number}: {fault}" for number, fault in _faults(circles, circle_problem)]
    if broken:
        return tuple(broken)
    empty = [f"circle {number} has radius 0: give one in km" for number, c in enumerate(circles, 1) if is_point(c)]
    empty += [f"polygon {number} {fault}" for number, fault in _faults(polygons, _senseless)]
    return (*empty, *outside(polygons, circles, box))


def too_many(polygons: Sequence[str]) -> str | None:
    """Why this is more than is taken, or None; counted before anything else (reference: cap 3.6)."""
    if len(polygons) > MAX_POLYGONS:
        return f"{len(polygons):,} polygons: at most {MAX_POLYGONS:,} are taken; simplify the shape"
    count = sum(polygon.count(",") for polygon in polygons)
    return f"{count:,} points: at most {MAX_POINTS:,} are taken; simplify the shape" if count > MAX_POINTS else None


def outside(polygons: Sequence[str], circles: Sequence[str], box: Box) -> tuple[str, ...]:
    """Which sound shapes do not lie in a jurisdiction, in words; of a circle its centre counts. Empty: all do."""
    found = [(f"polygon {number}", points(polygon)) for number, polygon in enumerate(polygons, 1)]
    found += [(f"circle {number}", (disc(circle)[0],)) for number, circle in enumerate(circles, 1)]
    return tuple(f"{what}: {fault}" for what, corners in found if (fault := _outside(corners, box)))


def crossing(polygon: str) -> str | None:
    """Where a sound polygon crosses or touches itself, in words, or None."""
    from shapely import Polygon
    from shapely.validation import explain_validity

    told = explain_validity(Polygon([(east, north) for north, east in points(polygon)]))
    if told == "Valid Geometry":
        return None
    _, _, place = told.partition("[")
    east, _, north = place.rstrip("]").partition(" ")
    near = f" near {float(north):.4f},{float(east):.4f}" if north else ""
    return f"the polygon crosses or touches itself{near}: draw its outline in one turn"


def _outside(corners: Sequence[Point], box: Box) -> str | None:
    away = next((corner for corner in corners if not box.holds(corner)), None)
    if away is None:
        return None
    where = f"{_told(away)} lies outside {box.name}"
    swapped = all(box.holds((east, north)) for north, east in corners)
    return f"{where}: latitude comes first, they look swapped" if swapped else where


def _senseless(polygon: str) -> str | None:
    if any(abs(one[1] - other[1]) > 180 for one, other in pairwise(points(polygon))):
        return "goes around the globe: split it at the date line"
    corners = flat(points(polygon))
    x, y = corners[0]
    reach, east, north = max((math.hypot(a - x, b - y), a - x, b - y) for a, b in corners)
    aside = max(abs(east * (b - y) - north * (a - x)) for a, b in corners)
    return "covers nothing: its corners lie on one line" if aside <= reach * _HAIR else None


def _faults(shapes: Sequence[str], problem: Any) -> Iterator[tuple[int, str]]:
    return ((number, fault) for number, shape in enumerate(shapes, 1) if (fault := problem(shape)))


def _told(point: Point) -> str:
    return f"{point[0]:g},{point[1]:g}"
