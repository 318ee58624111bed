"""Which posts of an account are ours, which may be, and which are somebody else's, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from channels.contract import Account
from channels.listing import PublicPost
from dispatcher.domain.statement import Mode
from dispatcher.store import accounts, foreign
from dispatcher.store.foreign import FURTHEST, SKEW, STANDS, TIMELINES, Due
from tests.workers.leases import LONG, SECOND, Table

pytestmark = pytest.mark.system

MINUTE = timedelta(minutes=1)


@pytest.fixture
def watched(table: Table) -> Table:
    """Accounts x-1 for exercises and x-2, which is live; both had their first look an hour ago."""
    with table.store.write() as work:
        for name, mode in (("x-1", Mode.EXERCISE), ("x-2", Mode.LIVE)):
            accounts.add_account(work, Account(name, "x", "Example", ("en-GB",)), "accounts", mode)
            foreign.begin(work, name, work.now)
        work.execute(TIMELINES.update().values(since=work.now - 60 * MINUTE))
    return table


def due(table: Table, mode: str = "exercise") -> list[Due]:
    """What is due."""
    with table.store.read() as work:
        return foreign.due(work, "accounts", mode, ["x"])


def claimed(table: Table, mode: str = "exercise") -> Due:
    """The one account of a mode, claimed."""
    (one,) = due(table, mode)
    with table.store.write() as work:
        found = foreign.claim(work, one, LONG)
    assert found
    return found


def shown(table: Table, name: str = "post-9", ago: timedelta = SECOND) -> PublicPost:
    """A post that was made so long ago."""
    with table.store.read() as work:
        return PublicPost(name, work.now - ago, "Go out.", None)


def put(table: Table, one: Due, *posts: PublicPost, whole: bool = True) -> list[str]:
    """Write down what a look showed; returns the foreign ones. The account is due again at once."""
    with table.store.write() as work:
        found = foreign.put(work, one, posts, whole=whole, due_at=work.now, lasting=MINUTE)
    return [post.reference for post in found]


def since(table: Table, account: str = "x-1") -> Any:
    """From when on an account's posts count."""
    with table.store.read() as work:
        return work.execute(select(TIMELINES.c.since).where(TIMELINES.c.account == account)).scalar_one()


def sent(table: Table, *states: str, **changes: Any) -> str:
    """A delivery to x-1 that began a moment ago and went through these states."""
    (name,) = table.add(destination="x-1")
    table.intend(table.lease())
    for state in states:
        table.set(name, state=state)
    if changes:
        table.set(name, **changes)
    return name


def test_a_foreign_post_is_found_once(watched: Table) -> None:
    """The entry has what the public read, and the mode's people alone hear of it."""
    post = shown(watched)
    assert put(watched, claimed(watched), post) == ["post-9"]
    assert put(watched, claimed(watched), post) == []
    (entry,) = watched.ledger("account.foreign_post")
    assert (entry["account"], entry["channel"], entry["shown"]) == ("x-1", "x", "Go out.")
    with watched.store.write() as work:
        told = [[row.reference for row in foreign.news(work, mode)] for mode in ("live", "exercise", "exercise")]
    assert told == [[], ["post-9"], []]


@pytest.mark.parametrize(
    "changes", [{"reference": "post-9"}, {"original": "post-9"}, {"handle": '["post-8","post-9"]'}], ids=str
)
def test_a_post_that_a_delivery_names_is_ours(watched: Table, changes: dict[str, Any]) -> None:
    """As its own, as what it mends, or as a part that its adapter noted on the way; a word is a whole one."""
    sent(watched, "accepted", **{"reference": "post-1", **changes})
    assert put(watched, claimed(watched), shown(watched), shown(watched, "post-90")) == ["post-90"]


def test_an_exercise_does_not_answer_for_live(watched: Table) -> None:
    """The same name in another mode is another post."""
    sent(watched, "accepted", reference="post-9")
    assert put(watched, claimed(watched, "live"), shown(watched)) == ["post-9"]


@pytest.mark.parametrize("states", [(), ("in_doubt",), ("in_doubt", "held")], ids=str)
def test_a_post_that_may_be_ours_waits(watched: Table, states: tuple[str, ...]) -> None:
    """It is looked at again, however long that takes, and is foreign once the delivery turns out to be another."""
    name, post = sent(watched, *states), shown(watched)
    assert put(watched, claimed(watched), post) == []
    watched.set(name, reference="post-1")
    assert put(watched, claimed(watched), post) == ["post-9"]


def test_the_mark_stays_before_what_waits(watched: Table) -> None:
    """Though it is older than what a platform may show late."""
    name = sent(watched)
    with watched.store.write() as work:
        at = work.now - 40 * MINUTE
        work.execute(foreign.ATTEMPTS.update().values(intended_at=at))
    post = shown(watched, ago=40 * MINUTE)
    assert put(watched, claimed(watched), post) == []
    assert since(watched) == post.at
    watched.set(name, state="rejected")
    assert put(watched, claimed(watched), post) == ["post-9"]


def test_a_post_is_foreign_that_no_attempt_could_have_made(watched: Table) -> None:
    """It was there well before the only attempt that is open."""
    sent(watched, "in_doubt")
    assert put(watched, claimed(watched), shown(watched, ago=SKEW + MINUTE)) == ["post-9"]


def test_a_post_is_ours_where_people_say_that_it_went_out(watched: Table) -> None:
    """They had no reference to give."""
    sent(watched, "in_doubt", "accepted")
    assert put(watched, claimed(watched), shown(watched)) == []


@pytest.mark.parametrize("state", ["in_doubt", "accepted"])
def test_a_withdrawal_makes_no_post(watched: Table, state: str) -> None:
    """What appears while we take something back is somebody else's, though the withdrawal has no reference."""
    sent(watched, state, kind="withdraw")
    assert put(watched, claimed(watched), shown(watched)) == ["post-9"]


def test_only_a_whole_look_moves_the_mark(watched: Table) -> None:
    """What was read counts all the same."""
    before = since(watched)
    assert put(watched, claimed(watched), shown(watched), whole=False) == ["post-9"]
    assert since(watched) == before
    put(watched, claimed(watched))
    assert since(watched) > before


def test_a_list_too_long_to_read_is_given_up_behind_a_day(watched: Table) -> None:
    """Else it would be too long for ever."""
    with watched.store.write() as work:
        work.execute(TIMELINES.update().values(since=work.now - 3 * FURTHEST))
        now = work.now
    put(watched, claimed(watched), whole=False)
    assert now - FURTHEST <= since(watched) < now - FURTHEST + MINUTE


def test_what_is_older_than_the_mark_is_nobodys_concern(watched: Table) -> None:
    """A platform may list more than it was asked for."""
    assert put(watched, claimed(watched), shown(watched, ago=61 * MINUTE)) == []


def test_an_account_is_looked_at_by_one(watched: Table) -> None:
    """Who comes second gets nothing, and who was too slow writes nothing."""
    (one,) = due(watched)
    slow = claimed(watched)
    with watched.store.write() as work:
        assert foreign.claim(work, one, LONG) is None
        work.execute(TIMELINES.update().values(due_at=work.now))
    assert put(watched, slow, shown(watched)) == []


def test_a_foreign_post_stands_as_an_alarm_for_a_day(watched: Table) -> None:
    """After that it is history."""
    put(watched, claimed(watched), shown(watched))
    with watched.store.write() as work:
        standing = len(foreign.alarming(work))
        work.execute(foreign.FOREIGN_POSTS.update().values(found_at=work.now - STANDS))
        assert (standing, foreign.alarming(work)) == (1, [])
