"""The policy file is read strictly: every fault is told with its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.gate.policy import Policies
from dispatcher.gate.policy_file import PolicyError
from dispatcher.statements.toml import parse_toml
from tests.cast import EXAMPLE_POLICY, policies, policy_document

Document = dict[str, Any]

JUNE = "2026-06-01T00:00:00.000000Z"
RECORDED = "2025-12-07T12:00:00.000000Z"
CAMPAIGN = EXAMPLE_POLICY.with_name("example_campaign_policy.toml")


def shipped(*more: Path) -> Policies:
    """The whole example policy, with other files appended."""
    text = "\n".join(path.read_text() for path in (EXAMPLE_POLICY, *more))
    return policies(parse_toml(text, EXAMPLE_POLICY.name))


def version(document: Document) -> Document:
    """The one version of the example."""
    found: Document = document["policy"][0]
    return found


def put(*path: str, to: object) -> Callable[[Document], None]:
    """Set a value of the version."""

    def change(document: Document) -> None:
        place = version(document)
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def drop(*path: str) -> Callable[[Document], None]:
    """Remove a key of the version."""

    def change(document: Document) -> None:
        place = version(document)
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


def add(effective_from: str, recorded_at: str = RECORDED, **changed: object) -> Callable[[Document], None]:
    """Append a second version that inherits from the first."""

    def change(document: Document) -> None:
        head = {"version": "next", "inherits": "2025-12", "source": "a test", "effective_from": effective_from}
        document["policy"].append({**head, "recorded_at": recorded_at, **changed})

    return change


def headless(document: Document, key: str) -> None:
    """Append a second version that does not say one thing of itself."""
    add(JUNE)(document)
    del document["policy"][1][key]


FAULTS = {
    "unknown key in a channel": (put("channel", "x", "ways", to=[]), "channel.x: unknown key 'ways'"),
    "unknown key in a tier": (put("tier", "T0", "quorum", to=2), "tier.T0: unknown key 'quorum'"),
    "unknown key in a version": (put("default", to="permit"), "unknown key 'default'"),
    "unknown key in the file": (lambda d: d.update(extra=1), "and nothing else"),
    "channel without source": (drop("channel", "x", "source"), "channel.x: source is missing"),
    "channel with a blank source": (put("channel", "x", "source", to="  "), "channel.x: every rule names its source"),
    "tier without source": (drop("tier", "T1", "source"), "tier.T1: source is missing"),
    "version without source": (drop("source"), "source is missing"),
    "T3 without mitigations": (put("channel", "tiktok", "mitigations", to=[]), "tiktok: a T3 channel needs"),
    "T3 that never had mitigations": (drop("channel", "tiktok", "mitigations"), "tiktok: a T3 channel needs"),
    "mitigations without an age": (
        put("channel", "tiktok", "attestation_max_age_hours", to={"M01": 24}),
        "attestation_max_age_hours needs a default",
    ),
    "a glass to break on T3": (
        put("tier", "T3", "break_glass", to=True),
        "T3: the glass is broken on T0 and T1 only",
    ),
    "unknown role in a tier": (
        put("tier", "T0", "approvals", to=["chief"]),
        "T0.approvals[0]: 'chief' is none of author",
    ),
    "unknown role for a flag": (put("flags", "arrest", to="lawyer"), "flags.arrest: 'lawyer' is none of author"),
    "unknown role that releases": (put("may_release", to=["boss"]), "may_release[0]: 'boss' is none of author"),
    "unknown placement": (
        put("channel", "x", "placements", to=["viral"]),
        "placements[0]: 'viral' is none of organic, paid",
    ),
    "unknown tier": (put("channel", "x", "tier", to="T9"), "channel.x: tier T9 is not defined"),
    "unknown severity": (put("tier", "T0", "severity_min", to="S9"), "severity_min: 'S9' is none of"),
    "tier that nobody approves": (put("tier", "T0", "approvals", to=[]), "at least one approval beside the author"),
    "back-dated": (put("recorded_at", to="2025-12-08T00:00:00.000001Z"), "cannot be back-dated"),
    "later version first": (add(RECORDED), "in order of effective_from"),
    "two versions at once": (add("2025-12-08T00:00:00.000000Z"), "no two at once"),
    "no version": (lambda d: d.update(policy=[]), "needs versions"),
    "another schema": (lambda d: d.update(schema=2), "needs schema = 1"),
    "tiers that are no table": (put("tier", to=[]), "tier: expected an object"),
    "ages that are no table": (put("channel", "tiktok", "attestation_max_age_hours", to=24), "expected an object"),
    "a time without a zone": (put("effective_from", to="2025-12-08"), "effective_from"),
    "hours beyond all time": (put("armed_hours", to=2**53 - 1), "armed_hours"),
    "paid TikTok without mitigations": (put("channel", "tiktok_paid", "mitigations", to=[]), "a T3 channel needs"),
    "a mitigation that is not described": (drop("mitigation", "M01"), "M01 is not described"),
    "a mitigation that no software checks": (
        put("mitigation", "M01", "checked_by", to="software"),
        "no software checks M01",
    ),
    "an unknown ancestor": (add(JUNE, inherits="2019"), "there is no earlier version 2019"),
    "a version that is its own ancestor": (add(JUNE, inherits="next"), "there is no earlier version next"),
    "a version twice": (add(JUNE, version="2025-12"), "version 2025-12 stands there twice"),
    "a version without a name": (add(JUNE, version=7), "a version needs its name"),
    "a digest of its own": (add(JUNE, digest="ab"), "unknown key 'digest'"),
    "an inherited head": (add(JUNE, source=" "), "every rule names its source"),
    "a version without its beginning": (lambda d: headless(d, "effective_from"), "effective_from is missing"),
    "a version that nobody recorded": (lambda d: headless(d, "recorded_at"), "recorded_at is missing"),
    "a version without a source of its own": (lambda d: headless(d, "source"), "source is missing"),
    "text where others have a table": (add(JUNE, tier="T0"), "tier: expected an object"),
    "versions that are no list": (lambda d: d.update(policy={}), "expected a list of versions"),
    "a first version without notice": (put("recorded_at", to="2025-12-08T00:00:00.000000Z"), "it loosens a rule"),
    "a loosening without notice": (add(JUNE, JUNE, armed_hours=73), "it must begin after recorded_at"),
    "no minutes": (put("tier", "T0", "window_max_minutes", to=0), "0 is not between 1 and 5260320"),
    "days beyond ten years": (put("channel", "x", "assessment_max_age_days", to=3_654), "between 1 and 3653"),
    "minutes below nothing": (put("tier", "T0", "window_max_minutes", to=-1), "window_max_minutes"),
}


@pytest.mark.parametrize(("change", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_a_faulty_policy_is_refused_with_its_place(change: Callable[[Document], None], told: str) -> None:
    """The error names the table and what is wrong with it."""
    document = policy_document()
    change(document)
    with pytest.raises(PolicyError) as refused:
        policies(document)
    assert told in str(refused.value)


def test_a_span_may_be_ten_years() -> None:
    """And not a day more, see above."""
    document = policy_document()
    put("channel", "x", "assessment_max_age_days", to=3_653)(document)
    assert policies(document).versions[0].channel["x"].assessment_max_age == timedelta(days=3_653)


def test_a_channel_that_is_never_used_needs_no_tier_of_its_own() -> None:
    """T4 is not a tier that signatures open, so the file does not define it."""
    assert policies().versions[0].channel["wechat"].tier == "T4"


def test_a_version_is_in_force_until_the_next_begins() -> None:
    """The boundary belongs to the new version."""
    document = policy_document()
    add(JUNE)(document)
    both, change = policies(document), datetime(2026, 6, 1, tzinfo=UTC)
    found = [both.in_force(change - timedelta(microseconds=1)), both.in_force(change)]
    assert found == list(both.versions)


def test_nothing_is_in_force_before_the_first_version() -> None:
    """The past before the file began has no policy."""
    assert shipped().in_force(datetime(2023, 3, 15, tzinfo=UTC)) is None


def test_a_tightening_may_begin_at_once() -> None:
    """Recorded at the very moment of its beginning, it loads."""
    document = policy_document()
    add(JUNE, JUNE, armed_hours=71)(document)
    assert policies(document).versions[-1].armed_hours == 71


def test_a_loosening_begins_after_it_was_recorded() -> None:
    """One microsecond's notice is notice."""
    document = policy_document()
    add(JUNE, "2026-05-31T23:59:59.999999Z", armed_hours=73)(document)
    assert policies(document).versions[-1].armed_hours == 73


