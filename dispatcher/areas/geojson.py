"""Reading area files: GeoJSON (RFC 7946) in, named areas with CAP's shapes out, every fault in words.

Rules (reference: cap 3.4, 3.6)
  1. A file is one Feature or a FeatureCollection, at most 5 MB, in longitude and latitude (WGS 84) as GeoJSON has it.
  2. A feature is a Polygon, a MultiPolygon, a Point with a property ``radius_km``, or a GeometryCollection of these.
     CAP has no holes: a ring inside a polygon is refused, never dropped.
  3. It has a ``name``, and may have one per language (``name:cy``). ``population`` comes with ``population_source``
     and ``population_date``, because an estimate of nobody knows when is none.
  4. Coordinates are kept to six decimals, which is a hand's breadth; corners that come to be the same there are one.
     Nothing else about a shape is changed.
  5. A feature with a fault gives no area; the others of its file do.

::

    {"type": "Feature",
     "properties": {"name": "Old Town", "name:cy": "Yr Hen Dref",
                    "population": 41300, "population_source": "census", "population_date": "2021-03-21"},
     "geometry": {"type": "Polygon",
                  "coordinates": [[[-4.19, 52.33], [-4.17, 52.33], [-4.17, 52.35], [-4.19, 52.33]]]}}
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn

from dispatcher.areas.shapes import problems, square_km
from dispatcher.cap.geometry import Box

MAX_BYTES = 5 * 1024 * 1024
LONGEST_NAME = 120
"""Characters: a name stands in texts and tables."""
MOST_PEOPLE = 10**10
_DECIMALS = 6
_LANGUAGE = "name:"


class AreaFault(ValueError):
    """One feature, or a file as a whole, is not what the module asks for; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Population:
    """About how many people live or are in an area, who says so, and of which day."""

    people: int
    source: str
    on: date


@dataclass(frozen=True, slots=True)
class Area:
    """One named place. ``names`` maps languages to its names there; shapes are CAP strings; ``file`` has it."""

    name: str
    names: Mapping[str, str] = field(default_factory=dict)
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    estimate: Population | None = None
    file: str = ""

    @property
    def population(self) -> int | None:
        """The estimate's figure, where there is one."""
        return self.estimate.people if self.estimate else None

    @property
    def square_km(self) -> float:
        """How large it is."""
        return square_km(self.polygons, self.circles)

    def name_in(self, language: str) -> str:
        """What it is called in a language (a BCP 47 tag): by the whole tag, by its first part, else its name."""
        return self.names.get(language) or self.names.get(language.partition("-")[0].lower()) or self.name


def read(data: bytes, file: str, box: Box | None) -> tuple[tuple[Area, ...], tuple[str, ...]]:
    """The areas of a file, and every fault in it. Without ``box`` it may lie anywhere on the globe."""
    try:
        features = _features(_parsed(data))
    except AreaFault as fault:
        return (), (f"{file}: {fault}",)
    areas: dict[str, Area] = {}
    faults = []
    for number, feature in enumerate(features, 1):
        try:
            area = _area(feature, file, box)
        except AreaFault as fault:
            faults.append(f"{file}, feature {number}: {fault}")
            continue
        if areas.setdefault(area.name.casefold(), area) is not area:
            faults.append(f"{file}, feature {number}: {area.name} is there twice: give each area a name of its own")
    return tuple(areas.values()), tuple(faults)


def _parsed(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise AreaFault(f"larger than {MAX_BYTES // 1024**2} MB: simplify the shapes")
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_constant, object_pairs_hook=_once)
    except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise AreaFault(f"not JSON ({error}): save it as GeoJSON in UTF-8") from error
    except ValueError as error:  # an AreaFault of the hooks; or digits without end, which Python refuses
        raise AreaFault(str(error)) from error


def _constant(word: str) -> NoReturn:
    raise AreaFault(f"{word} is no number: correct it")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise AreaFault("an object names the same key twice: keep one")
    return found


def _features(document: Any) -> list[Any]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind not in ("Feature", "FeatureCollection"):
        raise AreaFault("not a GeoJSON Feature or FeatureCollection")
    if document.get("crs") not in (None, {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}):
        raise AreaFault("it names a reference system of its own (crs): convert it to WGS 84 longitude and latitude")
    features = document.get("features") if kind == "FeatureCollection" else [document]
    if not isinstance(features, list) or not features:
        raise AreaFault("there is no feature in it")
    return features


