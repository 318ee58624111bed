"""Hand-offs: one packet, one code, two operators, one link."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from channels import registry
from dispatcher.domain.errors import Forbidden, GateClosed, Invalid, NotFound, SignatureNeeded
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.sending import HandOff
from dispatcher.sending.order import Bundle, Order
from dispatcher.service import accounts, handing_off, stopping
from dispatcher.store import deliveries, records, statements
from tests.office import EXCEPTIONAL, Office

CODE = "K7Q2M-9XW4T"


@dataclass
class FarSender:
    """Issues packets as the sender does, and remembers what it was asked."""

    office: Office
    refuses: bool = False
    asked: list[tuple[Order, str, Envelope]] = field(default_factory=list)

    def __call__(self, bundle: Bundle, order: Order, device: str, envelope: Envelope) -> HandOff:
        """Issue, or refuse as the gate would."""
        assert bundle.plan
        self.asked.append((order, device, envelope))
        if self.refuses:
            raise GateClosed("halted (all) by ops-1", "two others sign: dispatcher resume")
        now = self.office.clock.now
        return HandOff(b"<!doctype html>sealed", CODE, now, now + timedelta(minutes=10))


def handed_over(office: Office) -> str:
    """A released delivery that waits for operators. The gate's part of the way is left out."""
    office.account("tiktok")
    office.account("webhook")
    accounts.register(office.desk, "phone-1", "tiktok-1", "ops-1")
    plan = office.plan(EXCEPTIONAL)
    delivery = office.delivery(plan, "tiktok-1")
    with office.desk.store.write() as work:
        row = deliveries.find(work, delivery)
        submitted = records.bundle(work, plan).envelopes[0]
        released = {
            "id": "dsp-1",
            "plan": plan,
            "incident": row.incident,
            "mode": row.mode,
            "released_by": "director-1",
        }
        statement = statements.statement_of(submitted).id
        deliveries.add_dispatch(work, {**released, "statement": statement}, ["tiktok"])
    office.set_state(delivery, "leased", "sending", "handed_over", attempts=1)
    return delivery


def link(delivery: str) -> str:
    """What the packet tells the operators to give as the post's link."""
    return registry.exercise_receipt("tiktok", delivery)


def opened(office: Office) -> str:
    """A delivery whose packet was opened."""
    delivery = handed_over(office)
    handing_off.open_packet(office.desk, delivery, "phone-1", office.pen("operator-1"), FarSender(office))
    return delivery


def test_a_packet_is_in_its_file_and_the_code_is_shown(office: Office) -> None:
    """The operator gets code, file and end; the sender got the operator's own signed request."""
    delivery, sender = handed_over(office), FarSender(office)
    made = handing_off.open_packet(office.desk, delivery, "phone-1", office.pen("operator-1"), sender)
    assert (made.code.reveal(), made.packet.read_bytes()) == (CODE, b"<!doctype html>sealed")
    assert made.packet.parent == office.desk.settings.path("hand-off")
    ((order, device, envelope),) = sender.asked
    assert (order.delivery, device) == (delivery, "phone-1")
    assert dict(statements.statement_of(envelope).body) == {"delivery": delivery, "step": "open", "device": "phone-1"}


def test_the_code_is_in_no_table(office: Office) -> None:
    """Neither in SQL nor in the ledger."""
    opened(office)
    database = office.desk.settings.path("data", "dispatcher.db")
    stored = database.read_bytes() + database.with_name("dispatcher.db-wal").read_bytes()
    assert CODE.encode() not in stored
    assert len(office.ledger("hand_off.opened")) == 1


def test_a_packet_is_issued_once(office: Office) -> None:
    """A second request does not even reach the sender."""
    delivery, sender = opened(office), FarSender(office)
    with pytest.raises(Forbidden, match="issued already"):
        handing_off.open_packet(office.desk, delivery, "phone-1", office.pen("operator-2"), sender)
    assert sender.asked == []


def test_what_the_sender_refuses_is_recorded_and_can_be_asked_again(office: Office) -> None:
    """A halt leaves a refusal in the ledger and no packet; after it, the packet can be opened."""
    delivery, sender = handed_over(office), FarSender(office, refuses=True)
    with pytest.raises(GateClosed):
        handing_off.open_packet(office.desk, delivery, "phone-1", office.pen("operator-1"), sender)
    assert [entry.facts["reason"] for entry in office.ledger("hand_off.refused")] == ["halted (all) by ops-1"]
    assert not list(office.desk.settings.path("hand-off").iterdir())
    handing_off.open_packet(office.desk, delivery, "phone-1", office.pen("operator-1"), FarSender(office))


