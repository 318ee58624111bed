"""Alarms: what stands, who is told of what, and how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from channels.contract import Probe
from dispatcher.domain.statement import Mode
from dispatcher.service import watching
from dispatcher.service.releasing import release
from dispatcher.service.reviewing.review import review
from dispatcher.service.stuck import Finder, Found, Stuck
from dispatcher.service.watching import Alarm, Raised
from dispatcher.store import leading, records
from dispatcher.store.foreign import FOREIGN_POSTS
from dispatcher.store.sightings import SIGHTINGS
from dispatcher.store.tables import PLANS, PROBES
from dispatcher.store.workers import Process
from tests.office import Office
from tests.service.test_probing import add, probed

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
        work.execute(insert(SIGHTINGS).values(delivery=name, **values))
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
        work.execute(insert(FOREIGN_POSTS), rows)


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
        work.execute(update(SIGHTINGS).values(seen="visible"))
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
        work.execute(update(PLANS).values(state="settled"))
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


def look(office: Office, mode: Mode = Mode.EXERCISE, finder: Finder | None = None) -> list[Found]:
    """One look of the leading relay for what is stuck, and its notices."""
    finder = finder or Finder(office.desk, mode, "relay/1", lambda: 0.0)
    with office.desk.store.write() as work:
        leading.lead(work, f"relay-{mode}", "relay/1", timedelta(days=1))
    found = finder.turn()
    finder.tell(found)
    return found


def entries(office: Office) -> list[str]:
    """What the ledger has of it, in order."""
    return [
        line.kind for line in office.ledger("deliveries.stuck", "deliveries.free", "probe.failing", "probe.passing")
    ]


def test_what_is_held_is_told_once_with_the_command_to_type(office: Office, released: str) -> None:
    """In the ledger and to directors and ops, and in the alarms for as long as it is so."""
    name = office.delivery(released)
    office.set_state(name, "leased", "held", reason="exhausted")
    look(office)
    look(office)
    assert (told(office), len(office.notices)) == (DIRECTORS, len(DIRECTORS))
    _, title, body = office.notices[0]
    assert title == "EXERCISE Held: Storm"
    assert "1 to webhook-1 (webhook): not sent, and all tries are used up" in body
    assert f"Do: dispatcher delivery retry {name}" in body
    (entry,) = office.ledger("deliveries.stuck")
    assert (entry.facts["reason"], entry.facts["count"]) == ("exhausted", 1)
    (alarm,) = alarms(office)
    assert (alarm.alarm, alarm.account, alarm.look) == ("held", "webhook-1", f"dispatcher delivery retry {name}")


def test_what_is_held_again_is_told_again(office: Office, released: str) -> None:
    """Its end is on record, and no alarm stands."""
    name = office.delivery(released)
    office.set_state(name, "leased", "held", reason="exhausted")
    look(office)
    office.set_state(name, "ready")
    assert (look(office), alarms(office)) == ([], [])
    office.set_state(name, "leased", "held", reason="exhausted")
    look(office)
    assert entries(office) == ["deliveries.stuck", "deliveries.free", "deliveries.stuck"]
    assert len(office.notices) == 2 * len(DIRECTORS)


def test_another_reason_is_told_for_itself(office: Office, released: str) -> None:
    """It wants other people."""
    name = office.delivery(released)
    office.set_state(name, "leased", "held", reason="refused")
    look(office)
    office.set_state(name, "ready")
    office.set_state(name, "leased", "held", reason="exhausted")
    (found,) = look(office)
    assert isinstance(found, Stuck)
    assert found.reason == "exhausted"


def test_a_doubt_is_told_after_a_minute(office: Office, released: str) -> None:
    """Looking settles most before."""
    name = office.delivery(released)
    office.set_state(name, "leased", "sending", "in_doubt", first_intent_at=office.clock.now)
    assert look(office) == []
    office.clock.advance(timedelta(seconds=61))
    look(office)
    assert {title for _, title, _ in office.notices} == {"EXERCISE In doubt: Storm"}
    assert "in doubt" in [alarm.alarm for alarm in alarms(office)]


def test_what_waits_for_a_status_is_not_told(office: Office, released: str) -> None:
    """It goes on by itself; that the relay is silent is told."""
    office.set_state(office.delivery(released), "leased", "held", reason="stale_status")
    assert look(office) == []


def test_nothing_that_stands_in_a_row_is_in_a_notice(office: Office, released: str) -> None:
    """A contact may be a third party's service."""
    office.set_state(office.delivery(released), "leased", "held", reason="planted words")
    look(office)
    assert office.notices
    assert not any("planted" in body for _, _, body in office.notices)
    (entry,) = office.ledger("deliveries.stuck")
    assert entry.facts["reason"] == "other"


def test_of_two_relays_one_tells(office: Office, released: str) -> None:
    """The one that leads."""
    office.set_state(office.delivery(released), "leased", "held", reason="exhausted")
    with office.desk.store.write() as work:
        leading.lead(work, "relay-exercise", "relay/1", timedelta(days=1))
    assert Finder(office.desk, Mode.EXERCISE, "relay/2", lambda: 0.0).turn() == []
    assert entries(office) == []


def test_looking_takes_a_fiftieth_of_the_time(office: Office, released: str) -> None:
    """A look that took 0.1 s is not repeated for five seconds."""
    times = iter((0.0, 0.1, 5.0, 5.2, 5.3))
    finder = Finder(office.desk, Mode.EXERCISE, "relay/1", lambda: next(times))
    assert look(office, finder=finder) == []
    office.set_state(office.delivery(released), "leased", "held", reason="exhausted")
    assert look(office, finder=finder) == []
    assert len(look(office, finder=finder)) == 1


@pytest.mark.usefixtures("released")
def test_accounts_that_fail_their_probes_are_told_in_one_notice(office: Office) -> None:
    """Once, by name; nothing of what the platform said."""
    for name in ("x-1", "x-2"):
        add(office, name)
        probed(office, Probe(False, "planted words"), name)
    look(office, Mode.LIVE)
    look(office, Mode.LIVE)
    assert (told(office), len(office.notices)) == (DIRECTORS, len(DIRECTORS))
    _, title, body = office.notices[0]
    assert title == "Probes of 2 accounts fail"
    assert "x-1 (x), x-2 (x)" in body
    assert "planted" not in body
    assert [(alarm.account, alarm.look) for alarm in alarms(office)] == [
        (name, f"dispatcher channel probe {name}") for name in ("x-1", "x-2")
    ]


@pytest.mark.usefixtures("released")
def test_a_probe_that_passes_again_ends_the_alarm(office: Office) -> None:
    """And is on record."""
    add(office)
    probed(office, Probe(False, "401"))
    look(office, Mode.LIVE)
    probed(office, Probe(True, ""))
    look(office, Mode.LIVE)
    assert (entries(office), alarms(office)) == (["probe.failing", "probe.passing"], [])


@pytest.mark.usefixtures("released")
def test_an_exercises_probe_is_not_told(office: Office) -> None:
    """It is made when somebody asks, who sees the answer."""
    with office.desk.store.write() as work:
        work.execute(update(PROBES).values(ok=False, probed_at=work.now))
    assert look(office) == []
