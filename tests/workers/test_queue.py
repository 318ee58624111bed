"""Leases, intents, settlements and their ledger entries, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from channels.contract import Account
from dispatcher.domain.statement import Mode
from dispatcher.store import accounts, leasing, queue
from dispatcher.store.database import Store
from dispatcher.store.leasing import Leased, Shut
from dispatcher.store.queue import Move, moves_digest
from tests.workers.leases import GONE, LONG, SECOND, Table, a_lease, opened, table_at

pytestmark = pytest.mark.system


def settle(table: Table, *moves: Move) -> list[Move]:
    with table.store.write() as work:
        return queue.settle(work, moves)


def accepted(item: Leased) -> Move:
    return Move(item, "sending", "accepted", reference=f"ref-{item.id}", attempt={"verdict": "accepted"})


def test_due_rows_of_a_released_plan_are_leased(table: Table) -> None:
    """What is ready, due and released is taken, with a fence, an owner and a lease."""
    (name,) = table.add()
    (item,) = table.lease("w/1")
    row = table.row(name)
    assert (row.state, row.owner, row.fence) == ("leased", "w/1", item.fence) == ("leased", "w/1", 1)


@pytest.mark.parametrize(
    "changes",
    [{"lane": "recipients"}, {"mode": "live"}, {"due_at": a_lease().due_at + timedelta(hours=1)}],
    ids=["lane", "mode", "due"],
)
def test_other_lanes_modes_and_times_are_left(table: Table, changes: dict[str, Any]) -> None:
    """A lease takes neither another lane's rows, nor another mode's, nor what is not due yet."""
    table.add(**changes)
    assert table.lease() == []


def test_a_plan_that_was_not_released_is_never_leased(table: Table) -> None:
    """Rows are made before the release; without it nobody can take them."""
    table.plan("plan-2", released=False)
    table.add(plan="plan-2")
    assert table.lease() == []


def test_the_longest_due_go_first(table: Table) -> None:
    """A lease takes up to its limit, in order of due time."""
    names = table.add(5)
    table.set(names[4], due_at=a_lease().due_at - timedelta(hours=1))
    assert [item.id for item in table.lease(limit=2)] == [names[4], names[0]]


def test_two_engines_never_lease_the_same_row(table: Table, tables_url: str) -> None:
    """Four engines that lease at once get every row exactly once between them."""
    names = table.add(120)

    def take(number: int) -> list[str]:
        taken: list[str] = []
        with opened(tables_url, f"engine-{number}") as store:
            while True:
                with store.write() as work:
                    items = leasing.lease(work, "accounts", "exercise", f"w{number}", 7, LONG)
                if not items:
                    return taken
                taken += [item.id for item in items]

    with ThreadPoolExecutor(4) as pool:
        taken = [name for batch in pool.map(take, range(4)) for name in batch]
    assert sorted(taken) == sorted(names)


def found_by(store: Store, statement: str, given: Any) -> list[str]:
    """How SQLite would find a statement's deliveries."""
    with store.engine.connect() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    return [step.detail for step in steps if " deliveries " in step.detail]


