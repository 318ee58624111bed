"""Places: what a name brings with it, what is refused, and what nobody may lose on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.contract import LanguageText
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.incident import Incident
from dispatcher.domain.message import Revision
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.service import areas, incidents, messages, submitting
from dispatcher.service.areas import NOWHERE, Where
from dispatcher.service.submitting import Wish
from dispatcher.store import records
from tests.areas.geojson import SQUARE, collection, feature
from tests.office import Office

CIRCLE = "52.30,-4.20 2"
CROSSED = "52,-4 53,-3 52,-3 53,-4 52,-4"


def own(office: Office, **more: Any) -> None:
    """Give the deployment an area file of its own."""
    folder = office.desk.settings.path("areas")
    folder.mkdir(exist_ok=True)
    (folder / "city.geojson").write_bytes(collection(feature(name="Quay", **more)))


def declared(office: Office, where: Where = NOWHERE) -> Incident:
    """An exercise about a storm."""
    return incidents.declare(
        office.desk, kind="severe_weather", title="Storm", mode=Mode.EXERCISE, person="author-1", where=where
    )


def drafted(office: Office, incident: Incident, where: Where = NOWHERE) -> Revision:
    """A message about it."""
    texts = (LanguageText("en-GB", "Storm tonight", "Stay in."),)
    written = messages.Draft(texts, valid_until=office.clock.now + timedelta(hours=6), where=where)
    return messages.draft(office.desk, incident.id, written, "author-1")


def test_a_known_name_brings_its_shape_and_its_people(office: Office) -> None:
    """From the declaration to the message."""
    where = areas.where(office.desk, ["old town"])
    revision = drafted(office, declared(office, where))
    assert (revision.area, revision.population, where.warnings) == (("Old Town",), 8_400, ())
    assert revision.polygons == areas.known(office.desk)["Old Town"].polygons


def test_a_welsh_name_is_the_same_place(office: Office) -> None:
    """It goes by its own name, and twice is once."""
    where = areas.where(office.desk, ["Yr Hen Dref", "Old Town"])
    assert (where.names, where.population) == (("Old Town",), 8_400)


def test_a_deployments_own_area_is_known(office: Office) -> None:
    """Without an estimate nobody knows how many."""
    own(office)
    where = areas.where(office.desk, ["Quay"])
    assert (len(where.polygons), where.population) == (1, None)


def test_a_production_deployment_knows_no_invented_place(office: Office) -> None:
    """Its Old Town is words until somebody draws it."""
    desk = replace(office.desk, settings=replace(office.desk.settings, kind=DeploymentKind.PRODUCTION))
    where = areas.where(desk, ["Old Town"])
    assert (where.has_shape, where.population) == (False, None)
    assert where.warnings == (
        "no shape is known for 'Old Town': it goes out as words only, and about how many people is unknown",
    )


def test_people_of_several_areas_are_added_up_and_said_as_at_most(office: Office) -> None:
    """They may overlap."""
    revision = drafted(office, declared(office), areas.where(office.desk, ["Old Town", "Riverside"]))
    assert (revision.population, areas.reach(revision)) == (20_300, "at most about 25,000 people")


def test_one_area_without_an_estimate_makes_the_sum_unknown(office: Office) -> None:
    """A sum of what happens to be known would be too low."""
    own(office)
    assert areas.where(office.desk, ["Old Town", "Quay"]).population is None


def test_a_shape_by_hand_is_called_by_the_name_beside_it(office: Office) -> None:
    """Even by one that is nearly known."""
    where = areas.where(office.desk, ["Old Towne"], (), [" 52.30,-4.20  2 "])
    assert (where.names, where.circles, where.warnings) == (("Old Towne",), ("52.30,-4.20 2",), ())


def test_a_shape_by_hand_beside_a_known_name_is_added_and_said(office: Office) -> None:
    """Its people are unknown then."""
    where = areas.where(office.desk, ["Old Town"], (), [CIRCLE])
    assert (len(where.polygons), len(where.circles), where.population) == (1, 1, None)
    assert where.warnings == ("the shape that was typed is added to that of Old Town",)


@pytest.mark.parametrize(
    ("names", "polygons", "circles", "said"),
    [
        (["Old Twon"], (), (), "did you mean Old Town?"),
        ([" "], (), (), "an area has a name"),
        ([], (), [CIRCLE], "a shape needs a name"),
        (["Pier"], ["52.3,-4.2 52.3,-4.1 52.4,-4.1"], (), "has 3 pairs"),
        (["Pier"], ["52.3,-4.2 52.3,-4.1 52.4,-4.1 52.4,-4.2"], (), "the polygon is open"),
        (["Pier"], [CROSSED], (), "crosses or touches itself near 52.5000,-3.5000"),
        (["Pier"], (), ["-4.20,52.30 2"], "latitude comes first, they look swapped"),
        (["Pier"], (), ["48.85,2.35 2"], "lies outside the United Kingdom"),
        (["Pier"], (), ["52.30,-4.20 0"], "has radius 0"),
        (["Pier"], (), ["52.30,-4.20 nan"], "is not a circle"),
    ],
)
def test_what_would_go_wrong_is_refused(office: Office, names: Any, polygons: Any, circles: Any, said: str) -> None:
    """With what to type instead."""
    with pytest.raises(Invalid, match=said.replace("?", r"\?")) as raised:
        areas.where(office.desk, names, polygons, circles)
    assert raised.value.next_step


def test_a_known_area_that_crosses_itself_is_refused_when_it_is_named(office: Office) -> None:
    """The check of its file would have said so."""
    own(office)
    crossed = [[-4, 52], [-3, 53], [-3, 52], [-4, 53], [-4, 52]]
    office.desk.settings.path("areas", "city.geojson").write_bytes(collection(feature(ring=crossed, name="Quay")))
    with pytest.raises(Invalid, match="Quay: polygon 1: the polygon crosses"):
        areas.where(office.desk, ["Quay"])


def test_areas_that_are_too_much_together_are_refused(office: Office) -> None:
    """Each alone would do."""
    parts = {"type": "MultiPolygon", "coordinates": [[[[e + n / 1e4, y] for e, y in SQUARE]] for n in range(600)]}
    more = {"type": "MultiPolygon", "coordinates": [[[[e - n / 1e4, y] for e, y in SQUARE]] for n in range(1, 601)]}
    file = office.desk.settings.path("areas", "city.geojson")
    file.write_bytes(
        collection({**feature(name="East"), "geometry": parts}, {**feature(name="West"), "geometry": more})
    )
    assert areas.where(office.desk, ["East"]).has_shape
    with pytest.raises(Invalid, match="1,200 polygons: at most 1,000"):
        areas.where(office.desk, ["East", "West"])


def test_who_names_an_unknown_place_is_told_of_files_that_cannot_be_used(office: Office) -> None:
    """It may be in one of them."""
    own(office)
    office.desk.settings.path("areas", "broken.geojson").write_text("{")
    _, told = areas.where(office.desk, ["Pier"]).warnings
    assert "broken.geojson: not JSON" in told


def test_words_alone_never_take_the_place_of_a_shape(office: Office) -> None:
    """Neither in an amendment, nor in a draft, nor in an edit: the Kenneth Fire's polygon was lost like that."""
    incident = declared(office, areas.where(office.desk, ["Old Town"]))
    revision = drafted(office, incident)
    words = areas.where(office.desk, ["the pier"])
    with pytest.raises(Invalid, match="the one there is would be lost"):
        incidents.amend(office.desk, incident.id, "author-1", {}, where=words)
    with pytest.raises(Invalid, match="the one there is would be lost"):
        drafted(office, incident, words)
    with pytest.raises(Invalid, match="the one there is would be lost"):
        messages.move(office.desk, revision.message, words, "author-1")


