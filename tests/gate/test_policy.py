"""The policy file is read strictly: every fault is told with its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatcher.gate.policy import PolicyError
from tests.cast import policies, policy_document

Document = dict[str, Any]


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


def add_version(effective_from: str) -> Callable[[Document], None]:
    """Append a second version."""

    def change(document: Document) -> None:
        document["policy"].append({**version(policy_document()), "effective_from": effective_from})

    return change


FAULTS = {
    "unknown key in a channel": (put("channel", "x", "ways", to=[]), "channel.x: unknown key ways"),
    "unknown key in a tier": (put("tier", "T0", "quorum", to=2), "tier.T0: unknown key quorum"),
    "unknown key in a version": (put("default", to="permit"), "unknown key default"),
    "unknown key in the file": (lambda d: d.update(extra=1), "policy file: unknown key extra"),
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
    "unknown role in a tier": (
        put("tier", "T0", "approvals", to=["chief"]),
        "T0.approvals: chief is not a role",
    ),
    "unknown role for a flag": (put("flags", "arrest", to="lawyer"), "flags: lawyer is not a role"),
    "unknown role that releases": (put("may_release", to=["boss"]), "may_release: boss is not a role"),
    "unknown placement": (put("channel", "x", "placements", to=["viral"]), "viral is not a placement"),
    "unknown tier": (put("channel", "x", "tier", to="T9"), "channel.x: tier T9 is not defined"),
    "unknown severity": (put("tier", "T0", "severity_min", to="S9"), "S9 is not a severity"),
    "tier that nobody approves": (put("tier", "T0", "approvals", to=[]), "at least one approval beside the author"),
    "back-dated": (put("recorded_at", to="2025-12-08T00:00:00.000001Z"), "cannot be back-dated"),
    "later version first": (add_version("2025-12-07T12:00:00.000000Z"), "in order of effective_from"),
    "two versions at once": (add_version("2025-12-08T00:00:00.000000Z"), "no two at once"),
    "no version": (lambda d: d.update(policy=[]), "needs versions"),
    "another schema": (lambda d: d.update(schema=2), "schema must be 1"),
    "tiers that are no table": (put("tier", to=[]), "tier: expected a table"),
    "ages that are no table": (put("channel", "tiktok", "attestation_max_age_hours", to=24), "expected a table"),
    "a time without a zone": (put("effective_from", to="2025-12-08"), "effective_from"),
    "hours beyond all time": (put("armed_hours", to=2**53 - 1), "armed_hours"),
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


def test_a_channel_that_is_never_used_needs_no_tier_of_its_own() -> None:
    """T4 is not a tier that signatures open, so the file does not define it."""
    assert policies().versions[0].channels["wechat"].tier == "T4"


def test_a_version_is_in_force_until_the_next_begins() -> None:
    """The boundary belongs to the new version."""
    document = policy_document()
    add_version("2026-06-01T00:00:00.000000Z")(document)
    both, change = policies(document), datetime(2026, 6, 1, tzinfo=UTC)
    found = [both.in_force(change - timedelta(microseconds=1)), both.in_force(change)]
    assert found == list(both.versions)


def test_nothing_is_in_force_before_the_first_version() -> None:
    """The past before the file began has no policy."""
    assert policies().in_force(datetime(2025, 12, 7, tzinfo=UTC)) is None


def test_a_later_version_does_not_rename_an_earlier_one() -> None:
    """The digest of a version is over its own table alone, so plans made under it keep it."""
    document = policy_document()
    add_version("2026-06-01T00:00:00.000000Z")(document)
    assert policies(document).versions[0].digest == policies().versions[0].digest


@pytest.mark.parametrize(
    "change", [put("armed_hours", to=71), put("channel", "x", "source", to="elsewhere"), drop("flags", "arrest")]
)
def test_any_change_makes_another_version(change: Callable[[Document], None]) -> None:
    """Another figure, source or flag gives another digest."""
    document = policy_document()
    change(document)
    assert policies(document).versions[0].digest != policies().versions[0].digest
