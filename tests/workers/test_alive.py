"""Who is alive, and whether anybody waits for them, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from dispatcher.store import alive, leading
from dispatcher.store.alive import Silence
from dispatcher.store.tables import LEADERS, PLANS
from tests.workers.leases import LONG, Table

pytestmark = pytest.mark.system

HALF = timedelta(seconds=30)


def waits(table: Table, lane: str = "accounts") -> None:
    """Something of a released plan has been due for a minute."""
    with table.store.read() as work:
        due_at = work.now - 2 * HALF
    table.add(lane=lane, due_at=due_at)
    table.bell()


def beats(table: Table, role: str = "accounts", ago: timedelta = timedelta(0)) -> None:
    """A process of that role said so."""
    with table.store.write() as work:
        alive.beat(work, role, "exercise", "w/1")
        at = LEADERS.c.role == f"{role}-exercise"
        work.execute(update(LEADERS).where(at).values(until=work.now - ago))


def silent(table: Table) -> list[str]:
    """The roles that are silent and waited for."""
    with table.store.read() as work:
        return [one.role for one in alive.silences(work, "exercise", HALF)]


def noticed(table: Table) -> list[str]:
    """The roles whose silence was not noticed before."""
    with table.store.write() as work:
        found = alive.silences(work, "exercise", HALF)
        return [one.role for one in found if alive.notice(work, one, HALF)]


def test_a_lane_that_nobody_hears_of_is_silent_while_something_waits(table: Table) -> None:
    """And so is the relay, which nobody has heard of either."""
    waits(table)
    assert silent(table) == ["relay", "accounts"]


def test_a_lane_that_has_just_spoken_is_not(table: Table) -> None:
    """However long something waits: it may have its reasons."""
    waits(table)
    beats(table)
    assert silent(table) == ["relay"]


def test_a_lane_that_spoke_long_ago_is(table: Table) -> None:
    """Longer than silence may last."""
    waits(table)
    beats(table, ago=HALF)
    assert silent(table) == ["relay", "accounts"]


def test_a_relay_speaks_by_its_term(table: Table) -> None:
    """It renews that with every tick."""
    waits(table)
    with table.store.write() as work:
        leading.lead(work, "relay-exercise", "relay-1", LONG)
    assert silent(table) == ["accounts"]


def test_a_lane_with_nothing_due_may_rest(table: Table) -> None:
    """Only the relay is waited for, to settle the plan."""
    table.bell()
    assert silent(table) == ["relay"]


def test_another_lanes_work_is_not_waited_for_here(table: Table) -> None:
    """The bell is the other's."""
    waits(table, "recipients")
    assert silent(table) == ["relay"]


def test_nobody_is_waited_for_once_all_is_settled(table: Table) -> None:
    """A deployment may be stopped at night."""
    waits(table)
    with table.store.write() as work:
        work.execute(update(PLANS).values(state="settled"))
    assert silent(table) == []


def test_a_silence_is_noticed_once(table: Table) -> None:
    """By whoever comes first, whether the role had ever spoken or not."""
    waits(table)
    beats(table, ago=LONG)
    assert [noticed(table), noticed(table)] == [["relay", "accounts"], []]
    assert silent(table) == ["relay", "accounts"]


def test_a_role_that_speaks_and_falls_silent_again_is_noticed_again(table: Table) -> None:
    """It is another silence."""
    waits(table)
    beats(table, ago=LONG)
    noticed(table)
    beats(table, ago=LONG)
    assert noticed(table) == ["accounts"]


def test_who_has_spoken_meanwhile_is_not_noticed(table: Table) -> None:
    """What was read before is out of date."""
    waits(table)
    beats(table)
    with table.store.write() as work:
        assert not alive.notice(work, Silence("accounts", "exercise", work.now - LONG), HALF)


def test_a_relay_that_comes_back_leads(table: Table) -> None:
    """That its silence was noticed is in nobody's way."""
    waits(table)
    noticed(table)
    with table.store.write() as work:
        assert leading.lead(work, "relay-exercise", "relay-1", LONG) is not None
