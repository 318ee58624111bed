"""Alarms: what stands, who is told of what, and how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from dispatcher.domain.statement import Mode
from dispatcher.service import watching
from dispatcher.service.releasing import release
from dispatcher.service.reviewing.review import review
from dispatcher.service.watching import Alarm, Raised
from dispatcher.store import leading, records
from dispatcher.store.foreign import ForeignPostRow
from dispatcher.store.sightings import SightingRow
from dispatcher.store.tables import PlanRow
from dispatcher.store.workers import Process
from tests.office import Office

DIRECTORS = {"director-1", "director-2", "deputy-director-1", "ops-1"}


@pytest.fixture
def released(office: Office) -> str:
    """A plan over an account on X that was just released; everybody has a contact."""
    trust = office.desk.trust
    people = tuple(replace(p, contacts=(f"sms://{p.id}@example.org",)) for p in trust.roster.people)
    office.desk = replace(office.desk, trust=replace(trust, roster=replace(trust.roster, people=people)))
    office.account("webhook")
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    office.notices.clear()
    return plan


def seen(office: Office, plan: str, seen_as: str, kind: str = "publish") -> str:
    """A look found that; returns the delivery's name."""
    name, now = office.delivery(plan), office.clock.now
    office.set_state(name, "leased", "sending", "accepted", reference="ref-1", kind=kind)
    values = {"seen": seen_as, "seen_at": now, "looked_at": now, "since": now, "due_at": now}
    with office.desk.store.write() as work:
        work.execute(insert(SightingRow).values(delivery=name, **values))
    return name


def turn(office: Office, role: str = "relay", *, waited: bool = False) -> Raised:
    """One turn of a role, and its notices."""
    process = Process(f"{role}/1", role, "exercise", "host-1", 1, "1.0")
    raised = watching.turn(office.desk, process, waited=waited)
    watching.tell(office.desk, Mode.EXERCISE, raised)
    return raised


def told(office: Office) -> set[str]:
    """Whom the notices so far went to."""
    return {url.removeprefix("sms://").partition("@")[0] for url, _, _ in office.notices}


def test_directors_and_ops_are_told_of_a_post_that_is_gone_once(office: Office, released: str) -> None:
    """One notice each, with what, since when, and the command; the next turn has nothing new."""
    name = seen(office, released, "missing")
    turn(office)
    turn(office)
    assert (told(office), len(office.notices)) == (DIRECTORS, len(DIRECTORS))
    _, title, body = office.notices[0]
    assert title == "EXERCISE Not seen as approved: Storm"
    assert "message to webhook-1 (webhook): missing since" in body
    assert f"Look: dispatcher delivery show {name[:12]}" in body


def test_a_notice_has_nothing_of_the_text(office: Office, released: str) -> None:
    """A contact may be a third party's service."""
    seen(office, released, "altered")
    turn(office)
    assert not any("Stay in" in body for _, _, body in office.notices)


def found(office: Office, count: int = 1, account: str = "webhook-1") -> None:
    """A look found posts of somebody else's."""
    values = {"at": office.clock.now, "found_at": office.clock.now, "told": False}
    rows = [
        {"account": account, "reference": f"{n}", "url": f"https://city.example/{n}", **values} for n in range(count)
    ]
    with office.desk.store.write() as work:
        work.execute(insert(ForeignPostRow), rows)


@pytest.mark.usefixtures("released")
def test_directors_and_ops_are_told_once_of_a_foreign_post_and_what_to_do(office: Office) -> None:
    """Which account, the link, when, and the commands that take the account back; nothing of what it says."""
    found(office)
    turn(office)
    turn(office)
    assert (told(office), len(office.notices)) == (DIRECTORS, len(DIRECTORS))
    _, title, body = office.notices[0]
    assert title == "EXERCISE Foreign post on webhook-1"
    assert f"{office.clock.now:%Y-%m-%d %H:%M:%S UTC}: https://city.example/0" in body
    assert "dispatcher account rotate webhook-1 --secret-file NAME=FILE" in body
    assert "dispatcher account hold webhook-1 --reason TEXT" in body


@pytest.mark.usefixtures("released")
def test_a_flood_of_foreign_posts_is_one_notice_and_one_alarm(office: Office) -> None:
    """Whoever has the account may post as fast as its platform lets them."""
    found(office, 7)
    turn(office)
    assert len(office.notices) == len(DIRECTORS)
    assert "and 2 more: dispatcher ledger tail --kind account.foreign_post" in office.notices[0][2]
    (alarm,) = alarms(office)
    assert (alarm.alarm, alarm.about, alarm.account) == ("foreign", "https://city.example/0", "webhook-1")