def test_rows_are_found_and_changed_by_their_ids_and_not_by_their_state(sqlite_url: str) -> None:
    """SQLite prefers the index of states where it can, and would look at all that is ready to lease a hundred."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if "json_each" in statement and "deliveries" in statement:
            seen.append((statement, given))

    with table_at(sqlite_url) as table:
        table.add(3)
        event.listen(table.store.engine, "before_cursor_execute", note)
        settle(table, *map(accepted, table.intend(table.lease())))
        event.remove(table.store.engine, "before_cursor_execute", note)
        steps = [step for statement in seen for step in found_by(table.store, *statement)]
    assert (len(seen), len(steps)) == (5, 5)  # a lease; an intent and an outcome, each looked for and then made
    assert [step for step in steps if "sqlite_autoindex_deliveries_1 (id=?)" not in step] == []


def test_the_intent_is_an_attempt(table: Table) -> None:
    """Intending writes the attempt, counts it and remembers the first time."""
    (name,) = table.add()
    table.intend(table.lease())
    row, (attempt,) = table.row(name), table.attempts(name)
    assert (row.state, row.attempts, row.first_intent_at) == ("sending", 1, attempt.intended_at)


def test_the_first_intent_stays_the_first(table: Table) -> None:
    """A second attempt does not make the idempotency key young again."""
    (name,) = table.add()
    (item,) = table.intend(table.lease())
    first = table.row(name).first_intent_at
    settle(table, Move(item, "sending", "ready", due_at=item.due_at))
    table.intend(table.lease("w/2"), "w/2")
    assert table.row(name).first_intent_at == first


def test_no_intent_without_room_for_the_call(table: Table) -> None:
    """A lease that would not outlast the longest call gets no intent."""
    table.add()
    assert table.intend(table.lease(lasting=10 * SECOND), headroom=11 * SECOND) == []
    assert table.states() == ["leased"]


def test_no_intent_for_a_strangers_lease(table: Table) -> None:
    """Only who leased a row may intend to send it."""
    table.add()
    assert table.intend(table.lease("w/1"), "w/2") == []


def test_an_older_holder_changes_nothing(table: Table) -> None:
    """Whoever lost the lease to somebody else can neither intend nor settle."""
    (name,) = table.add()
    old = table.lease("w/1")
    settle(table, Move(old[0], "leased", "ready", due_at=old[0].due_at))
    table.intend(table.lease("w/2"), "w/2")
    assert table.intend(old, "w/1") == []
    assert settle(table, accepted(old[0])) == []
    assert table.row(name).state == "sending"


def test_a_stale_settlement_is_not_in_the_ledger(table: Table) -> None:
    """A move that was not made is not recorded as one."""
    table.add()
    (item,) = table.intend(table.lease())
    settle(table, accepted(replace(item, fence=item.fence - 1)))
    assert [entry["target"] for entry in table.ledger("delivery.moved")] == ["sending"]


def test_an_older_holder_takes_nothing_from_the_newer_in_one_group(table: Table) -> None:
    """Both outcomes of a delivery that was leased twice come at once: the one at its fence counts."""
    (name,) = table.add()
    (old,) = table.lease("w/1")
    settle(table, Move(old, "leased", "ready", due_at=old.due_at))
    (fresh,) = table.intend(table.lease("w/2"), "w/2")
    late = replace(accepted(old), reference="late")
    assert [move.leased for move in settle(table, accepted(fresh), late)] == [fresh]
    assert table.row(name).reference == f"ref-{name}"


def test_of_two_outcomes_at_one_fence_the_first_counts(table: Table) -> None:
    """Neither database takes the other, and the record has the one that was made."""
    (name,) = table.add()
    (item,) = table.intend(table.lease())
    doubt = Move(item, "sending", "in_doubt", "no answer in time", due_at=item.due_at)
    first = accepted(item)
    assert settle(table, first, doubt) == [first]
    assert table.row(name).state == "accepted"
    assert [entry["target"] for entry in table.ledger("delivery.moved")] == ["sending", "accepted"]


def test_moves_of_one_delivery_are_made_one_after_another(table: Table) -> None:
    """However many come together, in the order in which they came."""
    (name,) = table.add()
    (item,) = table.intend(table.lease())
    doubt = Move(item, "sending", "in_doubt", due_at=item.due_at)
    found = Move(item, "in_doubt", "accepted", "found on the channel")
    assert settle(table, doubt, found) == [doubt, found]
    assert table.row(name).state == "accepted"


def test_a_wait_for_the_same_reason_is_not_recorded_again(table: Table) -> None:
    """A long halt does not fill the ledger: the first wait stands there, the next ones do not."""
    table.add()
    for again in (False, True):
        (item,) = table.lease()
        settle(table, Move(item, "leased", "ready", "halted", due_at=item.due_at, again=again))
    assert [entry["target"] for entry in table.ledger("delivery.moved")] == ["ready"]


def test_a_settlement_ends_the_attempt(table: Table) -> None:
    """The outcome stands with the attempt it belongs to, and the lease is free."""
    (name,) = table.add()
    (item,) = table.intend(table.lease())
    settle(table, accepted(item))
    (attempt,), row = table.attempts(name), table.row(name)
    assert (attempt.verdict, attempt.ended_at, row.accepted_at) == ("accepted", row.accepted_at, row.accepted_at)
    assert (row.state, row.owner, row.lease_until, row.reference) == ("accepted", None, None, f"ref-{name}")


def test_account_posts_have_an_entry_per_move(table: Table) -> None:
    """Two posts sent and accepted are four entries, each naming its delivery."""
    table.add(2)
    settle(table, *(accepted(item) for item in table.intend(table.lease())))
    entries = [(entry["delivery"], entry["target"]) for entry in table.ledger("delivery.moved")]
    assert len(set(entries)) == len(entries) == 4


def test_recipients_have_an_entry_per_group(table: Table) -> None:
    """Many recipients make one entry per move of the group, with their number and a digest of what became of each."""
    table.add(9, lane="recipients")
    moves = [accepted(item) for item in table.intend(table.lease(lane="recipients"))]
    settle(table, *moves)
    sending, done = table.ledger("deliveries.moved")
    assert (sending["count"], done["count"], done["digest"]) == (9, 9, moves_digest(moves))


def test_no_recipient_is_named_in_the_ledger(table: Table) -> None:
    """A group's entry holds no destination."""
    table.add(lane="recipients", destination="planted-destination")
    settle(table, *(accepted(item) for item in table.intend(table.lease(lane="recipients"))))
    entries = table.ledger("deliveries.moved", "delivery.moved")
    assert len(entries) == 2
    assert "planted-destination" not in repr(entries)


