"""Canonical JSON: one document, one sequence of bytes."""

from __future__ import annotations

import hashlib
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import MAX_DEPTH, MAX_INTEGER, CanonicalError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda text: unicodedata.normalize("NFC", text)
)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS
VALUES: st.SearchStrategy[Json] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


def nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


@given(VALUES)
def test_what_is_encoded_reads_back_to_itself(value: Json) -> None:
    """Any JSON value without floats survives the round trip."""
    assert canonical.decode(canonical.encode(value)) == value


@given(st.dictionaries(TEXTS, SCALARS, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_change_the_bytes(value: dict[str, Json], random: object) -> None:
    """Two objects with the same members have the same bytes."""
    keys = list(value)
    random.shuffle(keys)  # type: ignore[attr-defined]
    assert canonical.encode({key: value[key] for key in keys}) == canonical.encode(value)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_as_themselves_or_refused(data: bytes) -> None:
    """Reading raises CanonicalError or returns a value that encodes to the same bytes."""
    try:
        value = canonical.decode(data)
    except CanonicalError:
        return
    assert canonical.encode(value) == data


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b"1.0",
        b"1e3",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"-0",
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b" 1",
        b"1\n",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud800"',
        '"e\u0301"'.encode(),
        '{"e\u0301":1}'.encode(),
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b"9007199254740992",
        b"-9007199254740992",
        b"9" * 5000,
        b"[" * 100_000,
        b"[" * 34 + b"]" * 34,
        b"",
        b"[1]x",
    ],
    ids=lambda data: repr(data[:16]),
)
def test_bytes_that_are_not_their_own_canonical_form_are_refused(data: bytes) -> None:
    """Duplicate keys, floats, other spellings, decomposed text, big numbers, depth and junk are no document."""
    with pytest.raises(CanonicalError):
        canonical.decode(data)


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), float("inf"), MAX_INTEGER + 1, -MAX_INTEGER - 1, "e\u0301", "\ud800", {1: 2}, b"x", (1,)],
)
def test_values_without_a_canonical_form_are_refused(value: object) -> None:
    """Floats, integers past 2^53 - 1, decomposed text, lone surrogates and foreign types do not encode."""
    with pytest.raises(CanonicalError):
        canonical.encode(value)  # type: ignore[arg-type]


def test_a_refusal_names_the_place() -> None:
    """The message says which member has no canonical form."""
    with pytest.raises(CanonicalError, match=r"\$\.texts\[1\]\.pence"):
        canonical.encode({"texts": [1, {"pence": 0.5}]})  # type: ignore[dict-item]


def test_the_deepest_admitted_value_round_trips() -> None:
    """Depth 32 is read and written."""
    value = nested(MAX_DEPTH)
    assert canonical.decode(canonical.encode(value)) == value


def test_one_level_deeper_is_refused() -> None:
    """Depth 33 is not written."""
    with pytest.raises(CanonicalError, match="deeper"):
        canonical.encode(nested(MAX_DEPTH + 1))


def test_keys_are_sorted_by_code_point_and_text_is_not_escaped() -> None:
    """The bytes are UTF-8 with the least punctuation JSON allows."""
    assert canonical.encode({"ŵ": "Môn", "a": [True, None]}) == '{"a":[true,null],"ŵ":"Môn"}'.encode()


def test_a_digest_is_sha256_over_schema_nul_bytes() -> None:
    """The digest can be recomputed with any SHA-256."""
    data = json.dumps({"a": 1}, separators=(",", ":")).encode()
    assert canonical.digest("plan/v1", data) == hashlib.sha256(b"plan/v1\0" + data).hexdigest()


def test_the_same_bytes_under_another_schema_have_another_digest() -> None:
    """A plan cannot be mistaken for a statement."""
    assert canonical.digest("plan/v1", b"{}") != canonical.digest("statement/v1", b"{}")


def test_what_a_person_typed_can_stand_in_a_document() -> None:
    """In NFC, without letters that UTF-8 lacks, and without space around it."""
    assert canonical.typed("  cafe\u0301 \udcff\n") == "caf\u00e9 ?"
