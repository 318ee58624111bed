"""What a permit takes, and what it does not: nothing more than is signed, nothing less, and easier ways back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.contract import DeliveryKind
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Envelope, StatementKind
from dispatcher.gate.stops import Stops, stops_from
from tests.builders import (
    attested,
    draft,
    everything_signed,
    evidence_for,
    verified,
)
from tests.cast import HOUR, NOW, signed
from tests.gate.support import (
    CLEARED,
    MICROSECOND,
    PLAN,
    about,
    cleared,
    decided,
    judged,
    planned,
    said,
)


@pytest.mark.parametrize("channel", PLAN.channels)
def test_a_fully_signed_plan_is_permitted(channel: str) -> None:
    """With everything signed, no clause fails."""
    decision = judged(CLEARED, channel)
    assert (decision.clauses, bool(decision)) == ((), True)


def removable(channel: str) -> list[Any]:
    """Every statement that a plan over one channel was cleared by."""
    plan = draft(channel).plan
    envelopes = everything_signed(plan)
    return [
        pytest.param(plan, channel, envelopes[:i] + envelopes[i + 1 :], id=f"{channel}-{said(e).kind}-{said(e).role}")
        for i, e in enumerate(envelopes)
    ]


@pytest.mark.parametrize(
    ("plan", "channel", "rest"), [case for name in ("x", "webhook", "notify", "tiktok") for case in removable(name)]
)
def test_no_statement_can_be_missing(plan: Plan, channel: str, rest: list[Envelope]) -> None:
    """Taking away any one of the statements turns the permit into a refusal."""
    assert not judged(evidence_for(plan, rest), channel)


@pytest.mark.parametrize("kind", [StatementKind.DECIDE, StatementKind.APPROVE, StatementKind.RELEASE])
def test_a_statement_about_another_plan_counts_for_nothing(kind: StatementKind) -> None:
    """What was signed for one plan does not carry over to its successor."""
    others = [e for e in everything_signed(draft("tiktok", generation=2).plan) if said(e).kind is kind]
    assert not judged(cleared(*others, instead_of=kind))


def test_a_minister_who_signs_needs_no_read_back() -> None:
    """A decision under the minister's own signature stands without confirmation."""
    evidence = decided("minister-1", at=30 * HOUR)
    assert judged(evidence).clauses == ()


def test_a_recorded_decision_holds_unconfirmed_for_24_hours() -> None:
    """One microsecond before the 24 hours are over it still stands."""
    assert judged(decided(at=24 * HOUR - MICROSECOND)).clauses == ()


def test_a_window_is_open_from_its_first_moment() -> None:
    """Half-open: the beginning belongs to it."""
    assert judged(planned("webhook", not_before=NOW), "webhook").clauses == ()


def test_a_window_may_be_as_long_as_its_tier_allows() -> None:
    """Six hours exactly, for TikTok."""
    assert judged(planned("tiktok", not_before=NOW - 2 * HOUR)).clauses == ()


def test_a_call_may_end_with_the_window() -> None:
    """Room for exactly one call is room enough."""
    evidence = planned("webhook", not_after=NOW + timedelta(seconds=10))
    assert judged(evidence, "webhook").clauses == ()


@pytest.mark.parametrize("channel", ["x", "webhook", "notify"])
def test_a_stale_status_does_not_stop_ordinary_channels(channel: str) -> None:
    """Only tiers that say so are held when the signed status is old."""
    assert judged(replace(CLEARED, stops=Stops()), channel).clauses == ()


SAFE = evidence_for(PLAN, everything_signed(PLAN, [DeliveryKind.CORRECT, DeliveryKind.WITHDRAW]))


@pytest.mark.parametrize("text", [TextKind.CORRECT, TextKind.WITHDRAW, TextKind.ALL_CLEAR])
@pytest.mark.parametrize(
    "stops",
    [
        stops_from(verified([about(StatementKind.REVOKE, "security-1")]), status_at=NOW),
        stops_from(verified([signed(StatementKind.HALT, "ops-1", scope="all")]), status_at=NOW),
        stops_from(verified([signed(StatementKind.HALT, "ops-1", scope="channel", target="x")]), status_at=NOW),
    ],
    ids=["revoked", "halted", "channel halted"],
)
def test_the_way_back_passes_a_revocation_and_a_halt(text: TextKind, stops: Stops) -> None:
    """Taking back is easier than sending."""
    assert judged(replace(SAFE, stops=stops), "x", text, incident_state="stood_down").clauses == ()


def test_a_halt_of_everything_stops_the_way_back_too() -> None:
    """That is what everything means."""
    stops = stops_from(verified([signed(StatementKind.HALT, "ops-1", scope="everything")]), status_at=NOW)
    assert judged(replace(SAFE, stops=stops), "x", TextKind.CORRECT).clauses == ("G16",)


def test_a_stop_that_is_listed_and_not_at_hand_stops_the_way_back_too() -> None:
    """It may be a halt of everything; nobody can tell before it is seen."""
    stops = stops_from([], status_at=NOW, listed=["ab" * 32])
    assert judged(replace(SAFE, stops=stops), "x", TextKind.CORRECT).clauses == ("G16",)


def test_the_way_back_outlives_the_window() -> None:
    """The armed texts can be sent after the message itself expired."""
    plan = draft("x", not_before=NOW - 9 * HOUR, not_after=NOW - 5 * HOUR, valid_until=NOW - 3 * HOUR).plan
    evidence = evidence_for(plan, everything_signed(plan, [DeliveryKind.CORRECT]))
    assert judged(evidence, "x", TextKind.CORRECT).clauses == ()


@pytest.mark.parametrize("text", list(TextKind))
def test_times_at_the_end_of_the_calendar_are_judged_like_others(text: TextKind) -> None:
    """A plan and a statement dated to the last year permit what they would permit otherwise; nothing overflows."""
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    plan = draft("tiktok", valid_until=last, armed_not_after=last).plan
    decision = about(StatementKind.DECIDE, "minister-1", at=last, expires=last + MICROSECOND)
    envelopes = [
        *everything_signed(plan, list(DeliveryKind)),
        decision,
        attested(at=last, expires=last + MICROSECOND),
    ]
    assert judged(evidence_for(plan, envelopes), text=text).clauses == ()
