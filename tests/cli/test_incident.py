"""Declaring incidents, by hand and from an alert."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Office

ALERT = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>storm-1</identifier><sender>warnings@example.org</sender><sent>{sent}</sent>
  <status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>
  <info><language>en-GB</language><category>Met</category><event>Storm</event><urgency>Expected</urgency>
    <severity>Severe</severity><certainty>Likely</certainty>{expires}
    <headline>Storm tonight</headline><description>Stay indoors from 6pm.</description>
    <area><areaDesc>Old Town</areaDesc><polygon>51.4,-3.2 51.5,-3.2 51.5,-3.1 51.4,-3.2</polygon></area>
  </info>
</alert>
"""


def alert(path: Path, *, status: str = "Actual", kind: str = "Alert", ends: bool = True) -> Path:
    """Write an alert that was sent now and ends in six hours."""
    now = datetime.now(UTC)
    expires = f"<expires>{cap(now + timedelta(hours=6))}</expires>" if ends else ""
    path.write_text(ALERT.format(sent=cap(now), status=status, kind=kind, expires=expires))
    return path


def cap(moment: datetime) -> str:
    """A time as CAP writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a web server of one's own, with an alert at /alert.xml."""
    folder = tmp_path / "web"
    folder.mkdir()
    alert(folder / "alert.xml")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_incident_by_hand_is_active_at_once(office: Office) -> None:
    """Kind and title are enough; the answer is its id and the next command."""
    said = office.run("incident", "declare", "disorder", "Disorder", "--mode", "live", by="author-1")
    assert (said.json["schema"], said.json["state"]) == ("dispatcher/incident/v1", "active")
    assert f"Next: dispatcher message draft {said.json['id']}" in said.err


def test_neither_mode_is_assumed(office: Office) -> None:
    """Without --mode nothing is declared."""
    said = office.run("incident", "declare", "disorder", "Disorder", by="author-1", code=2)
    assert "Missing option '--mode'" in said.err
    assert office.run("incident", "list").json["incidents"] == []


def test_a_kind_that_policy_does_not_know_is_declared_with_a_warning(office: Office) -> None:
    """Declaring never waits for policy, but who declares is told that no channel takes the kind."""
    said = office.run("incident", "declare", "volcano", "Smoke", "--mode", "live", by="author-1")
    assert "Warning: policy lists no channel for kind volcano" in said.err


def test_facts_areas_and_severity_are_kept(office: Office) -> None:
    """What is given at the declaration is shown by ``incident show``."""
    words = ("--mode", "live", "--severity", "s3", "--area", "the pier", "--fact", "casualties=none")
    name = office.run("incident", "declare", "terror", "Attack", *words, by="author-1").json["id"]
    shown = office.run("incident", "show", name[:6]).json
    assert shown["severity"] == "S3"
    place = {"area": ["the pier"], "polygons": [], "circles": [], "population": None}
    assert shown["facts"] == {**place, "casualties": "none"}


def test_an_amendment_adds_to_what_is_known(office: Office) -> None:
    """An amendment changes the severity and keeps older facts."""
    incident = office.incident()
    before = office.run("incident", "show", incident).json["facts"]
    made = office.run("incident", "amend", incident, "--severity", "S4", "--fact", "wind=90", by="author-1")
    assert made.json["severity"] == "S4"
    assert made.json["facts"] == {**before, "wind": "90"}


def test_an_amendment_of_nothing_is_wrong_input(office: Office) -> None:
    """Nothing to amend is said so."""
    assert "--severity" in office.run("incident", "amend", office.incident(), by="author-1", code=2).err


def test_an_item_of_evidence_is_kept_with_its_source_time_and_file(office: Office, tmp_path: Path) -> None:
    """What is known, who says so since when, and the digest of the file that says it."""
    (tmp_path / "warning.pdf").write_bytes(b"red")
    words = (
        "warning",
        "red",
        "--source",
        "weather service",
        "--at",
        "2026-01-01T06:00Z",
        "--late",
        "it lay in a mailbox",
    )
    made = office.run(
        "incident", "evidence", office.incident(), *words, "--file", tmp_path / "warning.pdf", by="author-1"
    )
    (item,) = made.json["facts"]["evidence"]
    assert {key: item[key] for key in ("name", "value", "source", "at")} == {
        "name": "warning",
        "value": "red",
        "source": "weather service",
        "at": "2026-01-01T06:00:00.000000Z",
    }
    assert item["sha256"] == hashlib.sha256(b"red").hexdigest()


def test_an_item_of_evidence_needs_its_source(office: Office) -> None:
    """Without --source nothing is recorded."""
    name = office.incident()
    words = ("incident", "evidence", name, "warning", "red")
    assert "Missing option '--source'" in office.run(*words, by="author-1", code=2).err
    assert "evidence" not in office.run("incident", "show", name).json["facts"]


def test_evidence_in_a_file_that_is_not_there_is_wrong_input(office: Office) -> None:
    """A misspelled file is said so."""
    words = ("incident", "evidence", office.incident(), "warning", "red", "--source", "x", "--file", "none.pdf")
    assert "none.pdf" in office.run(*words, by="author-1", code=2).err


