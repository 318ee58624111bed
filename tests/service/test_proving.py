"""The proof: what a whole deployment's record is held against, and what is said where it does not hold."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nacl.signing import SigningKey
from sqlalchemy import text

from dispatcher.domain.errors import Forbidden, Invalid, NotFound
from dispatcher.domain.statement import Mode, Statement, StatementKind, Verified
from dispatcher.ledger.notes import Checkpoint, origin_of, read_note, seal
from dispatcher.service import proving
from dispatcher.service.proving import Proof
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.store import statements
from tests.office import Office
from workers.sequencer import LEADS_FOR, Sequencer


@pytest.fixture
def recorded(office: Office) -> Office:
    """An office with a plan that was approved, under a checkpoint."""
    office.account("x")
    office.account("webhook")
    sequenced(office)
    office.approved()
    sequenced(office)
    return office


def sequenced(office: Office) -> None:
    signer = KeyFileSigner(office.desk.settings.path("keys", "status"))
    Sequencer("relay:1", office.desk.store, office.desk.settings, signer, office.desk.trust).tick()


def tampered(office: Office, *statements: str) -> Proof:
    """What is found after whoever owns the database has run these."""
    with office.desk.store.write() as work:
        for name in ("ledger_fixed", "ledger_kept", "checkpoints_fixed", "checkpoints_kept", "statements_fixed"):
            work.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        work.execute(text("DROP TRIGGER IF EXISTS statements_kept"))
        for statement in statements:
            work.execute(text(statement))
    return proving.verify(office.desk)


def things(office: Office, count: int) -> int:
    """So many entries, and a checkpoint over them; how many it covers."""
    with office.desk.store.write() as work:
        for _ in range(count):
            work.record("thing.done")
    sequenced(office)
    return read_note(proving.newest_note(office.desk)).checkpoint.size


def without_copies(office: Office) -> Office:
    """The same, with the copies gone."""
    for file in office.desk.settings.path("checkpoints").iterdir():
        file.unlink()
    return office


def test_an_honest_record_holds(recorded: Office) -> None:
    """Every entry, anchored by the copies."""
    found = proving.verify(recorded.desk)
    assert found.faults == ()
    assert found.entries == found.anchored > 5
    assert (found.unanchored, found.waiting) == (0, 0)


def test_what_came_after_the_last_head_waits(recorded: Office) -> None:
    """And the proof says what nobody can know of it."""
    with recorded.desk.store.write() as work:
        work.record("thing.done")
    found = proving.verify(recorded.desk)
    assert (found.waiting, found.faults) == (1, ())
    assert any("newest entries are in no checkpoint" in sentence for sentence in found.cannot_know)


def test_a_statement_holds_the_head_that_its_signer_saw(recorded: Office) -> None:
    """So that whoever signs becomes a witness of all that came before."""
    head = read_note(proving.newest_note(recorded.desk)).checkpoint.head
    recorded.plan()
    assert recorded.pen("author-1").signed[-1].checkpoint == head


def test_statements_alone_anchor_what_their_signers_saw(recorded: Office) -> None:
    """Where all copies are gone."""
    found = proving.verify(without_copies(recorded).desk)
    assert 0 < found.anchored < found.entries
    assert found.faults == ()
    assert any("vouched for by the database alone" in sentence for sentence in found.cannot_know)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE ledger SET body = CAST(replace(body, 'author-1', 'x') AS BLOB) WHERE kind = 'incident.declared'",
            "was changed",
        ),
        ("UPDATE ledger SET recorded_at = '2026-11-20 00:00:00.000000' WHERE id = 3", "was changed"),
        ("UPDATE ledger SET body = 'text' WHERE id = 3", "the row cannot be read"),
        ("UPDATE ledger SET recorded_at = 'yesterday' WHERE kind = 'plan.submitted'", "was changed"),
        ("UPDATE checkpoints SET taken = '7'", "a table cannot be read as it was written"),
        ("DELETE FROM ledger WHERE id = 3", "the entry is gone"),
        ("UPDATE ledger SET incident = 'inc-another' WHERE kind = 'plan.submitted'", "its row says another incident"),
        ("UPDATE ledger SET id = id + 1000 WHERE id = (SELECT max(id) FROM ledger)", "the entry is gone"),
        (
            "UPDATE checkpoints SET note = replace(note, 'time 2026', 'time 2025')",
            "its signature does not hold",
        ),
        ("UPDATE checkpoints SET taken = '[[1, 2]]' WHERE size = (SELECT max(size) FROM checkpoints)", "are gone"),
        ("DELETE FROM statements WHERE kind = 'approve'", "is on record, and it is gone"),
        ("UPDATE statements SET id = 'another' WHERE kind = 'submit'", "is there, and not on record"),
        (
            "UPDATE statements SET envelope = replace(envelope, 'checker-1', 'checker-9') WHERE kind = 'approve'",
            "statement",
        ),
        ("UPDATE deliveries SET state = 'leased'; ", ""),
    ],
)
def test_what_was_done_to_the_database_is_told(statement: str, told: str, recorded: Office) -> None:
    """By whoever owns it. A lease is no fault: workers take them all the time."""
    found = tampered(recorded, statement.removesuffix("; "))
    assert any(told in fault.what for fault in found.faults) if told else found.faults == ()


def test_a_row_that_was_slipped_in_between_is_told(recorded: Office) -> None:
    """In no chain, in no checkpoint, at an id that a rolled-back transaction left free."""
    found = tampered(
        recorded,
        "INSERT INTO ledger SELECT 0, 'cli:x', 1, prev, leaf, kind, incident, recorded_at, body FROM ledger LIMIT 1",
    )
    assert any("rows stand among the entries" in fault.what for fault in found.faults)


def test_a_delivery_that_moved_off_the_record_is_told(recorded: Office) -> None:
    """The table says more than anybody wrote down."""
    with recorded.desk.store.write() as work:
        work.execute(text("DROP TRIGGER deliveries_move"))
        work.execute(text("UPDATE deliveries SET state = 'accepted'"))
    (fault,) = proving.verify(recorded.desk).faults
    assert "0 deliveries are accepted on record, and 2 in the table" in fault.what


def test_an_attempt_off_the_record_is_told(recorded: Office) -> None:
    """No byte leaves without an intent that is on record."""
    found = tampered(
        recorded,
        "INSERT INTO attempts (delivery, number, fence, owner, intended_at, code, reason) "
        "SELECT id, 1, 1, 'w', '2026-11-21 12:00:00.000000', '', '' FROM deliveries LIMIT 1",
    )
    told = [fault.what.partition(": ")[2] for fault in found.faults]
    assert told == ["1 attempts, and 0 intents on record", "an attempt was made before any release on record"]


def test_a_ledger_that_was_made_again_is_told_by_a_head_that_somebody_kept(office: Office, tmp_path: Path) -> None:
    """Every hash of it fits, and every checkpoint is signed with the relay's own key."""
    begun = things(office, 5)
    kept = tmp_path / "mailed.txt"
    kept.write_text(proving.newest_note(office.desk))
    without_copies(office)
    assert tampered(office, "DELETE FROM checkpoints", "DELETE FROM ledger").entries == 0
    office.desk.store._chain = None
    office.clock.now += LEADS_FOR
    things(office, 20)
    without_copies(office)
    assert proving.verify(office.desk).faults == ()
    (fault,) = proving.verify(office.desk, [kept]).faults
    assert f"of {begun} entries: entries were changed" in fault.what