@pytest.mark.parametrize("change", ["id", "destination", "target", "reference"])
def test_the_digest_covers_what_became_of_each(change: str) -> None:
    """Another delivery, destination, end or reference is another digest."""
    item = a_lease()
    move = Move(item, "sending", "accepted", reference="1")
    other = {
        "id": replace(move, leased=replace(item, id="dlv-2")),
        "destination": replace(move, leased=replace(item, destination="9999")),
        "target": replace(move, target="rejected"),
        "reference": replace(move, reference="2"),
    }[change]
    assert moves_digest([move]) != moves_digest([other])


def test_a_handle_is_kept_while_sending(table: Table) -> None:
    """What a platform calls a session is written before the next byte."""
    (name,) = table.add()
    (item,) = table.intend(table.lease())
    with table.store.write() as work:
        assert queue.note_handle(work, item, "upload-7")
    assert table.row(name).handle == "upload-7"


def test_a_handle_of_an_older_holder_is_refused(table: Table) -> None:
    """Whoever lost the row is told so before another byte leaves."""
    table.add()
    (item,) = table.intend(table.lease())
    with table.store.write() as work:
        assert not queue.note_handle(work, replace(item, fence=item.fence - 1), "upload-7")


def test_doubt_is_leased_without_leaving_doubt(table: Table) -> None:
    """A reconciler takes what is in doubt and due; the row stays in doubt meanwhile, and nobody else gets it."""
    table.add()
    (item,) = table.intend(table.lease())
    settle(table, Move(item, "sending", "in_doubt", due_at=item.due_at))
    with table.store.write() as work:
        first = leasing.lease_doubtful(work, "accounts", "exercise", "r/1", 10, LONG)
        second = leasing.lease_doubtful(work, "accounts", "exercise", "r/2", 10, LONG)
    assert (len(first), second, table.states()) == (1, [], ["in_doubt"])


def test_a_lost_reconcilers_rows_are_looked_at_by_the_next(table: Table) -> None:
    """When a reconciler's lease has run out another takes over, and the first can no longer settle."""
    table.add()
    (item,) = table.intend(table.lease())
    settle(table, Move(item, "sending", "in_doubt", due_at=item.due_at))
    with table.store.write() as work:
        (old,) = leasing.lease_doubtful(work, "accounts", "exercise", "r/1", 10, GONE)
        (new,) = leasing.lease_doubtful(work, "accounts", "exercise", "r/2", 10, LONG)
    assert settle(table, Move(old, "in_doubt", "held", "ambiguous")) == []
    assert len(settle(table, Move(new, "in_doubt", "accepted"))) == 1


def recipients_of(table: Table, *names: str) -> None:
    """Accounts that send to recipients."""
    with table.store.write() as work:
        for name in names:
            accounts.add_account(work, Account(name, "notify", name, ("en-GB",)), "recipients", Mode.EXERCISE)


