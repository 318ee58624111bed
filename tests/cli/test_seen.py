"""What the public sees, at the command line."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta

from dispatcher.sender_bootstrap import now
from tests.cli.conftest import Office


def seen(office: Office, what: str, ago: timedelta, shown: str | None = None, doubt: str = "") -> str:
    """A released plan's one post was accepted, and read back that long ago; gives the delivery's name."""
    name = office.move("leased", "sending", "accepted")
    at = (now() - ago).astimezone(UTC).replace(tzinfo=None)
    row = (name, _text(at), _text(at), what, _text(at), _text(at), shown, doubt, "visible")
    with contextlib.closing(sqlite3.connect(office.folder / "data" / "dispatcher.db")) as database, database:
        database.execute("INSERT INTO sightings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return name


def _text(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="microseconds")


def test_a_delivery_shows_what_the_public_sees_and_since_when(office: Office) -> None:
    """In words, and as values for a script."""
    office.released()
    name = seen(office, "visible", timedelta(minutes=2, seconds=5))
    found = office.run("delivery", "show", name).json
    assert found["public"].endswith("seen 2 minutes ago")
    assert (found["seen"], found["seen_text"]) == ("visible", None)


def test_a_delivery_that_was_altered_shows_what_it_says(office: Office) -> None:
    """The words that the public reads instead."""
    office.released()
    name = seen(office, "altered", timedelta(0), "All is well.", "X answered 503")
    found = office.run("delivery", "show", name).json
    assert found["public"].endswith("the last look could not tell: X answered 503")
    assert found["seen_text"] == "All is well."


def test_a_delivery_that_nobody_looked_at_says_nothing_of_it(office: Office) -> None:
    """It was not accepted yet."""
    office.released()
    name = office.move("leased")
    assert "public" not in office.run("delivery", "show", name).json


def test_watching_ends_with_what_the_public_sees(office: Office) -> None:
    """The last word on a plan."""
    plan = office.released()
    seen(office, "visible", timedelta(minutes=2))
    said = office.run("watch", plan)
    assert "Seen by the public: feed-city (publish) visible since " in said.err
    assert [found["seen"] for found in said.json["public"]] == ["visible"]


def test_status_lists_an_alarm_and_leads_to_it(office: Office) -> None:
    """Before everything but a halt."""
    office.released()
    name = seen(office, "missing", timedelta(minutes=1))
    said = office.run("status")
    assert [(alarm["alarm"], alarm["about"]) for alarm in said.json["alarms"]] == [("missing", name)]
    assert f"Next: dispatcher delivery show {name}" in said.err
    assert "is missing" in said.err


def test_status_without_an_alarm_says_nothing_of_alarms(office: Office) -> None:
    """A post that is visible is none."""
    office.released()
    seen(office, "visible", timedelta(minutes=1))
    assert office.run("status").json["alarms"] == []


def test_a_review_shows_what_the_public_saw(office: Office) -> None:
    """With the words of a post that was altered."""
    plan = office.released()
    seen(office, "altered", timedelta(0), "All is well.")
    incident = office.document(plan)["incident"]
    said = office.run("review", incident, "--markdown", by="reviewer-1")
    assert "| altered since " in said.out
    assert "\nAll is well.\n" in said.out
