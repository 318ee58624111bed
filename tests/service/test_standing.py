"""What a deployment goes by is on its record: once per version, whoever finds it first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dispatcher.domain.canonical import format_time
from dispatcher.service.standing import note_start, note_stop, note_trust
from tests.office import Office

TRUST = ("root.installed", "roster.installed", "policy.installed")


def noted(office: Office, **changes: Any) -> list[str]:
    """Have the trust noted, as it would be after such changes; the kinds of entries that this made."""
    before = len(office.ledger(*TRUST))
    with office.desk.store.write() as work:
        note_trust(work, replace(office.desk.trust, **changes))
    return [line.kind for line in office.ledger(*TRUST)[before:]]


def test_a_new_deployment_begins_with_what_it_goes_by(office: Office) -> None:
    """Its first entries: that it was made, then root, roster and policy, with digests and who signed."""
    made, root, roster, policy = office.ledger("deployment.made", *TRUST)
    known = office.desk.trust
    assert (made.id, made.facts["deployment"]) == (1, "example-city")
    assert root.facts["digest"] == known.root.digest
    assert (roster.facts["version"], roster.facts["digest"]) == (1, known.roster.digest)
    assert set(policy.facts["signed_by"]) == {"owner-1", "owner-2", "owner-3"}
    assert policy.facts["digest"] == known.policy_digest
    begins = {one["version"]: one["effective_from"] for one in policy.facts["versions"]}
    assert begins == {one.version: format_time(one.effective_from) for one in known.policy.versions}


def test_what_is_known_is_not_recorded_again(office: Office) -> None:
    """Every role looks at its start."""
    assert noted(office) == []


def test_a_later_roster_is_recorded_once(office: Office) -> None:
    """And an earlier one, which another host may still go by, not at all."""
    later = replace(office.desk.trust.roster, version=2)
    assert noted(office, roster=later) == ["roster.installed"]
    assert noted(office, roster=later) == []
    assert noted(office) == []


def test_a_policy_that_is_signed_again_is_recorded_again(office: Office) -> None:
    """It has no version of its own: going back to an earlier text is a change too."""
    signed = office.desk.trust.signed
    again = [replace(said, not_before=said.not_before + timedelta(days=1)) for said in signed["policy"]]
    assert noted(office, signed={**signed, "policy": tuple(again)}) == ["policy.installed"]
    assert noted(office, signed={**signed, "policy": tuple(again)}) == []


def test_a_role_says_when_it_starts_and_when_it_stops(office: Office) -> None:
    """With its mode, and which process it is."""
    about = ("relay", "exercise", "relay:7:p-1")
    with office.desk.store.write() as work:
        note_start(work, office.desk.trust, *about)
    with office.desk.store.write() as work:
        note_stop(work, *about)
    said = [
        (line.kind, line.facts["role"], line.facts["mode"], line.facts["owner"]) for line in office.ledger("role.")
    ]
    assert said == [("role.started", *about), ("role.stopped", *about)]
