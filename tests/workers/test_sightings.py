"""Who looks at which post, and what is believed of it, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from dispatcher.store import sightings
from dispatcher.store.queue import Move
from dispatcher.store.sightings import SIGHTINGS, Look, Watched
from dispatcher.store.tables import INCIDENTS
from tests.workers.leases import GONE, LONG, SECOND, Table

pytestmark = pytest.mark.system

NOW_ON = {"x": GONE, "bluesky": GONE}


def accepted(table: Table, account: str = "x-1", **changes: Any) -> str:
    """A post that was accepted."""
    with table.store.read() as work:
        at = {"accepted_at": work.now, "first_intent_at": work.now}
    values = {"reference": f"ref-{account}", "destination": account, **at, **changes}
    (name,) = table.add(account=account, **values)
    for state in ("leased", "sending", "accepted"):
        table.set(name, state=state)
    return name


def begun(table: Table, waits: dict[str, timedelta] = NOW_ON) -> None:
    """Have new posts looked at."""
    with table.store.write() as work:
        sightings.begin(work, "accounts", "exercise", waits)


def taken(table: Table, held: frozenset[str] | None = None, lasting: timedelta = LONG) -> list[Watched]:
    """What a reader gets."""
    with table.store.write() as work:
        return sightings.take(work, "accounts", "exercise", held, lasting)


def named(items: list[Watched]) -> list[str]:
    return sorted(item.leased.id for item in items)


def recorded(table: Table, *looks: Look) -> list[str]:
    """The names of what was changed by these looks."""
    with table.store.write() as work:
        return sorted(look.watched.leased.id for look in sightings.record(work, looks))


def gone(item: Watched) -> Look:
    """The post is not there."""
    move = Move(item.leased, item.state, "missing", "gone", facts={"seen": "missing"})
    return Look(item, None, seen="missing", move=move)


def row(table: Table, name: str) -> Any:
    with table.store.read() as work:
        return work.execute(select(SIGHTINGS).where(SIGHTINGS.c.delivery == name)).one()


def told(table: Table, mode: str = "exercise") -> list[tuple[str, str]]:
    """What people have not heard of yet."""
    with table.store.write() as work:
        return [(found.id, found.seen) for found in sightings.news(work, mode)]


@pytest.mark.parametrize(
    "changes",
    [{"list": "city"}, {"reference": None}, {"channel": "webhook"}, {"mode": "live"}, {"lane": "tiktok"}],
    ids=str,
)
def test_nobody_begins_to_look_at_what_cannot_be_looked_at(table: Table, changes: dict[str, Any]) -> None:
    """A recipient's, one without a name, a channel that shows nothing, and what another lane has."""
    accepted(table, **changes)
    begun(table)
    assert taken(table) == []


def test_a_post_is_begun_once(table: Table) -> None:
    """However often somebody looks for new ones."""
    name = accepted(table)
    begun(table)
    begun(table, {"x": LONG})
    assert named(taken(table)) == [name]


def test_a_post_is_left_alone_until_it_is_due(table: Table) -> None:
    """Its channel's record may lag."""
    accepted(table)
    begun(table, {"x": LONG})
    assert taken(table) == []


def test_one_reader_at_a_time_has_a_post(table: Table) -> None:
    """Until its lease is over."""
    name = accepted(table)
    begun(table)
    assert (named(taken(table, lasting=LONG)), taken(table)) == ([name], [])


def test_a_reader_that_is_gone_is_followed_by_the_next(table: Table) -> None:
    """What it was to record late changes nothing."""
    name = accepted(table)
    begun(table)
    (first,) = taken(table, lasting=GONE)
    (second,) = taken(table)
    assert (recorded(table, gone(first)), recorded(table, gone(second))) == ([], [name])


def test_a_reader_takes_what_it_holds_the_credential_for(table: Table) -> None:
    """Another host has the others."""
    accepted(table)
    name = accepted(table, "x-2")
    begun(table)
    assert named(taken(table, frozenset({"x-2"}))) == [name]


def test_a_change_is_on_record_with_its_move(table: Table) -> None:
    """The delivery, what was seen of it, and one entry."""
    name = accepted(table)
    begun(table)
    (item,) = taken(table)
    recorded(table, gone(item))
    found = row(table, name)
    assert (table.row(name).state, found.seen, found.due_at) == ("missing", "missing", None)
    assert found.looked_at == found.seen_at == found.since
    assert [entry["seen"] for entry in table.ledger("delivery.moved")] == ["missing"]


def test_a_look_that_cannot_tell_leaves_what_is_known(table: Table) -> None:
    """Only its time, and why."""
    name = accepted(table)
    begun(table)
    (item,) = taken(table)
    assert recorded(table, Look(item, None, doubt="busy")) == []
    found = row(table, name)
    assert (found.seen, found.seen_at, found.doubt, found.looked_at is None) == ("", None, "busy", False)
    assert table.ledger("delivery.moved") == []


