"""What goes over the sender's socket reads back as it was written, and nothing else is read."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Finding, Found, Outcome, ReadBack, Seen, Verdict
from dispatcher.domain.documents import DocumentError
from dispatcher.gate.evidence import Failure, Then
from dispatcher.sending import wire
from dispatcher.sending.permit import HandOff, Permit, Refusal
from dispatcher.sending.sockets import short_address
from tests.cast import NOW

PERMIT = Permit("p-1", "dlv-1", NOW, ("2024-11", "2025-12"), "ab" * 32)
FAILURES = (Failure("G04", "not yet", "wait", Then.WAIT), Failure("G16", "halted", "two others", Then.HOLD))
REFUSAL = Refusal("dlv-1", FAILURES, Then.HOLD)
HAND_OFF = HandOff(b"\0packet\xff", "1234-5678", NOW, NOW + timedelta(hours=1))
OUTCOME = Outcome(Verdict.DEFERRED, "busy", "429", "ref", "https://x.example/1", 1.5, True, 429, 41.125)
FINDING = Finding(Found.FOUND, "ref", "https://x.example/1", "seen")
READ_BACK = ReadBack(Seen.ALTERED, "All is well.\nGo out.", "edited")


def read_answer(document: Any) -> Permit | Refusal:
    """Read one answer to permit."""
    return wire.read_permit_or_refusal(document, "answer")


CASES: Mapping[str, tuple[Callable[[Any], object], dict[str, Any], object]] = {
    "permit": (wire.read_permit, wire.permit_document(PERMIT), PERMIT),
    "permit as an answer": (read_answer, wire.answer_document(PERMIT), PERMIT),
    "refusal": (read_answer, wire.answer_document(REFUSAL), REFUSAL),
    "hand-off": (wire.read_hand_off_or_refusal, wire.answer_document(HAND_OFF), HAND_OFF),
    "hand-off refused": (wire.read_hand_off_or_refusal, wire.answer_document(REFUSAL), REFUSAL),
    "outcome": (wire.read_outcome, wire.outcome_document(OUTCOME), OUTCOME),
    "finding": (wire.read_finding, wire.finding_document(FINDING), FINDING),
    "read-back": (wire.read_read_back, wire.read_back_document(READ_BACK), READ_BACK),
}
CASE = pytest.mark.parametrize("name", CASES)


@CASE
def test_what_is_written_reads_back_to_itself(name: str) -> None:
    """Every field comes through a frame."""
    read, document, value = CASES[name]
    assert read(wire.unpack(wire.pack(document)[wire.LENGTH.size :])) == value


@CASE
def test_a_key_too_many_is_refused(name: str) -> None:
    """Nothing is passed over."""
    read, document, _ = CASES[name]
    with pytest.raises(DocumentError, match="unknown key more"):
        read({**document, "more": True})


@CASE
def test_a_key_missing_is_refused(name: str) -> None:
    """Nothing is made up."""
    read, document, _ = CASES[name]
    for key in document.keys() - {"refused"}:
        with pytest.raises(DocumentError, match=f"{key}"):
            read({other: value for other, value in document.items() if other != key})


@CASE
def test_a_value_of_another_kind_is_refused(name: str) -> None:
    """No value is converted from another kind."""
    read, document, _ = CASES[name]
    for key in document:
        with pytest.raises(DocumentError, match=f"{key}"):
            read({**document, key: 0.5})


@pytest.mark.parametrize(
    ("read", "document", "message"),
    [
        (wire.read_outcome, {**wire.outcome_document(OUTCOME), "verdict": "perhaps"}, "outcome.verdict: 'perhaps'"),
        (wire.read_finding, {**wire.finding_document(FINDING), "found": "perhaps"}, "finding.found: 'perhaps'"),
        (wire.read_read_back, {**wire.read_back_document(READ_BACK), "seen": "perhaps"}, "read_back.seen: 'perhaps'"),
        (read_answer, {**wire.answer_document(REFUSAL), "then": "perhaps"}, "answer.then: 'perhaps'"),
        (wire.read_hand_off_or_refusal, {**wire.answer_document(REFUSAL), "then": "perhaps"}, "hand-off.then: 'perh"),
        (
            wire.read_hand_off_or_refusal,
            {**wire.answer_document(HAND_OFF), "packet": "!"},
            "hand-off.packet: not bas",
        ),
        (wire.read_hand_off_or_refusal, {**wire.answer_document(HAND_OFF), "packet": "YQ==\n"}, "not base64"),
    ],
)
def test_what_is_no_word_of_ours_is_refused_by_place(
    read: Callable[[Any], object], document: dict[str, Any], message: str
) -> None:
    """The message names where it stood, and what stood there."""
    with pytest.raises(DocumentError, match=message):
        read(document)


def test_a_refusals_failure_is_read_strictly() -> None:
    """A failure has its clause, fact, mend and consequence, and no more."""
    document = wire.answer_document(REFUSAL)
    (first, second) = document["failures"]  # type: ignore[misc]  # a list of two
    assert set(first) == {"clause", "fact", "mend", "then"}
    for broken in ({**first, "more": True}, {**first, "then": "perhaps"}):
        with pytest.raises(DocumentError, match=r"failures\[1\]"):
            read_answer({**document, "failures": [second, broken]})


@pytest.mark.parametrize("key", ["retry_after_us", "status", "provider_us"])
@pytest.mark.parametrize("value", [True, "3"])
def test_a_number_is_a_number(key: str, value: object) -> None:
    """Neither true nor text counts as one."""
    with pytest.raises(DocumentError, match=f"{key}: expected an integer or null"):
        wire.read_outcome({**wire.outcome_document(OUTCOME), key: value})


@pytest.mark.parametrize(
    "outcome", [Outcome(Verdict.ACCEPTED), Outcome(Verdict.DEFERRED, retry_after_s=0.0, status=0)]
)
def test_what_is_not_known_is_told_from_nought(outcome: Outcome) -> None:
    """A wait of no time is not the lack of one."""
    assert wire.read_outcome(wire.outcome_document(outcome)) == outcome


def test_times_are_carried_to_the_microsecond() -> None:
    """Waits and durations keep what a clock can tell."""
    outcome = Outcome(Verdict.DEFERRED, retry_after_s=0.000_001, provider_ms=0.001)
    assert wire.read_outcome(wire.outcome_document(outcome)) == outcome


def test_a_frame_may_be_as_long_as_the_cap() -> None:
    """One byte more is one too many."""
    assert wire.checked_length(wire.MAX_FRAME) == wire.MAX_FRAME
    with pytest.raises(wire.FrameError, match=f"{wire.MAX_FRAME} are the most"):
        wire.checked_length(wire.MAX_FRAME + 1)


def test_a_frame_begins_with_its_length() -> None:
    """Four bytes, big end first."""
    assert wire.pack({"verb": "tell"}) == b'\0\0\0\x0f{"verb":"tell"}'


def test_a_socket_is_reached_however_long_its_path_is(tmp_path: Path) -> None:
    """The kernel takes 107 bytes; a deployment may lie deeper. The folder is not kept open."""
    path = tmp_path / ("x" * 120) / "sender.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening, short_address(path) as address:
        listening.bind(address)
    assert path.is_socket()
    assert not Path(address).exists()


@pytest.mark.parametrize(
    ("read", "where"),
    [
        (wire.read_permit, "permit"),
        (wire.read_hand_off_or_refusal, "hand-off"),
        (wire.read_outcome, "outcome"),
        (wire.read_finding, "finding"),
        (wire.read_read_back, "read_back"),
    ],
)
def test_a_fault_is_named_by_what_was_being_read(read: Callable[[Any], object], where: str) -> None:
    """Operators see which answer was not as it should be."""
    with pytest.raises(DocumentError, match=f"^{where}: .* is missing$"):
        read({"packet": ""})


@pytest.mark.parametrize("document", [None, 5, "refused", ["refused"], True])
def test_what_is_no_object_is_neither_a_refusal_nor_a_permit(document: object) -> None:
    """It is refused as any document of another kind."""
    with pytest.raises(DocumentError):
        read_answer(document)


@pytest.mark.parametrize("body", [b"junk", b"\xff", b'{"verb": "tell"}', b""])
def test_a_body_without_canonical_form_is_no_frame(body: bytes) -> None:
    """It is said to be so, and not taken for nothing."""
    with pytest.raises(wire.FrameError):
        wire.unpack(body)
