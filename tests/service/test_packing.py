"""Packing: what an export of a recorded incident holds, and that the verifiers find it good."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatcher.domain.errors import Invalid, NotFound, Unavailable
from dispatcher.service import ledger, messages, packing, submitting
from dispatcher.service.media import Given
from dispatcher.service.packing import Exported, export
from dispatcher.service.submitting import Wish
from tests.channels.media.dirty import saved
from tests.office import Office, office_at
from tests.packed import checked, entries, exercise, exported, members


@dataclass(frozen=True)
class Once:
    """An exercise whose pack was made, and the office as it was left: to be read, not changed."""

    office: Office
    made: Exported
    pack: Path


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Once]:
    """One for all tests that only read."""
    folder = tmp_path_factory.mktemp("made")
    with office_at(folder / "deployment") as office:
        yield Once(office, exported(office, folder / "pack.zip", exercise(office)), folder / "pack.zip")


def test_an_export_verifies(once: Once) -> None:
    """Every entry of the incident is proved, and the trust files, plans and renderings are what their names say."""
    made, found = once.made, checked(once.pack)
    assert found.wrong == []
    assert (made.unproved, made.left_out) == (0, ())
    assert f"{made.proved} entries are in the tree at size {made.size}" in found.verified
    assert "2 checkpoints signed by the status key, all of one history" in found.verified
    assert "the first 10 of 20 places in the ledger: what people saw when they signed" in found.rests


def test_it_holds_the_incident_and_what_it_rested_on(once: Once) -> None:
    """Its own entries, refusals among them, the halt and the exemption of its mode, nothing of another incident."""
    found = entries(once.pack)
    kinds = [one["kind"] for one in found]
    assert {"incident.declared", "release.refused", "statement.submit", "plan.submitted"} <= set(kinds)
    assert (kinds.count("statement.halt"), kinds.count("statement.exempt")) == (1, 1)
    own = [line.id for line in ledger.tail(once.office.desk, 1_000, once.made.incident)]
    installed = [kind for kind in kinds if kind.endswith(".installed")]
    assert installed == ["root.installed", "roster.installed", "policy.installed"]
    assert (
        len(found) == len(own) + 1 + 3
    )  # with halt, exemption and these, without evidence.exported, which came after


def test_what_no_checkpoint_took_in_is_marked(office: Office, tmp_path: Path) -> None:
    """A pack made before any relay ran says that nothing of it is proved."""
    office.message()
    (incident,) = {line.incident for line in office.ledger("incident.declared")}
    made = exported(office, tmp_path / "pack.zip", str(incident))
    assert (made.proved, made.unproved) == (0, 6)
    found = checked(tmp_path / "pack.zip")
    assert found.wrong == []
    assert f"{made.unproved} entries: nothing yet, no checkpoint had taken them in" in found.rests


def test_the_export_is_in_the_ledger(once: Once) -> None:
    """Who made it, and the pack's digest, by which a pack with something left out can be told."""
    (entry,) = once.office.ledger("evidence.exported")
    digest = hashlib.sha256(once.pack.read_bytes()).hexdigest()
    assert (entry.incident, entry.facts["actor"], entry.facts["sha256"]) == (once.made.incident, "reviewer-1", digest)


def test_the_same_record_gives_the_same_bytes(office: Office, tmp_path: Path) -> None:
    """Exported twice at one time; the first export's own entry is not there yet."""
    incident = exercise(office)
    exported(office, tmp_path / "one.zip", incident)
    with office.desk.store.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER ledger_kept"))
        connection.execute(text("DELETE FROM ledger WHERE kind = 'evidence.exported'"))
    exported(office, tmp_path / "two.zip", incident)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_no_cell_is_a_formula(once: Once) -> None:
    """A platform's answer that begins like one gets an apostrophe; deliveries have one line each."""
    parts = members(once.pack)
    (tried,) = csv.DictReader(io.StringIO(parts["attempts.csv"].decode()))
    assert tried["reason"] == "'=1+1"
    (delivered,) = csv.DictReader(io.StringIO(parts["deliveries.csv"].decode()))
    assert (delivered["account"], delivered["destination"]) == ("webhook-1", "webhook-1")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("a=1", "a=1"),
        (None, ""),
    ],
)
def test_cells_that_begin_like_a_formula_are_quoted(value: str | None, cell: str) -> None:
    """As spreadsheets read them (reference: ux 5)."""
    assert packing._cell(value) == cell


