"""Acting on many deliveries at once: counted and named first, and never beyond what was named."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from dispatcher.domain.errors import Forbidden, Invalid, NotFound, SignatureNeeded, Stale
from dispatcher.domain.lifecycle import HeldReason
from dispatcher.service import many, resolving
from dispatcher.service.many import Choice
from dispatcher.service.releasing import release
from dispatcher.service.resolving import Answer
from dispatcher.store import deliveries
from dispatcher.store.tables import ATTEMPTS
from tests.office import Office

WAYS = {
    "ambiguous": ("leased", "sending", "in_doubt", "held"),
    "exhausted": ("leased", "sending", "held"),
    "refused": ("leased", "held"),
    "poison": ("leased", "held"),
    "stale_status": ("leased", "held"),
}
WHY = "looked at every account"
ACCOUNTS = ("webhook-1", "webhook-2", "webhook-3")


def released(office: Office, reason: str = "ambiguous") -> str:
    """A released plan to three accounts, each delivery held for this reason; returns its digest."""
    with office.desk.store.read() as work:
        there = {row.account for row in deliveries.listed(work)}
    for name in ACCOUNTS:
        if name not in there:
            office.account("webhook", name)
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    for row in rows(office, plan):
        office.set_state(row.id, *WAYS[reason], reason=reason, attempts=1)
    return plan


def rows(office: Office, plan: str) -> list[Any]:
    """The deliveries of a plan."""
    with office.desk.store.read() as work:
        return deliveries.listed(work, plan=plan)


def states(office: Office, plan: str) -> Counter[str]:
    """How many of a plan are in which state."""
    return Counter(row.state for row in rows(office, plan))


def set_(office: Office, choice: Choice, *reasons: HeldReason) -> str:
    """The name of the set that a choice comes to."""
    return many.look(office.desk, choice, reasons or (HeldReason.AMBIGUOUS,)).set


def resolved(office: Office, person: str, choice: Choice, answer: Answer = Answer.NOT_SEEN) -> many.Acted:
    """One person's answer about all that is chosen now."""
    named = set_(office, choice)
    return many.resolve(office.desk, choice, answer, named, WHY, office.pen(person), HeldReason.AMBIGUOUS)


@pytest.mark.parametrize(("answer", "state"), [("seen", "accepted"), ("not_seen", "ready"), ("cancel", "cancelled")])
def test_two_people_resolve_a_set(office: Office, answer: str, state: str) -> None:
    """The first signature moves nothing, the second moves all, and each is one statement."""
    plan = released(office)
    first = resolved(office, "ops-1", Choice(plan=plan), Answer(answer))
    assert (first.count, first.moved, first.waiting, states(office, plan)) == (3, 0, 3, {"held": 3})
    second = resolved(office, "director-1", Choice(plan=plan), Answer(answer))
    assert (second.moved, second.waiting, states(office, plan)) == (3, 0, {state: 3})
    assert len(office.ledger("statement.resolve")) == 2


def test_the_same_person_twice_moves_nothing(office: Office) -> None:
    """A set takes two, as one delivery does."""
    plan = released(office)
    resolved(office, "ops-1", Choice(plan=plan))
    assert resolved(office, "ops-1", Choice(plan=plan)).moved == 0


def test_only_what_both_have_named_moves(office: Office) -> None:
    """The first spoke of one account, the second of all: the others still wait for a second person."""
    plan = released(office)
    resolved(office, "ops-1", Choice(plan=plan, account="webhook-2"))
    made = resolved(office, "director-1", Choice(plan=plan))
    assert (made.moved, made.waiting) == (1, 2)
    assert {row.account: row.state for row in rows(office, plan)}["webhook-2"] == "ready"


def test_an_answer_about_one_delivery_counts_in_a_set(office: Office) -> None:
    """People may say the same in either form."""
    plan = released(office)
    resolving.resolve(office.desk, rows(office, plan)[0].id, Answer.SEEN, office.pen("ops-1"))
    assert resolved(office, "director-1", Choice(plan=plan), Answer.SEEN).moved == 1


