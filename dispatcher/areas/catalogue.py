"""Areas by name: a deployment's own files first, and the project's invented examples where they can do no harm.

Rules
  1. Every ``*.geojson`` of the deployment's folder counts, in the order of their names; ``jurisdiction.geojson``
     among them is not an area but what all areas must lie in. Without one, the project's own box holds.
  2. The examples are invented places. They are known only where a caller asks for them: a real Old Town must never
     come to lie in Example Bay.
  3. A name is found whatever its case and spaces, in any of its languages. Two areas of one name are a fault, and the
     first one counts.
  4. What cannot be read is named beside the areas, and keeps no other area from being found.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from dispatcher.areas.geojson import MAX_BYTES, Area, read
from dispatcher.areas.shapes import around
from dispatcher.cap.geometry import Box

JURISDICTION = "jurisdiction.geojson"
EXAMPLES = "examples.geojson"
NEAR = 0.8
"""How alike two names are, 0 to 1, for one to be offered in place of the other (as difflib counts)."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``areas`` by their own names, in order; what is wrong with files, in words."""

    areas: Mapping[str, Area]
    jurisdiction: Box
    faults: tuple[str, ...] = ()

    def named(self, name: str) -> Area | None:
        """The area of this name in any of its languages."""
        return next((area for area in self.areas.values() if folded(name) in _called(area)), None)

    def near(self, name: str) -> str | None:
        """The name of an area that was probably meant; None where none is near, or the name itself is known."""
        called = {spelt: area.name for area in self.areas.values() for spelt in _called(area)}
        found = difflib.get_close_matches(folded(name)[:200], called, n=1, cutoff=NEAR)
        return called[found[0]] if found else None


def folded(name: str) -> str:
    """A name without regard to case, to how many spaces stand in it, and to how its letters are composed."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def jurisdiction(folder: Path | None = None) -> Box:
    """The box around a folder's own jurisdiction, else around the project's."""
    return _jurisdiction(folder)[0]


def read_catalogue(folder: Path, *, examples: bool) -> Catalogue:
    """All areas of a folder, which need not be there; with ``examples`` the project's own after them."""
    box, faults = _jurisdiction(folder)
    areas: dict[str, Area] = {}
    taken: dict[str, Area] = {}
    own = sorted(folder.glob("*.geojson")) if folder.is_dir() else []
    for file in own:
        found, broken = _read(file, box) if file.name != JURISDICTION else ((), ())
        faults += broken
        for area in found:
            if clash := next((taken[spelt] for spelt in _called(area) if spelt in taken), None):
                faults.append(
                    f"{area.file}: {area.name} is in {clash.file} already: give each area a name of its own"
                )
                continue
            areas[area.name] = area
            taken |= dict.fromkeys(_called(area), area)
    for area in _read(_data() / EXAMPLES, None)[0] if examples else ():
        if not _called(area) & taken.keys():
            areas[area.name] = replace(area, file="example")
    return Catalogue(areas, box, tuple(faults))


def _called(area: Area) -> frozenset[str]:
    return frozenset(map(folded, (area.name, *area.names.values())))


def _read(file: Traversable, box: Box | None) -> tuple[tuple[Area, ...], tuple[str, ...]]:
    try:
        with file.open("rb") as opened:
            return read(opened.read(MAX_BYTES + 1), file.name, box)
    except OSError as error:
        return (), (f"{file.name}: cannot be read ({error.strerror})",)


def _jurisdiction(folder: Path | None) -> tuple[Box, list[str]]:
    """The box, and what is wrong with the folder's own; then the project's holds."""
    own = folder / JURISDICTION if folder else None
    faults: tuple[str, ...] = ()
    for file in (own, _data() / JURISDICTION):
        if file is None or not file.is_file():
            continue
        areas, found = _read(file, None)
        faults += found
        box = around([p for area in areas for p in area.polygons], [c for area in areas for c in area.circles])
        if box and not found:
            return replace(box, name=" and ".join(area.name for area in areas)), list(faults)
    raise AssertionError("the project's own jurisdiction cannot be read")


def _data() -> Traversable:
    return resources.files(__package__) / "data"
