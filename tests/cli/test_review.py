"""The review and the drafts of a report at the command line: in what form they go where, and who can read them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dispatcher.cli import output
from tests.channels.tiktok.conftest import chromium  # noqa: F401 - a fixture
from tests.cli.conftest import Office


@pytest.fixture
def incident(office: Office) -> str:
    """An incident with a plan whose release was refused."""
    plan = office.plan()
    office.run("release", plan, by="director-1", code=3)
    return str(office.run("clearance", "show", plan).json["incident"])


def test_json_is_the_record_and_no_document(office: Office, incident: str) -> None:
    """Whoever reads it with a program gets values: who signed, the exact words, the refusals."""
    told = office.run("review", incident, by="reviewer-1").json
    (plan,) = told["plans"]
    assert told["schema"] == "dispatcher/review/v1"
    assert [(one["said"]["person"], one["said"]["role"], one["said"]["kind"]) for one in plan["signatures"]] == [
        ("author-1", "author", "submit")
    ]
    assert any("Stay indoors from 6pm." in part["text"] for exact in plan["texts"] for part in exact["parts"])
    assert {denial["kind"] for denial in told["denials"]} == {"release.refused"}


def test_a_reading_is_recorded(office: Office, incident: str) -> None:
    """Who read the review stands in the ledger; a draft of a report is a reading too."""
    for words in (("review", incident, "--markdown"), ("report", incident, "--for", "ministers")):
        office.run(*words, by="reviewer-1")
        newest = office.run("ledger", "tail", "-n", "1").json["entries"][0]
        assert (newest["kind"], newest["facts"]["actor"]) == ("review.read", "reviewer-1")


def test_a_terminal_gets_the_summary(office: Office, incident: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was, what to look at, and how to get all of it."""
    monkeypatch.setattr(output, "wants_json", lambda asked: asked)  # as on a terminal
    said = office.run("review", incident, by="reviewer-1")
    assert said.out.startswith(f"{incident}: Storm\nEXERCISE: ")
    assert "1 plan for 1 message was submitted, 0 released." in " ".join(said.out.split())
    assert "- Refused on the way: " in said.out
    assert f"Next: dispatcher review {incident} --html review.html" in said.err


def test_markdown_is_printed_wherever_it_goes(office: Office, incident: str) -> None:
    """With the exact words."""
    said = office.run("review", incident, "--markdown", by="reviewer-1")
    assert said.out.startswith(f"# Review of {incident}: Storm\n")
    assert "Stay indoors from 6pm." in said.out


def test_a_page_is_written_for_its_owner_alone(office: Office, incident: str, tmp_path: Path) -> None:
    """It replaces what was there at once, and leaves nothing beside it."""
    file = tmp_path / "out" / "review.html"
    file.parent.mkdir()
    file.write_text("an older one")
    told = office.run("review", incident, "--html", file, by="reviewer-1").json
    assert told["html"] == str(file)
    assert file.read_bytes().startswith(b"<!doctype html>")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.system
@pytest.mark.usefixtures("chromium")
def test_a_pdf_is_written_for_its_owner_alone(office: Office, incident: str, tmp_path: Path) -> None:
    """Printed by Chromium."""
    file = tmp_path / "report.pdf"
    office.run("report", incident, "--for", "ministers", "--pdf", file, by="reviewer-1")
    assert file.read_bytes().startswith(b"%PDF-")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_named(office: Office, incident: str, tmp_path: Path) -> None:
    """With what to do about it."""
    said = office.run("review", incident, "--html", tmp_path / "no" / "review.html", by="reviewer-1", code=2)
    assert "cannot be written (No such file or directory)" in said.err
    assert "name a file in a folder" in said.err


@pytest.mark.parametrize(
    ("whom", "title"), [("operational", "Operational report"), ("ministers", "Report to ministers")]
)
def test_a_report_is_drafted_for_whom_it_is(office: Office, incident: str, whom: str, title: str) -> None:
    """As Markdown for people and as its parts for programs, marked as a draft in both."""
    made = office.run("report", incident, "--for", whom, by="reviewer-1").json
    said = office.run("report", incident, "--for", whom, "--markdown", by="reviewer-1").out
    assert (made["schema"], made["title"]) == ("dispatcher/report/v1", f"{title}: Storm")
    assert said.startswith(f"# {title}: Storm\n")
    assert any("DRAFT" in mark for mark in made["marks"])
    assert "DRAFT" in said


def test_a_report_is_for_somebody(office: Office, incident: str) -> None:
    """There is no draft for everybody."""
    assert "--for" in office.run("report", incident, by="reviewer-1", code=2).err
