"""What the gate said: refusals counted as one where they say the same, mitigations, and the policies in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dispatcher.domain.statement import Mode
from dispatcher.service import accounts, evidence, incidents
from dispatcher.service.reviewing import judged
from dispatcher.service.reviewing.review import Review, review
from dispatcher.store import records
from tests.office import EXCEPTIONAL, Office

MINUTE = timedelta(minutes=1)
FILE = "ab" * 32


def read(office: Office, plan: str) -> Review:
    """The review of a plan's incident."""
    with office.desk.store.read() as work:
        incident = records.plan(work, plan).plan.incident
    return review(office.desk, incident)


def declared(office: Office) -> str:
    """An incident with nothing in it."""
    return incidents.declare(
        office.desk, kind="severe_weather", title="Storm", mode=Mode.EXERCISE, person="author-1"
    ).id


def refused(office: Office, incident: str, fact: str, times: int) -> None:
    """Have the gate refuse so many deliveries, a minute after each other."""
    for _ in range(times):
        with office.desk.store.write() as work:
            failures = [{"clause": "G16", "fact": fact, "mend": "two others"}]
            about = {"incident": incident, "channel": "notify", "account": "sms-1"}
            work.record("gate.refused", **about, failures=failures)
        office.clock.advance(MINUTE)


def test_refusals_that_say_the_same_are_one_line(office: Office) -> None:
    """With their number, the first and the last."""
    incident, began = declared(office), office.clock.now
    refused(office, incident, "halted (all)", 5)
    refused(office, incident, "revoked", 1)
    same, other = review(office.desk, incident).denials
    assert (same.kind, same.clause, same.channel, same.account, same.count) == (
        *("gate.refused", "G16", "notify", "sms-1"),
        5,
    )
    assert (same.first, same.last) == (began, began + 4 * MINUTE)
    assert (other.fact, other.count) == ("revoked", 1)


def test_refusals_beyond_the_most_are_counted_by_clause(office: Office) -> None:
    """None is left out: the rest of a clause is one line without a fact."""
    incident = declared(office)
    for number in range(5):
        refused(office, incident, f"fact {number}", 2)
    with office.desk.store.read() as work:
        lines = judged.denials(work, incident, most=2)
    assert [(line.fact, line.count) for line in lines] == [("fact 0", 2), ("fact 1", 2), ("", 6)]


def test_a_refusal_that_names_no_clause_says_why(office: Office) -> None:
    """Such as a sender that was not there."""
    incident = declared(office)
    with office.desk.store.write() as work:
        work.record("hand_off.refused", incident=incident, actor="operator-1", reason="no sender", failures=[])
    (line,) = review(office.desk, incident).denials
    assert (line.clause, line.fact, line.person) == ("", "no sender", "operator-1")


def test_mitigations_stand_with_who_attested_them_and_on_what(office: Office) -> None:
    """Of an account that policy asks them of; those that only software checks are nobody's."""
    office.account("tiktok")
    office.account("webhook")
    accounts.register(office.desk, "phone-1", "tiktok-1", "ops-1")
    about = {"channel": "tiktok", "account": "tiktok-1", "device": "phone-1", "app_version": "41.2"}
    pen = office.pen("security-1")
    evidence.attest(office.desk, pen, Mode.EXERCISE, **about, evidence=FILE, mitigations=("M06",))
    attested_at = office.clock.now
    office.clock.advance(MINUTE)
    plan = office.plan(EXCEPTIONAL)
    (found,) = read(office, plan).plans
    by_code = {one.code: one for one in found.mitigations}
    assert {one.channel for one in found.mitigations} == {"tiktok"}
    held, lapsed = by_code["M06"], by_code["M08"]
    assert (held.person, held.role, held.at, held.evidence) == ("security-1", "security", attested_at, FILE)
    assert held.fault is None
    assert held.until is not None
    assert (lapsed.person, lapsed.fault) == (None, "nobody attested it, or too long ago")
    assert (by_code["M17"].person, by_code["M17"].checked_by, by_code["M17"].fault) == (None, "software", None)


def test_standing_statements_are_those_of_the_incidents_own_accounts(office: Office) -> None:
    """An attestation of another account is none of its record."""
    for name in ("tiktok-1", "tiktok-2"):
        office.account("tiktok", name)
        accounts.register(office.desk, f"phone-{name}", name, "ops-1")
        about = {"channel": "tiktok", "account": name, "device": f"phone-{name}", "app_version": "41.2"}
        evidence.attest(office.desk, office.pen("security-1"), Mode.EXERCISE, **about, evidence=FILE)
    office.account("webhook")
    wish = replace(EXCEPTIONAL, accounts=("tiktok-1", "webhook-1"))
    standing = read(office, office.plan(wish)).standing
    assert [one.said.body["account"] for one in standing if one.said] == ["tiktok-1"]


def test_the_policies_are_those_in_force_since_the_declaration(office: Office) -> None:
    """Versions that ended before it, or begin later, governed nothing."""
    office.account("webhook")
    (version,) = read(office, office.plan()).policies
    policies, now = office.desk.trust.policy, office.clock.now
    in_force = policies.in_force(now)
    assert in_force is not None
    assert (version.version, version.digest) == (in_force.version, in_force.digest)
    assert len(judged.in_force(policies, policies.versions[0].effective_from, now)) == len(policies.versions)