@pytest.mark.parametrize("change", ["replace(body, 'G08', 'G09')", "CAST(replace(body, 'G08', 'G09') AS BLOB)"])
def test_an_entry_that_was_changed_in_sql_is_named_by_the_verifier(
    change: str, office: Office, tmp_path: Path
) -> None:
    """The pack has what the database has now, and its proof has what was recorded."""
    incident = exercise(office)
    with office.desk.store.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER ledger_fixed"))
        connection.execute(text(f"UPDATE ledger SET body = {change} WHERE kind = 'release.refused'"))
    exported(office, tmp_path / "pack.zip", incident)
    assert "its text, or the leaf before it, was changed" in checked(tmp_path / "pack.zip").broken


def test_an_entry_that_is_gone_breaks_the_proofs(office: Office, tmp_path: Path) -> None:
    """Its leaf cannot be made again."""
    incident = exercise(office)
    with office.desk.store.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER ledger_kept"))
        connection.execute(text("DELETE FROM ledger WHERE kind = 'release.refused'"))
    exported(office, tmp_path / "pack.zip", incident)
    assert any("is not of the history in leaves.bin" in one for one in checked(tmp_path / "pack.zip").wrong)


def test_a_leaf_that_is_none_keeps_nobody_from_exporting(office: Office, tmp_path: Path) -> None:
    """Whoever wrote it into the database is found out by the verifier."""
    incident = exercise(office)
    with office.desk.store.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER ledger_fixed"))
        connection.execute(text("UPDATE ledger SET leaf = 'none' WHERE kind = 'release.refused'"))
    exported(office, tmp_path / "pack.zip", incident)
    assert "it is not in the form of an entry" in checked(tmp_path / "pack.zip").broken


def test_a_forged_row_of_a_statement_is_no_evidence(office: Office, tmp_path: Path) -> None:
    """Nobody recorded it, so it is not in the pack, and the pack is good."""
    incident = exercise(office)
    with office.desk.store.engine.begin() as connection:
        names = "subject, person, role, mode, incident, not_before, expires, envelope, recorded_at"
        copied = f"INSERT INTO statements (id, kind, {names}) SELECT 'forged', 'approve', {names} FROM statements"
        connection.execute(text(f"{copied} LIMIT 1"))
    exported(office, tmp_path / "pack.zip", incident)
    assert checked(tmp_path / "pack.zip").wrong == []
    assert b"forged" not in members(tmp_path / "pack.zip")["statements.jsonl"]


def test_nothing_is_written_over_or_left_half_written(office: Office, tmp_path: Path) -> None:
    """A file that is there stays, and a failure leaves none."""
    incident = exercise(office)
    (tmp_path / "pack.zip").write_text("mine")
    with pytest.raises(Invalid):
        exported(office, tmp_path / "pack.zip", incident)
    assert (tmp_path / "pack.zip").read_text() == "mine"
    with pytest.raises(NotFound):
        exported(office, tmp_path / "other.zip", "inc-none")
    with pytest.raises(Unavailable):
        exported(office, tmp_path / "nowhere" / "pack.zip", incident)
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["pack.zip"]


def test_media_go_in_as_they_were_sent_or_are_named(office: Office, tmp_path: Path) -> None:
    """The picture that each rendering names; where it is gone, or was not asked for, the manifest says why."""
    office.account("x", languages=("en-GB",))
    message = office.message(("en-GB",))
    messages.attach(office.desk, message, Given(saved("PNG"), {"en-GB": "Map of the storm"}), "author-1")
    submitting.submit(office.desk, message, Wish(), office.pen("author-1"))
    (incident,) = {str(line.incident) for line in office.ledger("incident.declared")}
    exported(office, tmp_path / "pack.zip", incident)
    (name,) = (one for one in members(tmp_path / "pack.zip") if one.startswith("media/"))
    left = export(office.desk, incident, tmp_path / "less.zip", {}, "reviewer-1", media=False).left_out
    assert [(one.what, one.grounds) for one in left] == [(name, "not asked for")]
    (office.desk.settings.root / name).unlink()
    left = exported(office, tmp_path / "gone.zip", incident).left_out
    assert [(one.what, one.grounds) for one in left] == [(name, "absent")]
    assert [checked(tmp_path / pack).wrong for pack in ("pack.zip", "less.zip", "gone.zip")] == [[], [], []]
