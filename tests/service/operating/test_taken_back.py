"""What a channel's sentence says once a correction or a withdrawal was ordered: the message is not simply live."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dispatcher.domain.message import TextKind
from dispatcher.service import closing
from dispatcher.service.operating import lists
from dispatcher.service.operating.look import Looker
from dispatcher.service.operating.values import ChannelNow, Tone
from dispatcher.service.releasing import release
from dispatcher.service.taking_back import take_back
from dispatcher.store import records
from dispatcher.store.tables import DELIVERIES
from tests.office import Office


@pytest.fixture
def published(office: Office) -> str:
    """A plan over one webhook, which has taken it."""
    office.account("webhook")
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    name = office.delivery(plan)
    office.set_state(name, "leased", "sending", "accepted", reference="evt-1", accepted_at=office.clock.now)
    return plan


def channel(office: Office) -> ChannelNow:
    """The one channel of the one incident, as it is seen now."""
    ((only,),) = [incident.channels for incident in Looker(office.desk).look().incidents]
    return only


def order(office: Office, plan: str, kind: TextKind) -> None:
    """One officer signs."""
    if kind is TextKind.ALL_CLEAR:
        with office.desk.store.read() as work:
            incident = records.plan(work, plan).plan.incident
        closing.stand_down(office.desk, incident, office.pen("director-1"), "over")
    take_back(office.desk, plan, kind, office.pen("director-1"))


def follow_up(office: Office, plan: str, kind: TextKind) -> str:
    """The delivery of the armed text."""
    with office.desk.store.read() as work:
        at = (DELIVERIES.c.plan == plan, DELIVERIES.c.kind != "publish")
        return str(work.execute(select(DELIVERIES.c.id).where(*at)).scalar_one())


@pytest.mark.parametrize("kind", [TextKind.CORRECT, TextKind.ALL_CLEAR, TextKind.WITHDRAW])
def test_the_matrix_names_the_text_that_was_ordered(office: Office, published: str, kind: TextKind) -> None:
    """A correction is never called an all-clear."""
    order(office, published, kind)
    with office.desk.store.read() as work:
        lines = lists.matrix(work, records.plan(work, published).plan.incident)
    assert {line.text for line in lines} == {"publish", str(kind)}


@pytest.mark.parametrize("kind", [TextKind.CORRECT, TextKind.ALL_CLEAR, TextKind.WITHDRAW])
def test_the_list_of_an_account_has_what_was_ordered(office: Office, published: str, kind: TextKind) -> None:
    """All-clears too."""
    order(office, published, kind)
    with office.desk.store.read() as work:
        found = lists.listed(work, plan=published, account="webhook-1").rows
    assert {row.kind for row in found} == {"publish", str(kind)}


def test_a_withdrawal_under_way_is_said_where_the_message_still_stands(office: Office, published: str) -> None:
    """A press officer does not take it for a message that is simply live."""
    order(office, published, TextKind.WITHDRAW)
    found = channel(office)
    assert "withdraw" in found.sentence, found.sentence
    assert found.tone is Tone.GOING


def test_what_was_withdrawn_is_not_live(office: Office, published: str) -> None:
    """Its sentence says that it was taken back."""
    order(office, published, TextKind.WITHDRAW)
    office.set_state(follow_up(office, published, TextKind.WITHDRAW), "leased", "sending", "accepted")
    found = channel(office)
    assert not found.sentence.startswith("live since"), found.sentence
    assert "withdrawn" in found.sentence


def test_a_withdrawal_that_is_held_is_trouble(office: Office, published: str) -> None:
    """The message is public, and was meant to go."""
    order(office, published, TextKind.WITHDRAW)
    name = follow_up(office, published, TextKind.WITHDRAW)
    office.set_state(name, "leased", "sending", "held", reason="exhausted")
    found = channel(office)
    assert found.tone is Tone.TROUBLE, found.sentence