def test_an_answer_is_about_the_attempts_made_so_far(office: Office) -> None:
    """After another attempt that is in doubt again, everybody looks again."""
    plan = released(office)
    resolved(office, "ops-1", Choice(plan=plan))
    resolved(office, "director-1", Choice(plan=plan))
    for row in rows(office, plan):
        office.set_state(row.id, *WAYS["ambiguous"], reason="ambiguous", attempts=2)
    assert resolved(office, "security-1", Choice(plan=plan)).moved == 0


@pytest.mark.parametrize("reason", ["exhausted", "refused", "poison", "stale_status"])
def test_one_person_retries_what_never_left(office: Office, reason: str) -> None:
    """All of it, and the ledger says who and names each."""
    plan = released(office, reason)
    choice = Choice(plan=plan)
    made = many.retry(office.desk, choice, set_(office, choice, *many.UNSENT), WHY, office.pen("ops-1"))
    assert (made.moved, states(office, plan)) == (3, {"ready": 3})
    moved = [entry for entry in office.ledger("delivery.moved") if entry.facts["target"] == "ready"]
    assert {entry.facts["actor"] for entry in moved} == {"ops-1"}


def test_what_may_have_left_is_not_retried(office: Office) -> None:
    """Neither chosen nor by name, nor by asking for its reason."""
    plan = released(office)
    with pytest.raises(NotFound):
        many.look(office.desk, Choice(plan=plan), many.UNSENT)
    with pytest.raises(Invalid, match="may have been published"):
        many.look(office.desk, Choice(plan=plan, held=HeldReason.AMBIGUOUS), many.UNSENT)
    with pytest.raises(Forbidden, match="may have been published"):
        many.retry_one(office.desk, rows(office, plan)[0].id, office.pen("ops-1"))


def test_nobody_can_have_seen_a_set_that_never_left(office: Office) -> None:
    """It can be retried or cancelled."""
    plan = released(office, "exhausted")
    choice = Choice(plan=plan, held=HeldReason.EXHAUSTED)
    named, pen = set_(office, choice, HeldReason.EXHAUSTED), office.pen("ops-1")
    with pytest.raises(Forbidden, match="no byte left"):
        many.resolve(office.desk, choice, Answer.SEEN, named, WHY, pen, HeldReason.EXHAUSTED)
    made = many.resolve(office.desk, choice, Answer.CANCEL, named, WHY, pen, HeldReason.EXHAUSTED)
    assert (made.moved, states(office, plan)) == (3, {"cancelled": 3})


def test_a_set_that_changed_is_not_acted_on(office: Office) -> None:
    """Something was held since: nobody looked at it."""
    plan = released(office)
    named = set_(office, Choice(plan=plan, account="webhook-1"))
    for wrong in (named, named[:4], ""):
        with pytest.raises(Stale, match="not the set"):
            many.resolve(
                office.desk, Choice(plan=plan), Answer.SEEN, wrong, WHY, office.pen("ops-1"), HeldReason.AMBIGUOUS
            )
    assert office.ledger("statement.resolve") == []


def test_a_choice_reaches_no_other_incident(office: Office) -> None:
    """It needs an incident or a plan, and stays within it."""
    plan, other = released(office), released(office)
    with pytest.raises(Invalid, match="needs an incident or a plan"):
        many.look(office.desk, Choice(channel="webhook"), (HeldReason.AMBIGUOUS,))
    incident = rows(office, plan)[0].incident
    for person in ("ops-1", "director-1"):
        resolved(office, person, Choice(incident=incident))
    assert (states(office, plan), states(office, other)) == ({"ready": 3}, {"held": 3})