def test_a_later_version_does_not_rename_an_earlier_one() -> None:
    """A version's digest is over its own flattened table, so plans made under it keep it."""
    with_more = [version.digest for version in shipped(CAMPAIGN).versions]
    assert with_more[:-1] == [version.digest for version in shipped().versions]


def test_a_version_that_inherits_is_its_flattened_table() -> None:
    """What is written out in full and what is inherited have one digest."""
    assert shipped().versions[-1].digest == policies().versions[0].digest


def test_a_version_inherits_what_it_does_not_say() -> None:
    """A nested figure changes alone; its neighbours, and the heads of both versions, stay their own."""
    document = policy_document()
    add(JUNE, tier={"T0": {"window_max_minutes": 720}})(document)
    first, then = policies(document).versions
    assert then.tier == {**first.tier, "T0": replace(first.tier["T0"], window_max_minutes=720)}
    assert (then.source, then.channel) == ("a test", first.channel)


@pytest.mark.parametrize(
    "change", [put("armed_hours", to=71), put("channel", "x", "source", to="elsewhere"), drop("flags", "arrest")]
)
def test_any_change_makes_another_version(change: Callable[[Document], None]) -> None:
    """Another figure, source or flag gives another digest."""
    document = policy_document()
    change(document)
    assert policies(document).versions[0].digest != policies().versions[0].digest


@pytest.mark.parametrize(
    ("day", "name", "tiers", "standing"),
    [
        (datetime(2023, 3, 16, tzinfo=UTC), "2023-03", ("T4", "T4"), ()),
        (datetime(2024, 11, 21, tzinfo=UTC), "2024-11", ("T3", "T3p"), ()),
        (datetime(2025, 2, 10, tzinfo=UTC), "2025-02", ("T3", "T3p"), ("ukgov",)),
        (datetime(2025, 12, 8, tzinfo=UTC), "2025-12", ("T3", "T3p"), ("ukgov", "pm-office")),
    ],
)
def test_the_example_department_follows_the_record(
    day: datetime, name: str, tiers: tuple[str, str], standing: tuple[str, ...]
) -> None:
    """From each day on TikTok stands as was reported, unpaid and paid, with the accounts that were let through."""
    found = shipped().in_force(day)
    assert found is not None
    tiktok, paid = found.channel["tiktok"], found.channel["tiktok_paid"]
    accounts = tuple(account for clearance in tiktok.standing.values() for account in clearance.accounts)
    assert (found.version, (tiktok.tier, paid.tier), accounts) == (name, tiers, standing)


def test_the_mitigations_of_the_device_outlast_every_standing_clearance() -> None:
    """2025 let single accounts through; the ban on devices stayed."""
    asked = {version.channel["tiktok"].mitigations for version in shipped().versions[1:]}
    assert [len(codes) for codes in asked] == [23]
