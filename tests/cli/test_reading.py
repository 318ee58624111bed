"""Status, ledger and logs."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta

import pytest

from dispatcher.cli import output
from dispatcher.cli.commands import past, reader_time
from tests.cli.conftest import Office


def test_status_of_an_empty_deployment_begins_with_declaring(office: Office) -> None:
    """Nothing has happened: the next step is an incident, and nobody sends."""
    said = office.run("status")
    assert said.json["schema"] == "dispatcher/status/v1"
    assert "Next: dispatcher incident declare" in said.err
    assert "`dispatcher up` is not running here" in said.err


def test_status_names_who_is_awaited(office: Office) -> None:
    """With a submitted plan the next step is an approval, by the people who hold the roles."""
    plan = office.plan()
    said = office.run("status")
    assert "checker (checker-1)" in said.err
    assert f"Next: dispatcher clearance approve {plan[:12]}" in said.err


def test_status_of_a_cleared_plan_is_its_release(office: Office) -> None:
    """Nothing but the release is missing."""
    plan = office.cleared()
    assert f"Next: dispatcher release {plan[:12]}" in office.run("status").err


def test_status_of_a_released_plan_is_to_watch_it(office: Office) -> None:
    """As long as a machine has something to do, watch."""
    plan = office.released()
    assert f"Next: dispatcher watch {plan[:12]}" in office.run("status").err


def test_status_leads_to_what_waits_for_people(office: Office) -> None:
    """A held delivery comes before everything that machines do."""
    plan = office.released()
    office.move("leased", "held", reason="exhausted")
    assert f"Next: dispatcher delivery list --plan {plan[:12]} --state held" in office.run("status").err


def test_status_leads_to_what_is_finished_by_hand(office: Office) -> None:
    """A hand-off is nothing that a machine will end."""
    plan = office.released()
    office.move("leased", "sending", "handed_over")
    assert f"Next: dispatcher delivery list --plan {plan[:12]} --state handed_over" in office.run("status").err


def test_the_ledger_is_told_in_order(office: Office) -> None:
    """The tail is oldest first, and every entry has its place in its writer's chain."""
    office.plan()
    entries = office.run("ledger", "tail").json["entries"]
    assert [entry["id"] for entry in entries] == sorted(entry["id"] for entry in entries)
    assert entries[-1]["kind"] == "plan.submitted"
    assert {"writer", "sequence", "leaf"} <= entries[0].keys()


def test_the_ledger_is_filtered_by_incident_and_number(office: Office) -> None:
    """Another incident's entries are left out, and -n bounds the rest."""
    first, second = office.incident(), office.incident()
    entries = office.run("ledger", "tail", "--incident", second).json["entries"]
    assert {entry["incident"] for entry in entries} == {second}
    assert len(office.run("ledger", "tail", "-n", "1").json["entries"]) == 1
    assert first != second


def write_logs(office: Office) -> None:
    """Two roles, one with a rotated part and a line that is no JSON."""
    logs = office.folder / "logs"
    lines = {
        "relay.jsonl.1": [{"timestamp": "2026-01-01T00:00:01Z", "event": "first", "incident": "inc-a"}],
        "relay.jsonl": [{"timestamp": "2026-01-01T00:00:03Z", "event": "third", "incident": "inc-b"}],
        "accounts.jsonl": [{"timestamp": "2026-01-01T00:00:02Z", "event": "second", "incident": "inc-a"}],
    }
    for name, facts in lines.items():
        (logs / name).write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    with (logs / "relay.jsonl").open("a") as file:
        file.write("Segmentation fault\n")


def told(office: Office, *words: str) -> list[str]:
    """What each line of the log says."""
    documents = [json.loads(line) for line in office.run("log", *words).out.splitlines()]
    assert {document["schema"] for document in documents} <= {"dispatcher/log-line/v1"}
    return [document.get("event") or document["text"] for document in documents]


def test_logs_of_all_roles_are_merged_by_time(office: Office) -> None:
    """The rotated part comes first, and a line without a time keeps its place."""
    write_logs(office)
    assert told(office) == ["first", "second", "third", "Segmentation fault"]


def test_logs_are_filtered_by_role_incident_and_number(office: Office) -> None:
    """Each filter leaves the others' lines out."""
    write_logs(office)
    assert told(office, "--role", "accounts") == ["second"]
    assert told(office, "--incident", "inc-a") == ["first", "second"]
    assert told(office, "-n", "1") == ["Segmentation fault"]


def kinds(office: Office, *words: str) -> list[str]:
    """The kinds of the entries that a search finds."""
    return [entry["kind"] for entry in office.run("ledger", "search", *words).json["entries"]]


