"""``dispatcher cap``: judged by a profile, taken in, shown, and decided about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cap.signing import sender
from tests.cli.conftest import Office
from tests.cli.test_incident import alert

OPEN = ("--mode", "exercise", "--profile", "open")


def chained(path: Path, kind: str, name: str) -> Path:
    """An Update or Cancel of the alert that is in another file."""
    sent = path.read_text().split("<sent>")[1].split("<")[0]
    file = path.with_name(f"{name}.xml")
    references = f"<references>warnings@example.org,storm-1,{sent}</references><info>"
    later = alert(file, kind=kind).read_text().replace("<info>", references, 1)
    file.write_text(later.replace("storm-1<", f"{name}<", 1).replace("Severe<", "Extreme<"))
    return file


def profile(folder: Path) -> Path:
    """A profile of one's own, based on the strict one, with a certificate beside it."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    signer = sender("City alerts", now - timedelta(days=1), now + timedelta(days=1))
    (folder / "city.crt.pem").write_bytes(signer.certificate)
    file = folder / "city.toml"
    file.write_text('schema = 1\nbased_on = "strict"\nbox = [51.0, -4, 52.0, -3]\ncertificates = ["city.crt.pem"]\n')
    (folder / "signed.xml").write_bytes(signer.sign(alert(folder / "plain.xml").read_bytes()))
    return file


def test_a_profile_names_what_it_asks_and_does_not_get(tmp_path: Path) -> None:
    """Without any deployment: what is signed is ok, what is not is refused, exit code 2."""
    file, office = profile(tmp_path), Office(tmp_path / "none")
    words = ("cap", "validate", "--profile", file, tmp_path / "signed.xml", tmp_path / "plain.xml")
    signed, plain = office.run(*words, code=2).json["files"]
    assert (signed["verdict"], signed["signer"]) == ("ok", "CN=City alerts")
    assert [fault["code"] for fault in plain["faults"]] == ["signature-missing"]


def test_a_file_is_judged_as_if_received_at_another_time(tmp_path: Path) -> None:
    """Old alerts are looked at by the moment they came."""
    words = ("cap", "validate", "--profile", "open", alert(tmp_path / "alert.xml"))
    assert "too-old" in Office(tmp_path / "none").run(*words, "--at", "+3d", code=2).out


def test_a_wrong_profile_says_which_key(tmp_path: Path) -> None:
    """A rule that is misspelled would be one that does nothing."""
    file = tmp_path / "city.toml"
    file.write_text('schema = 1\nbased_on = "strict"\n[rules]\nno-expire = "hold"\n')
    words = ("cap", "validate", "--profile", file, alert(tmp_path / "alert.xml"))
    assert "there is no rule no-expire" in Office(tmp_path / "none").run(*words, code=2).err
    assert (
        "use strict or open" in Office(tmp_path / "none").run("cap", "validate", "--profile", "x", file, code=2).err
    )


def test_an_alert_is_taken_in_and_its_incident_is_next(office: Office, tmp_path: Path) -> None:
    """It proposes, and a second time it is the one that is there."""
    words = ("cap", "ingest", alert(tmp_path / "alert.xml"), *OPEN)
    said = office.run(*words, by="author-1")
    assert (said.json["standing"], said.json["new"]) == ("opened", True)
    assert f"Next: dispatcher incident show {said.json['incident']}" in said.err
    assert office.run(*words, by="author-1").json["new"] is False


def test_the_strict_profile_refuses_what_is_not_signed(office: Office, tmp_path: Path) -> None:
    """It is what is asked unless something else is said; exit code 2."""
    said = office.run("cap", "ingest", alert(tmp_path / "alert.xml"), "--mode", "live", by="author-1", code=2)
    assert said.json["faults"][0]["code"] == "signature-missing"


def test_a_deployment_has_profiles_of_its_own(office: Office, tmp_path: Path) -> None:
    """By name, from its folder."""
    profile(tmp_path)
    folder = office.folder / "profiles"
    folder.mkdir()
    for name in ("city.toml", "city.crt.pem"):
        (folder / name).write_bytes((tmp_path / name).read_bytes())
    words = ("cap", "ingest", tmp_path / "signed.xml", "--mode", "exercise", "--profile", "city")
    assert office.run(*words, by="author-1").json["signer"] == "CN=City alerts"


def test_an_update_is_a_prompt_in_status_until_somebody_acted(office: Office, tmp_path: Path) -> None:
    """What changed, field by field, and the command; accepted, it is gone."""
    file = alert(tmp_path / "alert.xml")
    opened = office.run("cap", "ingest", file, *OPEN, by="author-1").json
    office.run("incident", "activate", opened["incident"], by="author-1")
    said = office.run("cap", "ingest", chained(file, "Update", "storm-2"), *OPEN, by="author-1")
    assert {"field": "severity", "language": "en-GB", "before": "Severe", "after": "Extreme"} in said.json["changes"]
    status = office.run("status")
    (alarm,) = status.json["alarms"]
    assert "severity Severe → Extreme" in alarm["about"]
    assert f"Next: dispatcher incident amend {opened['incident']}" in status.err
    attention = office.run("overview").json["attention"]
    assert [one["kind"] for one in attention] == ["alert"]
    office.run("cap", "accept", said.json["alert"], "--reason", "severity raised", by="author-1")
    assert office.run("status").json["alarms"] == []


def test_a_held_alert_is_listed_shown_and_dismissed(office: Office, tmp_path: Path) -> None:
    """With what it says, why it waits, and both ways out."""
    file = chained(alert(tmp_path / "alert.xml"), "Cancel", "storm-2")
    held = office.run("cap", "ingest", file, *OPEN, by="author-1")
    assert "cap dismiss" in held.err
    assert [one["alert"] for one in office.run("cap", "list", "--held").json["alerts"]] == [held.json["alert"]]
    shown = office.run("cap", "show", held.json["alert"])
    assert [fault["code"] for fault in shown.json["faults"]] == ["parent-unknown"]
    assert shown.json["texts"][0]["headline"] == "Storm tonight"
    office.run("cap", "dismiss", held.json["alert"], "--reason", "not ours", by="author-1")
    assert office.run("cap", "list", "--held").json["alerts"] == []


@pytest.mark.parametrize("status", ["Exercise", "Test"])
def test_a_drill_opens_nothing_live(office: Office, tmp_path: Path, status: str) -> None:
    """It is recorded, with why."""
    words = ("cap", "ingest", alert(tmp_path / "alert.xml", status=status), "--profile", "open", "--mode", "live")
    said = office.run(*words, by="author-1").json
    assert (said["standing"], said["incident"], said["faults"][0]["code"]) == ("recorded", None, "drill")


def test_feeds_are_listed_with_what_is_wrong(office: Office) -> None:
    """The file's faults are told beside the feeds that can be used."""
    assert "feeds.toml" in office.run("cap", "feeds").err
    good = '[feed.rivers]\nurl = "https://rivers.example/a.atom"\nmode = "live"\n'
    (office.folder / "feeds.toml").write_text(
        good + '[feed.wind]\nurl = "https://wind.example"\nevery_s = 1\nmode = "live"'
    )
    said = office.run("cap", "feeds").json
    assert [one["feed"] for one in said["feeds"]] == ["rivers"]
    assert "every_s" in said["faults"][0]


def test_what_is_no_alert_ends_with_exit_code_2(office: Office, tmp_path: Path) -> None:
    """Its faults are told, and how to see all of them."""
    file = tmp_path / "page.html"
    file.write_text("<html/>")
    assert "cap validate" in office.run("cap", "ingest", file, *OPEN, by="author-1", code=2).err
