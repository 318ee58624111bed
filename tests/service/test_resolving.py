"""Resolving: what people decide about a held delivery, and how many of them it takes."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from dispatcher.domain.errors import Forbidden, Invalid, SignatureNeeded
from dispatcher.service.releasing import release
from dispatcher.service.resolving import Answer, resolve
from dispatcher.store import deliveries
from dispatcher.store.tables import DELIVERIES
from tests.office import Office

WORKER_WAY = {
    "ambiguous": ("leased", "sending", "in_doubt", "held"),
    "exhausted": ("leased", "sending", "held"),
    "refused": ("leased", "held"),
    "poison": ("leased", "held"),
}


def held(office: Office, reason: str = "ambiguous") -> str:
    """A delivery that is held for a reason, as workers leave it."""
    office.account("webhook")
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    delivery = office.delivery(plan)
    office.set_state(delivery, *WORKER_WAY[reason], reason=reason, attempts=1)
    return delivery


def state(office: Office, delivery: str) -> str:
    """Where a delivery is."""
    with office.desk.store.read() as work:
        return str(deliveries.find(work, delivery).state)


@pytest.mark.parametrize(("answer", "target"), [("seen", "accepted"), ("not_seen", "ready"), ("cancel", "cancelled")])
def test_two_people_with_one_answer_settle_what_may_have_gone_out(office: Office, answer: str, target: str) -> None:
    """The first signature moves nothing, the second does."""
    delivery = held(office)
    first = resolve(office.desk, delivery, Answer(answer), office.pen("ops-1"))
    assert (first.state, first.needed, state(office, delivery)) == ("held", 1, "held")
    second = resolve(office.desk, delivery, Answer(answer), office.pen("director-1"))
    assert (second.state, second.needed, state(office, delivery)) == (target, 0, target)
    assert second.signed_by == ("director-1", "ops-1")


def test_two_people_who_disagree_settle_nothing(office: Office) -> None:
    """A third who agrees with one of them does."""
    delivery = held(office)
    resolve(office.desk, delivery, Answer.SEEN, office.pen("ops-1"))
    resolve(office.desk, delivery, Answer.NOT_SEEN, office.pen("director-1"))
    assert state(office, delivery) == "held"
    resolve(office.desk, delivery, Answer.SEEN, office.pen("security-1"))
    assert state(office, delivery) == "accepted"


def test_one_person_counts_once(office: Office) -> None:
    """Signing twice is not two people."""
    delivery = held(office)
    resolve(office.desk, delivery, Answer.SEEN, office.pen("ops-1"))
    again = resolve(office.desk, delivery, Answer.SEEN, office.pen("ops-1"))
    assert (again.needed, state(office, delivery)) == (1, "held")


@pytest.mark.parametrize("reason", ["exhausted", "refused", "poison"])
def test_one_person_retries_what_never_left(office: Office, reason: str) -> None:
    """Proved unsent, it takes one signature, and the count of failures begins anew."""
    delivery = held(office, reason)
    resolve(office.desk, delivery, Answer.NOT_SEEN, office.pen("ops-1"))
    with office.desk.store.read() as work:
        row = deliveries.find(work, delivery)
    assert (row.state, row.failures, row.due_at) == ("ready", 0, office.clock.now)


def test_one_person_ends_no_doubt(office: Office) -> None:
    """An earlier attempt that may have been published stays remembered when one person retries a refused repeat."""
    delivery = held(office, "refused")
    with office.desk.store.write() as work:
        work.execute(update(DELIVERIES).where(DELIVERIES.c.id == delivery).values(looked=1))
    resolve(office.desk, delivery, Answer.NOT_SEEN, office.pen("ops-1"))
    with office.desk.store.read() as work:
        assert deliveries.find(work, delivery).looked == 1


def test_nobody_can_have_seen_what_never_left(office: Office) -> None:
    """Seen is no answer for an exhausted delivery."""
    delivery = held(office, "exhausted")
    with pytest.raises(Forbidden, match="no byte left"):
        resolve(office.desk, delivery, Answer.SEEN, office.pen("ops-1"))


def test_an_answer_is_about_the_attempts_made_so_far(office: Office) -> None:
    """After a retry that is in doubt again, the answers given before do not count."""
    delivery = held(office)
    resolve(office.desk, delivery, Answer.NOT_SEEN, office.pen("ops-1"))
    resolve(office.desk, delivery, Answer.NOT_SEEN, office.pen("director-1"))
    office.set_state(delivery, *WORKER_WAY["ambiguous"], reason="ambiguous", attempts=2)
    made = resolve(office.desk, delivery, Answer.NOT_SEEN, office.pen("security-1"))
    assert (made.signed_by, made.needed, state(office, delivery)) == (("security-1",), 1, "held")


def test_where_it_was_seen_is_kept(office: Office) -> None:
    """The link goes with the delivery."""
    delivery = held(office)
    for person in ("ops-1", "director-1"):
        resolve(office.desk, delivery, Answer.SEEN, office.pen(person), "https://city.example/post/1")
    with office.desk.store.read() as work:
        assert deliveries.find(work, delivery).url == "https://city.example/post/1"


def test_what_is_not_held_is_not_resolved(office: Office) -> None:
    """A delivery in doubt is still being looked up."""
    office.account("webhook")
    plan = office.approved()
    delivery = office.delivery(plan)
    with pytest.raises(Invalid, match="ready, not held"):
        resolve(office.desk, delivery, Answer.CANCEL, office.pen("ops-1"))
    office.set_state(delivery, "leased", "sending", "in_doubt")
    with pytest.raises(Invalid, match="looked up"):
        resolve(office.desk, delivery, Answer.CANCEL, office.pen("ops-1"))


def test_an_author_does_not_resolve(office: Office) -> None:
    """Whoever wants it out is not asked whether it is."""
    delivery = held(office)
    with pytest.raises(SignatureNeeded):
        resolve(office.desk, delivery, Answer.NOT_SEEN, office.pen("author-1"))
