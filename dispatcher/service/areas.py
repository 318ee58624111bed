"""Where: places as officers name them, and the shapes and people that come with their names.

Rules (reference: cap 2, the Kenneth Fire: a polygon was lost on its way, nothing said so, ten million were alarmed)
  1. A deployment's own ``areas/*.geojson`` are known by name; the project's invented examples in a deployment of kind
     test only.
  2. A known name brings its shapes and its estimate of people. Shapes typed by hand are called by the names beside
     them, and nobody knows how many people they hold.
  3. Any other name is words only: it is taken with a warning, because a place without a shape is better than no
     message. A name that is nearly a known one is refused, since a slip of the finger would cost the shape.
  4. What is said of a place replaces all that was said before: names, shapes and people go together. Words alone
     never take the place of a shape.
  5. People of several areas are added up, which may count some twice and never too few: said as "at most". Where one
     has no estimate, the sum is unknown.
  6. No area never means everywhere: a plan without one is not submitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels.contract import Json
from dispatcher.areas import Area, reach_in_words
from dispatcher.areas.catalogue import Catalogue, folded, read_catalogue
from dispatcher.areas.geojson import read
from dispatcher.areas.shapes import crossing, problems, too_many
from dispatcher.areas.words import described
from dispatcher.domain import canonical
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.message import Revision
from dispatcher.domain.people import DeploymentKind
from dispatcher.service.desk import Desk
from dispatcher.store import records

FOLDER = "areas"
SHAPES = ("polygons", "circles")
"""The facts of an incident that hold its shapes, as lists of CAP strings."""
LISTING = "dispatcher area list"


@dataclass(frozen=True, slots=True)
class Where:
    """A place as incidents and messages hold it; ``warnings`` are for who named it. Shapes are CAP strings."""

    names: tuple[str, ...] = ()
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    population: int | None = None
    warnings: tuple[str, ...] = ()

    @property
    def has_shape(self) -> bool:
        """Whether it is more than words."""
        return bool(self.polygons or self.circles)

    @property
    def reach(self) -> str:
        """About how many people it holds, in words."""
        return reach_in_words(self.population, at_most=len(self.names) > 1)

    def facts(self) -> dict[str, Json]:
        """What an incident's facts say of it: all of it, or nothing where no place was named."""
        if not self.names:
            return {}
        shapes: dict[str, Json] = {"polygons": list(self.polygons), "circles": list(self.circles)}
        return {"area": list(self.names), **shapes, "population": self.population}


NOWHERE = Where()


def catalogue(desk: Desk) -> Catalogue:
    """All areas that this deployment knows, and what is wrong with its files."""
    examples = desk.settings.kind is DeploymentKind.TEST
    return read_catalogue(desk.settings.path(FOLDER), examples=examples)


def known(desk: Desk) -> Mapping[str, Area]:
    """The areas that this deployment knows, by name."""
    return catalogue(desk).areas


def named(desk: Desk, name: str) -> Area:
    """One area, by its name in any language. Raises NotFound, with the name that was probably meant."""
    found = catalogue(desk)
    area, near = found.named(name), found.near(name)
    if area is None:
        meant = f": did you mean {near}?" if near else ""
        raise NotFound(f"there is no area {name!r}{meant}", LISTING)
    return area


def check(desk: Desk, data: bytes, file: str) -> tuple[tuple[Area, ...], tuple[str, ...]]:
    """The areas of a file that is not among those known yet, and everything that is wrong with it."""
    found, faults = read(data, file, catalogue(desk).jurisdiction)
    crossed = [f"{file}: {area.name}: {fault}" for area in found for fault in crossings(area.polygons)]
    return found, (*faults, *crossed)


def where(desk: Desk, names: Sequence[str], polygons: Sequence[str] = (), circles: Sequence[str] = ()) -> Where:
    """The place that was meant by names, and by shapes typed by hand. Raises Invalid: what to type instead."""
    if not names and (polygons or circles):
        raise Invalid("a shape needs a name that the public knows", "name the place beside it: --area NAME")
    if not names:
        return NOWHERE
    found = catalogue(desk)
    by_hand = _by_hand(found, polygons, circles)
    spoken = {folded(name): _name(name) for name in names}
    areas = {name: area for name in spoken if (area := found.named(name))}
    words = [spoken[name] for name in spoken if name not in areas]
    if not by_hand.has_shape:
        _refuse_near(found, words)
    chosen = list({area.name: area for area in areas.values()}.values())
    _refuse_crossing(chosen)
    polygons = list(dict.fromkeys((*(p for area in chosen for p in area.polygons), *by_hand.polygons)))
    if fault := too_many(polygons):
        raise Invalid(f"together the areas have {fault}", "name fewer areas, or one that holds them all")
    return Where(
        names=tuple(dict.fromkeys(areas[name].name if name in areas else spoken[name] for name in spoken)),
        polygons=tuple(polygons),
        circles=tuple(dict.fromkeys((*(c for area in chosen for c in area.circles), *by_hand.circles))),
        population=None if words or by_hand.has_shape else _people(chosen),
        warnings=tuple(_added(chosen) if by_hand.has_shape else _shapeless(found, words)),
    )


