"""Ordering the way back: who may, when, what it makes, and what is said where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from channels import registry
from dispatcher.domain.errors import GateClosed, Invalid, NotFound, SignatureNeeded, Stale
from dispatcher.domain.message import TextKind
from dispatcher.service import clearing, closing
from dispatcher.service.releasing import release
from dispatcher.service.taking_back import TakenBack, done, take_back, tasks
from dispatcher.store import deliveries, ways_back
from dispatcher.store.tables import OUTBOX
from tests.office import SETTINGS, Office


def released(office: Office) -> str:
    """A released plan over one webhook."""
    office.account("webhook")
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    return plan


def published(office: Office) -> str:
    """The same, and the webhook has taken it."""
    plan = released(office)
    office.set_state(office.delivery(plan), "leased", "sending", "accepted", reference="evt-1")
    return plan


def ordered(office: Office, plan: str, kind: TextKind = TextKind.CORRECT) -> TakenBack:
    """One officer signs."""
    return take_back(office.desk, plan, kind, office.pen("director-1"))


def test_what_was_published_gets_a_delivery_of_the_armed_text(office: Office) -> None:
    """It names what it mends, is due at once, and lasts as long as the armed texts do."""
    plan = published(office)
    made = ordered(office, plan)
    with office.desk.store.read() as work:
        (row,) = [row for row in deliveries.listed(work, plan=plan) if row.kind == "correct"]
    assert (made.made, row.state, row.original, row.due_at) == (1, "ready", "evt-1", made.ordered_at)


def test_the_lanes_of_what_is_sent_are_rung(office: Office) -> None:
    """A bell of the release, a bell of the way back."""
    ordered(office, published(office))
    with office.desk.store.read() as work:
        assert [row.lane for row in work.execute(select(OUTBOX.c.lane))] == ["accounts", "accounts"]


def test_a_plan_that_was_never_released_has_nothing_to_take_back(office: Office) -> None:
    """Its clearance is revoked instead."""
    office.account("webhook")
    with pytest.raises(Stale, match="never released"):
        ordered(office, office.approved())


def test_whoever_may_not_release_may_not_take_back(office: Office) -> None:
    """An author revokes or halts."""
    plan = published(office)
    with pytest.raises(SignatureNeeded, match="duty_director"):
        take_back(office.desk, plan, TextKind.CORRECT, office.pen("author-1"))


@pytest.mark.parametrize(("acts", "made"), [(True, 1), (False, 0)])
def test_an_agency_is_told_before_it_has_confirmed(
    office: Office, monkeypatch: pytest.MonkeyPatch, acts: bool, made: int
) -> None:
    """What was handed to somebody who may act on it is followed at once; what lies in a packet once it is posted."""
    monkeypatch.setattr(registry, "acts_unconfirmed", lambda _: acts)
    plan = released(office)
    office.set_state(office.delivery(plan), "leased", "sending", "handed_over", reference="IO-1")
    assert ordered(office, plan, TextKind.WITHDRAW).made == made


def test_whose_operators_hold_the_message_is_said(office: Office) -> None:
    """They may have been shown it, and are reached by no machine."""
    plan = released(office)
    office.set_state(office.delivery(plan), "leased", "sending", "handed_over")
    assert ordered(office, plan).in_hands == ("webhook-1",)


def test_an_agency_that_confirms_after_its_stop_is_told_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order's receipt comes second: there is no second stop."""
    monkeypatch.setattr(registry, "acts_unconfirmed", lambda _: True)
    plan = released(office)
    order = office.delivery(plan)
    office.set_state(order, "leased", "sending", "handed_over", reference="IO-1")
    ordered(office, plan, TextKind.WITHDRAW)
    office.set_state(order, "accepted")
    with office.desk.store.write() as work:
        assert ways_back.follow(work, "exercise") == 0


def test_what_has_not_begun_is_cancelled(office: Office) -> None:
    """Nothing was public, so nothing is to be corrected."""
    plan = released(office)
    made = ordered(office, plan)
    with office.desk.store.read() as work:
        states = [(row.kind, row.state, row.reason) for row in deliveries.listed(work, plan=plan)]
    assert (made.made, made.cancelled) == (0, 1)
    assert states == [("publish", "cancelled", "overtaken by its correction")]