def test_a_ledger_that_was_cut_is_told_by_its_copies(office: Office) -> None:
    """With entries and checkpoints gone alike."""
    size = things(office, 5)
    things(office, 5)
    cut = (f"DELETE FROM checkpoints WHERE size > {size}", f"DELETE FROM ledger WHERE id > {size}")
    (fault,) = tampered(office, *cut).faults
    assert "the last 5 entries are gone" in fault.what


def test_a_file_without_checkpoints_is_no_proof(office: Office, tmp_path: Path) -> None:
    """The wrong file is said to be wrong, and not passed over."""
    wrong = tmp_path / "shopping.txt"
    for text_ in ("milk", None):
        wrong.unlink() if text_ is None else wrong.write_text(text_)
        with pytest.raises(NotFound, match="holds no checkpoint"):
            proving.verify(office.desk, [wrong])


def test_a_checkpoint_that_another_key_signed_is_told(office: Office, tmp_path: Path) -> None:
    """Anybody can write one."""
    size = things(office, 3)
    key, forged = SigningKey(bytes(32)), tmp_path / "forged.txt"
    head = Checkpoint(origin_of("example-city"), size, bytes(32), office.clock.now)
    forged.write_text(seal(head, bytes(key.verify_key), lambda message: key.sign(message).signature))
    (fault,) = proving.verify(office.desk, [forged]).faults
    assert (
        fault.what == f"1 of {forged} does not count: it is not signed with the key of dispatcher-ledger/example-city"
    )


