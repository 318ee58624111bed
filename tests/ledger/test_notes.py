"""A checkpoint is written as C2SP's tools write one, and none that was not signed so is taken."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from nacl.signing import SigningKey

from dispatcher.ledger.notes import (
    Checkpoint,
    NoteRefused,
    cosign,
    origin_of,
    read_note,
    seal,
    split_notes,
)

KEY, OTHER = SigningKey(bytes(32)), SigningKey(bytes([1] * 32))
ORIGIN = origin_of("example-city")
AT = datetime(2026, 11, 22, 18, 5, 0, 123456, UTC)
HEAD = Checkpoint(ORIGIN, 1207, hashlib.sha256(b"root").digest(), AT)
WITNESS = "audit.example.org/w1"


def point(key: SigningKey) -> bytes:
    return bytes(key.verify_key)


def signed(head: Checkpoint = HEAD, key: SigningKey = KEY) -> str:
    """A note, as the relay makes it."""
    return seal(head, point(key), lambda message: key.sign(message).signature)


def witnessed(note: str, name: str = WITNESS, key: SigningKey = OTHER) -> str:
    """The same with a witness's line."""
    return cosign(note, name, point(key), lambda message: key.sign(message).signature, AT)


def test_a_note_is_text_an_empty_line_and_a_signature_line() -> None:
    """Put together here by hand, from the specification."""
    root = base64.b64encode(HEAD.root).decode()
    text = f"dispatcher-ledger/example-city\n1207\n{root}\ntime 2026-11-22T18:05:00.123456Z\n"
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + point(KEY)).digest()[:4]
    line = base64.b64encode(key_id + KEY.sign(text.encode()).signature).decode()
    assert signed() == f"{text}\n— {ORIGIN} {line}\n"


def test_a_witness_signs_the_time_and_the_text() -> None:
    """As a cosignature of version 1: algorithm 4, the seconds before the signature."""
    seconds = int(AT.timestamp())
    message = f"cosignature/v1\ntime {seconds}\n{HEAD.text()}".encode()
    key_id = hashlib.sha256(WITNESS.encode() + b"\n\x04" + point(OTHER)).digest()[:4]
    raw = key_id + seconds.to_bytes(8, "big") + OTHER.sign(message).signature
    assert witnessed(signed()) == f"{signed()}— {WITNESS} {base64.b64encode(raw).decode()}\n"


def test_a_note_reads_back() -> None:
    """With and without a witness's line."""
    for note in (signed(), witnessed(signed())):
        read = read_note(note)
        read.verify(ORIGIN, point(KEY))
        assert read.checkpoint == HEAD
    assert read_note(witnessed(signed())).seen_at(WITNESS, point(OTHER)) == AT.replace(microsecond=0)


def test_a_head_is_embedded_as_size_and_root() -> None:
    """In hex, as everything that people sign."""
    assert HEAD.head == f"1207:{HEAD.root.hex()}"


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (signed(key=OTHER), "not signed with the key"),
        (signed(replace(HEAD, origin="dispatcher-ledger/elsewhere")), "not of dispatcher-ledger/example-city"),
        (signed().replace("1207", "1208"), "does not hold"),
        (signed().replace("00.123456Z", "01.123456Z"), "does not hold"),
        (witnessed(signed(key=OTHER), ORIGIN, KEY), "not signed"),
    ],
)
def test_a_note_that_the_log_did_not_sign_does_not_verify(note: str, why: str) -> None:
    """Another key, another log, another size, another time, a witness in the log's place."""
    with pytest.raises(NoteRefused, match=why):
        read_note(note).verify(ORIGIN, point(KEY))


def test_a_signature_of_another_key_under_the_right_key_id_does_not_hold() -> None:
    """The id only says which key to try."""
    forged = seal(HEAD, point(KEY), lambda message: OTHER.sign(message).signature)
    with pytest.raises(NoteRefused, match="does not hold"):
        read_note(forged).verify(ORIGIN, point(KEY))


def test_a_signature_under_another_name_is_not_the_logs() -> None:
    """Though key and key id are its own."""
    with pytest.raises(NoteRefused, match="not signed"):
        read_note(signed().replace(f"— {ORIGIN}", "— somebody/else")).verify(ORIGIN, point(KEY))
    with pytest.raises(NoteRefused, match="no witness"):
        read_note(witnessed(signed()).replace(f"— {WITNESS}", "— other")).seen_at(WITNESS, point(OTHER))


def test_a_witness_cannot_be_forged() -> None:
    """Its key id is no secret; its signature is over this head and this time."""
    forged = cosign(signed(), WITNESS, point(OTHER), lambda message: KEY.sign(message).signature, AT)
    with pytest.raises(NoteRefused, match="does not hold"):
        read_note(forged).seen_at(WITNESS, point(OTHER))


def test_the_smallest_head_is_read() -> None:
    """Of one entry."""
    assert read_note(signed(replace(HEAD, size=1))).checkpoint.size == 1


@pytest.mark.parametrize("length", [4, 67, 69, 75, 77])
def test_a_signature_that_was_cut_off_is_none(length: int) -> None:
    """A log's line holds 68 bytes and a witness's 76."""
    line = base64.b64encode(bytes(length)).decode()
    with pytest.raises(NoteRefused, match="whole Ed25519 signature"):
        read_note(f"{HEAD.text()}\n— {ORIGIN} {line}\n")


def test_a_witness_that_did_not_sign_saw_nothing() -> None:
    """Nor one with another key."""
    for name, key in ((WITNESS, KEY), ("audit.example.org/w2", OTHER)):
        with pytest.raises(NoteRefused, match="no witness"):
            read_note(witnessed(signed())).seen_at(name, point(key))


def test_a_witness_cannot_have_a_name_that_breaks_the_line() -> None:
    """Spaces and pluses mean something in a note."""
    for name in ("two words", "a+b", ""):
        with pytest.raises(NoteRefused, match="cannot name a witness"):
            witnessed(signed(), name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no note",
        signed().replace("\n\n", "\n"),
        signed()[:-1],
        signed().replace("1207", "+1207"),
        signed().replace("1207", "-1207"),
        signed().replace("1207", "01207"),
        signed().replace("time ", "at "),
        signed().replace("— ", "- "),
        signed().replace(base64.b64encode(HEAD.root).decode(), "AAAA"),
        signed().replace(f"— {ORIGIN} ", f"— {ORIGIN} !"),
        f"{HEAD.text()}\n— {ORIGIN} AAAA\n",
        signed().replace(f"— {ORIGIN}", "— two words"),
        signed().replace(f"— {ORIGIN}", "— a+b"),
        signed().replace("— ", ""),
        signed().replace("1207", "0"),
    ],
)
def test_what_is_written_otherwise_is_no_note(text: str) -> None:
    """There is one way to write a checkpoint."""
    with pytest.raises(NoteRefused):
        read_note(text)


def test_a_file_of_notes_falls_into_its_notes() -> None:
    """With empty lines between them or without, with witnesses or without."""
    first, second, third = signed(), witnessed(signed()), signed(replace(HEAD, size=2000))
    assert list(split_notes(first + second + "\n" + third + "\n\n")) == [first, second, third]
    assert list(split_notes("")) == []
