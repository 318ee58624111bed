"""What is no policy file at all, the ages that a version knows, and accounts as policy names them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from dispatcher.gate.evidence import case_for
from dispatcher.gate.mitigations import CHECKS
from dispatcher.gate.policy import PolicyVersion, Standing
from dispatcher.gate.policy_diff import Direction, differences
from dispatcher.gate.policy_file import PolicyError, load
from tests.builders import draft, evidence_for, facts_for
from tests.cast import NOW, policies, policy_document

VERSION = policies().versions[-1]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "needs schema = 1"),
        ("policy", "needs schema = 1"),
        ({"schema": 2, "policy": []}, "needs schema = 1"),
        ({"schema": 1, "policy": [], "more": 1}, "needs schema = 1"),
        ({"schema": 1, "policy": ["2025-12"]}, r"policy\[0\]: a version needs its name"),
        ({"schema": 1, "policy": [{"version": 1}]}, r"policy\[0\]: a version needs its name"),
        ({"schema": 1, "policy": []}, "needs versions in order"),
    ],
)
def test_what_is_no_policy_file_is_refused(document: Any, message: str) -> None:
    """With the place, and never with another kind of error."""
    with pytest.raises(PolicyError, match=message):
        load(document, "ab" * 32)


def test_every_age_in_the_policy_is_a_moment_to_judge_anew() -> None:
    """Of evidence, of assessments, of each mitigation, and of broken glass."""
    (document,) = policy_document()["policy"]
    rules = list(document["channel"].values())
    hours = {hours for rule in rules for hours in rule.get("attestation_max_age_hours", {}).values()}
    hours |= {needs["max_age_hours"] for needs in document["evidence"].values()}
    days = {rule["assessment_max_age_days"] for rule in rules if "assessment_max_age_days" in rule}
    minutes = {document["break_glass"]["minutes"]}
    ages = (
        {timedelta(hours=n) for n in hours}
        | {timedelta(days=n) for n in days}
        | {timedelta(minutes=n) for n in minutes}
    )
    assert VERSION.ages() == ages


def naming(*accounts: str) -> PolicyVersion:
    """The version, where X may be used by these accounts."""
    channel = {**VERSION.channel, "x": replace(VERSION.channel["x"], accounts=accounts)}
    return replace(VERSION, channel=MappingProxyType(channel))


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (("a", "b"), ("a",), Direction.TIGHTER),
        (("a",), ("a", "b"), Direction.LOOSER),
        (("a",), ("b",), Direction.LOOSER),
        ((), ("a",), Direction.TIGHTER),
        (("a",), (), Direction.LOOSER),
    ],
)
def test_naming_no_account_means_all_of_them(
    before: tuple[str, ...], after: tuple[str, ...], direction: Direction
) -> None:
    """So a first name narrows, and the last one taken away opens."""
    (found,) = differences(naming(*before), naming(*after))
    assert (found.channel, found.rule, found.direction) == ("x", "accounts", direction)


def test_a_shorter_life_of_attestations_is_tighter_and_nothing_else() -> None:
    """It is told mitigation by mitigation, and each of them is tighter."""
    rule = VERSION.channel["tiktok"]
    shorter = {code: hours - 1 for code, hours in rule.attestation_max_age_hours.items()}
    channel = {**VERSION.channel, "tiktok": replace(rule, attestation_max_age_hours=shorter)}
    found = differences(VERSION, replace(VERSION, channel=MappingProxyType(channel)))
    assert {one.rule.partition(".")[0] for one in found} == {"attestation_max_age_hours"}
    assert {one.direction for one in found} == {Direction.TIGHTER}


@pytest.mark.parametrize(
    ("account", "purpose", "widened"),
    [
        ("ukgov", "public_service_information", True),
        ("ukgov", "campaign", False),
        ("tiktok-1", "public_service_information", False),
    ],
)
def test_a_standing_clearance_widens_the_rule_for_its_accounts_and_purposes(
    account: str, purpose: str, widened: bool
) -> None:
    """For anybody else, or anything else, the channel's rule stands as it is."""
    rule = VERSION.channel["tiktok"]
    assert (rule.for_account(account, purpose) is not rule) is widened


def test_a_standing_clearance_lifts_nothing_that_it_does_not_name() -> None:
    """An incident and the minister are asked for unless it says otherwise."""
    standing = Standing(accounts=("a",), purposes=("b",), source="a test")
    assert (standing.requires_incident, standing.minister) == (True, True)


@pytest.mark.parametrize(
    ("accounts", "purposes", "stands"),
    [
        (("tiktok-1",), ("exceptional_public_safety",), True),
        (("tiktok-1",), ("recruitment",), False),
        (("tiktok-2",), ("exceptional_public_safety",), False),
    ],
)
def test_a_standing_clearance_stands_for_the_minister_where_it_is_for_this(
    accounts: tuple[str, ...], purposes: tuple[str, ...], stands: bool
) -> None:
    """Account and purpose, both (M16)."""
    plan = draft("tiktok", "webhook").plan
    case = case_for(evidence_for(plan, []), facts_for(plan, "tiktok"), VERSION, NOW)
    assert case.rule is not None
    standing = Standing(accounts=accounts, purposes=purposes, requires_incident=True, minister=False, source="a test")
    rule = replace(case.rule, minister=False, standing=MappingProxyType({"one": standing}))
    assert (CHECKS["M16"](replace(case, rule=rule)) is None) is stands