def test_a_statement_with_nobodys_key_anchors_nothing(office: Office) -> None:
    """Whoever has the database can write one, in anybody's name."""
    things(office, 3)
    head, signer = read_note(proving.newest_note(office.desk)).checkpoint.head, fresh_signer(office)
    now = office.clock.now
    claim = Statement(
        kind=StatementKind.HALT,
        subject="0" * 64,
        deployment="example-city",
        mode=Mode.EXERCISE,
        person="director-1",
        role="duty_director",
        roster=1,
        not_before=now,
        expires=now + timedelta(days=1),
        nonce="00" * 16,
        checkpoint=head,
    )
    with office.desk.store.write() as work:
        statements.add(work, Verified(claim, signer.fingerprint), sign(claim, signer), None)
    found = proving.verify(without_copies(office).desk)
    assert (found.faults, found.anchored) == ((), 0)
    assert any("nobody's" in source for source in found.heads)


def fresh_signer(office: Office) -> KeyFileSigner:
    """A key that stands on no roster."""
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    file = office.desk.settings.path("stranger")
    file.write_bytes(private)
    return KeyFileSigner(file)


@pytest.mark.parametrize("cut", [3, 40, 60])
def test_a_copy_whose_last_note_was_cut_and_then_written_whole_is_no_fault(cut: int, office: Office) -> None:
    """The relay was killed while it copied, wherever that was: the next one made it good."""
    things(office, 3)
    (file,) = office.desk.settings.path("checkpoints").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut] + b"\n")
    things(office, 2)
    found = proving.verify(office.desk)
    assert (found.faults, found.unanchored) == ((), 0)


def test_a_head_that_was_printed_as_json_is_one_too(office: Office, tmp_path: Path) -> None:
    """As `ledger checkpoint --json` prints it."""
    things(office, 3)
    printed = tmp_path / "head.json"
    printed.write_text(json.dumps({"schema": "dispatcher/checkpoint/v1", "note": proving.newest_note(office.desk)}))
    found = proving.verify(without_copies(office).desk, [printed])
    assert (found.faults, found.unanchored) == ((), 0)


def test_before_the_first_checkpoint_there_is_none_to_show(office: Office) -> None:
    """And it is said who makes them."""
    with pytest.raises(NotFound, match="no checkpoint has been made yet"):
        proving.newest_note(office.desk)


def test_a_false_checkpoint_is_not_shown_and_stops_nobody_from_signing(recorded: Office) -> None:
    """Else whoever can write to the database could stop every message."""
    tampered(recorded, "UPDATE checkpoints SET note = replace(note, 'time 2026', 'time 2025')")
    with pytest.raises(Forbidden, match="the newest checkpoint is false"):
        proving.newest_note(recorded.desk)
    recorded.plan()
    assert recorded.pen("author-1").signed[-1].checkpoint is None


# --- witnesses ------------------------------------------------------------------------------------------------------


@pytest.fixture
def signer(office: Office) -> KeyFileSigner:
    """Any key that is no part of the deployment."""
    return KeyFileSigner(office.desk.settings.path("keys", "exercise", "reviewer-1"))


def test_a_witness_signs_what_grew(office: Office, signer: KeyFileSigner, tmp_path: Path) -> None:
    """And verification says what it saw last."""
    before = 0
    for count in (3, 4):
        size = things(office, count)
        seen = proving.witness(office.desk, tmp_path / "kept", "w1", signer)
        assert (seen.size, seen.grew_from) == (size, before)
        before = size
    found = proving.verify(office.desk, [seen.file], {"w1": signer.point, "w2": signer.point})
    assert found.witnesses["w2"] is None
    assert (last := found.witnesses["w1"]) is not None
    assert last.size == before
    assert found.faults == ()


def test_a_witness_does_not_sign_another_past(office: Office, signer: KeyFileSigner, tmp_path: Path) -> None:
    """It keeps what it saw, and says so."""
    size = things(office, 3)
    seen = proving.witness(office.desk, tmp_path, "w1", signer)
    kept = seen.file.read_text()
    tampered(office, "DELETE FROM checkpoints", "DELETE FROM ledger")
    without_copies(office)
    office.desk.store._chain = None
    office.clock.now += LEADS_FOR
    things(office, 9)
    with pytest.raises(Forbidden, match=f"did not grow from what w1 saw at {size} entries"):
        proving.witness(office.desk, tmp_path, "w1", signer)
    assert seen.file.read_text() == kept


def test_a_witness_without_a_usable_name_or_folder_is_told(
    office: Office, signer: KeyFileSigner, tmp_path: Path
) -> None:
    """Before anything is signed."""
    things(office, 1)
    (tmp_path / "file").write_text("")
    for folder, name in ((tmp_path, "two words"), (tmp_path / "file", "w1")):
        with pytest.raises(Invalid) as error:
            proving.witness(office.desk, folder, name, signer)
        assert "name the witness without spaces" in error.value.next_step
