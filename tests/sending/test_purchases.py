"""What an order says is bought is what its plan says, or the sender refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.contract import PURCHASE, Json
from dispatcher.domain import canonical
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Placement, Spend
from dispatcher.sending.prepared import RENDERING_SCHEMA, Texts, read_texts
from tests.builders import Drafted, draft
from tests.sending.kit import House, run

SPEND = Spend("webhook", "storms", 16_000_000, 2026, "AMC-1")
SAID: Mapping[str, Json] = {
    "case": "storms",
    "pence": 16_000_000,
    "approval": "AMC-1",
    "starts": "2026-11-21T11:00:00.000000Z",
    "ends": "2026-11-21T16:00:00.000000Z",
    "nonce": draft("webhook").plan.nonce,
}
FAULT = "what is ordered is not what the plan lets it buy"
OTHERS: dict[str, Any] = {
    "a penny more": {**SAID, "pence": 16_000_001},
    "another case": {**SAID, "case": "floods"},
    "no approval": {**SAID, "approval": None},
    "a later end": {**SAID, "ends": "2026-11-21T17:00:00.000000Z"},
    "another plan's number": {**SAID, "nonce": "ab" * 16},
    "something besides": {**SAID, "bonus": 1},
    "nothing": None,
}


def ordering(said: Json, kind: TextKind = TextKind.PUBLISH, placement: Placement = Placement.PAID) -> Drafted:
    """A plan that buys space by a webhook, one of whose texts says that this is bought."""
    drafted = draft("webhook", spend=(SPEND,))
    (destination,) = drafted.plan.destinations
    document: Any = canonical.decode(drafted.renderings[destination.renderings[kind]])
    body = canonical.encode({**document, "options": {**document["options"], PURCHASE: said}})
    digest = canonical.digest(RENDERING_SCHEMA, body)
    renderings = {**destination.renderings, kind: digest}
    changed = replace(destination, placement=placement, renderings=renderings)
    plan = replace(drafted.plan, destinations=(changed,))
    return replace(drafted, plan=plan, renderings={**drafted.renderings, digest: body})


def fault(drafted: Drafted) -> str | None:
    """What is wrong with what the plan's order says."""
    texts: Texts = read_texts(drafted.bundle([]))
    return texts.purchase_fault(texts.plan.destinations[0])


def test_an_order_says_what_the_plan_says() -> None:
    """Case, pence, approval, dates and the plan's own nonce."""
    assert fault(ordering(SAID)) is None


@pytest.mark.parametrize("said", OTHERS.values(), ids=OTHERS)
def test_an_order_that_says_anything_else_is_refused(said: Json) -> None:
    """To the penny and to the second."""
    assert fault(ordering(said)) == FAULT


def test_a_stop_order_that_says_anything_else_is_found_with_the_order() -> None:
    """Both bear the plan's number: one of another plan would stop something else."""
    assert fault(ordering(OTHERS["another plan's number"], TextKind.WITHDRAW)) == FAULT


def test_a_plan_that_buys_nothing_orders_nothing() -> None:
    """Though it names a spend."""
    assert fault(ordering(SAID, placement=Placement.ORGANIC)) == FAULT


def test_what_is_no_order_says_nothing_of_a_purchase() -> None:
    """Every other channel's texts."""
    assert fault(draft("webhook")) is None


def test_the_sender_itself_refuses_it(tmp_path: Path) -> None:
    """From the bytes at hand, whatever the office has found (G13); the same plan without an order may go out."""
    ordered, plain = (ordering(said, placement=Placement.ORGANIC) for said in (SAID, None))
    house = House(tmp_path / "ordered", ordered)
    assert run(lambda: house.refused(ordered.order("webhook"))) == ("G13",)
    other = House(tmp_path / "plain", plain)
    assert run(lambda: other.permit(plain.order("webhook")))
