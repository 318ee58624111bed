"""One delivery as its page shows it."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from dispatcher.domain.errors import NotFound
from dispatcher.domain.lifecycle import DeliveryState, HeldReason
from dispatcher.service import holding
from dispatcher.service.releasing import release
from dispatcher.store.tables import ATTEMPTS, DELIVERIES, RENDERINGS
from ops.console.delivered import HELD, MOST_TRIED, WHY, one
from tests.office import Office

TO_HELD = ("leased", "sending", "in_doubt", "held")


@pytest.fixture
def delivery(office: Office) -> str:
    """The id of a delivery of a released plan."""
    office.account("webhook")
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    return office.delivery(plan)


def tried(office: Office, delivery: str, count: int) -> None:
    """Write down that many attempts."""
    now = office.clock.now
    rows = [
        {
            "delivery": delivery,
            "number": number,
            "fence": number,
            "owner": "w",
            "intended_at": now,
            "code": "http_500",
        }
        for number in range(1, count + 1)
    ]
    with office.desk.store.write() as work:
        work.execute(insert(ATTEMPTS), rows)


def test_every_state_and_every_reason_has_a_sentence() -> None:
    """None is left to be guessed from a word."""
    assert set(WHY) == set(DeliveryState)
    assert set(HELD) == set(HeldReason)


def test_it_shows_the_words_in_every_language(office: Office, delivery: str) -> None:
    """As they were signed."""
    assert [part.language for part in one(office.desk, delivery).parts] == ["en-GB", "cy"]


@pytest.mark.parametrize("body", [b'{"schema":"rendering/v1"}', b"\xff", b"[]"])
def test_words_that_are_not_as_they_were_signed_end_no_page(office: Office, delivery: str, body: bytes) -> None:
    """They are left out."""
    digest = "0" * 64
    with office.desk.store.write() as work:
        work.execute(insert(RENDERINGS).values(digest=digest, body=body))
        work.execute(update(DELIVERIES).where(DELIVERIES.c.id == delivery).values(rendering=digest))
    assert one(office.desk, delivery).parts == ()


def test_the_newest_attempts_are_shown_and_the_earlier_ones_counted(office: Office, delivery: str) -> None:
    """The newest last."""
    tried(office, delivery, MOST_TRIED + 3)
    found = one(office.desk, delivery)
    assert [attempt.number for attempt in found.tried] == list(range(4, MOST_TRIED + 4))
    assert found.earlier == 3


def test_what_may_have_gone_out_takes_two_people(office: Office, delivery: str) -> None:
    """The page shows each answer's command, and no way to send again without an answer."""
    office.set_state(delivery, *TO_HELD, reason="ambiguous")
    commands = one(office.desk, delivery).commands
    assert [typed.command.split()[4:5] for typed in commands[:3]] == [["seen"], ["not_seen"], ["cancel"]]
    assert all("Two different people" in typed.who for typed in commands[:3])
    assert not any(" retry " in typed.command for typed in commands)


def test_what_never_left_may_be_retried_by_one(office: Office, delivery: str) -> None:
    """Or left."""
    office.set_state(delivery, "leased", "sending", "held", reason="exhausted")
    first = one(office.desk, delivery).commands[0]
    assert first.command == f"dispatcher delivery retry {delivery}"
    assert first.who.startswith("One person")


def test_one_that_waits_for_a_held_account_says_so(office: Office, delivery: str) -> None:
    """With the command that ends the hold."""
    holding.hold(office.desk, "webhook-1", "its platform is ill", office.pen("ops-1"))
    found = one(office.desk, delivery)
    assert found.why == "Its account is held: its platform is ill"
    assert found.commands[0].command == "dispatcher account unhold webhook-1"


def test_a_beginning_of_an_id_is_not_looked_for(office: Office, delivery: str) -> None:
    """Nor is anything else that is not there."""
    for name in (delivery[:8], "", "dlv-nope", "x" * 10_000, "a\0b"):
        with pytest.raises(NotFound):
            one(office.desk, name)
