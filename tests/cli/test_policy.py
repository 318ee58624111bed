"""The rules there are, what changed between them, and what they said, as people type it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cast import EXAMPLE_POLICY
from tests.cli.conftest import Office


def test_the_rules_in_force_are_shown_whole(office: Office) -> None:
    """What a version inherits stands in it, each rule under its name and with its source."""
    shown = office.run("policy", "show").json
    tiktok = next(rule for rule in shown["channel"] if rule["name"] == "tiktok")
    assert (shown["version"], shown["armed_hours"], tiktok["tier"]) == ("2025-12", 72, "T3")
    assert (len(tiktok["mitigations"]), bool(tiktok["source"])) == (23, True)


def test_a_version_is_shown_by_its_name(office: Office) -> None:
    """Also one that is long over."""
    shown = office.run("policy", "show", "2023-03").json
    assert next(rule["tier"] for rule in shown["channel"] if rule["name"] == "tiktok") == "T4"


@pytest.mark.parametrize(
    ("date", "version"),
    [
        ("2025-02-09T23:59:59.999999+00:00", "2024-11"),
        ("2025-02-10", "2025-02"),
        ("2025-02-10T01:00+02:00", "2024-11"),
        ("+4h", "2025-12"),
    ],
)
def test_the_version_at_a_date_is_the_one_in_force_then(office: Office, date: str, version: str) -> None:
    """A day begins at midnight UTC, and an offset counts."""
    assert office.run("policy", "at", date).json["version"] == version


def test_before_the_first_version_there_was_none(office: Office) -> None:
    """The answer names those there are."""
    assert "there are: 2023-03" in office.run("policy", "at", "2023-03-15", code=2).err


def test_an_unknown_version_is_told_with_those_there_are(office: Office) -> None:
    """Nothing is guessed."""
    assert "no policy version 2024" in office.run("policy", "diff", "2024", "2025-02", code=2).err


def test_two_versions_differ_channel_by_channel(office: Office) -> None:
    """What opened is looser, and its source is neither."""
    found = office.run("policy", "diff", "2023-03", "2024-11").json["differences"]
    ways = [(one["channel"], one["rule"], one["direction"]) for one in found]
    assert ways == [
        ("every channel", "source", "neutral"),
        ("tiktok", "use", "looser"),
        ("tiktok_paid", "use", "looser"),
    ]


def test_a_file_is_checked_before_anybody_signs_it(office: Office) -> None:
    """Each version with how much it tightens and loosens, and the digest that the owners sign."""
    said = office.run("policy", "check", EXAMPLE_POLICY)
    assert [(one["version"], one["tighter"], one["looser"]) for one in said.json["versions"]] == [
        ("2023-03", 0, 0),
        ("2024-11", 0, 2),
        ("2025-02", 0, 2),
        ("2025-12", 1, 2),
    ]
    assert "Missing: the signatures of two policy owners" in said.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (EXAMPLE_POLICY.read_text().replace("2025-02-09T12", "2025-02-11T12"), "policy[2]: recorded_at lies after"),
        (EXAMPLE_POLICY.read_text().replace("2025-02-09T12", "2025-02-10T00"), "policy[2]: it loosens a rule"),
        (EXAMPLE_POLICY.read_text() + "hold = true\n", "policy[3].channel.x.standing.pm_office: unknown key"),
        ("schema = ", "not TOML"),
    ],
    ids=["back-dated", "loosened without notice", "unknown key", "no TOML"],
)
def test_a_faulty_file_is_told_with_its_place(office: Office, tmp_path: Path, text: str, told: str) -> None:
    """The message names the file, the version and the rule."""
    file = tmp_path / "policy.toml"
    file.write_text(text)
    assert told in office.run("policy", "check", file, code=2).err


def test_a_decision_is_replayed_at_its_moment(office: Office) -> None:
    """A halt of today leaves the answer about the release as it was."""
    plan = office.released()
    entries = office.run("ledger", "tail", "--kind", "plan.released").json["entries"]
    office.run("halt", "--mode", "exercise", by="ops-1")
    then = office.run("policy", "replay", plan, "--at", entries[-1]["at"]).json["answers"]
    now = office.run("policy", "replay", plan).json["answers"]
    assert [then[0]["permitted"], now[0]["permitted"]] == [True, False]
    assert [failure["clause"] for failure in now[0]["failures"]] == ["G16"]


def test_every_answer_ends_with_what_to_type_next(office: Office) -> None:
    """As every command does."""
    said = [
        office.run("policy", *words)
        for words in (["show"], ["at", "2025-02-10"], ["diff", "2023-03", "2024-11"], ["check", EXAMPLE_POLICY])
    ]
    assert all("Next: dispatcher " in one.err for one in said)
