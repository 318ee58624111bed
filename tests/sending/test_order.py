"""Bundles and orders travel as JSON: read back they are what was written, and hostile documents are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import DeliveryKind
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.statement import Envelope, StatementError
from dispatcher.sending.order import Bundle, Order, RecipientProof
from tests.builders import draft, everything_signed, recipient_list

texts = st.text(st.characters(codec="utf-8"), max_size=12)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
proofs = st.builds(
    RecipientProof, texts, st.integers(0, 2**40), st.binary(max_size=30), st.lists(texts, max_size=3).map(tuple)
)
orders = st.builds(
    Order,
    delivery=texts,
    incident=texts,
    incident_state=texts,
    account=texts,
    channel=texts,
    kind=st.sampled_from(DeliveryKind),
    rendering=texts,
    intended_at=moments,
    attempt=st.integers(1, 9),
    recipient=st.none() | proofs,
    original=st.none() | texts,
    handle=st.none() | texts,
    asked_at=st.none() | moments,
    spend_fault=st.none() | texts,
)
envelopes = st.builds(Envelope, texts.map(str.encode), texts)
bundles = st.builds(
    Bundle,
    texts.map(str.encode),
    st.dictionaries(texts, texts.map(str.encode), max_size=3),
    st.lists(envelopes, max_size=3).map(tuple),
    st.dictionaries(texts, texts, max_size=2),
)

LIST = recipient_list("residents", "07700900001")
DRAFTED = draft("notify", lists=[LIST])
ORDER = DRAFTED.order("notify", recipient=LIST.proofs[0])
BUNDLE = DRAFTED.bundle(everything_signed(DRAFTED.plan))


def over_the_socket(document: Any) -> Any:
    """What the other side reads."""
    return json.loads(json.dumps(document))


@given(orders)
def test_an_order_reads_back_as_it_was_written(order: Order) -> None:
    """Every field survives the way through JSON."""
    assert Order.from_document(over_the_socket(order.document())) == order


@given(bundles)
def test_a_bundle_reads_back_as_it_was_written(bundle: Bundle) -> None:
    """Plan, renderings, envelopes and sealed keys survive the way through JSON."""
    assert Bundle.from_document(over_the_socket(bundle.document())) == bundle


def test_the_next_attempt_is_the_same_job() -> None:
    """Only the number differs, so that idempotency keys stay the same."""
    assert replace(ORDER, attempt=4).job == ORDER.job


def changed(document: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    """The document with one value replaced, or taken out by Ellipsis."""
    whole = {**document, key: value}
    return {k: v for k, v in whole.items() if v is not ...}


def bad(document: dict[str, Any], fits: set[tuple[str, str]]) -> list[Any]:
    """The document with each value in turn replaced by one of another kind, but for those that fit."""
    values: tuple[object, ...] = (None, ..., 1, True, [], {}, 1.5)
    return [
        pytest.param(changed(document, key, value), id=f"{key}={value!r}")
        for key in document
        for value in values
        if (key, repr(value)) not in fits
    ]


NULLABLE = {(key, "None") for key in ("recipient", "original", "handle", "asked_at", "spend_fault")}
FITTING = NULLABLE | {("attempt", "1")}


@pytest.mark.parametrize("document", [*bad(ORDER.document(), FITTING), changed(ORDER.document(), "more", "x")])
def test_an_order_with_a_value_of_another_kind_is_refused(document: Any) -> None:
    """Nothing is taken for something it is not, left out, or added."""
    with pytest.raises(DocumentError):
        Order.from_document(document)


@pytest.mark.parametrize(
    "document",
    [
        *bad(LIST.proofs[0].document(), {("position", "1"), ("path", "[]")}),
        changed(LIST.proofs[0].document(), "sealed", "not base64"),
        changed(LIST.proofs[0].document(), "path", [1]),
    ],
)
def test_a_proof_with_a_value_of_another_kind_is_refused(document: Any) -> None:
    """Rows of the database are hints."""
    with pytest.raises(DocumentError):
        RecipientProof.from_document(document)


@pytest.mark.parametrize(
    "document",
    [
        *bad(BUNDLE.document(), {("envelopes", "[]"), ("renderings", "{}"), ("list_keys", "{}")}),
        changed(BUNDLE.document(), "plan", "\ud800"),
        changed(BUNDLE.document(), "renderings", {"d": "\ud800"}),
        changed(BUNDLE.document(), "envelopes", [{"payload": "\ud800", "signature": ""}]),
        changed(BUNDLE.document(), "envelopes", [{"payload": "x"}]),
        [],
        None,
    ],
)
def test_a_bundle_with_a_value_of_another_kind_is_refused(document: Any) -> None:
    """As for orders; text that no UTF-8 can carry included."""
    with pytest.raises((DocumentError, StatementError)):
        Bundle.from_document(document)


@pytest.mark.parametrize("kind", ["delete", "PUBLISH", ""])
def test_an_order_of_an_unknown_kind_is_refused(kind: str) -> None:
    """There are three kinds of delivery."""
    with pytest.raises(DocumentError, match="is not a valid DeliveryKind"):
        Order.from_document({**ORDER.document(), "kind": kind})