def place_of(facts: Mapping[str, Any]) -> Where:
    """The place that an incident's facts hold; a fact of the same name given by hand is a word, not a list."""
    people, lists = facts.get("population"), (facts.get(name) for name in ("area", *SHAPES))
    names, polygons, circles = (tuple(found) if isinstance(found, list) else () for found in lists)
    return Where(names, polygons, circles, people if type(people) is int else None)


def keep_shape(before: bool, after: Where) -> None:
    """Rule 4: words alone must not take the place of a shape. Raises Invalid."""
    if before and after.names and not after.has_shape:
        raise Invalid(
            f"no shape is known for {', '.join(after.names)}, and the one there is would be lost",
            f"leave --area out to keep it, name one of `{LISTING}`, or give the new shape: --polygon or --circle",
        )


def reach(revision: Revision) -> str:
    """About how many people a revision's area holds, in words."""
    return Where(revision.area, population=revision.population).reach


def told(revision: Revision) -> dict[str, Any]:
    """What people are shown of where a revision goes: names, shapes, size and people."""
    return {
        "area": list(revision.area),
        "shape": described(revision.polygons, revision.circles),
        "reach": reach(revision),
    }


def of_plan(desk: Desk, plan_name: str) -> dict[str, Any]:
    """The same of the revision that a plan's signatures are about. Raises NotFound."""
    with desk.store.read() as work:
        return told(records.revision(work, records.plan(work, plan_name).plan.revision))


def in_a_line(where: Mapping[str, Any]) -> str:
    """The same for a person to read.

    >>> in_a_line({"area": ["Old Town"], "shape": "1 outline, 2.5 km²", "reach": "about 8,000 people"})
    'Area: Old Town (1 outline, 2.5 km²), about 8,000 people'
    """
    return f"Area: {', '.join(where['area']) or 'NONE'} ({where['shape']}), {where['reach']}"


def crossings(polygons: Sequence[str]) -> list[str]:
    """Which polygons cross themselves, in words."""
    return [f"polygon {n}: {fault}" for n, polygon in enumerate(polygons, 1) if (fault := crossing(polygon))]


def _by_hand(found: Catalogue, polygons: Sequence[str], circles: Sequence[str]) -> Where:
    polygons, circles = (tuple(" ".join(shape.split()) for shape in shapes) for shapes in (polygons, circles))
    made = Where((), polygons, circles)
    faults = [*problems(made.polygons, made.circles, found.jurisdiction)]
    faults += [] if faults else crossings(made.polygons)
    if faults:
        raise Invalid(
            f"the shape cannot be used: {'; '.join(faults)}",
            '--polygon "52.33,-4.19 52.33,-4.17 52.35,-4.17 52.33,-4.19", or --circle "52.33,-4.19 2.5" (km)',
        )
    return made


def _name(name: str) -> str:
    spoken = " ".join(canonical.typed(name).split())
    if not spoken:
        raise Invalid("an area has a name: name one of those there are", LISTING)
    return spoken


def _refuse_near(found: Catalogue, words: Sequence[str]) -> None:
    for name in words:
        if near := found.near(name):
            raise Invalid(
                f"there is no area {name!r}: did you mean {near}?",
                f'--area "{near}"; another place of nearly that name needs its shape too: --polygon or --circle',
            )


def _refuse_crossing(chosen: Sequence[Area]) -> None:
    for area in chosen:
        if faults := crossings(area.polygons):
            raise Invalid(
                f"{area.name}: {'; '.join(faults)}; mend {FOLDER}/{area.file}",
                f"dispatcher area check {FOLDER}/{area.file}",
            )


def _people(chosen: Sequence[Area]) -> int | None:
    counted = [area.population for area in chosen if area.population is not None]
    return sum(counted) if len(counted) == len(chosen) else None


def _added(chosen: Sequence[Area]) -> Iterator[str]:
    for area in chosen:
        yield f"the shape that was typed is added to that of {area.name}"


def _shapeless(found: Catalogue, words: Sequence[str]) -> Iterator[str]:
    for name in words:
        yield f"no shape is known for {name!r}: it goes out as words only, and about how many people is unknown"
    if words:
        yield from (f"not looked at, because it cannot be used: {fault}" for fault in found.faults)
