"""Every command leaves what the table says in the ledger, and no command can be forgotten there.

The commands that the other tests here run are held to the table as they run; those below are run by no other.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dispatcher.cli.commands import Reading
from tests.cli import recorded
from tests.cli.conftest import Office
from tests.statements.support import make_key_file


def test_every_command_stands_in_the_table() -> None:
    """A new one says there what it records, or that it changes nothing."""
    assert {verb for verb, _ in recorded.verbs()} == recorded.CHANGES.keys() | recorded.NOTHING
    assert not recorded.CHANGES.keys() & recorded.NOTHING


def test_the_table_bites() -> None:
    """A command that changes something in silence, or records where it only reads, fails its test."""
    recorded.check(["--json", "incident", "amend", "inc-1"], ["incident.amended"])
    for words, kinds in (
        (["incident", "amend"], []),
        (["halt"], ["incident.amended"]),
        (["status"], ["role.silent"]),
    ):
        with pytest.raises(AssertionError):
            recorded.check(words, kinds)


def test_an_incident_is_stood_down_reviewed_and_closed(office: Office) -> None:
    """Each step is on record."""
    name, found = office.incident(), office.folder / "deployment.toml"
    office.run("incident", "stand-down", name, by="director-1")
    for which in ("hot", "formal"):
        words = ("--finding", "as planned", "--evidence", found)
        office.run("incident", "review", f"{name}/{which}", *words, by="reviewer-1")
    assert office.run("incident", "close", name, by="director-1").json["state"] == "closed"


def test_a_list_is_imported_retained_and_purged(office: Office, tmp_path: Path) -> None:
    """A list that no plan of the incident names is no part of its legal hold."""
    (tmp_path / "numbers.csv").write_text("phone\n07700 900300\n")
    office.run("recipients", "import", "city", tmp_path / "numbers.csv", "--mode", "exercise", by="ops-1")
    name = office.incident()
    office.run("incident", "retain", name, "--reason", "an inquiry", by="legal-1")
    assert office.run("incident", "show", name).json["retained"]
    office.run("recipients", "purge", "city", "--reason", "no longer needed", by="ops-1")
    office.run("incident", "unretain", name, "--reason", "it ended", by="legal-1")
    assert not office.run("incident", "show", name).json["retained"]


def test_the_glass_is_broken_on_record(office: Office) -> None:
    """By the first of the pair that may."""
    plan = office.plan()
    office.run("clearance", "break-glass", plan, "--reason", "water in the streets", by="director-1")


def test_the_schema_is_migrated_on_record(office: Office) -> None:
    """A database from nothing gets all migrations, and the entry that says so."""
    (office.folder / "data" / "dispatcher.db").unlink()
    made = office.run("migrate").json
    assert (made["before"], office.kinds()) == (None, ["schema.migrated"])


def test_a_roster_that_is_installed_is_on_record_with_its_signers(office: Office) -> None:
    """As soon as it is in place."""
    change = office.folder.parent / "change"
    new = make_key_file(office.folder.parent / "new").with_suffix(".pub")
    office.run("roster", "rotate", change, "--new", f"director-1={new}")
    for owner in ("owner-1", "owner-2"):
        office.run("roster", "sign", change, by=owner)
    office.run("roster", "install", change)
    (entry,) = office.run("ledger", "tail", "--kind", "roster.installed", "-n", "1").json["entries"]
    assert (entry["facts"]["version"], entry["facts"]["signed_by"]) == (2, ["owner-1", "owner-2"])


READINGS = (
    ("ledger", "tail"),
    ("ledger", "search", "storm"),
    ("log",),
    ("incident", "list"),
    ("incident", "show", "{}"),
    ("delivery", "list"),
    ("spend", "list"),
)


def test_a_reviewers_readings_are_recorded_and_nobody_elses(office: Office) -> None:
    """Each once, with who and what was asked; an officer's, or one without a key, leaves nothing."""
    name = office.incident()
    for by in ("reviewer-1", "director-1", None):
        for words in READINGS:
            office.run(*(word.format(name) for word in words), by=by)
    entries = office.run("ledger", "tail", "--kind", "ledger.read").json["entries"]
    assert [entry["facts"]["command"] for entry in entries] == [
        "dispatcher ledger tail",
        "dispatcher ledger search",
        "dispatcher log",
        "dispatcher incident list",
        "dispatcher incident show",
        "dispatcher delivery list",
        "dispatcher spend list",
    ]
    assert {entry["facts"]["actor"] for entry in entries} == {"reviewer-1"}
    assert entries[1]["facts"]["given"] == {"words": ["storm"]}


def test_a_reading_of_an_incident_is_part_of_its_record(office: Office) -> None:
    """By its whole name, whatever was typed, with the filters as they were given."""
    name = office.incident()
    office.run("ledger", "tail", "--incident", name[:7], "--since", "-2h", "-n", "5", by="reviewer-1")
    (entry,) = office.run("ledger", "tail", "--incident", name, "--kind", "ledger.read").json["entries"]
    given = entry["facts"]["given"]
    assert (entry["incident"], given["incident"], given["number"]) == (name, name[:7], 5)
    assert given["since"] < entry["at"]


def test_a_reader_is_known_by_the_public_half_of_a_key(office: Office) -> None:
    """Nobody is asked for a passphrase in order to read: the private half is not looked at."""
    office.key("reviewer-1").write_text("locked")
    office.run("ledger", "tail", by="reviewer-1")
    assert office.kinds()[-1] == "ledger.read"


def test_every_command_that_reads_an_incidents_record_says_so_of_a_reviewer() -> None:
    """Those of the kind Reading; that none is forgotten is for who adds one to look at."""
    reading = {verb for verb, command in recorded.verbs() if isinstance(command, Reading)}
    assert reading <= recorded.NOTHING
    assert {
        "ledger tail",
        "ledger search",
        "log",
        "incident show",
        "clearance read",
        "delivery show",
        "gate explain",
    } <= reading


def test_a_log_is_read_where_nothing_else_works(office: Office) -> None:
    """Neither trust nor database is needed by who is no reviewer: logs are read when things are broken."""
    (office.folder / "logs" / "relay.jsonl").write_text('{"event":"failed"}\n')
    shutil.rmtree(office.folder / "trust")
    (office.folder / "data" / "dispatcher.db").unlink()
    assert json.loads(office.run("log", by="reviewer-1").out)["event"] == "failed"
