"""What one version changes against another: each field's direction, and that nothing goes unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any, get_args, get_type_hints

import pytest

from dispatcher.gate.policy import PolicyVersion, Sensitivity
from dispatcher.gate.policy_diff import DIRECTIONS, EVERY_CHANNEL, NOT_GENERAL, Difference, Direction, differences
from tests.cast import policies, policy_document
from tests.gate.test_policy import CAMPAIGN, shipped

TIGHTER, LOOSER, NEUTRAL = Direction.TIGHTER, Direction.LOOSER, Direction.NEUTRAL
NEXT = {"version": "next", "inherits": "2025-12", "source": "a test"} | {
    "effective_from": "2026-06-01T00:00:00.000000Z",
    "recorded_at": "2026-05-01T00:00:00.000000Z",
}

Change = Callable[[dict[str, Any]], None]


def changed(rules: dict[str, Any]) -> tuple[PolicyVersion, PolicyVersion]:
    """The version in force, and one that inherits from it and says more."""
    document = policy_document()
    document["policy"].append({**NEXT, **rules})
    before, after = policies(document).versions
    return before, after


def found(channel: str, rule: str, rules: dict[str, Any]) -> list[Direction]:
    """The directions there and back again of one rule of one channel, all that such a change touches."""
    before, after = changed(rules)
    there, back = differences(before, after), differences(after, before)
    return [one.direction for way in (there, back) for one in way if (one.channel, one.rule) == (channel, rule)]


def on(channel: str, **rules: Any) -> dict[str, Any]:
    """Rules of one channel."""
    return {"channel": {channel: rules}}


def tier(name: str, **rules: Any) -> dict[str, Any]:
    """Rules of one tier."""
    return {"tier": {name: rules}}


CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an approval more": ("webhook", "tier.approvals", tier("T0", approvals=["checker", "duty_director", "legal"])),
    "a second of a role": (
        "webhook",
        "tier.approvals",
        tier("T0", approvals=["checker", "duty_director", "duty_director"]),
    ),
    "a route less": ("tiktok", "routes", on("tiktok", routes=[])),
    "a shorter window": ("x", "tier.window_max_minutes", tier("T1", window_max_minutes=60)),
    "a higher severity": ("x", "tier.severity_min", tier("T1", severity_min="S2")),
    "a stale status that holds": ("x", "tier.hold_when_stale", tier("T1", hold_when_stale=True)),
    "no glass to break": ("x", "tier.break_glass", tier("T1", break_glass=False)),
    "a purpose less": ("x", "purposes", on("x", purposes=["public_safety"])),
    "an incident kind less": ("x", "incident_kinds", on("x", incident_kinds=["terror"])),
    "named accounts only": ("x", "accounts", on("x", accounts=["city"])),
    "an assessment": ("webhook", "assessment_max_age_days", on("webhook", assessment_max_age_days=30)),
    "a younger assessment": ("x", "assessment_max_age_days", on("x", assessment_max_age_days=30)),
    "an exemption": ("x", "exemption", on("x", exemption=True)),
    "a minister": ("x", "minister", on("x", minister=True)),
    "fresher attestations": (
        "tiktok",
        "attestation_max_age_hours.M06",
        on("tiktok", attestation_max_age_hours={"M06": 24}),
    ),
    "a lower cap": ("social_paid", "spend.cap_case_pence", on("social_paid", spend={"cap_case_pence": 1})),
    "hosts": ("wechat", "hosts", on("wechat", hosts=["wechat.com", "weixin.com", "weixin.qq.com", "wx.qq.com", "a"])),
    "a channel closed": ("x", "use", on("x", tier="T4")),
    "a mitigation that people see to besides": (
        "tiktok",
        "mitigations",
        {"mitigation": {"M07": {"checked_by": "both"}}},
    ),
    "a standing clearance that wants the minister": (
        "tiktok",
        "standing",
        on("tiktok", standing={"ukgov": {"minister": True}}),
    ),
    "a standing clearance that wants an incident": (
        "tiktok",
        "standing",
        on("tiktok", standing={"ukgov": {"requires_incident": True}}),
    ),
    "a standing clearance of nobody": ("tiktok", "standing", on("tiktok", standing={"ukgov": {"accounts": []}})),
    "evidence": (
        EVERY_CHANNEL,
        "evidence.disorder.base",
        {"evidence": {"disorder": {"base": ["police_report", "methane", "a"]}}},
    ),
    "evidence of a new kind": (
        EVERY_CHANNEL,
        "evidence.flood.max_age_hours",
        {"evidence": {"flood": {"base": [], "max_age_hours": 9, "exceptional": "-", "source": "-"}}},
    ),
    "armed texts end sooner": (EVERY_CHANNEL, "armed_hours", {"armed_hours": 1}),
    "exercises more often": (EVERY_CHANNEL, "exercise_max_age_days", {"exercise_max_age_days": 7}),
    "fewer renewals": (EVERY_CHANNEL, "renewals_max", {"renewals_max": 1}),
    "fewer who release": (EVERY_CHANNEL, "may_release", {"may_release": []}),
    "a language checked": (EVERY_CHANNEL, "checked_languages", {"checked_languages": ["cy", "gd"]}),
    "hardware keys": (EVERY_CHANNEL, "hardware_roles", {"hardware_roles": ["minister"]}),
    "a shorter break-glass": (EVERY_CHANNEL, "break_glass.minutes", {"break_glass": {"minutes": 30}}),
    "a break-glass that skips less": (EVERY_CHANNEL, "break_glass.skips", {"break_glass": {"skips": []}}),
    "an earlier deletion": (EVERY_CHANNEL, "stand_down.deletion_hours", {"stand_down": {"deletion_hours": 1}}),
    "a lower spending control": (
        EVERY_CHANNEL,
        "spending_control.threshold_pence",
        {"spending_control": {"threshold_pence": 1}},
    ),
}
"""Each tightens, and its reverse loosens."""


@pytest.mark.parametrize(("channel", "rule", "rules"), CHANGES.values(), ids=CHANGES.keys())
def test_what_tightens_one_way_loosens_the_other(channel: str, rule: str, rules: dict[str, Any]) -> None:
    """There it is tighter, back it is looser."""
    assert found(channel, rule, rules) == [TIGHTER, LOOSER]


@pytest.mark.parametrize(
    ("channel", "rule", "rules"),
    [
        ("x", "purposes", on("x", purposes=["campaign"])),
        ("webhook", "tier.approvals", tier("T0", approvals=["legal", "duty_director"])),
        (
            "tiktok",
            "mitigations",
            {"mitigation": {"M10": {"checked_by": "software"}}, **on("tiktok", mitigations=["M10", "M12"])},
        ),
        (EVERY_CHANNEL, "flags.arrest", {"flags": {"arrest": "propriety"}}),
    ],
    ids=["purpose", "approval", "mitigations", "flag"],
)
def test_another_is_looser_either_way(channel: str, rule: str, rules: dict[str, Any]) -> None:
    """Where one cannot be said to contain the other, nobody is told that it is tighter."""
    assert LOOSER in found(channel, rule, rules)


def test_an_unlisted_channel_and_one_never_used_are_the_same() -> None:
    """Naming a channel as T4 changes nothing; opening it does, whatever it asks."""
    named = changed(on("parler", tier="T4", source="-"))
    opened = changed(
        on("parler", tier="T3", source="-", mitigations=["M01"], attestation_max_age_hours={"default": 1})
    )
    told = [[one for one in differences(*pair) if one.channel == "parler"] for pair in (named, opened)]
    assert told == [[], [Difference("parler", "use", "denied", "T3", LOOSER)]]


def test_a_tiers_rule_shows_on_every_channel_that_it_governs() -> None:
    """And on no other."""
    before, after = changed(tier("T3", window_max_minutes=60))
    assert [(one.channel, one.rule) for one in differences(before, after) if one.direction is not NEUTRAL] == [
        ("tiktok", "tier.window_max_minutes")
    ]


def test_a_first_cap_lets_money_be_spent_and_one_of_nothing_does_not() -> None:
    """Where there is no cap, nothing may be spent."""
    rules = on("webhook", spend={"cap_case_pence": 1, "cap_year_pence": 0})
    caps = [found("webhook", f"spend.{cap}", rules) for cap in ("cap_case_pence", "cap_year_pence")]
    assert caps == [[LOOSER, TIGHTER], [TIGHTER, TIGHTER]]


def test_an_age_that_is_said_once_shows_on_every_mitigation_without_its_own() -> None:
    """In hours, there and nowhere else."""
    before, after = changed(on("tiktok", attestation_max_age_hours={"default": 48}))
    told = [one for one in differences(before, after) if one.channel == "tiktok"]
    own = before.channel["tiktok"].attestation_max_age_hours.keys()
    codes = [code for code in before.channel["tiktok"].mitigations if code not in own]
    assert told == [Difference("tiktok", f"attestation_max_age_hours.{code}", 2_160, 48, TIGHTER) for code in codes]


def test_what_is_left_empty_is_no_rule() -> None:
    """Of a new kind of incident, only what it asks is told."""
    flood = {"base": [], "max_age_hours": 9, "exceptional": "", "source": "-"}
    told = {one.rule for one in differences(*changed({"evidence": {"flood": flood}}))} - {"source"}
    assert told == {"evidence.flood.max_age_hours", "evidence.flood.source"}


def test_a_source_is_neither() -> None:
    """Saying better where a rule comes from changes nothing that is asked."""
    before, after = changed(on("x", source="elsewhere"))
    assert {one.direction for one in differences(before, after)} == {NEUTRAL}


def test_the_same_version_does_not_differ() -> None:
    """Nothing is found where nothing changed."""
    (only,) = policies().versions
    assert differences(only, only) == ()


def test_the_shipped_versions_differ_in_what_was_reported() -> None:
    """Each later one opens what its source says, and nothing else changes."""
    versions = shipped(CAMPAIGN).versions
    told = [
        [(one.channel, one.rule, one.direction) for one in differences(*pair) if one.direction is not NEUTRAL]
        for pair in pairwise(versions)
    ]
    assert told == [
        [("tiktok", "use", LOOSER), ("tiktok_paid", "use", LOOSER)],
        [("tiktok", "standing", LOOSER), ("x", "standing", LOOSER)],
        [
            (EVERY_CHANNEL, "exercise_max_age_days", TIGHTER),
            ("tiktok", "standing", LOOSER),
            ("x", "standing", LOOSER),
        ],
        [("social_paid", "spend.cap_case_pence", LOOSER)],
    ]


def test_every_field_of_a_policy_has_its_direction() -> None:
    """A field that is added to the model and not to the table would count as looser for ever; only flags do.

    A period before an election is compared as a whole.
    """
    named = DIRECTIONS.keys() | set(NOT_GENERAL) | set(_leaf_fields(Sensitivity))
    assert set(_leaf_fields(PolicyVersion)) - named == {"flags", "checked_by"}


def _leaf_fields(kind: Any) -> Iterator[str]:
    hints = get_type_hints(kind)
    for field in fields(kind):
        inner = [one for one in (hints[field.name], *get_args(hints[field.name])) if is_dataclass(one)]
        for one in inner:
            yield from _leaf_fields(one)
        if not inner:
            yield field.name
