"""What is no policy file at all, the ages that a version knows, and accounts as policy names them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from dispatcher.gate.policy import PolicyError, PolicyVersion, load
from dispatcher.gate.policy_diff import Direction, differences
from tests.cast import policies, policy_document

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
