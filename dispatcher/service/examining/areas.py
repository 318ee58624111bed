"""Area files: what of them cannot be used is found out here, and not when a place is named at night."""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.areas.catalogue import read_catalogue
from dispatcher.service.areas import FOLDER, crossings
from dispatcher.service.examining.findings import Finding, note, ok, warning
from dispatcher.service.examining.site import Site

WHY = "a message about such a place would carry its name, without a shape"


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with them."""
    found = read_catalogue(site.folder / FOLDER, examples=False)
    faults = [*found.faults]
    faults += [f"{a.file}: {a.name}: {fault}" for a in found.areas.values() for fault in crossings(a.polygons)]
    for fault in faults:
        yield warning(fault, WHY, "mend the file, then: dispatcher area check FILE")
    if not found.areas:
        yield note("no area is known by name", WHY, f"put GeoJSON files into {site.folder / FOLDER}")
    elif not faults:
        yield ok(f"{len(found.areas)} areas are known by name")
