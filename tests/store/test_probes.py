"""Probes as rows: who takes which, what stays of a result, and which alarm is raised, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import delete

from channels.contract import Account, Probe
from dispatcher.domain.statement import Mode
from dispatcher.store import accounts, migrate, probes
from dispatcher.store.database import Store
from dispatcher.store.probes import Due
from dispatcher.store.tables import PROBES
from tests.cast import NOW
from tests.store.test_old_code import known_at

MINUTE = timedelta(minutes=1)
WELL = Probe(ok=True, detail="user 1")
Add = Callable[..., None]


@pytest.fixture
def add(store: Store) -> Add:
    """Adds an account."""

    def made(name: str, mode: Mode = Mode.LIVE, lane: str = "accounts", **more: Any) -> None:
        with store.write() as work:
            accounts.add_account(work, Account(name, "x", "Example", ("en-GB",)), lane, mode, **more)

    return made


def row(store: Store, name: str = "x-1") -> Any:
    """What is known of an account."""
    with store.read() as work:
        return next(found for found in probes.rows(work) if found.account == name)


def due(store: Store, lane: str = "accounts") -> list[Due]:
    """What is due of the live accounts of a lane."""
    with store.read() as work:
        return probes.due(work, lane, "live")


def claimed(store: Store, wanted: list[Due]) -> list[Due]:
    """Claim what is due."""
    with store.write() as work:
        return probes.claim(work, wanted, MINUTE)


def put(store: Store, one: Due, probe: Probe) -> None:
    """Write down a result; the next is due in a minute."""
    with store.write() as work:
        probes.put(work, one, probe, work.now + MINUTE)


def test_a_live_account_is_due_at_once_and_one_for_exercises_is_not(store: Store, add: Add) -> None:
    """An exercise's is probed when somebody asks."""
    add("x-1")
    add("x-2", Mode.EXERCISE)
    assert [one.account for one in due(store)] == ["x-1"]
    assert row(store, "x-2").due_at is None


def test_a_lane_sees_its_own_accounts(store: Store, add: Add) -> None:
    """Another role holds the others."""
    add("x-1")
    add("sms-1", lane="recipients")
    assert [one.account for one in due(store, "recipients")] == ["sms-1"]


def test_two_processes_do_not_probe_the_same_account(store: Store, add: Add) -> None:
    """What both have seen is one's."""
    add("x-1")
    seen = due(store)
    assert [one.account for one in claimed(store, seen)] == ["x-1"]
    assert claimed(store, seen) == []


def test_a_result_replaces_the_one_before(store: Store, add: Add) -> None:
    """With its time; and the next is due when it was said."""
    add("x-1")
    (one,) = claimed(store, due(store))
    put(store, one, Probe(ok=False, detail="401", quota="none"))
    found = row(store)
    assert (found.ok, found.detail, found.quota) == (False, "401", "none")
    assert found.due_at - found.probed_at == MINUTE


def test_what_was_asked_for_meanwhile_is_probed_again(store: Store, add: Add) -> None:
    """The result is of the credential before, and says nothing of the new one."""
    add("x-1")
    (one,) = claimed(store, due(store))
    with store.write() as work:
        probes.renew(work, "x-1", None)
    put(store, one, WELL)
    assert (row(store).probed_at, [again.account for again in due(store)]) == (None, ["x-1"])


def test_an_end_that_the_platform_tells_goes_before_what_people_said(store: Store, add: Add) -> None:
    """And its alarms begin anew."""
    add("x-1", expires_at=NOW + timedelta(days=90))
    with store.write() as work:
        assert probes.warn(work, "x-1", NOW + timedelta(days=90), 60)
    (one,) = claimed(store, due(store))
    put(store, one, Probe(True, "", NOW + timedelta(days=3)))
    assert (row(store).expires_at, row(store).warned_days) == (NOW + timedelta(days=3), None)


def test_an_end_that_is_told_again_raises_no_alarm_again(store: Store, add: Add) -> None:
    """It is the same end."""
    add("x-1", expires_at=NOW + timedelta(days=3))
    with store.write() as work:
        probes.warn(work, "x-1", NOW + timedelta(days=3), 7)
    (one,) = claimed(store, due(store))
    put(store, one, Probe(True, "", NOW + timedelta(days=3)))
    assert row(store).warned_days == 7


def test_a_platform_that_tells_no_end_leaves_what_people_said(store: Store, add: Add) -> None:
    """Somebody read it off the platform's own page."""
    add("x-1", expires_at=NOW + timedelta(days=3))
    (one,) = claimed(store, due(store))
    put(store, one, WELL)
    assert row(store).expires_at == NOW + timedelta(days=3)


def test_an_alarm_is_raised_once_and_the_shorter_after_the_longer(store: Store, add: Add) -> None:
    """Never a longer one after a shorter."""
    ends = NOW + timedelta(days=5)
    add("x-1", expires_at=ends)
    with store.write() as work:
        raised = [probes.warn(work, "x-1", ends, days) for days in (7, 7, 30, 1, 1)]
    assert raised == [True, False, False, True, False]


def test_a_new_credential_forgets_the_old_ones_result(store: Store, add: Add) -> None:
    """Its end, its alarm and what it showed."""
    add("x-1", expires_at=NOW + timedelta(days=5))
    (one,) = claimed(store, due(store))
    put(store, one, WELL)
    with store.write() as work:
        probes.warn(work, "x-1", NOW + timedelta(days=5), 7)
        probes.renew(work, "x-1", None)
    found = row(store)
    assert (found.ok, found.probed_at, found.expires_at, found.warned_days) == (None, None, None, None)


@pytest.mark.parametrize(("mode", "due"), [("live", ["x-1"]), ("exercise", [])])
def test_accounts_of_an_older_database_get_their_rows(database_url: str, mode: str, due: list[str]) -> None:
    """From the migration; live ones are due at once."""
    before = ScriptDirectory(str(migrate.MIGRATIONS)).get_revision("0006").down_revision
    engine, tables = known_at(database_url, str(before))
    row = {"id": "x-1", "mode": mode, "channel": "x", "lane": "accounts", "handle": "@x", "languages": "en-GB"}
    with engine.begin() as connection:
        connection.execute(tables.tables["accounts"].insert().values(**row, settings={}, created_at=NOW))
    migrate.upgrade(engine)
    with Store(engine, lambda: NOW, "test:1").read() as work:
        found = [one.account for one in probes.due(work, "accounts", "live")]
        named = [one.account for one in probes.rows(work)]
    engine.dispose()
    assert (found, named) == (due, ["x-1"])


def test_an_account_that_older_code_added_is_listed_and_can_be_asked_for(store: Store, add: Add) -> None:
    """It has no row yet: a rolling restart runs both versions beside each other."""
    add("x-1")
    with store.write() as work:
        work.execute(delete(PROBES))
    assert row(store).probed_at is None
    with store.write() as work:
        probes.ask(work, ["x-1"])
    assert [one.account for one in due(store)] == ["x-1"]