def test_an_order_is_given_once(office: Office) -> None:
    """The second is told when the first was."""
    plan = published(office)
    ordered(office, plan)
    with pytest.raises(Stale, match="already"):
        ordered(office, plan)


def test_nothing_of_the_message_may_leave_any_more(office: Office) -> None:
    """The signature revokes the plan: the gate refuses what somebody would still send, whatever its row says."""
    plan = published(office)
    ordered(office, plan)
    (finding,) = clearing.show(office.desk, plan).findings
    assert [failure.clause for failure in finding.failures] == ["G03"]


def test_an_account_that_was_not_clear_is_sent_it_once_it_is(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go at once; the same order, given again, is for the rest alone."""
    for name in ("webhook-1", "webhook-2"):
        office.account("webhook", name)
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    for name in ("webhook-1", "webhook-2"):
        office.set_state(office.delivery(plan, name), "leased", "sending", "accepted", reference=f"evt-{name}")
    with monkeypatch.context() as meanwhile:
        full = lambda rendering: ["too long"] if rendering.account == "webhook-2" else []  # noqa: E731
        meanwhile.setattr(registry.adapter("webhook"), "problems", full)
        first = ordered(office, plan)
    second = ordered(office, plan)
    assert [(one.clause, one.account) for one in first.lacking] == [("G17", "webhook-2")]
    assert (first.made, second.made, second.lacking) == (1, 1, ())


def test_orders_of_another_mode_are_not_followed(office: Office) -> None:
    """Each mode has a leader of its own."""
    plan = released(office)
    office.set_state(office.delivery(plan), "leased", "sending")
    ordered(office, plan)
    office.set_state(office.delivery(plan), "accepted", reference="evt-1")
    with office.desk.store.write() as work:
        assert ways_back.follow(work, "live") == 0


def test_another_text_may_follow(office: Office) -> None:
    """First the correction, then the all-clear: each has its own delivery."""
    plan = published(office)
    for kind in (TextKind.CORRECT, TextKind.ALL_CLEAR):
        ordered(office, plan, kind)
    with office.desk.store.read() as work:
        assert sorted(row.kind for row in deliveries.listed(work, plan=plan)) == ["all_clear", "correct", "publish"]


def test_what_becomes_public_later_is_followed_then(office: Office) -> None:
    """A post that was under way when the order came, and turned out to be there."""
    plan = released(office)
    office.set_state(office.delivery(plan), "leased", "sending")
    made = ordered(office, plan)
    office.set_state(office.delivery(plan), "accepted", reference="evt-1")
    with office.desk.store.write() as work:
        assert (made.made, ways_back.follow(work, "exercise"), ways_back.follow(work, "exercise")) == (0, 1, 0)


def test_an_order_ends_when_nothing_more_can_become_public(office: Office) -> None:
    """From then on it is not looked at; while a machine is still at it, it is."""
    plan = published(office)
    ordered(office, plan)
    assert not over(office, plan)
    office.set_state(f"{office.delivery(plan)}-correct", "leased", "sending", "accepted")
    assert over(office, plan)


@pytest.mark.parametrize("states", [("leased", "sending", "rejected"), ("expired",)])
def test_what_a_platform_would_not_take_back_is_a_task(office: Office, states: tuple[str, ...]) -> None:
    """One, with the post that is still up."""
    plan = published(office)
    ordered(office, plan, TextKind.WITHDRAW)
    office.set_state(f"{office.delivery(plan)}-withdraw", *states)
    assert over(office, plan)
    (task,) = tasks(office.desk)
    assert (task.kind, task.account, task.reference) == (TextKind.WITHDRAW, "webhook-1", "evt-1")


def over(office: Office, plan: str) -> bool:
    """Whether the relay's next two looks find the plan's order ended."""
    with office.desk.store.write() as work:
        for _ in range(2):
            ways_back.follow(work, "exercise")
        return all(way.ended_at is not None for way in ways_back.of(work, plan))


def test_after_the_armed_texts_time_nothing_is_signed(office: Office) -> None:
    """The gate says so, and nobody signs in vain."""
    plan = published(office)
    office.clock.advance(timedelta(days=20))
    with pytest.raises(GateClosed) as refused:
        ordered(office, plan)
    assert "G04" in {clause for clause, _, _ in refused.value.reasons}


def test_the_order_is_in_the_ledger_with_who_gave_it(office: Office) -> None:
    """And with the text that was ordered."""
    ordered(office, published(office), TextKind.WITHDRAW)
    (entry,) = office.ledger("way_back.ordered")
    assert (entry.facts["actor"], entry.facts["text"]) == ("director-1", "withdraw")


@pytest.fixture
def left_to_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Webhooks for once cannot be withdrawn."""
    adapter = registry.adapter("webhook")
    monkeypatch.setattr(adapter, "capabilities", replace(adapter.capabilities, can_withdraw=False))


@pytest.mark.usefixtures("left_to_people")
def test_where_no_machine_can_a_task_opens_with_the_post_and_the_text(office: Office) -> None:
    """A person needs no more than that."""
    made = ordered(office, published(office), TextKind.WITHDRAW)
    (task,) = made.tasks
    assert (made.made, task.account, task.reference, task.done_at) == (0, "webhook-1", "evt-1", None)
    assert set(task.texts) == {"en-GB", "cy"}


@pytest.mark.parametrize(("told", "tasks"), [({"may_delete": "yes"}, 0), ({"may_delete": "no"}, 1), ({}, 1)])
def test_where_only_some_tokens_may_withdraw_the_account_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch, told: dict[str, str], tasks: int
) -> None:
    """A delivery where its setting says yes, else a task at once."""
    adapter = registry.adapter("webhook")
    monkeypatch.setattr(adapter, "capabilities", replace(adapter.capabilities, withdraws_with="may_delete"))
    monkeypatch.setitem(SETTINGS, "webhook", {**SETTINGS["webhook"], **told})
    made = ordered(office, published(office), TextKind.WITHDRAW)
    assert (made.made, len(made.tasks)) == (1 - tasks, tasks)