def _area(feature: Any, file: str, box: Box | None) -> Area:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise AreaFault("not a GeoJSON Feature")
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        raise AreaFault('it has no properties: give it a name, {"name": "Old Town"}')
    name = _name(properties, "name")
    names = {
        key.removeprefix(_LANGUAGE).lower(): _name(properties, key) for key in properties if key.startswith(_LANGUAGE)
    }
    shapes = list(_shapes(feature.get("geometry"), properties))
    polygons, circles = (tuple(shape for kind, shape in shapes if kind == wanted) for wanted in ("polygon", "circle"))
    made = Area(name, names, polygons, circles, _estimate(properties), file)
    if faults := problems(made.polygons, made.circles, box or _GLOBE):
        raise AreaFault(f"{name}: {'; '.join(faults)}")
    return made


def _name(properties: Mapping[str, Any], key: str) -> str:
    value = properties.get(key)
    if not isinstance(value, str) or not value.strip():
        raise AreaFault(f'it has no {key}: give it one, {{"{key}": "Old Town"}}')
    name = " ".join(unicodedata.normalize("NFC", value).split())
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise AreaFault(f"its {key} is no name that people read: {LONGEST_NAME} printable characters at most")
    return name


def _estimate(properties: Mapping[str, Any]) -> Population | None:
    keys = [key for key in ("population", "population_source", "population_date") if properties.get(key) is not None]
    if not keys:
        return None
    people, source = properties.get("population"), properties.get("population_source")
    if type(people) is not int or not 0 <= people <= MOST_PEOPLE:
        raise AreaFault("population is a whole number of people, without quotation marks")
    if not isinstance(source, str) or not source.strip():
        raise AreaFault("population needs its population_source: who says so")
    try:
        return Population(people, source.strip(), date.fromisoformat(properties.get("population_date", "")))
    except (TypeError, ValueError) as error:
        raise AreaFault("population needs its population_date, such as 2021-03-21") from error


def _shapes(geometry: Any, properties: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Kind and CAP string of each shape of a geometry."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    match kind:
        case "Polygon":
            yield "polygon", _polygon(_list(geometry.get("coordinates"), "coordinates"))
        case "MultiPolygon":
            for polygon in _list(geometry.get("coordinates"), "coordinates"):
                yield "polygon", _polygon(_list(polygon, "a polygon"))
        case "Point":
            yield "circle", f"{_pair(geometry.get('coordinates'))} {_radius(properties)}"
        case "GeometryCollection" if depth == 0:
            for one in _list(geometry.get("geometries"), "geometries"):
                yield from _shapes(one, properties, 1)
        case _:
            raise AreaFault("its geometry is no Polygon, MultiPolygon, or Point with a property radius_km")


def _polygon(rings: list[Any]) -> str:
    if len(rings) != 1:
        hole = "it has a hole, which CAP cannot say: draw the outline around it, or two areas side by side"
        raise AreaFault(hole if rings else "a polygon has no ring")
    pairs = [_pair(pair) for pair in _list(rings[0], "a ring")]
    return " ".join(pair for place, pair in enumerate(pairs) if place == 0 or pair != pairs[place - 1])


def _pair(pair: Any) -> str:
    if not isinstance(pair, list) or not 2 <= len(pair) <= 3 or not all(type(one) in (int, float) for one in pair):
        raise AreaFault("coordinates are pairs of numbers, [longitude, latitude]")
    east, north = pair[:2]
    if not (abs(east) <= 180 and abs(north) <= 90):
        swapped = "longitude comes first, they look swapped" if abs(north) <= 180 and abs(east) <= 90 else ""
        metres = "they look like metres: convert them to WGS 84" if abs(east) > 360 or abs(north) > 360 else ""
        raise AreaFault(f"[{east}, {north}] is not on the globe: {swapped or metres or 'correct it'}"[:200])
    return f"{_decimal(north)},{_decimal(east)}"


def _radius(properties: Mapping[str, Any]) -> str:
    radius: Any = properties.get("radius_km")
    if type(radius) not in (int, float) or not 0 < radius <= math.pi * 1_000:
        raise AreaFault('a Point needs its radius in kilometres: {"radius_km": 2.5}')
    return _decimal(radius)


def _decimal(number: float) -> str:
    """Plain decimals, as CAP wants them."""
    return f"{number:.{_DECIMALS}f}".rstrip("0").rstrip(".") if round(number, _DECIMALS) else "0"


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise AreaFault(f"its geometry is not whole: {what} is no list, or an empty one")
    return value


_GLOBE = Box(-90, -180, 90, 180, "the globe")
