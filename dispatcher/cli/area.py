"""``dispatcher area``: the places that are known by name; and the options by which other commands name one."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from dispatcher.areas import Area, reach_in_words
from dispatcher.areas.geojson import MAX_BYTES
from dispatcher.areas.shapes import centre
from dispatcher.areas.words import described, size_in_words
from dispatcher.cli.commands import Names, Noun, many, read
from dispatcher.cli.output import next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.service import areas
from dispatcher.service.areas import Where

AREA = many("area", "A place it concerns, by name; may be repeated.")
POLYGON = many("polygon", "Its outline, closed; may be repeated.", '"LAT,LON LAT,LON …"')
CIRCLE = many("circle", "All around a point; may be repeated.", '"LAT,LON KM"')

area = Noun("area")


def place(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name a place and, beside its name, its shape."""
    return AREA(POLYGON(CIRCLE(command)))


def placed(session: Session, told: Mapping[str, Any]) -> Where:
    """The place that these options name, warnings told. Raises Invalid."""
    given: tuple[Names, Names, Names] = (told["areas"], told["polygons"], told["circles"])
    where = areas.where(session.desk, *given)
    say(*(f"Warning: {warning}" for warning in where.warnings))
    return where


@area.command("list")
def list_(session: Session) -> None:
    """The areas known by name: files in the deployment's folder `areas`, in a test deployment the examples too.

    \b
    dispatcher area list
    """
    found = areas.catalogue(session.desk)
    listed = [_row(one) for one in found.areas.values()]
    session.show("areas", {"areas": listed, "faults": found.faults}, areas="name names file people")
    say(*(f"Warning: left out, because it cannot be used: {fault}" for fault in found.faults))
    if not listed:
        return next_step("dispatcher area check FILE.geojson", f"areas: put files into {_folder(session)}")
    return next_step(f'dispatcher incident declare KIND TITLE --mode MODE --area "{listed[0]["name"]}"')


@area.command()
@click.argument("name")
def show(session: Session, name: str) -> None:
    """Where area NAME is, how large, and about how many people are there, by whose count.

    \b
    dispatcher area show "Old Town"
    """
    found = areas.named(session.desk, name)
    shapes = {"polygons": found.polygons, "circles": found.circles}
    session.show("area", {**_row(found), **_shape(found), **shapes}, polygons="", circles="")
    next_step(f'dispatcher incident declare KIND TITLE --mode MODE --area "{found.name}"')


@area.command()
@click.argument("file")
def check(session: Session, file: str) -> None:
    """Check the GeoJSON in FILE: rings, order of coordinates, jurisdiction, names, people. Exit code 2 if wrong.

    \b
    dispatcher area check city.geojson
    """
    found, faults = areas.check(session.desk, read(file, MAX_BYTES), Path(file).name)
    listed = [{**_row(one), **_shape(one)} for one in found]
    session.show("area-check", {"areas": listed, "faults": faults}, areas="name size centre people")
    if faults:
        raise Invalid("; ".join(faults), f"dispatcher area check {file}")
    folder = shlex.quote(str(_folder(session)))
    next_step(f"mkdir -p {folder} && cp {shlex.quote(file)} {folder}")


def _folder(session: Session) -> Path:
    return session.desk.settings.path(areas.FOLDER)


def _row(one: Area) -> dict[str, Any]:
    about = {"name": one.name, "names": one.names, "file": one.file, "people": reach_in_words(one.population)}
    told = one.estimate
    said = {"people": told.people, "source": told.source, "date": str(told.on)} if told else None
    return {**about, "estimate": said}


def _shape(one: Area) -> dict[str, str]:
    middle = centre(one.polygons, one.circles)
    where = f"{middle[0]:.4f},{middle[1]:.4f}" if middle else ""
    shape = described(one.polygons, one.circles)
    return {"centre": where, "size": size_in_words(one.square_km), "shape": shape}