def test_another_place_replaces_names_shapes_and_people(office: Office) -> None:
    """Nothing of the one before is left, and who moved it contributed."""
    incident = declared(office, areas.where(office.desk, ["Old Town"]))
    before = drafted(office, incident)
    harbour = areas.where(office.desk, ["Example Harbour"])
    incidents.amend(office.desk, incident.id, "director-1", {}, where=harbour)
    moved = messages.move(office.desk, before.message, harbour, "director-1")
    for revision in (moved, drafted(office, replace(incident, id=incident.id))):
        assert (revision.area, revision.polygons, revision.population) == (("Example Harbour",), (), 2_300)
        assert revision.circles == ("52.315,-4.21 1.5",)
    assert (moved.number, moved.contributors["director-1"]) == (2, ("edit",))
    assert moved.texts == before.texts


def test_a_plan_without_an_area_is_not_submitted(office: Office) -> None:
    """No area never means everywhere; naming one mends it."""
    office.account("webhook", languages=("en-GB",))
    message = office.message(("en-GB",))
    with office.desk.store.write() as work:
        bare = records.newest_revision(work, message).with_area((), (), (), None, "author-1")
        records.add_revision(work, bare, "author-1")
    with pytest.raises(Invalid, match="no area never means everywhere") as raised:
        submitting.submit(office.desk, message, Wish(), office.pen("author-1"))
    assert raised.value.next_step == f"dispatcher message edit {message} --area NAME"
    messages.move(office.desk, message, Where(("Old Town",)), "author-1")
    made = submitting.submit(office.desk, message, Wish(), office.pen("author-1"))
    assert made.stored.plan.area == ("Old Town",)


def test_where_a_plan_goes_is_told_from_the_revision_that_was_signed(office: Office) -> None:
    """Not from one that was written since."""
    office.account("webhook", languages=("en-GB",))
    plan = office.plan(languages=("en-GB",))
    with office.desk.store.read() as work:
        message = records.plan(work, plan).message
    messages.move(office.desk, message, areas.where(office.desk, ["Riverside"]), "author-1")
    assert areas.of_plan(office.desk, plan)["area"] == ["Old Town"]


def test_an_area_that_is_not_there_is_not_found(office: Office) -> None:
    """With the one that was meant."""
    with pytest.raises(NotFound, match=r"did you mean Riverside\?"):
        areas.named(office.desk, "Riverisde")
