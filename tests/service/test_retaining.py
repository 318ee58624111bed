"""Legal hold: nothing of the incident is purged while it is in force."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.domain.errors import Forbidden, Invalid, SignatureNeeded
from dispatcher.domain.statement import Mode
from dispatcher.service import recipients, retaining
from dispatcher.service.submitting import Wish
from dispatcher.store import recipients as stored
from dispatcher.store import records
from tests.office import Office

WHY = "an inquiry was announced"
MONTHS = timedelta(days=90)


@pytest.fixture
def incident(office: Office) -> str:
    """An incident whose plan, which nobody released, names a list of one."""
    path = office.desk.settings.path("numbers.csv")
    path.write_text("phone\n07700 900300\n")
    for name in ("residents", "others"):
        recipients.import_csv(office.desk, name, path, Mode.EXERCISE, "ops-1")
    office.account("notify")
    plan = office.plan(Wish(lists={"": ("residents",)}))
    with office.desk.store.read() as work:
        return records.plan(work, plan).plan.incident


def purged(office: Office, keep: timedelta) -> int:
    """What the relay purges when its hour comes."""
    with office.desk.store.write() as work:
        return stored.purge_due(work, Mode.EXERCISE, keep)


def test_the_relay_purges_everything_but_what_is_retained(office: Office, incident: str) -> None:
    """However old it is; once the hold has ended, it goes."""
    made = retaining.retain(office.desk, incident, WHY, office.pen("propriety-1"))
    assert (made.retained, made.lists) == (True, ("residents",))
    office.clock.now += MONTHS
    assert purged(office, timedelta(days=30)) == 1
    assert {row["name"]: row["retained_for"] for row in recipients.listed(office.desk)} == {
        "others": None,
        "residents": incident,
    }
    retaining.unretain(office.desk, incident, "the inquiry has ended", office.pen("legal-1"))
    assert purged(office, timedelta(days=30)) == 1


def test_nobody_purges_what_is_retained_by_hand(office: Office, incident: str) -> None:
    """Who tries is told who can end the hold, and nothing has changed."""
    retaining.retain(office.desk, incident, WHY, office.pen("reviewer-1"))
    with pytest.raises(Forbidden, match="legal hold") as refused:
        recipients.purge(office.desk, "residents", "ops-1", "old")
    assert f"dispatcher incident unretain {incident}" in refused.value.next_step
    assert recipients.purge(office.desk, "others", "ops-1", "old")["purged_at"]
    assert [line.facts["list"] for line in office.ledger("recipients.purged")] == ["others"]


def test_who_began_it_in_which_role_and_why_is_on_record(office: Office, incident: str) -> None:
    """The entries are the hold: nothing else says that there is one."""
    retaining.retain(office.desk, incident, WHY, office.pen("director-1"))
    (entry,) = office.ledger("incident.retained")
    said = (entry.incident, entry.facts["actor"], entry.facts["role"], entry.facts["reason"])
    assert said == (incident, "director-1", "duty_director", WHY)


@pytest.mark.parametrize("person", ["author-1", "ops-1"])
def test_a_role_that_may_not_begin_one_cannot(office: Office, incident: str, person: str) -> None:
    """Those who may are named."""
    with pytest.raises(SignatureNeeded, match="legal or propriety or reviewer or duty_director"):
        retaining.retain(office.desk, incident, WHY, office.pen(person))


def test_only_legal_ends_one(office: Office, incident: str) -> None:
    """Not even who began it."""
    retaining.retain(office.desk, incident, WHY, office.pen("director-1"))
    with pytest.raises(SignatureNeeded, match="does not hold legal now"):
        retaining.unretain(office.desk, incident, "done", office.pen("director-1"))
    assert not office.ledger("incident.unretained")


def test_a_hold_is_begun_once_ended_once_and_with_a_reason(office: Office, incident: str) -> None:
    """A second word says what is so already, and is not recorded."""
    legal = office.pen("legal-1")
    with pytest.raises(Invalid, match="no legal hold"):
        retaining.unretain(office.desk, incident, WHY, legal)
    with pytest.raises(Invalid, match="reason"):
        retaining.retain(office.desk, incident, " ", legal)
    retaining.retain(office.desk, incident, WHY, legal)
    with pytest.raises(Invalid, match="already"):
        retaining.retain(office.desk, incident, WHY, legal)
    assert len(office.ledger("incident.retained")) == 1
