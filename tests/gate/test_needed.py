"""Who must approve, and whose approval or rejection is about which channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.contract import Json
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode, Statement, StatementKind, Verified
from dispatcher.gate.approvals import needed_roles, quorum, rejections, unchecked_languages
from dispatcher.gate.clauses import missing_evidence
from dispatcher.gate.evidence import Case, Evidence, case_for
from tests.builders import draft, evidence_for, facts_for
from tests.cast import DEPLOYMENT, HOUR, NOW, signed
from tests.gate.support import PLAN, about, cleared, judged, planned, under


def case_of(evidence: Evidence, channel: str) -> Case:
    """One channel's case under the version in force."""
    return case_for(evidence, facts_for(evidence.plan, channel), evidence.policies.versions[-1], NOW)


def test_a_quorum_says_who_approved_in_which_role() -> None:
    """So that people see whose signatures count."""
    assert quorum(case_of(cleared(), "webhook")).given == {
        Role.CHECKER: {"checker-1"},
        Role.DUTY_DIRECTOR: {"director-1"},
        Role.LANGUAGE_CHECKER: {"checker-cy"},
        Role.SECURITY: {"security-1"},
    }


@pytest.mark.parametrize(("channel", "stopped"), [("x", True), ("webhook", False)])
def test_a_rejection_that_names_a_channel_stops_that_one(channel: str, stopped: bool) -> None:
    """And no other."""
    evidence = cleared(about(StatementKind.REJECT, "checker-1", channels=["x"]))
    assert bool(rejections(case_of(evidence, channel))) is stopped
    assert bool(judged(evidence, channel)) is not stopped


@pytest.mark.parametrize("channels", [[], None])
def test_a_rejection_that_names_no_channel_stops_all(channels: Json) -> None:
    """Who says no to the words says no to them everywhere."""
    evidence = cleared(about(StatementKind.REJECT, "checker-1", channels=channels))
    assert [bool(rejections(case_of(evidence, channel))) for channel in PLAN.channels] == [True] * len(PLAN.channels)


def test_another_hazard_asks_more_people_where_an_exemption_is_needed() -> None:
    """A second duty director for TikTok, and nobody more for the department's own feeds."""
    evidence = evidence_for(draft("webhook", "tiktok", incident_kind="other_hazard").plan)
    asked = {channel: needed_roles(case_of(evidence, channel)) for channel in ("webhook", "tiktok")}
    assert {channel: roles.count(Role.DUTY_DIRECTOR) for channel, roles in asked.items()} == {
        "webhook": 1,
        "tiktok": 2,
    }


def test_a_flag_asks_for_a_role_once() -> None:
    """Two flags for one role, or one for a role that the tier asks for already, ask nobody twice."""

    def flag(version: dict[str, Any]) -> None:
        version["flags"] = {"arrest": "legal", "named_suspect": "legal", "wording": "checker"}

    evidence = under(flag, "webhook", flags=("arrest", "named_suspect", "wording"))
    assert needed_roles(case_of(evidence, "webhook")) == (Role.CHECKER, Role.DUTY_DIRECTOR, Role.LEGAL)


@pytest.mark.parametrize(("language", "unchecked"), [("cy-GB", ()), ("cy", ("cy-GB",))])
def test_a_language_is_checked_as_the_plan_spells_it(language: str, unchecked: tuple[str, ...]) -> None:
    """A reader of Welsh checks the Welsh of Great Britain, and says so."""
    plan = draft("webhook", languages=("en-GB", "cy-GB")).plan
    said: dict[str, Any] = {"subject": plan.digest, "channels": ["webhook"], "languages": [language]}
    read = signed(StatementKind.APPROVE, "checker-cy", **said)
    evidence = evidence_for(plan, [read])
    assert unchecked_languages(case_of(evidence, "webhook")) == unchecked


def test_nothing_is_lacking_where_policy_wants_nothing_known() -> None:
    """An incident kind of which policy does not speak."""
    assert missing_evidence(case_of(planned(incident_kind="festival"), "x")) == ()


def approval(person: str, role: Role, plan: str) -> Verified:
    """One person's approval in one role, already verified."""
    window = (NOW - HOUR, NOW + timedelta(hours=1))
    said = Statement(StatementKind.APPROVE, plan, DEPLOYMENT, Mode.LIVE, person, str(role), 3, *window, person)
    return Verified(replace(said, body={"channels": ["webhook"]}), f"key of {person} as {role}")


@pytest.mark.parametrize("order", [1, -1])
def test_as_few_roles_as_possible_are_called_missing(order: int) -> None:
    """Who can fill two roles is counted where nobody else can, in whatever order they signed."""
    plan = draft("webhook").plan
    given = (("ann", Role.CHECKER), ("ann", Role.DUTY_DIRECTOR), ("bob", Role.CHECKER))
    statements = tuple(approval(person, role, plan.digest) for person, role in given[::order])
    made = case_of(replace(evidence_for(plan, []), statements=statements), "webhook")
    assert made.tier is not None
    asked = (Role.CHECKER, Role.DUTY_DIRECTOR, Role.LEGAL)
    assert quorum(replace(made, tier=replace(made.tier, approvals=asked))).missing == (Role.LEGAL,)
