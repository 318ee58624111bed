"""Areas from the command line: listed, shown, checked, named at declaration, draft and edit, read by approvers."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from tests.areas.geojson import SQUARE, collection, feature
from tests.cli.conftest import Office

DECLARE = ("incident", "declare", "severe_weather", "Storm", "--mode", "exercise")


def own(office: Office, data: bytes) -> Path:
    """Put an area file into the deployment."""
    file = office.folder / "areas" / "city.geojson"
    file.write_bytes(data)
    return file


def test_areas_are_listed_with_their_people_in_bands(office: Office) -> None:
    """The deployment's own before the examples."""
    own(office, collection(feature(name="Quay")))
    listed = office.run("area", "list").json["areas"]
    assert [(one["name"], one["file"], one["people"]) for one in listed[:2]] == [
        ("Quay", "city.geojson", "an unknown number of people"),
        ("Example Bay", "example", "about 200,000 people"),
    ]


def test_a_file_that_cannot_be_used_is_said_by_the_list(office: Office) -> None:
    """And what is wrong with it."""
    own(office, b"{")
    said = office.run("area", "list")
    assert "Warning: left out, because it cannot be used: city.geojson: not JSON" in said.err
    assert len(said.json["faults"]) == 1


def test_an_area_is_shown_with_centre_size_and_whose_count(office: Office) -> None:
    """By its Welsh name too."""
    shown = office.run("area", "show", "yr hen dref").json
    assert (shown["name"], shown["centre"], shown["size"]) == ("Old Town", "52.3345,-4.1790", "2.5 km²")
    assert shown["estimate"] == {"people": 8_400, "source": "invented", "date": "2026-01-01"}


def test_an_area_that_is_not_there_names_the_one_that_was_meant(office: Office) -> None:
    """Exit code 2."""
    assert "did you mean Old Town?" in office.run("area", "show", "Old Twon", code=2).err


def test_a_sound_file_is_checked_and_says_where_to_put_it(office: Office, tmp_path: Path) -> None:
    """With what would be known by it."""
    file = tmp_path / "city.geojson"
    file.write_bytes(collection(feature(name="Quay")))
    said = office.run("area", "check", file)
    assert [(one["name"], one["size"]) for one in said.json["areas"]] == [("Quay", "76 km²")]
    assert f"&& cp {file} {office.folder / 'areas'}" in said.err


@pytest.mark.parametrize(
    ("ring", "said"),
    [
        ([[north, east] for east, north in SQUARE], "latitude comes first, they look swapped"),
        (SQUARE[:-1], "the polygon is open"),
        ([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]], "crosses or touches itself"),
    ],
)
def test_a_wrong_file_is_wrong_input(office: Office, tmp_path: Path, ring: list[list[float]], said: str) -> None:
    """Exit code 2, and what to mend."""
    file = tmp_path / "city.geojson"
    file.write_bytes(collection(feature(ring=ring)))
    assert said in office.run("area", "check", file, code=2).err


def test_an_unknown_place_is_words_with_a_warning(office: Office) -> None:
    """It is declared all the same."""
    said = office.run(*DECLARE, "--area", "the pier", by="author-1")
    assert said.json["facts"]["area"] == ["the pier"]
    assert "Warning: no shape is known for 'the pier'" in said.err


def test_a_slip_in_a_known_name_is_refused(office: Office) -> None:
    """Nothing is declared."""
    said = office.run(*DECLARE, "--area", "Old Twon", by="author-1", code=2)
    assert "did you mean Old Town?" in said.err
    assert office.run("incident", "list").json["incidents"] == []


def test_a_shape_is_typed_by_hand(office: Office) -> None:
    """Beside its name."""
    shape = ("--polygon", "52.3,-4.2 52.3,-4.1 52.4,-4.1 52.3,-4.2", "--circle", "52.3,-4.2 2.5")
    facts = office.run(*DECLARE, "--area", "the pier", *shape, by="author-1").json["facts"]
    assert (len(facts["polygons"]), facts["circles"]) == (1, ["52.3,-4.2 2.5"])


def test_a_message_without_an_area_is_told_at_the_draft_by_lint_and_at_submission(
    office: Office, tmp_path: Path
) -> None:
    """Each with the command that mends it, and then it goes."""
    office.feed()
    incident = office.run(*DECLARE, by="author-1").json["id"]
    office.run("incident", "evidence", incident, "warning", "red", "--source", "weather service", by="author-1")
    (tmp_path / "storm.txt").write_text("Storm\n\nStay in.\n")
    words = ("--text", f"en-GB={tmp_path / 'storm.txt'}", "--valid-until", "+6h")
    drafted = office.run("message", "draft", incident, *words, by="author-1")
    message = drafted.json["message"]
    assert f"Next: dispatcher message edit {message} --area NAME" in drafted.err
    office.run("message", "arm", message, by="author-1")
    assert "which never means everywhere" in office.run("message", "lint", message, code=3).out
    refused = office.run("clearance", "submit", message, by="author-1", code=2)
    assert "no area" in refused.err
    edited = office.run("message", "edit", message, "--area", "Old Town", by="author-1").json
    assert (edited["area"], edited["reach"]) == (["Old Town"], "about 8,500 people")
    office.run("clearance", "submit", message, by="author-1")


def test_approvers_read_where_it_goes_and_how_many_people_are_there(office: Office) -> None:
    """Before they sign, in what they read and where the plan stands."""
    plan = office.plan()
    read, shown = (office.run("clearance", verb, plan).json for verb in ("read", "show"))
    assert read["where"]["reach"] == shown["reach"] == "about 8,500 people"
    assert read["where"]["area"] == shown["area"] == ["Old Town"]
    assert shown["shape"].startswith("1 outline, 2.5 km²")


def test_the_preview_says_where_it_goes(office: Office) -> None:
    """As approvers will read it."""
    where = office.run("message", "preview", office.message()).json["where"]
    assert where["reach"] == "about 8,500 people"


def test_what_people_sign_for_the_feed_has_the_shape_of_the_named_area(office: Office) -> None:
    """Corner by corner: the polygon is not lost between the name and the alert."""
    plan = office.plan()
    shown = office.run("area", "show", "Old Town").json["polygons"]
    with contextlib.closing(sqlite3.connect(office.folder / "data" / "dispatcher.db")) as database:
        bodies = dict(database.execute("SELECT digest, body FROM renderings"))
    (place,) = office.document(plan)["destinations"]
    assert [json.loads(bodies[digest])["options"]["polygons"] for digest in place["renderings"].values()] == [
        shown
    ] * 4


def test_accounts_are_grouped_and_submitted_to_by_group(office: Office) -> None:
    """Joined at the keyboard, listed, named at submission; a group that is none says those there are."""
    message = office.message()
    office.feed("feed-north")
    office.run("account", "group", "feed-north", "--add", "wales", by="ops-1")
    groups = {one["id"]: one["groups"] for one in office.run("account", "list").json["accounts"]}
    assert groups == {"feed-city": [], "feed-north": ["wales"]}
    refused = office.run("clearance", "submit", message, "--group", "whales", by="author-1", code=2)
    assert "name one of these: wales" in refused.err
    plan = office.run("clearance", "submit", message, "--group", "wales", by="author-1").json["plan"]
    assert [place["account"] for place in office.document(plan)["destinations"]] == ["feed-north"]