def test_a_choice_may_be_of_one_channel_only(office: Office) -> None:
    """And one that nothing fits is not found."""
    plan = released(office)
    with pytest.raises(NotFound):
        many.look(office.desk, Choice(plan=plan, channel="x"), (HeldReason.AMBIGUOUS,))
    assert many.look(office.desk, Choice(plan=plan, channel="webhook"), (HeldReason.AMBIGUOUS,)).count == 3


def test_a_look_says_what_and_how_many(office: Office) -> None:
    """Per plan, account and reason; what is beyond one act is left for the next."""
    plan = released(office)
    looked = many.look(office.desk, Choice(plan=plan), (HeldReason.AMBIGUOUS,))
    assert (looked.count, looked.left) == (3, 0)
    assert looked.by == {f"{plan[:12]} {account} ambiguous": 1 for account in ACCOUNTS}


def test_one_act_is_bounded(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest waits for another, under another name."""
    plan = released(office)
    monkeypatch.setattr(many, "MOST", 2)
    monkeypatch.setattr(many, "TURN", 1)
    for person in ("ops-1", "director-1"):
        made = resolved(office, person, Choice(plan=plan))
    assert (made.count, made.moved, made.left, states(office, plan)) == (2, 2, 1, {"ready": 2, "held": 1})


def test_an_author_acts_on_nothing(office: Office) -> None:
    """Whoever wants it out is not asked whether it is."""
    plan = released(office)
    with pytest.raises(SignatureNeeded):
        resolved(office, "author-1", Choice(plan=plan))


def doubtful(office: Office, *, looked: int, ago: timedelta) -> str:
    """A plan whose deliveries are in doubt, looked at so often, due in an hour, attempted so long ago."""
    plan = released(office, "poison")
    due = office.clock.now + timedelta(hours=1)
    for row in rows(office, plan):
        office.set_state(row.id, "ready", "leased", "sending", "in_doubt", looked=looked, absent=looked, due_at=due)
        with office.desk.store.write() as work:
            at = {"delivery": row.id, "number": 1, "fence": 1, "owner": "w/1", "intended_at": work.now - ago}
            work.execute(insert(ATTEMPTS).values(at))
    return plan


def test_a_person_has_the_platform_asked_now(office: Office) -> None:
    """What would be looked at later is due now, its looks counted anew; the ledger says who and why."""
    plan = doubtful(office, looked=1, ago=timedelta(hours=1))
    named = many.look_doubtful(office.desk, Choice(plan=plan)).set
    made = many.reconcile(office.desk, Choice(plan=plan), named, WHY, office.pen("ops-1"))
    assert (made.moved, made.waiting) == (3, 0)
    assert {(row.due_at, row.looked, row.absent) for row in rows(office, plan)} == {(office.clock.now, 0, 0)}
    (entry,) = office.ledger("reconcile.asked")
    assert (entry.facts["actor"], entry.facts["count"], entry.facts["reason"]) == ("ops-1", 3, WHY)


@pytest.mark.parametrize(("looked", "ago"), [(0, timedelta(hours=1)), (1, timedelta(seconds=60))])
def test_a_quiet_period_is_not_cut_short(office: Office, looked: int, ago: timedelta) -> None:
    """Neither the first, nor that of an attempt which may still be on its way."""
    plan = doubtful(office, looked=looked, ago=ago)
    named = many.look_doubtful(office.desk, Choice(plan=plan)).set
    made = many.reconcile(office.desk, Choice(plan=plan), named, WHY, office.pen("ops-1"))
    assert (made.moved, made.waiting) == (0, 3)


def test_one_delivery_is_asked_about_by_name(office: Office) -> None:
    """And one that is not in doubt is not asked about."""
    plan = doubtful(office, looked=1, ago=timedelta(hours=1))
    name = rows(office, plan)[0].id
    assert many.reconcile_one(office.desk, name, "", office.pen("ops-1")).moved == 1
    office.set_state(name, "held", reason="ambiguous")
    with pytest.raises(Invalid, match="not in doubt"):
        many.reconcile_one(office.desk, name, "", office.pen("ops-1"))
