"""Areas by name: a deployment's own first, invented ones only where they are asked for, faults beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.areas import jurisdiction
from dispatcher.areas.catalogue import read_catalogue
from dispatcher.areas.shapes import crossing, outside
from tests.areas.geojson import SQUARE, collection, feature


def test_the_examples_are_sound_and_lie_in_the_united_kingdom(tmp_path: Path) -> None:
    """Each has a Welsh name and an estimate."""
    found = read_catalogue(tmp_path, examples=True)
    assert {"Example Bay", "Example City", "Old Town", "Riverside", "Example Harbour"} == found.areas.keys()
    for area in found.areas.values():
        assert outside(area.polygons, area.circles, found.jurisdiction) == ()
        assert [crossing(polygon) for polygon in area.polygons if crossing(polygon)] == []
        assert area.population
        assert area.name_in("cy") != area.name
    assert found.jurisdiction.name == "the United Kingdom"


def test_no_example_is_known_where_none_is_asked_for(tmp_path: Path) -> None:
    """A real Old Town must not come to lie in Example Bay; a folder that is not there has no area."""
    assert read_catalogue(tmp_path / "areas", examples=False).areas == {}


def test_a_folders_own_area_stands_before_the_example_of_its_name(tmp_path: Path) -> None:
    """Whatever the case of its name."""
    (tmp_path / "city.geojson").write_bytes(collection(feature(name="old town")))
    found = read_catalogue(tmp_path, examples=True).named("Old Town")
    assert found
    assert (found.name, found.file, found.population) == ("old town", "city.geojson", None)


@pytest.mark.parametrize("name", ["Old Town", "OLD  town ", "Yr Hen Dref", "yr hen dref"])
def test_a_name_is_found_in_any_case_and_language(tmp_path: Path, name: str) -> None:
    """And however many spaces it has."""
    found = read_catalogue(tmp_path, examples=True).named(name)
    assert found
    assert found.name == "Old Town"


@pytest.mark.parametrize(("name", "near"), [("Old Twon", "Old Town"), ("Yr Hen Dre", "Old Town"), ("Quayside", None)])
def test_a_slip_finds_the_name_that_was_meant(tmp_path: Path, name: str, near: str | None) -> None:
    """What is near to nothing finds nothing."""
    found = read_catalogue(tmp_path, examples=True)
    assert (found.named(name), found.near(name)) == (None, near)


def test_a_file_that_cannot_be_used_is_named_and_keeps_no_other_away(tmp_path: Path) -> None:
    """Nor does an area whose name another file has."""
    (tmp_path / "a.geojson").write_bytes(collection(feature(name="Quay")))
    (tmp_path / "b.geojson").write_bytes(b"{")
    (tmp_path / "c.geojson").write_bytes(collection(feature(name="QUAY"), feature(name="Pier")))
    (tmp_path / "d.geojson").mkdir()
    found = read_catalogue(tmp_path, examples=False)
    assert list(found.areas) == ["Quay", "Pier"]
    broken, twice, folder = found.faults
    assert "b.geojson: not JSON" in broken
    assert twice == "c.geojson: QUAY is in a.geojson already: give each area a name of its own"
    assert folder == "d.geojson: cannot be read (Is a directory)"


def test_a_folders_own_jurisdiction_holds(tmp_path: Path) -> None:
    """It is the box around its shapes, and no area of its own."""
    (tmp_path / "jurisdiction.geojson").write_bytes(collection(feature(name="the county")))
    (tmp_path / "a.geojson").write_bytes(collection(feature(ring=[[e - 1, n] for e, n in SQUARE])))
    found = read_catalogue(tmp_path, examples=False)
    assert found.jurisdiction == jurisdiction(tmp_path)
    assert (found.jurisdiction.south, found.jurisdiction.east, found.areas) == (52.3, -4.1, {})
    assert "lies outside the county" in found.faults[0]


def test_a_jurisdiction_that_cannot_be_read_is_told_and_the_projects_own_holds(tmp_path: Path) -> None:
    """Better too wide a box than none."""
    (tmp_path / "jurisdiction.geojson").write_bytes(b"{")
    found = read_catalogue(tmp_path, examples=False)
    assert found.jurisdiction == jurisdiction()
    assert "jurisdiction.geojson: not JSON" in found.faults[0]


def test_a_name_is_found_however_its_letters_are_composed(tmp_path: Path) -> None:
    """A file may have a circumflex as a character of its own; signed text never does."""
    (tmp_path / "a.geojson").write_bytes(collection(feature(name="Y Dw\u0302r")))
    found = read_catalogue(tmp_path, examples=False)
    assert list(found.areas) == ["Y D\u0175r"]
    assert found.named("y dw\u0302r") is found.named("Y D\u0174R") is not None