@pytest.mark.parametrize("shut", [Shut(accounts=frozenset({"x-1"})), Shut(channels=frozenset({"x"}))])
def test_what_is_shut_is_not_leased(shut: Shut, table: Table) -> None:
    """An account or a whole channel; the rest is."""
    table.add(3)
    others = table.add(2, account="bluesky-1", channel="bluesky")
    with table.store.write() as work:
        leased = leasing.lease(work, "accounts", "exercise", "w/1", 10, LONG, shut)
    assert sorted(item.id for item in leased) == sorted(others)


def test_a_shut_account_s_recipients_wait_while_anothers_go(table: Table) -> None:
    """Though they have been due for longer."""
    recipients_of(table, "sms-1", "sms-2")
    table.add(3, lane="recipients", channel="notify", account="sms-1")
    others = table.add(2, lane="recipients", channel="notify", account="sms-2")
    with table.store.write() as work:
        leased = leasing.lease(work, "recipients", "exercise", "w/1", 10, LONG, Shut(accounts=frozenset({"sms-1"})))
    assert sorted(item.id for item in leased) == sorted(others)


def test_recipients_of_an_unreleased_plan_keep_nobody_waiting(table: Table) -> None:
    """Where some are shut, what is not released is passed over too."""
    recipients_of(table, "sms-1", "sms-2")
    table.plan("plan-2", released=False)
    table.add(2, plan="plan-2", lane="recipients", channel="notify", account="sms-2")
    due = table.add(2, lane="recipients", channel="notify", account="sms-2")
    with table.store.write() as work:
        leased = leasing.lease(work, "recipients", "exercise", "w/1", 10, LONG, Shut(accounts=frozenset({"sms-1"})))
    assert sorted(item.id for item in leased) == sorted(due)


def test_where_all_recipients_are_shut_nothing_is_leased(table: Table) -> None:
    """And they stay ready."""
    recipients_of(table, "sms-1")
    table.add(2, lane="recipients", channel="notify", account="sms-1")
    with table.store.write() as work:
        assert leasing.lease(work, "recipients", "exercise", "w", 10, LONG, Shut(accounts=frozenset({"sms-1"}))) == []
    assert table.states() == ["ready", "ready"]


def test_a_host_leases_what_it_holds(table: Table) -> None:
    """Of two hosts each takes the posts of its own accounts, and none of the other's."""
    table.add(account="x-1")
    table.add(account="x-2")
    hosts = [frozenset({"x-1"}), frozenset({"x-2"}), frozenset[str]()]
    assert [[item.account for item in table.lease(held=held)] for held in hosts] == [["x-1"], ["x-2"], []]


def test_a_lease_says_by_which_route_its_account_is_reached(table: Table) -> None:
    """Where the account's settings name one; where they do not, or nobody knows the account, there is none."""
    with table.store.write() as work:
        for name, settings in {"t-1": {"route": "direct_post"}, "t-2": {"device": "phone"}}.items():
            made = Account(name, "tiktok", name, ("en",), settings)
            accounts.add_account(work, made, "accounts", Mode.EXERCISE)
    for name in ("t-1", "t-2", "t-3"):
        table.add(account=name)
    assert {item.account: item.route for item in table.lease()} == {"t-1": "direct_post", "t-2": None, "t-3": None}


def test_time_before_the_release_counts_for_nothing(table: Table) -> None:
    """A plan that waited long for its signatures is not overdue when it is released."""
    table.add(due_at=a_lease().due_at - 2 * LONG)
    assert table.lease(held=frozenset()) == []


def test_what_nobody_took_for_a_lease_is_anybodys(table: Table) -> None:
    """The account's host is gone: another takes the delivery, and its sender's refusal brings people in."""
    table.add(due_at=a_lease().due_at - SECOND)
    assert len(table.lease(held=frozenset(), lasting=SECOND)) == 1


def test_a_host_looks_for_what_it_holds(table: Table) -> None:
    """A post in doubt is looked for by the host that can look there."""
    table.add()
    (item,) = table.intend(table.lease())
    settle(table, Move(item, "sending", "in_doubt", due_at=item.due_at))
    with table.store.write() as work:
        looks = [
            leasing.lease_doubtful(work, "accounts", "exercise", "r/1", 10, LONG, held)
            for held in (frozenset({"x-2"}), frozenset({"x-1"}))
        ]
    assert [len(look) for look in looks] == [0, 1]