def test_a_delivery_that_moved_on_meanwhile_is_not_moved(table: Table) -> None:
    """What was seen of it was seen of something else."""
    name = accepted(table)
    begun(table)
    (item,) = taken(table)
    table.set(name, fence=7)
    assert recorded(table, gone(item)) == []
    assert (table.row(name).state, row(table, name).seen) == ("accepted", "")


WITHDRAWAL = {"kind": "withdraw", "original": "ref-x-1"}
CORRECTION = {"kind": "correct", "original": "ref-x-1"}


def later(table: Table, *states: str, began: bool = True, **text: Any) -> str:
    """A text of the way back to the same account, that began a second later."""
    with table.store.read() as work:
        at = work.now + SECOND if began else None
    (name,) = table.add(account="x-1", destination="later", first_intent_at=at, **text)
    for state in states:
        table.set(name, state=state)
    return name


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        (WITHDRAWAL, True),
        ({**WITHDRAWAL, "reference": "ref-x-1"}, True),
        ({**CORRECTION, "reference": "ref-x-1"}, True),
        (CORRECTION, True),
        ({**CORRECTION, "reference": "ref-2"}, False),
        ({**WITHDRAWAL, "began": False}, False),
        ({**WITHDRAWAL, "original": "ref-3"}, False),
    ],
    ids=str,
)
def test_a_later_text_answers_for_the_post_that_it_may_have_changed(
    table: Table, text: dict[str, Any], answers: bool
) -> None:
    """A withdrawal or an edit that may have left; not a correction that is another post, or one that never began."""
    accepted(table)
    later(table, **text)
    begun(table)
    (item,) = taken(table)
    assert item.overtaken is answers


def test_a_text_that_failed_answers_for_nothing(table: Table) -> None:
    """The post is as it was."""
    accepted(table)
    later(table, "leased", "sending", "rejected", **WITHDRAWAL)
    begun(table)
    (item,) = taken(table)
    assert not item.overtaken


def test_of_two_later_texts_the_last_answers(table: Table) -> None:
    """A post that was edited and then withdrawn is the withdrawal's to answer for, and no text overtakes the last."""
    accepted(table)
    edit = accepted(table, "x-1", **{**CORRECTION, "reference": "ref-x-1", "destination": "edit"})
    last = later(table, "leased", "sending", "accepted", **{**WITHDRAWAL, "reference": "ref-x-1"})
    begun(table)
    overtaken = {item.leased.id: item.overtaken for item in taken(table)}
    assert (overtaken[edit], overtaken[last], len(overtaken)) == (True, False, 3)


def test_what_was_seen_while_a_later_text_was_under_way_counts_for_nothing(table: Table) -> None:
    """The withdrawal began after the post was taken to be looked at: that it is gone is right."""
    name = accepted(table)
    begun(table)
    (item,) = taken(table)
    later(table, **WITHDRAWAL)
    assert recorded(table, gone(item)) == []
    assert (table.row(name).state, told(table)) == ("accepted", [])


def test_people_hear_of_a_change_once(table: Table) -> None:
    """Of the loss, and of its end."""
    name = accepted(table)
    begun(table)
    (item,) = taken(table, lasting=GONE)
    recorded(table, replace(gone(item), due_at=item.due_at))
    assert [told(table), told(table)] == [[(name, "missing")], []]
    (item,) = taken(table)
    recorded(table, Look(item, None, seen="visible", move=Move(item.leased, "missing", "visible")))
    assert [told(table), told(table)] == [[(name, "visible")], []]


def test_a_post_that_is_visible_is_no_news(table: Table) -> None:
    """That is what everybody expects."""
    accepted(table)
    begun(table)
    (item,) = taken(table)
    recorded(table, Look(item, None, seen="visible", move=Move(item.leased, "accepted", "visible")))
    assert told(table) == []


def test_a_mode_has_its_own_news(table: Table) -> None:
    """The relay of live exercises nobody."""
    accepted(table)
    begun(table)
    (item,) = taken(table)
    recorded(table, gone(item))
    assert told(table, "live") == []


def standing(table: Table) -> list[str]:
    """The alarms that stand."""
    with table.store.read() as work:
        return [found.id for found in sightings.alarming(work)]


def test_an_alarm_stands_until_a_later_text_answers_for_the_post(table: Table) -> None:
    """People withdraw what was tampered with; then it may be gone."""
    name = accepted(table)
    begun(table)
    (item,) = taken(table)
    recorded(table, gone(item))
    assert standing(table) == [name]
    later(table, **WITHDRAWAL)
    assert standing(table) == []


def test_a_closed_incident_has_no_alarms(table: Table) -> None:
    """Nobody is to do anything more about it."""
    accepted(table)
    begun(table)
    (item,) = taken(table)
    recorded(table, gone(item))
    with table.store.write() as work:
        for state in ("stood_down", "closed"):
            work.execute(update(INCIDENTS).values(state=state))
    assert standing(table) == []
