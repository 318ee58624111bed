"""What is known of accounts, how fresh it is said to be, and the alarms before a credential ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from channels.contract import Account, Probe, Secret
from dispatcher.domain.errors import Invalid, NotFound, SignatureNeeded
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts, probing
from dispatcher.service.probing import Probed
from dispatcher.store import probes
from tests.office import SECRETS, SETTINGS, Office
from tests.service.test_notices import reach, told

DAY = timedelta(days=1)
NEW = {"token": Secret("planted-new-token")}


def add(office: Office, name: str = "x-1", mode: Mode = Mode.LIVE, days: int | None = None) -> None:
    """Add an account on X whose credential ends in so many days."""
    ends = None if days is None else office.clock.now + days * DAY
    accounts.add(office.desk, Account(name, "x", "Example", ("en-GB",), SETTINGS["x"]), mode, SECRETS, "ops-1", ends)


def probed(office: Office, probe: Probe, name: str = "x-1") -> None:
    """Play the sender: probe an account that was asked for."""
    probing.ask(office.desk, [name])
    with office.desk.store.write() as work:
        due = [one for one in probes.due(work, "accounts", "live") if one.account == name]
        (one,) = probes.claim(work, due, timedelta(minutes=1))
        probes.put(work, one, probe, None)


def known(office: Office) -> Probed:
    """What is known of the one account."""
    (found,) = probing.known(office.desk)
    return found


def alarms(office: Office) -> list[int]:
    """Raise what is due; gives the days of every alarm in the ledger, in order."""
    probing.alarm(office.desk, Mode.LIVE)
    return [entry.facts["days"] for entry in office.ledger("credential.expires")]


def test_a_live_account_that_was_never_probed_is_trouble(office: Office) -> None:
    """Nobody knows whether it could send."""
    add(office)
    assert (known(office).probe, known(office).trouble) == ("not probed", True)


def test_an_exercises_account_need_not_be_probed(office: Office) -> None:
    """Nothing of an exercise wears out."""
    add(office, mode=Mode.EXERCISE)
    assert not known(office).trouble


@pytest.mark.parametrize(
    ("age", "words", "late"),
    [
        (timedelta(seconds=1), "1 second", ""),
        (timedelta(minutes=4), "4 minutes", ""),
        (timedelta(minutes=119), "1 hour", ", STALE"),
        (timedelta(hours=50), "2 days", ", STALE"),
    ],
)
def test_a_probe_is_told_with_its_age(office: Office, age: timedelta, words: str, late: str) -> None:
    """In the largest unit that is full, and marked once it is too old to say anything."""
    add(office)
    probed(office, Probe(ok=True, detail="user 1"))
    office.clock.advance(age)
    assert known(office).probe == f"probed {words} ago{late}: ok"


def test_a_probe_that_failed_says_why_and_is_trouble(office: Office) -> None:
    """Whatever its age."""
    add(office)
    probed(office, Probe(ok=False, detail="check the token"))
    assert (known(office).probe, known(office).trouble) == ("probed just now: FAILED: check the token", True)


def test_a_result_is_stale_after_twice_the_schedule(office: Office) -> None:
    """Ten minutes on X, whose reads are charged; until then it is none's trouble."""
    add(office)
    probed(office, Probe(ok=True, detail=""))
    office.clock.advance(timedelta(minutes=20))
    assert not known(office).trouble
    office.clock.advance(timedelta(seconds=1))
    assert (known(office).stale, known(office).trouble) == (True, True)


@pytest.mark.parametrize(("channel", "minutes"), [("x", 10), ("youtube", 15), ("mastodon", 3), ("notify", 3)])
def test_each_channel_is_probed_as_often_as_its_platform_bears(office: Office, channel: str, minutes: int) -> None:
    """Every three minutes, unless the platform counts or charges what a probe takes."""
    assert probing.every(office.desk.settings.timing, channel) == timedelta(minutes=minutes)


def test_a_deployment_may_say_a_longer_schedule(office: Office) -> None:
    """And no shorter one than a channel's own."""
    timing = replace(office.desk.settings.timing, probe_ms=3_600_000)
    assert probing.every(timing, "x") == timedelta(hours=1)
    assert probing.every(replace(timing, probe_ms=1_000), "x") == timedelta(minutes=10)


def test_who_asks_by_channel_means_all_its_accounts(office: Office) -> None:
    """By any of its names; and without a name all there are."""
    add(office, "x-1")
    add(office, "x-2")
    office.account("webhook")
    assert probing.ask(office.desk, ["Twitter"])[0] == ["x-1", "x-2"]
    assert probing.ask(office.desk, ["x-2", "webhook-1"])[0] == ["webhook-1", "x-2"]
    assert probing.ask(office.desk, [])[0] == ["webhook-1", "x-1", "x-2"]


@pytest.mark.parametrize("name", ["x-9", "bluesky"])
def test_what_is_no_account_of_ours_cannot_be_probed(office: Office, name: str) -> None:
    """Neither a misspelt name nor a channel that nobody has."""
    add(office)
    with pytest.raises(NotFound):
        probing.ask(office.desk, [name])


def test_alarms_are_raised_as_the_end_comes_nearer_each_once(office: Office) -> None:
    """60, 30 and 7 days and 24 hours before, and never in between."""
    add(office, days=61)
    left, raised = 61, {61: alarms(office)}
    for days in (60, 31, 30, 8, 7, 2, 1, 0):
        office.clock.advance((left - days) * DAY)
        left, raised[days] = days, alarms(office)
    first = {61: [], 60: [60], 31: [60], 30: [60, 30], 8: [60, 30]}
    assert raised == {**first, 7: [60, 30, 7], 2: [60, 30, 7], 1: [60, 30, 7, 1], 0: [60, 30, 7, 1]}