def test_people_hear_that_a_post_is_back(office: Office, released: str) -> None:
    """Who was told of the loss is told of its end."""
    seen(office, released, "missing")
    turn(office)
    office.notices.clear()
    with office.desk.store.write() as work:
        work.execute(update(SightingRow).values(seen="visible"))
    turn(office)
    assert {title for _, title, _ in office.notices} == {"EXERCISE Seen again: Storm"}


def test_a_withdrawal_that_does_not_work_is_called_that(office: Office, released: str) -> None:
    """It is not missing: the post is not."""
    seen(office, released, "missing", "withdraw")
    turn(office)
    assert all("withdrawal to webhook-1 (webhook): not in effect since" in body for _, _, body in office.notices)


def test_a_lane_leaves_the_telling_to_the_relay(office: Office, released: str) -> None:
    """It holds a credential, and needs no way to anybody's service."""
    seen(office, released, "missing")
    with office.desk.store.write() as work:
        leading.lead(work, "relay-exercise", "relay/1", timedelta(seconds=10))
    turn(office, "accounts", waited=True)
    assert office.notices == []


def test_a_lane_tells_what_the_relay_does_not(office: Office, released: str) -> None:
    """A relay that is gone is no reason to be silent: it is one more alarm."""
    seen(office, released, "missing")
    office.clock.advance(timedelta(seconds=31))
    raised = turn(office, "accounts", waited=True)
    assert ([one.role for one in raised.silent], len(raised.changed)) == (["relay"], 1)
    assert {title for _, title, _ in office.notices} == {
        "EXERCISE Silent: relay",
        "EXERCISE Not seen as approved: Storm",
    }


def test_a_lane_tells_it_though_nothing_waits_for_the_relay(office: Office, released: str) -> None:
    """All was sent and settled long ago; the post is gone now."""
    seen(office, released, "missing")
    with office.desk.store.write() as work:
        work.execute(update(PlanRow).values(state="settled"))
    office.clock.advance(timedelta(seconds=31))
    turn(office, "accounts", waited=True)
    assert {title for _, title, _ in office.notices} == {"EXERCISE Not seen as approved: Storm"}


def test_a_lane_that_is_gone_is_noticed_once_and_on_record(office: Office, released: str) -> None:
    """Half a minute after the release that waits for it; by the relay, which keeps saying that it is there."""
    assert office.delivery(released)
    office.clock.advance(timedelta(seconds=31))
    raised = turn(office, waited=True)
    turn(office, waited=True)
    assert "accounts" in [one.role for one in raised.silent]
    entries = [entry.facts["role"] for entry in office.ledger("role.silent")]
    assert sorted(entries) == ["accounts", "relay"]


def test_who_has_just_begun_knows_of_no_silence(office: Office, released: str) -> None:
    """The others may be starting, too."""
    assert office.delivery(released)
    office.clock.advance(timedelta(seconds=31))
    assert turn(office, waited=False).silent == ()


def alarms(office: Office) -> list[Alarm]:
    """What stands."""
    with office.desk.store.read() as work:
        return watching.alarms(office.desk, work)


def test_what_stands_has_the_command_to_look_with(office: Office, released: str) -> None:
    """Told or not, for as long as it is so."""
    name = seen(office, released, "altered")
    turn(office)
    since = office.clock.now
    assert alarms(office) == [
        Alarm("altered", name, "webhook-1", since, f"dispatcher delivery show {name}", "exercise")
    ]


def test_silence_stands_for_as_long_as_it_lasts(office: Office, released: str) -> None:
    """Noticed or not, until the role speaks."""
    assert office.delivery(released)
    office.clock.advance(timedelta(seconds=31))
    turn(office, waited=True)
    assert "accounts exercise" in [alarm.about for alarm in alarms(office)]
    turn(office, "accounts")
    assert "accounts exercise" not in [alarm.about for alarm in alarms(office)]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "just now"), (1, "1 second ago"), (119, "1 minute ago"), (7_200, "2 hours ago"), (200_000, "2 days ago")],
)
def test_a_review_says_what_the_public_saw_and_when(office: Office, released: str, seconds: int, said: str) -> None:
    """In words, beside the delivery."""
    name = seen(office, released, "visible")
    office.clock.advance(timedelta(seconds=seconds))
    with office.desk.store.read() as work:
        incident = records.plan(work, released).plan.incident
    (found,) = (d for d in review(office.desk, incident).deliveries if d.id == name)
    assert found.public.startswith("visible since ")
    assert found.public.endswith(f"seen {said}")