def test_a_title_that_misleads_the_eye_is_wrong_input(office: Office) -> None:
    """A look-alike letter is named with its place, and nothing is declared."""
    said = office.run("incident", "declare", "disorder", "D\u0456sorder", "--mode", "live", by="author-1", code=2)
    assert "U+0456 CYRILLIC" in said.err
    assert office.run("incident", "list").json["incidents"] == []


def test_an_alert_proposes_an_incident(office: Office, tmp_path: Path) -> None:
    """A file proposes; its notes are told and activation is the next step."""
    file = alert(tmp_path / "alert.xml")
    said = office.run("incident", "declare", "--from-cap", file, "--mode", "live", by="author-1")
    assert (said.json["state"], said.json["kind"], said.json["severity"]) == ("proposed", "severe_weather", "S3")
    assert f"Next: dispatcher incident activate {said.json['id']}" in said.err


def test_an_alert_is_fetched_from_an_address(office: Office, served: str) -> None:
    """An address is as good as a file; a test deployment may fetch from this machine."""
    said = office.run("incident", "declare", "--from-cap", f"{served}/alert.xml", "--mode", "live", by="author-1")
    assert said.json["title"] == "Storm tonight"


def test_an_address_that_has_no_alert_is_unreachable(office: Office, served: str) -> None:
    """A 404 is exit code 9, and the way out is a file."""
    words = ("incident", "declare", "--from-cap", f"{served}/none.xml", "--mode", "live")
    assert "status 404" in office.run(*words, by="author-1", code=9).err


def test_a_production_deployment_fetches_over_https_only(office: Office, served: str) -> None:
    """Plain http is refused where the public is."""
    settings = office.folder / "deployment.toml"
    settings.write_text(settings.read_text().replace('kind = "test"', 'kind = "production"'))
    words = ("incident", "declare", "--from-cap", f"{served}/alert.xml", "--mode", "live")
    assert "only https" in office.run(*words, by="author-1", code=2).err


def test_an_exercise_alert_never_goes_live(office: Office, tmp_path: Path) -> None:
    """Status Exercise in live mode is refused by policy."""
    file = alert(tmp_path / "alert.xml", status="Exercise")
    words = ("incident", "declare", "--from-cap", file, "--mode", "live")
    assert "--mode exercise" in office.run(*words, by="author-1", code=8).err


def test_an_update_is_refused_saying_what_to_do_instead(office: Office, tmp_path: Path) -> None:
    """An Update opens nothing."""
    file = tmp_path / "alert.xml"
    references = "<references>warnings@example.org,storm-0,2026-01-01T00:00:00+00:00</references><info>"
    file.write_text(alert(file, kind="Update").read_text().replace("<info>", references))
    words = ("incident", "declare", "--from-cap", file, "--mode", "live")
    assert "find the incident" in office.run(*words, by="author-1", code=2).err


def test_an_alert_without_expiry_asks_for_one(office: Office, tmp_path: Path) -> None:
    """The refusal names --valid-until, and with it the alert proposes."""
    file = alert(tmp_path / "alert.xml", ends=False)
    words = ("incident", "declare", "--from-cap", file, "--mode", "live")
    assert "--valid-until" in office.run(*words, by="author-1", code=2).err
    office.run(*words, "--valid-until", "+4h", by="author-1")


def test_a_proposal_is_activated_once(office: Office, tmp_path: Path) -> None:
    """The second activation comes too late: exit code 5."""
    words = ("incident", "declare", "--from-cap", alert(tmp_path / "alert.xml"), "--mode", "exercise")
    name = office.run(*words, by="author-1").json["id"]
    assert office.run("incident", "activate", name, by="author-1").json["state"] == "active"
    office.run("incident", "activate", name, by="author-1", code=5)


def test_an_unknown_incident_is_wrong_input(office: Office) -> None:
    """A name that fits nothing ends with exit code 2 and the command that lists."""
    assert "dispatcher incident list" in office.run("incident", "show", "inc-none", code=2).err


def test_validation_names_each_fault_and_exits_with_2(office: Office, tmp_path: Path) -> None:
    """One sound and one broken file: both verdicts, the fault's code, exit code 2."""
    good, bad = alert(tmp_path / "good.xml"), tmp_path / "bad.xml"
    bad.write_text(good.read_text().replace("<scope>Public</scope>", "<scope>Everyone</scope>"))
    document = office.run("cap", "validate", good, bad, code=2).json
    assert document["schema"] == "dispatcher/cap-validation/v1"
    assert [found["verdict"] for found in document["files"]] == ["ok", "refuse"]
    assert document["files"][1]["faults"][0]["code"]


def test_a_sound_alert_validates_without_a_deployment(tmp_path: Path) -> None:
    """Validation asks for no deployment and ends with the command that declares."""
    said = Office(tmp_path / "none").run("cap", "validate", alert(tmp_path / "alert.xml"))
    assert "Next: dispatcher incident declare --from-cap" in said.err
