"""The lifecycle tables: whole, without dead ends, and true to the rules that other parts lean on."""

from __future__ import annotations

from enum import StrEnum

import pytest

from dispatcher.domain.lifecycle import (
    ALERT,
    ALL,
    CLEARANCE,
    DELIVERY,
    INCIDENT,
    PLAN,
    SPEND,
    UNSETTLED,
    ClearanceState,
    DeliveryState,
    IncidentState,
    Lifecycle,
    PlanState,
    SpendState,
    Standing,
)

STATES: dict[str, type[StrEnum]] = {
    "incident": IncidentState,
    "plan": PlanState,
    "clearance": ClearanceState,
    "delivery": DeliveryState,
    "spend": SpendState,
    "alert": Standing,
}
each = pytest.mark.parametrize("lifecycle", ALL, ids=lambda lifecycle: lifecycle.name)


def reached(lifecycle: Lifecycle, *starts: str) -> set[str]:
    """All states that moves lead to, the starts among them."""
    found, fresh = set(starts), list(starts)
    while fresh:
        new = lifecycle.moves[fresh.pop()] - found
        found |= new
        fresh += new
    return found


@each
def test_a_table_has_every_state_and_no_other(lifecycle: Lifecycle) -> None:
    """States, sources and targets are the words of the enumeration."""
    words = {str(state) for state in STATES[lifecycle.name]}
    named = set(lifecycle.moves) | {target for _, target in lifecycle.edges} | lifecycle.initial
    assert (set(lifecycle.moves), named) == (words, words)


@each
def test_every_state_is_reached_from_an_initial_one(lifecycle: Lifecycle) -> None:
    """No state stands in the table that no row can come to."""
    assert reached(lifecycle, *lifecycle.initial) == set(lifecycle.moves)


@each
def test_nothing_moves_to_itself(lifecycle: Lifecycle) -> None:
    """A move changes the state; anything else is no move."""
    assert [source for source, target in lifecycle.edges if source == target] == []


@pytest.mark.parametrize("lifecycle", [INCIDENT, PLAN, CLEARANCE, SPEND, ALERT], ids=lambda lifecycle: lifecycle.name)
def test_every_state_leads_to_an_end(lifecycle: Lifecycle) -> None:
    """Nothing can go round for ever without a way out."""
    assert [state for state in lifecycle.moves if not reached(lifecycle, state) & lifecycle.final] == []


def test_every_delivery_comes_to_an_end_or_into_the_public_record() -> None:
    """From each state there is a way to a final one, or to what read-back keeps watching."""
    ends = DELIVERY.final | {"accepted", "visible", "missing"}
    assert [state for state in DELIVERY.moves if not reached(DELIVERY, state) & ends] == []


def test_final_delivery_states_are_those_where_nothing_is_public() -> None:
    """What was accepted is watched for ever; what never left is over."""
    assert DELIVERY.final == {"rejected", "cancelled", "expired"}


def test_a_delivery_is_sent_only_out_of_sending() -> None:
    """Every way into accepted begins where intent was committed, or where people or the platform said so."""
    assert {s for s, t in DELIVERY.edges if t == "accepted"} == {"sending", "handed_over", "in_doubt", "held"}


def test_only_a_lease_leads_to_sending() -> None:
    """No byte leaves for a row that no worker holds."""
    assert [s for s, t in DELIVERY.edges if t == "sending"] == ["leased"]


def test_in_doubt_never_leads_to_rejected_cancelled_or_expired() -> None:
    """Nobody may declare unsent what may have been published."""
    assert DELIVERY.moves["in_doubt"] == {"accepted", "ready", "held"}


def test_accepted_never_leads_back_to_ready() -> None:
    """What is in the public record is not sent again, by any number of moves."""
    assert reached(DELIVERY, "accepted") == {"accepted", "visible", "missing"}


def test_machines_move_on_the_unsettled_states_only() -> None:
    """Each of them has a way on, and none is an end."""
    assert {"ready", "leased", "sending", "in_doubt"} == UNSETTLED
    assert all(DELIVERY.moves[state] for state in UNSETTLED)


def test_what_is_not_believed_counts_only_by_being_judged_better() -> None:
    """No person talks a refused alert into counting: it comes again, or a person decides about a held one."""
    assert "dismissed" not in ALERT.moves["refused"]
    assert {"opened", "answered", "recorded", "dismissed"} == ALERT.final


@pytest.mark.parametrize(("source", "target", "allowed"), [("clear", "suspended", True), ("refused", "clear", False)])
def test_allows_says_what_the_table_says(source: str, target: str, allowed: bool) -> None:
    """Also for a state that is not in it."""
    assert (CLEARANCE.allows(source, target), CLEARANCE.allows("unheard", target)) == (allowed, False)
