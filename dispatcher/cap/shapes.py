"""What a sound shape encloses, as far as policy asks: crossings, repeated points, shapes within shapes.

Plane geometry on degrees, latitude first: enough to tell a mistake from an area, not to measure anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dispatcher.cap.geometry import Box, Point

Segment = tuple[Point, Point]


def repeats(ring: Sequence[Point]) -> bool:
    """Whether a closed ring comes through a point twice."""
    return len(set(ring[1:])) < len(ring) - 1


def crosses(ring: Sequence[Point]) -> bool:
    """Whether two sides of a closed ring that are not neighbours touch. Sides are swept from west to east."""
    ring = [ring[0], *(after for before, after in pairwise(ring) if before != after)]
    last = len(ring) - 2
    sides = [(number, (ring[number], ring[number + 1])) for number in range(last + 1)]
    sides.sort(key=lambda side: min(side[1][0][1], side[1][1][1]))
    open_: list[tuple[int, Segment]] = []
    for number, side in sides:
        west = min(side[0][1], side[1][1])
        open_ = [other for other in open_ if max(other[1][0][1], other[1][1][1]) >= west]
        for earlier, other in open_:
            if abs(number - earlier) not in (1, last) and _touch(side, other):
                return True
        open_.append((number, side))
    return False


def within(inner: Sequence[Point], outer: Sequence[Point]) -> bool:
    """Whether every corner of a closed ring lies inside another: its sender may have meant a hole."""
    south, north = min(p[0] for p in outer), max(p[0] for p in outer)
    west, east = min(p[1] for p in outer), max(p[1] for p in outer)
    box = Box(south, west, north, east)
    return all(box.holds(point) for point in inner) and all(_inside(point, outer) for point in inner)


def _inside(point: Point, ring: Sequence[Point]) -> bool:
    latitude, longitude = point
    odd = False
    for (lat_a, lon_a), (lat_b, lon_b) in pairwise(ring):
        if (lat_a > latitude) != (lat_b > latitude):
            crossing = (lon_b - lon_a) * (latitude - lat_a) / (lat_b - lat_a) + lon_a
            odd ^= longitude < crossing
    return odd


def _touch(one: Segment, other: Segment) -> bool:
    (a, b), (c, d) = one, other
    if max(a[0], b[0]) < min(c[0], d[0]) or max(c[0], d[0]) < min(a[0], b[0]):
        return False
    corners = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    turns = [_turn(*corner) for corner in corners]
    if turns[0] != turns[1] and turns[2] != turns[3]:
        return True
    return any(turn == 0 and _on(*corner) for turn, corner in zip(turns, corners, strict=True))


def _turn(a: Point, b: Point, c: Point) -> int:
    area = (b[1] - a[1]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[1] - a[1])
    return (area > 0) - (area < 0)


def _on(a: Point, b: Point, c: Point) -> bool:
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])
