"""Assessments, exemptions, attestations and the minister's decision, up to what the gate makes of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.domain.errors import Forbidden, Invalid, NotFound, SignatureNeeded
from dispatcher.domain.plan import Placement
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts, clearing, evidence
from dispatcher.service.evidence import AssessmentOutcome, Decision
from tests.cast import RECORD
from tests.office import EXCEPTIONAL, Office

DIGEST = "ab" * 32


def assess(office: Office, channel: str, person: str = "director-2", outcome: str = "permitted") -> evidence.Recorded:
    """Assess organic use of a channel."""
    return evidence.assess(
        office.desk,
        office.pen(person),
        Mode.EXERCISE,
        channel=channel,
        placement=Placement.ORGANIC,
        outcome=AssessmentOutcome(outcome),
        record=RECORD,
        evidence=DIGEST,
    )


def exempt(office: Office, account: str = "tiktok-1", days: int = 90, channel: str = "tiktok") -> evidence.Recorded:
    """Exempt an account."""
    pen, life = office.pen("security-1"), timedelta(days=days)
    return evidence.exempt(
        office.desk, pen, Mode.EXERCISE, channel=channel, account=account, need="young people", life=life
    )


def attest(office: Office, *mitigations: str, device: str = "phone-1") -> evidence.Recorded:
    """Attest mitigations of the hand-off account, all unless named."""
    return evidence.attest(
        office.desk,
        office.pen("security-1"),
        Mode.EXERCISE,
        channel="tiktok",
        account="tiktok-1",
        device=device,
        app_version="41.2",
        evidence=DIGEST,
        mitigations=mitigations,
    )


def tiktok_plan(office: Office) -> str:
    """A plan for the hand-off account and a webhook, approved by everybody who must, its device registered."""
    office.account("tiktok")
    office.account("webhook")
    accounts.register(office.desk, "phone-1", "tiktok-1", "ops-1")
    return office.approved("security-1", wish=EXCEPTIONAL)


def lacking(office: Office, plan: str) -> dict[str, str]:
    """What still fails, by clause; the relay's signed status aside, which no relay made here."""
    findings = clearing.show(office.desk, plan).findings
    return {f.clause: f.fact for finding in findings for f in finding.lacking if f.clause != "G16"}


def test_an_assessment_opens_its_channel(office: Office) -> None:
    """X is clear once somebody whom policy names has assessed it."""
    office.account("x")
    plan = office.approved()
    assert set(lacking(office, plan)) == {"G09"}
    assess(office, "Twitter")
    assert lacking(office, plan) == {}


def test_an_assessment_that_refuses_closes_the_channel_again(office: Office) -> None:
    """The newest assessment counts."""
    office.account("x")
    plan = office.approved()
    assess(office, "x")
    office.clock.advance(timedelta(minutes=1))
    assess(office, "x", outcome="refused")
    assert lacking(office, plan) == {"G09": "x was assessed as refused"}


def test_whom_policy_does_not_name_cannot_assess(office: Office) -> None:
    """An author's signature is refused before it is made."""
    with pytest.raises(SignatureNeeded):
        assess(office, "x", "author-1")
    assert office.pen("author-1").signed == []


def test_the_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    """As sha256sum prints it."""
    (tmp_path / "empty").write_bytes(b"")
    assert evidence.file_digest(tmp_path / "empty").startswith("e3b0c44298fc1c14")


def test_an_exemption_lasts_a_year_at_most(office: Office) -> None:
    """366 days are refused; 365 are not."""
    office.account("tiktok")
    with pytest.raises(Forbidden, match="a year"):
        exempt(office, days=366)
    assert exempt(office, days=365).expires == office.clock.now + timedelta(days=365)


@pytest.mark.parametrize("account", ["*", "tiktok-2", ""])
def test_an_exemption_names_an_account_that_exists(office: Office, account: str) -> None:
    """There are no wildcards."""
    office.account("tiktok")
    with pytest.raises(NotFound):
        exempt(office, account)


def test_an_exemption_names_the_account_on_its_own_channel(office: Office) -> None:
    """An account of another channel is refused."""
    office.account("webhook")
    with pytest.raises(Invalid, match="webhook"):
        exempt(office, "webhook-1")


def test_an_attestation_names_the_registered_device(office: Office) -> None:
    """Another device's mitigations say nothing about this account."""
    tiktok_plan(office)
    with pytest.raises(NotFound, match="phone-2"):
        attest(office, device="phone-2")


def test_a_device_that_is_not_named_is_not_attested(office: Office) -> None:
    """A hand-off account has one; who leaves it out is told so, and so is who leaves out its app."""
    tiktok_plan(office)
    with pytest.raises(NotFound, match="none is not the device"):
        attest(office, device="")
    about = {"channel": "tiktok", "account": "tiktok-1", "device": "phone-1", "evidence": DIGEST}
    with pytest.raises(Invalid, match="the version of the app"):
        evidence.attest(office.desk, office.pen("security-1"), Mode.EXERCISE, **about)


