"""What a profile asks of an alert's areas. Each rule names its faults (reference: cap 3.4).

Rules
  1. No area is never everywhere: an alert that names none, or none with an outline or a known code, is a fault.
  2. Every corner of an outline lies in the jurisdiction. Swapped numbers stay on the globe: only this finds them.
  3. An outline with more points than the profile allows is named for that, and looked at no further; the same outline
     in several languages is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dispatcher.cap.alert import Alert, Area, MsgType
from dispatcher.cap.geometry import Box, Point, is_point, points, ring
from dispatcher.cap.profile import Profile
from dispatcher.cap.report import Fault, Verdict
from dispatcher.cap.shapes import crosses, repeats, within

MOST_COMPARED = 50
"""Outlines of one area that are held against each other; more are a map, which is drawn and looked at."""


def check(alert: Alert, profile: Profile) -> Iterator[Fault]:
    """Yield what the profile's rules find in the areas."""
    if alert.msg_type not in (MsgType.ALERT, MsgType.UPDATE):
        return
    seen: set[str] = set()
    for number, info in enumerate(alert.infos, 1):
        path = f"alert/info[{number}]"
        if not info.areas:
            yield Fault("no-area", path, "it names no area, which is never everywhere: ask its sender for one")
        elif unknown := sum(not _placed(area, profile) for area in info.areas):
            what = "the area has" if unknown == 1 else f"{unknown} areas have"
            advice = f"{what} no outline, and no code of a list that is known: ask its sender for outlines"
            yield Fault("no-geometry", path, advice)
        for position, area in enumerate(info.areas, 1):
            yield from _area(area, f"{path}/area[{position}]", profile, seen)


def _placed(area: Area, profile: Profile) -> bool:
    known = any(name in profile.geocodes for name, _ in area.geocodes)
    return known or bool(area.polygons) or not all(map(is_point, area.circles))


def _area(area: Area, path: str, profile: Profile, seen: set[str]) -> Iterator[Fault]:
    rings: list[tuple[str, Sequence[Point]]] = []
    for number, polygon in enumerate(area.polygons, 1):
        if polygon not in seen:
            seen.add(polygon)
            where = f"{path}/polygon[{number}]"
            corners = points(polygon)
            yield from _ring(corners, where, profile)
            rings.append((where, corners))
    yield from _holes(rings, profile)
    for number, text in enumerate(area.circles, 1):
        if text not in seen:
            seen.add(text)
            yield from _outside(ring(text), f"{path}/circle[{number}]", profile)


def _ring(corners: Sequence[Point], where: str, profile: Profile) -> Iterator[Fault]:
    yield from _outside(corners, where, profile)
    if len(corners) > profile.points:
        advice = f"the outline has {len(corners)} points: look at it on a map; {profile.points} are enough"
        yield Fault("many-points", where, advice)
        return
    if repeats(corners):
        yield Fault("repeated-point", where, "the outline comes through a point twice: look at it on a map")
    if _wanted(profile, "crossing") and crosses(corners):
        yield Fault("crossing", where, "the outline crosses itself: what it encloses is not sure")


def _outside(corners: Sequence[Point], where: str, profile: Profile) -> Iterator[Fault]:
    if profile.box is None:
        yield Fault("jurisdiction", where, "the profile sets no jurisdiction: write box = [south, west, north, east]")
    elif not all(map(profile.box.holds, corners)):
        yield Fault("jurisdiction", where, f"it reaches outside the jurisdiction{_advice(corners, profile.box)}")


def _advice(corners: Sequence[Point], box: Box) -> str:
    if all(box.holds((longitude, latitude)) for latitude, longitude in corners):
        return ": latitude comes first, the numbers look swapped"
    return ": ask its sender whether it concerns you"


def _holes(rings: Sequence[tuple[str, Sequence[Point]]], profile: Profile) -> Iterator[Fault]:
    if len(rings) > MOST_COMPARED or not _wanted(profile, "hole"):
        return
    small = [(where, ring) for where, ring in rings if len(ring) <= profile.points]
    for where, inner in small:
        if any(outer is not inner and within(inner, outer) for _, outer in small):
            yield Fault("hole", where, "it lies within another outline; CAP has no holes: the area is both together")


def _wanted(profile: Profile, rule: str) -> bool:
    return profile.rules[rule] is not Verdict.OK
