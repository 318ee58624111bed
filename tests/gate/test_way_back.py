"""Taking back is easier than sending: what stops a message and lets its correction, withdrawal and all-clear pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from channels.contract import DeliveryKind, Json
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.evidence import Evidence
from dispatcher.gate.stops import Stops
from tests.builders import everything_signed, evidence_for
from tests.cast import DAY, NOW
from tests.gate.support import PLAN, about, cleared, judged, paid, planned, said

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


def unassessed() -> Evidence:
    """Nobody ever assessed the channel."""
    kept = (e for e in everything_signed(PLAN, KINDS) if said(e).kind is not StatementKind.ASSESS)
    return evidence_for(PLAN, kept)


AGAINST: dict[str, tuple[Callable[[], Evidence], str]] = {
    "the incident is over": (stood_down, "G02"),
    "renewed too often": (lambda: released(renewal=1_000), "G04"),
    "a window of more than a day": (lambda: released(not_before=NOW - DAY), "G04"),
    "a purpose that is not listed": (lambda: released(purpose="amusement"), "G06"),
    "nothing known of the incident": (lambda: released(evidence=()), "G02"),
    "never assessed": (unassessed, "G09"),
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


def test_the_way_back_of_a_paid_post_costs_nothing() -> None:
    """Where the post itself would want its spend in the plan."""
    evidence = paid()
    clauses = {text: judged(evidence, "webhook", text).clauses for text in (TextKind.PUBLISH, TextKind.CORRECT)}
    assert [("G13" in failed) for failed in clauses.values()] == [True, False]


def test_a_faulty_way_back_stops_the_way_out_and_not_itself() -> None:
    """Which of the armed texts it is that cannot be sent, the adapter says when one is."""
    faulty = {"armed_problems": ("armed withdraw: too long",)}
    clauses = [judged(released(), "x", text, **faulty).clauses for text in (TextKind.PUBLISH, TextKind.CORRECT)]
    assert clauses == [("G18",), ()]


ORDERS = {
    "the correction": ("correct", [TextKind.CORRECT]),
    "the all-clear": ("all_clear", [TextKind.ALL_CLEAR]),
    "no text": (None, []),
    "a word that is no text": ("everything", []),
    "no word at all": (["correct"], []),
}


def ordered(text: Json, person: str = "director-1", kinds: Json = None) -> Evidence:
    """The plan was released, and then revoked with an order to send a text."""
    return cleared(about(StatementKind.REVOKE, person, kinds=kinds or ["correct"], text=text))


@pytest.mark.parametrize(("named", "covered"), ORDERS.values(), ids=ORDERS.keys())
def test_an_order_covers_the_text_that_it_names_and_no_other(named: Json, covered: list[TextKind]) -> None:
    """Or whoever can write to the database could have an all-clear follow where a correction was ordered."""
    evidence = ordered(named)
    armed = [text for text in TextKind if text is not TextKind.PUBLISH]
    assert [text for text in armed if "G03" not in judged(evidence, "x", text).clauses] == covered


def test_an_order_covers_what_it_says_is_to_be_done_with_the_text() -> None:
    """A correction is not carried out as a withdrawal."""
    assert "G03" in judged(ordered("correct", kinds=["withdraw"]), "x", TextKind.CORRECT).clauses


def test_who_may_not_release_orders_nothing() -> None:
    """Anybody may revoke; what then goes out is for those who may release."""
    assert "G03" in judged(ordered("correct", "ops-1"), "x", TextKind.CORRECT).clauses


def test_an_order_covers_nothing_at_an_account_that_the_plan_does_not_have() -> None:
    """There it names no text."""
    assert "G03" in judged(ordered("correct"), "x", TextKind.CORRECT, account="x-2").clauses


def test_a_stop_order_passes_whatever_was_ordered() -> None:
    """That an order says another sum than its plan is no reason to let it run on."""
    wrong = {"purchase_fault": "what is ordered is not what the plan lets it buy"}
    clauses = [judged(released(), "x", text, **wrong).clauses for text in (TextKind.PUBLISH, TextKind.WITHDRAW)]
    assert clauses == [("G13",), ()]