def test_a_mitigation_that_policy_does_not_know_is_refused(office: Office) -> None:
    """M99 is none, and the message lists those that are."""
    tiktok_plan(office)
    with pytest.raises(Invalid, match="M99"):
        attest(office, "M01", "M99")


def test_everything_that_the_exceptional_tier_asks_for_clears_it(office: Office) -> None:
    """Assessment, exemption, attestation and decision each take one clause away."""
    plan = tiktok_plan(office)
    assert set(lacking(office, plan)) == {"G09", "G10", "G11", "G12"}
    assess(office, "tiktok")
    exempt(office)
    attest(office)
    evidence.decide(office.desk, plan, office.pen("private-office-1"), Decision.AGREED)
    assert lacking(office, plan) == {}


def test_a_recorded_decision_lapses_after_a_day_unless_the_code_came_back(office: Office) -> None:
    """Confirmed, it still holds after 24 hours; unconfirmed, G12 says so."""
    plan = tiktok_plan(office)
    decided = evidence.decide(office.desk, plan, office.pen("private-office-1"), Decision.AGREED)
    assert decided.code is not None
    office.clock.advance(timedelta(hours=23))
    evidence.confirm(office.desk, plan, office.pen("private-office-1"), decided.code.reveal())
    office.clock.advance(timedelta(hours=2))
    assert "G12" not in lacking(office, plan)


def test_an_unconfirmed_decision_lapses_after_a_day(office: Office) -> None:
    """Without the code, G12 fails after 24 hours."""
    plan = tiktok_plan(office)
    evidence.decide(office.desk, plan, office.pen("private-office-1"), Decision.AGREED)
    office.clock.advance(timedelta(hours=25))
    assert lacking(office, plan)["G12"] == "the minister's decision was not confirmed within 24 hours"


def test_a_code_is_taken_as_it_was_meant(office: Office) -> None:
    """Case, spaces and the letters that look like digits do not count."""
    plan = tiktok_plan(office)
    decided = evidence.decide(office.desk, plan, office.pen("private-office-1"), Decision.AGREED)
    assert decided.code is not None
    typed = decided.code.reveal().lower().replace("-", " ").replace("0", "O").replace("1", "l")
    assert evidence.confirm(office.desk, plan, office.pen("minister-1"), typed).stored.digest == plan


def test_a_wrong_code_is_refused_and_in_the_ledger(office: Office) -> None:
    """Nothing is signed for it."""
    plan = tiktok_plan(office)
    evidence.decide(office.desk, plan, office.pen("private-office-1"), Decision.AGREED)
    with pytest.raises(Invalid, match="fits no decision"):
        evidence.confirm(office.desk, plan, office.pen("private-office-1"), "0000-0000-0000")
    assert [entry.facts["actor"] for entry in office.ledger("confirmation.refused")] == ["private-office-1"]
    assert office.ledger("statement.confirm") == []


def test_a_code_comes_back_within_a_day(office: Office) -> None:
    """After 24 hours the right code is refused too."""
    plan = tiktok_plan(office)
    decided = evidence.decide(office.desk, plan, office.pen("private-office-1"), Decision.AGREED)
    assert decided.code is not None
    office.clock.advance(timedelta(hours=24))
    with pytest.raises(Forbidden, match="24 hours"):
        evidence.confirm(office.desk, plan, office.pen("private-office-1"), decided.code.reveal())


def test_the_code_is_in_no_table(office: Office) -> None:
    """Neither statements nor ledger hold it; only its digest is recorded."""
    plan = tiktok_plan(office)
    decided = evidence.decide(office.desk, plan, office.pen("private-office-1"), Decision.AGREED)
    assert decided.code is not None
    plain = decided.code.reveal().replace("-", "").lower()
    database = office.desk.settings.path("data", "dispatcher.db")
    stored = database.read_bytes() + database.with_name("dispatcher.db-wal").read_bytes()
    assert (plain.encode() in stored, decided.code.reveal().encode() in stored) == (False, False)


def test_a_minister_who_signs_needs_no_code(office: Office) -> None:
    """The decision stands at once and does not lapse after a day."""
    plan = tiktok_plan(office)
    decided = evidence.decide(office.desk, plan, office.pen("minister-1"), Decision.AGREED)
    office.clock.advance(timedelta(hours=25))
    assert decided.code is None
    assert "G12" not in lacking(office, plan)


def test_a_minister_who_refuses_closes_the_channel(office: Office) -> None:
    """G12 says that the minister refused."""
    plan = tiktok_plan(office)
    evidence.decide(office.desk, plan, office.pen("minister-1"), Decision.REFUSED)
    assert lacking(office, plan)["G12"] == "the minister refused"


def test_a_channel_that_the_plan_does_not_have_is_not_decided(office: Office) -> None:
    """The message lists the plan's channels."""
    plan = tiktok_plan(office)
    with pytest.raises(Invalid, match="no channel x"):
        evidence.decide(office.desk, plan, office.pen("minister-1"), Decision.AGREED, ["x"])
