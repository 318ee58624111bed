"""A bundle or an order that is refused says which part of it is not as it must be."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.documents import DocumentError
from dispatcher.sending.order import Bundle, Order, RecipientProof
from tests.builders import draft
from tests.cast import NOW

PROOF = RecipientProof("list-1", 3, b"sealed\xff", ("ab" * 32,))
ORDER: dict[str, Any] = draft("x").order("x", recipient=PROOF, asked_at=NOW).document()
PROVED: dict[str, Any] = PROOF.document()
BUNDLE: dict[str, Any] = draft("x").bundle([]).document()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**PROVED, "more": 1}, "recipient: unknown key more"),
        ({**PROVED, "sealed": "YQ==\n"}, "recipient.sealed: not base64"),
        ({**PROVED, "position": "3"}, "recipient.position"),
        ([], "recipient"),
    ],
)
def test_a_faulty_proof_is_refused_by_place(document: Any, message: str) -> None:
    """Nothing in it is passed over or mended."""
    with pytest.raises(DocumentError, match=f"^{message}"):
        RecipientProof.from_document(document)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**ORDER, "more": 1}, "order: unknown key more"),
        ({**ORDER, "kind": "shout"}, "order: 'shout'"),
        ({**ORDER, "asked_at": "now"}, "order: "),
        ({**ORDER, "attempt": "1"}, "order.attempt"),
        ({**ORDER, "recipient": {**PROVED, "more": 1}}, "recipient: unknown key more"),
        ([], "order"),
    ],
)
def test_a_faulty_order_is_refused_by_place(document: Any, message: str) -> None:
    """The message begins with what is faulty."""
    with pytest.raises(DocumentError, match=f"^{message}"):
        Order.from_document(document)


@pytest.mark.parametrize("key", ORDER)
def test_an_order_lacks_nothing(key: str) -> None:
    """Every field is there, if only to say that there is nothing in it."""
    with pytest.raises(DocumentError, match=key):
        Order.from_document({name: value for name, value in ORDER.items() if name != key})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**BUNDLE, "more": 1}, "bundle: unknown key more"),
        ({**BUNDLE, "renderings": []}, "bundle.renderings"),
        ({**BUNDLE, "plan": "\ud800"}, "bundle: text holds a lone surrogate"),
        ([], "bundle"),
    ],
)
def test_a_faulty_bundle_is_refused_by_place(document: Any, message: str) -> None:
    """The message begins with what is faulty."""
    with pytest.raises(DocumentError, match=f"^{message}"):
        Bundle.from_document(document)
