"""Taking back is easier than sending: what stops a message and lets its correction, withdrawal and all-clear pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from channels.contract import DeliveryKind
from dispatcher.domain.message import TextKind
from dispatcher.gate.evidence import Evidence
from dispatcher.gate.stops import Stops
from tests.builders import everything_signed, evidence_for
from tests.cast import NOW
from tests.gate.support import PLAN, judged, planned

KINDS = tuple(DeliveryKind)


def stood_down() -> Evidence:
    """Its incident was stood down, and the stop is known."""
    return replace(
        evidence_for(PLAN, everything_signed(PLAN, KINDS)),
        stops=Stops(status_at=NOW, stood_down=frozenset({PLAN.incident})),
    )


def released(**changes: object) -> Evidence:
    """A plan for X, released for every kind of delivery, that differs from the usual one."""
    evidence = planned("x", "webhook", **changes)
    return evidence_for(evidence.plan, everything_signed(evidence.plan, KINDS))


AGAINST: dict[str, tuple[Callable[[], Evidence], str]] = {
    "the incident is over": (stood_down, "G02"),
    "renewed too often": (lambda: released(renewal=1_000), "G04"),
    "a purpose that is not listed": (lambda: released(purpose="amusement"), "G06"),
}
CASE = pytest.mark.parametrize(("evidence", "clause"), AGAINST.values(), ids=AGAINST.keys())


@CASE
def test_a_message_is_stopped(evidence: Callable[[], Evidence], clause: str) -> None:
    """By this and nothing else."""
    assert judged(evidence(), "x").clauses == (clause,)


@CASE
@pytest.mark.parametrize("text", [TextKind.CORRECT, TextKind.WITHDRAW, TextKind.ALL_CLEAR])
def test_the_way_back_is_not(text: TextKind, evidence: Callable[[], Evidence], clause: str) -> None:
    """Who has to take something back needs no better reason to have sent it."""
    assert clause not in judged(evidence(), "x", text).clauses
