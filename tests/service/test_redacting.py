"""Redacting: what is held back is gone and named, and what is left still verifies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatcher.domain.errors import Invalid
from dispatcher.service.redacting import Redacted, _texts, read_rules, record, redact
from tests.office import Office, office_at
from tests.packed import checked, entries, exercise, exported, members

STAFF = '[[redact]]\nclass = "s40"\nreason = "junior staff"\n'


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of an exercise, made once."""
    folder = tmp_path_factory.mktemp("made")
    with office_at(folder / "deployment") as office:
        exported(office, folder / "pack.zip", exercise(office))
    return folder / "pack.zip"


def redacted(pack: Path, folder: Path, rules: str) -> Redacted:
    """That pack without what these rules hold back."""
    return redact(pack, folder / "less.zip", read_rules(rules, "rules.toml"))


def test_a_person_can_be_held_back(pack: Path, tmp_path: Path) -> None:
    """No entry and no statement names them, each is told with its class, and the pack is good."""
    made = redacted(pack, tmp_path, f'{STAFF}person = "author-1"\n')
    parts, found = members(tmp_path / "less.zip"), checked(tmp_path / "less.zip")
    assert (found.wrong, found.redacted, made.statements) == ([], made.entries, 1)
    assert made.entries > 3
    assert b"author-1" not in parts["ledger.jsonl"] + parts["statements.jsonl"]
    assert {one.grounds for one in made.left_out} == {"s40", "report"}
    assert made.redacted_from.encode() in parts["MANIFEST.json"]


def test_reports_do_not_tell_what_was_redacted(pack: Path, tmp_path: Path) -> None:
    """They are left out whole, and the manifest says so."""
    made = redacted(pack, tmp_path, f'{STAFF}person = "author-1"\n')
    reports = {"deliveries.csv", "attempts.csv", "read-backs.jsonl"}
    assert {one.what for one in made.left_out if one.grounds == "report"} == reports
    assert not reports & members(tmp_path / "less.zip").keys()


def test_where_a_name_is_left_is_told(pack: Path, tmp_path: Path) -> None:
    """Roster and keys have it still; the officer decides."""
    made = redacted(pack, tmp_path, f'{STAFF}person = "author-1"\n')
    assert {"keys.json", "trust/roster.json"} <= set(made.still_named)


def test_a_name_is_found_however_it_is_written(pack: Path, tmp_path: Path) -> None:
    """In signatures over JSON within JSON, as an escape in ASCII, and in the manifest, which says who exported."""
    found = redacted(pack, tmp_path, f'{STAFF}person = "reviewer-1"\n').still_named
    assert "MANIFEST.json" in found
    (tmp_path / "less.zip").unlink()
    (owner,) = {one["person"] for one in json.loads(members(pack)["trust/root.json"])["owners"][:1]}
    found = redacted(pack, tmp_path, f'{STAFF}person = "{owner}"\n').still_named
    assert {"trust/policy.sigs.json", "trust/roster.sigs.json"} <= set(found)
    assert any('Môn, "é"' in one for one in _texts(iter([b'"M\\u00f4n, \\"\\u00e9\\""'])))


def test_the_roster_can_be_left_out(pack: Path, tmp_path: Path) -> None:
    """Then signatures are checked with keys that nobody signed for, and the report says so."""
    redacted(pack, tmp_path, f'{STAFF}file = "trust/roster.*"\n')
    found = checked(tmp_path / "less.zip")
    assert found.wrong == []
    assert "whose keys are whose: keys.json, which nobody signed" in found.rests


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [
        ('kind = "release.refused"', {"release.refused"}),
        ('kind = "message."', {"message.revised"}),
        ('pattern = "G[0-9]{2}"', {"release.refused"}),
        ('kind = "incident."\npattern = "Storm"', {"incident.declared"}),
    ],
)
def test_entries_are_chosen_by_kind_and_pattern(rule: str, kinds: set[str], pack: Path, tmp_path: Path) -> None:
    """Exactly these, and all of them."""
    redacted(pack, tmp_path, f"{STAFF}{rule}\n")
    before, after = entries(pack), entries(tmp_path / "less.zip")
    assert {one["kind"] for one, kept in zip(before, after, strict=True) if not kept} == kinds
    assert not kinds & {one["kind"] for one in after if one}
    assert checked(tmp_path / "less.zip").wrong == []


def test_an_entry_is_chosen_by_its_place(pack: Path, tmp_path: Path) -> None:
    """By its position in the tree."""
    lines = members(pack)["ledger.jsonl"].splitlines()
    place = int(lines[2].split(b'"position":')[1].split(b",")[0])
    made = redacted(pack, tmp_path, f"{STAFF}position = [{place}]\n")
    assert (made.entries, entries(tmp_path / "less.zip")[2]) == (1, {})


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (STAFF, "not what to hold back"),
        (f'{STAFF}person = "a"\nfile = "b"\n', "not both"),
        (f'{STAFF}pattern = "("\n', "pattern"),
        (f'{STAFF}who = "author-1"\n', "who"),
        ('[[redact]]\nreason = "staff"\nperson = "author-1"\n', "class"),
        ("", "redact is missing"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: str, fault: str) -> None:
    """Naming the place."""
    with pytest.raises(Invalid, match=fault):
        read_rules(rules, "rules.toml")


def test_proofs_cannot_be_left_out(pack: Path, tmp_path: Path) -> None:
    """A pack without them would prove nothing."""
    with pytest.raises(Invalid, match="cannot be left out"):
        redacted(pack, tmp_path, f'{STAFF}file = "*.bin"\n')
    assert not (tmp_path / "less.zip").exists()


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    """With a message, not a traceback."""
    (tmp_path / "pack.zip").write_text("no")
    with pytest.raises(Invalid, match="not an evidence pack"):
        redact(tmp_path / "pack.zip", tmp_path / "less.zip", ())


def test_a_redaction_is_recorded(pack: Path, office: Office, tmp_path: Path) -> None:
    """Which pack came of which, and who made it."""
    made = redacted(pack, tmp_path, f'{STAFF}person = "author-1"\n')
    record(office.desk, made, "reviewer-1")
    (entry,) = office.ledger("evidence.redacted")
    assert (entry.facts["sha256"], entry.facts["redacted_from"]) == (made.sha256, made.redacted_from)