@pytest.mark.usefixtures("left_to_people")
def test_a_task_is_done_once(office: Office) -> None:
    """Who comes second is told who was first."""
    (task,) = ordered(office, published(office), TextKind.WITHDRAW).tasks
    finished = done(office.desk, task.id, "ops-1", "deleted in the app")
    assert (finished.done_by, finished.note, tasks(office.desk)) == ("ops-1", "deleted in the app", [])
    with pytest.raises(Stale, match="ops-1"):
        done(office.desk, task.id, "director-1", "deleted in the app")


@pytest.mark.usefixtures("left_to_people")
def test_an_incident_is_not_closed_before_its_tasks_are_done(office: Office) -> None:
    """They are among what is owed after a stand-down."""
    plan = published(office)
    (task,) = ordered(office, plan, TextKind.WITHDRAW).tasks
    incident = clearing.show(office.desk, plan).stored.plan.incident
    closing.stand_down(office.desk, incident, office.pen("director-1"))
    owed = {one.what for one in closing.owed(office.desk, incident).open}
    done(office.desk, task.id, "ops-1", "deleted in the app")
    still = {one.what for one in closing.owed(office.desk, incident).open}
    assert owed - still == {"every task of the way back is done"}


def test_a_task_that_there_is_not_is_named(office: Office) -> None:
    """As every other name that fits nothing."""
    with pytest.raises(NotFound, match="task"):
        done(office.desk, "tsk-nothing", "director-1", "deleted in the app")


def test_a_task_is_done_with_a_note(office: Office) -> None:
    """What was done is what reviewers read."""
    with pytest.raises(Invalid, match="say what was done"):
        done(office.desk, "tsk-nothing", "director-1", " ")


def test_without_an_order_there_are_no_tasks(office: Office) -> None:
    """The list is empty."""
    published(office)
    assert tasks(office.desk) == []