def test_nobody_waits_while_a_packet_is_sealed(office: Office) -> None:
    """A halt can be written down in the second that the sender takes."""
    delivery, sender = handed_over(office), FarSender(office)

    def issue(*asked: Any) -> HandOff:
        stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.EXERCISE)
        return sender(*asked)

    handing_off.open_packet(office.desk, delivery, "phone-1", office.pen("operator-1"), issue)
    kinds = [entry.kind for entry in office.ledger("statement.halt", "hand_off.opened")]
    assert kinds == ["statement.halt", "hand_off.opened"]


def test_only_the_accounts_own_device_gets_a_packet(office: Office) -> None:
    """Another name is refused, and the message says which device it is."""
    with pytest.raises(NotFound, match="phone-2") as refused:
        handing_off.open_packet(
            office.desk, handed_over(office), "phone-2", office.pen("operator-1"), FarSender(office)
        )
    assert refused.value.next_step == "use phone-1"


def test_only_an_operator_opens_a_packet(office: Office) -> None:
    """A director's key is not enough."""
    delivery = handed_over(office)
    with pytest.raises(SignatureNeeded):
        handing_off.open_packet(office.desk, delivery, "phone-1", office.pen("director-1"), FarSender(office))


def test_two_operators_who_sign_for_one_link_settle_it(office: Office) -> None:
    """The first receipt moves nothing; the second makes it accepted, with the link."""
    delivery = opened(office)
    first = handing_off.receipt(office.desk, delivery, office.pen("operator-1"), link(delivery))
    assert (first.state, first.needed) == ("handed_over", 1)
    second = handing_off.receipt(office.desk, delivery, office.pen("operator-2"), link(delivery))
    assert (second.state, second.needed, second.signed_by) == ("accepted", 0, ("operator-1", "operator-2"))
    with office.desk.store.read() as work:
        settled = deliveries.find(work, delivery)
    assert (settled.url, settled.reference) == (link(delivery), link(delivery))


def test_what_is_sealed_is_not_shown(office: Office) -> None:
    """The text of a packet is read on its device alone."""
    with pytest.raises(Invalid, match="the text of tiktok is in its packet"):
        handing_off.shown(office.desk, handed_over(office))


def test_one_operator_is_not_two(office: Office) -> None:
    """The same person's second receipt does not settle it."""
    delivery = opened(office)
    handing_off.receipt(office.desk, delivery, office.pen("operator-1"), link(delivery))
    again = handing_off.receipt(office.desk, delivery, office.pen("operator-1"), link(delivery))
    assert (again.state, again.needed) == ("handed_over", 1)


@pytest.mark.parametrize("given", ["https://www.tiktok.com/@x/video/1", "https://exercise.invalid/H-OTHER", ""])
def test_nothing_is_posted_in_an_exercise(office: Office, given: str) -> None:
    """The only link an exercise's receipt may give is the one that cannot exist."""
    delivery = opened(office)
    with pytest.raises(Invalid, match="nothing is posted"):
        handing_off.receipt(office.desk, delivery, office.pen("operator-1"), given)


def test_a_receipt_after_ten_minutes_raises_an_alarm(office: Office) -> None:
    """It counts, and the ledger says that it was late."""
    delivery = opened(office)
    office.clock.advance(timedelta(minutes=10))
    in_time = handing_off.receipt(office.desk, delivery, office.pen("operator-1"), link(delivery))
    office.clock.advance(timedelta(seconds=1))
    late = handing_off.receipt(office.desk, delivery, office.pen("operator-2"), link(delivery))
    assert (in_time.late, late.late, late.state) == (False, True, "accepted")
    assert [entry.facts["actor"] for entry in office.ledger("hand_off.late")] == ["operator-2"]


def test_a_receipt_needs_a_packet(office: Office) -> None:
    """Nobody can have posted what was never opened."""
    delivery = handed_over(office)
    with pytest.raises(Invalid, match="was opened yet"):
        handing_off.receipt(office.desk, delivery, office.pen("operator-1"), link(delivery))


def test_a_receipt_for_what_has_expired_is_kept_and_moves_nothing(office: Office) -> None:
    """The post may be out all the same: the signed receipt and a ledger entry say so."""
    delivery = opened(office)
    office.set_state(delivery, "expired", reason="the window has passed")
    made = handing_off.receipt(office.desk, delivery, office.pen("operator-1"), link(delivery))
    assert made.state == "expired"
    assert [entry.facts["state"] for entry in office.ledger("hand_off.no_effect")] == ["expired"]
    assert len(office.ledger("statement.receipt")) == 2
