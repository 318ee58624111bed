"""What a permit takes, and what it does not: nothing more than is signed, nothing less, and easier ways back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.contract import DeliveryKind
from dispatcher.domain.incident import METHANE, NO_INCIDENT, Severity
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Plan, Spend
from dispatcher.domain.statement import Envelope, StatementKind
from dispatcher.gate.decide import decide
from dispatcher.gate.stops import Stops, stops_from
from tests.builders import (
    ACCOUNTS,
    attested,
    draft,
    everything_signed,
    evidence_for,
    facts_for,
    verified,
)
from tests.cast import HOUR, NOW, roster, signed
from tests.gate.support import (
    CLEARED,
    MICROSECOND,
    PLAN,
    TIKTOK,
    about,
    cleared,
    decided,
    held,
    items,
    judged,
    on_hardware,
    paid,
    planned,
    said,
    under,
    without,
)


@pytest.mark.parametrize("channel", PLAN.channels)
def test_a_fully_signed_plan_is_permitted(channel: str) -> None:
    """With everything signed, no clause fails."""
    decision = judged(CLEARED, channel)
    assert (decision.clauses, bool(decision)) == ((), True)


def removable(channel: str) -> list[Any]:
    """Every statement that a plan over one channel was cleared by."""
    plan = draft(*dict.fromkeys((channel, "webhook"))).plan
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
    decisions = [judged(evidence_for(plan, said_so), channel) for said_so in (None, rest)]
    assert [bool(decision) for decision in decisions] == [True, False]


BREAKERS = [about(StatementKind.BREAK_GLASS, one, channels=["x", "tiktok"]) for one in ("author-1", "legal-1")]


def test_two_who_break_the_glass_stand_in_for_a_checker() -> None:
    """One of them may have made the plan; up to the last moment of the hour, with all the other approvals."""
    envelopes = [*without(StatementKind.APPROVE, Role.CHECKER), *BREAKERS]
    evidence, facts = evidence_for(PLAN, envelopes), facts_for(PLAN, "x")
    assert [decide(evidence, facts, moment).clauses for moment in (NOW - MICROSECOND, NOW)] == [(), ("G08",)]


def test_whoever_breaks_the_glass_also_approves_in_their_own_role() -> None:
    """The director's signature that life is in danger is the director's approval; the author's is not."""
    director = about(StatementKind.BREAK_GLASS, "director-1", at=NOW, channels=["x"])
    author = about(StatementKind.BREAK_GLASS, "author-1", at=NOW, channels=["x"])
    unapproved = [e for e in without(StatementKind.APPROVE, Role.CHECKER) if said(e).person != "director-1"]
    release = about(StatementKind.RELEASE, "director-2", kinds=["publish"])
    assert judged(evidence_for(PLAN, [*unapproved, release, director, author]), "x").clauses == ()


def test_a_deputy_may_approve_what_their_principal_did_not_touch() -> None:
    """Standing in for somebody bars nobody by itself."""
    people = roster(checker_1=held("checker-1", deputy_for="checker-2"))
    assert judged(replace(CLEARED, roster=people)).clauses == ()


def test_signatures_by_hardware_keys_with_a_pin_meet_a_policy_that_asks_for_them() -> None:
    """Of every approving role."""
    asked = ["checker", "duty_director", "security"]
    evidence = under(lambda version: version.update(hardware_roles=asked, pin_roles=asked))
    assert judged(on_hardware(evidence, pin=True)).clauses == ()


@pytest.mark.parametrize("severity", [Severity.S2, Severity.S4])
def test_an_incident_with_all_that_is_asked_of_it_is_permitted(severity: Severity) -> None:
    """A riot with the police report and every line of the incident form; with a COBR reference besides from S3 on."""
    known = items("police_report", *METHANE, *(["cobr_reference"] if severity >= Severity.S3 else []))
    assert judged(planned(incident_kind="disorder", severity=severity, evidence=known), "x").clauses == ()


def test_evidence_counts_to_the_last_moment_of_its_age() -> None:
    """A weather warning is gone by for seven days less a microsecond."""
    evidence = planned(evidence=items("warning", at=NOW - 168 * HOUR + MICROSECOND))
    assert judged(evidence, "x").clauses == ()


def test_two_directors_may_agree_that_another_hazard_is_exceptional() -> None:
    """A second one besides the first, each counted once."""
    known = items("lead_department_statement", "lead_responder", "cobr_reference")
    plan = draft(*TIKTOK, incident_kind="other_hazard", evidence=known).plan
    second = signed(StatementKind.APPROVE, "director-2", subject=plan.digest, channels=["tiktok"])
    assert judged(evidence_for(plan, [*everything_signed(plan), second])).clauses == ()


@pytest.mark.parametrize(
    "spend",
    [
        [Spend("webhook", "storms", 9_000_000, 2026)],
        [Spend("webhook", "storms", 9_000_000, 2026, "AMC-1"), Spend("x", "storms", 9_000_000, 2026, "AMC-1")],
        [Spend("webhook", "storms", 9_000_000, 2026), Spend("x", "storms", 9_000_000, 2027)],
        [Spend("webhook", "storms", 9_000_000, 2026), Spend("x", "floods", 9_000_000, 2026)],
    ],
    ids=["up to the cap", "approved centrally", "of two years", "of two cases"],
)
def test_what_is_within_the_caps_may_be_spent(spend: list[Spend]) -> None:
    """The threshold for central approval is per case and financial year."""
    assert judged(paid(*spend), "webhook").clauses == ()


def test_routine_use_under_a_standing_clearance_needs_neither_incident_nor_minister() -> None:
    """The account that policy names, for the purpose it names, with everything else that TikTok asks."""
    account = ACCOUNTS["tiktok"].id

    def stand(version: dict[str, Any]) -> None:
        version["channel"]["tiktok"]["standing"]["ukgov"]["accounts"] = [account]

    routine = {"purpose": "public_service_information", "incident_kind": NO_INCIDENT, "evidence": ()}
    evidence = under(stand, *TIKTOK, **routine)
    kept = [v for v in evidence.statements if v.statement.kind not in (StatementKind.DECIDE, StatementKind.CONFIRM)]
    assert judged(replace(evidence, statements=tuple(kept))).clauses == ()


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
    assert judged(planned(*TIKTOK, not_before=NOW - 2 * HOUR)).clauses == ()


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
    plan = draft(*TIKTOK, valid_until=last, armed_not_after=last).plan
    decision = about(StatementKind.DECIDE, "minister-1", at=last, expires=last + MICROSECOND)
    envelopes = [
        *everything_signed(plan, list(DeliveryKind)),
        decision,
        attested(at=last, expires=last + MICROSECOND),
    ]
    assert judged(evidence_for(plan, envelopes), text=text).clauses == ()
