"""Standing down: sending ends at once, and the incident stays open until nothing is owed any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatcher.domain.errors import DispatcherError, Forbidden, Invalid, SignatureNeeded, Stale
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts, clearing, closing, evidence, releasing
from dispatcher.service.closing import Owed
from dispatcher.store import deliveries, records
from tests.office import EXCEPTIONAL, Office

HOUR = timedelta(hours=1)
FILE = "ab" * 32


def incident_of(office: Office, plan: str) -> str:
    """The incident that a plan is about."""
    with office.desk.store.read() as work:
        return records.plan(work, plan).plan.incident


def stood_down(office: Office, plan: str, person: str = "director-1") -> Owed:
    """Stand a plan's incident down."""
    return closing.stand_down(office.desk, incident_of(office, plan), office.pen(person), "the storm has passed")


def due(office: Office, owed: Owed) -> dict[str, timedelta]:
    """What is still owed, and in how long."""
    return {obligation.what: obligation.due_at - office.clock.now for obligation in owed.open}


def test_what_has_not_begun_is_cancelled(office: Office) -> None:
    """The only delivery of a released plan ends cancelled, and its clearance stood down."""
    office.account("webhook")
    plan = office.approved()
    releasing.release(office.desk, plan, office.pen("director-1"))
    stood_down(office, plan)
    with office.desk.store.read() as work:
        (row,) = deliveries.listed(work, plan=plan)
        found = (row.state, row.reason, records.clearance_states(work, plan))
    assert found == ("cancelled", "stood down", {"webhook": "stood_down"})


def test_the_gate_goes_by_the_signature_and_not_by_the_row(office: Office) -> None:
    """An incident that somebody makes active again in the database stays over for the gate."""
    office.account("webhook")
    plan = office.approved()
    stood_down(office, plan)
    forged = "UPDATE incidents SET state = 'active'"
    with office.desk.store.write() as work:
        for trigger in work.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
            work.execute(text(f"DROP TRIGGER {trigger}"))
        work.execute(text(forged))
    (finding,) = clearing.show(office.desk, plan).findings
    assert "the incident was stood down" in [failure.fact for failure in finding.failures]


def test_only_who_may_release_stands_down(office: Office) -> None:
    """A checker's signature is refused and nothing moves."""
    office.account("webhook")
    plan = office.approved()
    with pytest.raises(SignatureNeeded, match="does not hold duty_director"):
        stood_down(office, plan, "checker-1")
    assert office.ledger("statement.stand_down") == []


def test_an_incident_is_stood_down_once(office: Office) -> None:
    """The second time somebody else was first."""
    office.account("webhook")
    plan = office.approved()
    stood_down(office, plan)
    with pytest.raises(Stale, match="not active any more"):
        stood_down(office, plan, "director-2")


def test_two_reviews_are_owed_after_any_stand_down(office: Office) -> None:
    """A hot one within 72 hours and a formal one within 28 days."""
    office.account("webhook")
    owed = stood_down(office, office.approved())
    assert due(office, owed) == {"the hot review": 72 * HOUR, "the formal review": timedelta(days=28)}


def test_an_incident_closes_when_nothing_is_owed(office: Office) -> None:
    """Refused with what is owed; closed once both reviews are signed."""
    office.account("webhook")
    incident = stood_down(office, office.approved()).incident.id
    with pytest.raises(Forbidden, match="2 things are owed; first: the hot review"):
        closing.close(office.desk, incident, "director-1")
    for which in ("hot", "formal"):
        closing.review(office.desk, f"{incident}/{which}", office.pen("reviewer-1"), "went as planned", FILE)
    assert closing.close(office.desk, incident, "director-1").incident.state == "closed"


def test_a_delivery_that_waits_for_people_keeps_the_incident_open(office: Office) -> None:
    """One held delivery is named among what is owed."""
    office.account("webhook")
    plan = office.approved()
    releasing.release(office.desk, plan, office.pen("director-1"))
    office.set_state(office.delivery(plan), "leased", "sending", "in_doubt", "held", reason="ambiguous")
    assert "every delivery has ended, none is in doubt or waits for people" in due(office, stood_down(office, plan))


def test_the_exempted_app_is_deleted_and_access_ends_within_a_day(office: Office) -> None:
    """M11 is owed for the TikTok account until the security team attests it after the stand-down."""
    for channel in ("webhook", "tiktok"):
        office.account(channel)
    accounts.register(office.desk, "phone-1", "tiktok-1", "ops-1")
    plan = office.plan(EXCEPTIONAL)
    owed = stood_down(office, plan)
    deletion = next(what for what in due(office, owed) if what.startswith("M11"))
    assert due(office, owed)[deletion] == 24 * HOUR
    about = {"channel": "tiktok", "account": "tiktok-1", "device": "phone-1", "app_version": "none"}
    codes = tuple(what.partition(":")[0] for what in due(office, owed) if what.startswith("M"))
    security = office.pen("security-1")
    evidence.attest(office.desk, security, Mode.EXERCISE, **about, evidence=FILE, mitigations=codes)
    assert not [what for what in due(office, closing.owed(office.desk, owed.incident.id)) if what.startswith("M")]


def test_an_attestation_from_before_the_stand_down_does_not_count(office: Office) -> None:
    """That the app was deleted is to be seen afterwards."""
    for channel in ("webhook", "tiktok"):
        office.account(channel)
    accounts.register(office.desk, "phone-1", "tiktok-1", "ops-1")
    about = {"channel": "tiktok", "account": "tiktok-1", "device": "phone-1", "app_version": "41.2"}
    evidence.attest(
        office.desk, office.pen("security-1"), Mode.EXERCISE, **about, evidence=FILE, mitigations=("M11",)
    )
    plan = office.plan(EXCEPTIONAL)
    office.clock.advance(HOUR)
    assert any(what.startswith("M11") for what in due(office, stood_down(office, plan)))


def test_breaking_the_glass_is_reviewed_within_a_day_by_somebody_else(office: Office) -> None:
    """Who broke it is refused; a reviewer's signature settles it."""
    office.account("webhook")
    plan = office.plan()
    for person in ("author-1", "director-1"):
        clearing.break_glass(office.desk, plan, office.pen(person), "water in the streets")
    (obligation,) = closing.owed(office.desk, incident_of(office, plan)).open
    assert obligation.due_at - office.clock.now == 24 * HOUR
    with pytest.raises(Forbidden, match="broke the glass"):
        closing.review(office.desk, plan, office.pen("director-1"), "it was right", FILE)
    assert closing.review(office.desk, plan, office.pen("reviewer-1"), "it was right", FILE).open == ()


@pytest.mark.parametrize(
    ("name", "finding", "error"),
    [("{}/cold", "found", Invalid), ("{}/hot", " ", Invalid), ("inc-0/hot", "found", DispatcherError)],
)
def test_a_review_of_nothing_is_refused(office: Office, name: str, finding: str, error: type[Exception]) -> None:
    """No such review, no finding, no such incident: an error each, nothing signed."""
    office.account("webhook")
    incident = incident_of(office, office.plan())
    with pytest.raises(error):
        closing.review(office.desk, name.format(incident), office.pen("reviewer-1"), finding, FILE)
    assert office.ledger("statement.review") == []