def test_an_account_that_ends_soon_raises_the_shortest_alarm_only(office: Office) -> None:
    """Added with five days left: seven, not sixty and thirty besides."""
    add(office, days=5)
    assert alarms(office) == [7]


def test_an_alarm_goes_to_ops_and_duty_directors(office: Office) -> None:
    """Once each, with the account and the command, and without a secret."""
    reach(office, "ops-1", "director-1", "director-2", "security-1", "author-1")
    add(office, days=5)
    alarms(office)
    alarms(office)
    assert told(office) == {"ops-1", "director-1", "director-2"}
    assert len(office.notices) == 3
    assert all("dispatcher account rotate x-1" in body for _, _, body in office.notices)


def test_an_end_that_is_near_is_trouble_and_says_the_days(office: Office) -> None:
    """Though its probe is well."""
    add(office, days=60)
    probed(office, Probe(ok=True, detail=""))
    assert (known(office).days_left, known(office).trouble) == (60, True)


def test_a_rotated_account_begins_anew(office: Office) -> None:
    """Its probe is forgotten and asked for, its alarm may be raised again."""
    add(office, days=5)
    probed(office, Probe(ok=False, detail="check the token"))
    alarms(office)
    accounts.rotate(office.desk, "x-1", NEW, office.pen("ops-1"), office.clock.now + 6 * DAY)
    assert (known(office).probe, known(office).days_left) == ("not probed", 6)
    with office.desk.store.read() as work:
        assert [one.account for one in probes.due(work, "accounts", "live")] == ["x-1"]
    assert alarms(office) == [7, 7]


def test_a_rotation_is_in_the_ledger_without_the_secret(office: Office) -> None:
    """Who, which account, the names of the secrets and the end; the sender opens the new ones."""
    add(office)
    ends = office.clock.now + DAY
    accounts.rotate(office.desk, "x-1", NEW, office.pen("security-1"), ends)
    (entry,) = office.ledger("account.rotated")
    assert entry.facts == {
        "actor": "security-1",
        "account": "x-1",
        "mode": "live",
        "secrets": ["token"],
        "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    assert office.desk.settings.vault(Mode.LIVE, "accounts").open("x-1").secrets == NEW
    database = office.desk.settings.path("data", "dispatcher.db")
    assert b"planted-new" not in database.read_bytes() + database.with_name("dispatcher.db-wal").read_bytes()


def test_a_rotation_does_not_go_by_what_sql_says_of_the_account(office: Office) -> None:
    """Who can write to SQL cannot have a new token sent to another host."""
    add(office)
    with office.desk.store.write() as work:
        work.connection.exec_driver_sql("""UPDATE accounts SET settings = '{"base_url": "https://evil.example"}'""")
    accounts.rotate(office.desk, "x-1", NEW, office.pen("ops-1"))
    opened = office.desk.settings.vault(Mode.LIVE, "accounts").open("x-1")
    assert (opened.account.settings, opened.secrets) == (SETTINGS["x"], NEW)


@pytest.mark.parametrize("secrets", [{}, {"other": Secret("s")}])
def test_secrets_that_would_not_do_are_refused_and_the_old_stay(office: Office, secrets: dict[str, Secret]) -> None:
    """None at all, or not what the adapter needs."""
    add(office)
    with pytest.raises(Invalid):
        accounts.rotate(office.desk, "x-1", secrets, office.pen("ops-1"))
    assert office.desk.settings.vault(Mode.LIVE, "accounts").open("x-1").secrets == SECRETS
    assert office.ledger("account.rotated") == []


def test_an_account_is_rotated_where_its_credential_is(office: Office) -> None:
    """On another host the new secrets would help nobody."""
    add(office)
    (office.desk.settings.vault(Mode.LIVE, "accounts").folder / "x-1.age").unlink()
    with pytest.raises(NotFound, match="no credential on this host"):
        accounts.rotate(office.desk, "x-1", NEW, office.pen("ops-1"))


@pytest.mark.parametrize("person", ["author-1", "director-1"])
def test_ops_and_security_rotate_and_nobody_else(office: Office, person: str) -> None:
    """A wrong secret ends an account's sending."""
    add(office)
    with pytest.raises(SignatureNeeded):
        accounts.rotate(office.desk, "x-1", NEW, office.pen(person))


def test_a_credential_that_has_ended_is_not_taken(office: Office) -> None:
    """Neither at first nor in place of another."""
    with pytest.raises(Invalid, match="ended"):
        add(office, days=0)
    add(office)
    with pytest.raises(Invalid, match="ended"):
        accounts.rotate(office.desk, "x-1", NEW, office.pen("ops-1"), office.clock.now)


def test_the_schedule_is_the_deployments(office: Office) -> None:
    """Probed every hour, it is stale after two."""
    add(office)
    probed(office, Probe(ok=True, detail=""))
    settings = office.desk.settings
    seldom = replace(office.desk, settings=replace(settings, timing=replace(settings.timing, probe_ms=3_600_000)))
    office.clock.advance(timedelta(minutes=119))
    assert [one.trouble for one in probing.known(seldom)] == [False]
    office.clock.advance(timedelta(minutes=2))
    assert [one.trouble for one in probing.known(seldom)] == [True]


def test_a_credential_that_is_renewed_by_itself_has_no_end(office: Office) -> None:
    """Its end is told while a renewal fails, and then its alarms go out; once it is renewed nobody minds it."""
    add(office)
    ends = office.clock.now + 20 * DAY
    probed(office, Probe(ok=True, detail="could not be renewed", expires_at=ends))
    assert (known(office).expires_at, alarms(office)) == (ends, [30])
    probed(office, Probe(ok=True, detail="", renews=True))
    assert (known(office).expires_at, alarms(office)) == (None, [30])
