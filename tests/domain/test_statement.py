"""Statements: one format, read strictly, named by the digest of their bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time, parse_time
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementError, StatementKind

AT = datetime(2026, 11, 21, 18, 5, 0, 123456, tzinfo=UTC)
SAID = Statement(
    kind=StatementKind.APPROVE,
    subject="ab" * 32,
    deployment="example",
    mode=Mode.LIVE,
    person="director-1",
    role="duty_director",
    roster=3,
    not_before=AT,
    expires=AT + timedelta(hours=4),
    nonce="00" * 16,
    body={"channels": ["x", "bluesky"]},
)


DOCUMENT: Any = canonical.decode(SAID.encoded())
TIMES = st.integers(0, 4_000_000_000).map(
    lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s, microseconds=s % 999_999)
)


def changed(**changes: Json) -> bytes:
    return canonical.encode({**DOCUMENT, **changes})


@given(st.sampled_from(StatementKind), st.sampled_from(Mode), TIMES)
def test_a_statement_reads_back_to_itself(kind: StatementKind, mode: Mode, at: datetime) -> None:
    """Decoding what was encoded gives an equal statement."""
    said = replace(SAID, kind=kind, mode=mode, not_before=at, checkpoint="cd" * 32)
    assert Statement.decode(said.encoded()) == said


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "plan/v1"},
        {"kind": "applaud"},
        {"mode": "drill"},
        {"roster": "3"},
        {"roster": True},
        {"person": None},
        {"subject": 5},
        {"body": []},
        {"checkpoint": 1},
        {"not_before": "2026-11-21T18:05:00Z"},
        {"expires": "2026-11-21T18:05:00.000000+00:00"},
        {"expires": 1},
        {"priority": "high"},
    ],
)
def test_a_document_that_is_not_a_statement_is_refused(changes: dict[str, Json]) -> None:
    """Unknown keys, words, types and time forms are refused."""
    with pytest.raises(StatementError):
        Statement.decode(changed(**changes))


@pytest.mark.parametrize("key", sorted(DOCUMENT))
def test_a_missing_key_is_refused(key: str) -> None:
    """Nothing in a statement is defaulted."""
    document = {name: value for name, value in DOCUMENT.items() if name != key}
    with pytest.raises(StatementError):
        Statement.decode(canonical.encode(document))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_statement_error_at_worst(data: bytes) -> None:
    """Junk raises StatementError and nothing else."""
    with pytest.raises(StatementError):
        Statement.decode(data)


def test_a_statement_is_named_by_its_bytes() -> None:
    """The id is the digest of the canonical bytes under statement/v1."""
    assert SAID.id == canonical.digest("statement/v1", SAID.encoded())


def test_one_changed_field_is_another_statement() -> None:
    """A changed nonce changes the id."""
    assert replace(SAID, nonce="01" * 16).id != SAID.id


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        (SAID.not_before - timedelta(microseconds=1), False),
        (SAID.not_before, True),
        (SAID.expires - timedelta(microseconds=1), True),
        (SAID.expires, False),
    ],
)
def test_the_window_is_half_open(at: datetime, holds: bool) -> None:
    """It holds from not_before on, and no longer at expires."""
    assert SAID.holds_at(at) is holds


def test_an_envelope_reads_back_to_itself() -> None:
    """Payload and signature survive storage as JSON."""
    envelope = Envelope(SAID.encoded(), "signature")
    assert Envelope.from_document(envelope.document()) == envelope


@pytest.mark.parametrize("document", [None, [], {}, {"payload": "x"}, {"payload": "x", "signature": 1}])
def test_a_document_that_is_no_envelope_is_refused(document: Json) -> None:
    """An envelope holds a payload and a signature as text, nothing else."""
    with pytest.raises(StatementError):
        Envelope.from_document(document)


def test_times_are_written_in_utc_with_six_digits() -> None:
    """A time in another zone is the same time in UTC."""
    west = timezone(timedelta(hours=-1))
    assert format_time(datetime(2026, 1, 1, 0, 30, tzinfo=west)) == "2026-01-01T01:30:00.000000Z"


def test_a_time_without_a_zone_is_refused() -> None:
    """Nobody guesses a zone."""
    with pytest.raises(ValueError, match="zone"):
        format_time(datetime(2026, 1, 1))  # noqa: DTZ001 - the missing zone is what is tested


@pytest.mark.parametrize(
    "text", ["2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.000000", "٢٠٢٦-01-01T00:00:00.000000Z", ""]
)
def test_other_spellings_of_a_time_are_refused(text: str) -> None:
    """One instant has one spelling."""
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)
