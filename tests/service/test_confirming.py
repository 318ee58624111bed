"""Orders that an agency confirms: no packet, its own reference, and an operator's receipt for it."""

from __future__ import annotations

import pytest

from channels import registry
from dispatcher.domain.errors import Invalid
from dispatcher.domain.statement import Mode
from dispatcher.service import handing_off
from dispatcher.service.releasing import release
from dispatcher.store import deliveries
from tests.office import Office


@pytest.fixture
def order(office: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    """A delivery of a released plan, as if its channel were an agency's."""
    office.account("webhook")
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    monkeypatch.setattr(registry, "is_shown", lambda _: True)
    monkeypatch.setattr(registry, "acts_unconfirmed", lambda _: True)
    monkeypatch.setattr(registry, "exercise_receipt", lambda _, delivery: f"https://exercise.invalid/{delivery}")
    return office.delivery(plan)


def signed(office: Office, delivery: str) -> handing_off.Receipt:
    """An operator signs what the agency confirmed."""
    url = f"https://exercise.invalid/{delivery}"
    return handing_off.receipt(office.desk, delivery, office.pen("operator-1"), url)


def test_a_receipt_settles_an_order(office: Office, order: str) -> None:
    """No code was issued, so that none can be late."""
    office.set_state(order, "leased", "sending", "handed_over", reference="IO-1")
    made = signed(office, order)
    assert (made.state, made.needed, made.late) == ("accepted", 0, False)
    assert len(office.ledger("statement.receipt")) == 1


def test_nobody_confirms_what_has_not_left(office: Office, order: str) -> None:
    """The order waits for its turn still."""
    with pytest.raises(Invalid, match="was opened yet"):
        signed(office, order)


REFERENCES = {"AGY-2026/881 by Example Agency": None, " ": "no reference", "two\nlines": "no reference"}
REFERENCES |= {"x" * 201: "no reference", "https://exercise.invalid/dly-1": "an exercise's reference"}


@pytest.mark.parametrize(("given", "fault"), REFERENCES.items())
def test_a_live_receipt_gives_the_agencys_own_reference(
    office: Office, order: str, given: str, fault: str | None
) -> None:
    """Any words of theirs on one line, and not an exercise's."""
    with office.desk.store.read() as work:
        row = deliveries.find(work, order)
    if fault is None:
        handing_off._check_link(given, Mode.LIVE, row)
        return
    with pytest.raises(Invalid, match=fault):
        handing_off._check_link(given, Mode.LIVE, row)