def test_the_ledger_is_searched_by_what_entries_name_and_say(office: Office) -> None:
    """By plan, in the statements about it too; by person, channel, clause, words; all that is given must fit."""
    plan = office.plan()
    office.run("release", plan, by="director-1", code=3)
    assert kinds(office, "--plan", plan[:8]) == ["statement.submit", "plan.submitted", "release.refused"]
    assert kinds(office, "--person", "director-1") == ["release.refused"]
    clause = office.run("ledger", "search", "--kind", "release.").json["entries"][0]["facts"]["failures"][0]["clause"]
    assert kinds(office, "--clause", clause, "--plan", plan) == ["release.refused"]
    assert kinds(office, "--account", "feed-city", "--channel", "cap_feed") == ["account.added"]
    assert kinds(office, "WEATHER", "service") == ["incident.evidence"]
    assert kinds(office, "weather", "nowhere") == []


def test_the_ledger_says_where_there_is_more(office: Office) -> None:
    """On stderr for people, in the document for programs."""
    office.incident()
    some, every = office.run("ledger", "tail", "-n", "2"), office.run("ledger", "tail", "-n", "1000")
    assert some.json["more"]
    assert "There are more" in some.err
    assert not every.json["more"]
    assert "There are more" not in every.err


@pytest.mark.parametrize(
    ("since", "zone", "meant"),
    [
        ("2026-11-21T18:00", "Europe/London", "2026-11-21T18:00:00+00:00"),
        ("2026-06-21T18:00", "Europe/London", "2026-06-21T17:00:00+00:00"),
        ("2026-06-21", "Europe/London", "2026-06-20T23:00:00+00:00"),
        ("2026-06-21 18:00+05:30", "Europe/London", "2026-06-21T12:30:00+00:00"),
        ("2026-06-21T18:00Z", "Asia/Tokyo", "2026-06-21T18:00:00+00:00"),
    ],
)
def test_a_time_without_offset_is_the_readers_own(
    since: str, zone: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the zone and the season in which they read."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert reader_time(since) == datetime.fromisoformat(meant)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_so_long_ago_is_counted_from_now() -> None:
    """Hours, minutes and days."""
    assert (reader_time("-2h"), past("-20m")) == (-timedelta(hours=2), -timedelta(minutes=20))


def test_the_ledger_is_bounded_by_times(office: Office) -> None:
    """What lies between them, and nothing where they end before they begin."""
    office.incident()
    assert "incident.declared" in kinds(office, "--since", "-1h")
    assert kinds(office, "--until", "-1h") == []
    assert "nothing lies between" in office.run("ledger", "tail", "--since", "-1h", "--until", "-2h", code=2).err
    office.run("ledger", "tail", "--follow", "--until", "-1h", code=2)
    assert "is no time" in office.run("ledger", "tail", "--since", "yesterday", code=2).err


def test_logs_are_filtered_by_what_lines_name_and_say(office: Office) -> None:
    """The same options, and the event for a kind; where there is more, it is said."""
    write_logs(office)
    assert told(office, "--kind", "second", "--kind", "first") == ["first", "second"]
    assert told(office, "--since", "2026-01-01T00:00:02Z", "--until", "2026-01-01T00:00:03Z") == ["second"]
    assert told(office, "--person", "nobody") == []
    assert "There are more" in office.run("log", "-n", "1").err


def test_a_log_that_is_read_is_told_in_the_readers_zone(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its offset, to the millisecond."""
    write_logs(office)
    monkeypatch.setattr(output, "wants_json", lambda _: False)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        first = office.run("log", "--kind", "first").out
    finally:
        monkeypatch.undo()
        time.tzset()
    assert first.startswith("2026-01-01 09:00:01.000+09:00 relay first")


def test_what_has_names_of_its_own_stands_in_brackets() -> None:
    """So that nobody takes an item's time for that of the entry which holds it."""
    entry = {
        "item": {"name": "warning", "at": "noon"},
        "failures": [{"clause": "G03"}, {"clause": "G08"}],
        "late": "no",
    }
    assert output.told(entry) == "item=(name=warning, at=noon), failures=(clause=G03, clause=G08), late=no"


def test_a_fingerprint_is_whole_by_itself_and_short_among_other_facts() -> None:
    """Who compares keys sees all of it; who reads entries sees who signed."""
    key = "SHA256:" + "aB+/" * 10 + "xyz"
    assert (output.told(key), output.told({"key": key})) == (key, "key=SHA256:aB+/aB+/aB+/")
