"""The order and its stop at a mail server: who gets them, what is attached, and what is known afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from channels import registry
from channels.by_hand import HandedOver, Sealed
from channels.contract import (
    DeliveryKind,
    Found,
    Job,
    Outcome,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Http, HttpPolicy
from channels.insertion_order.adapter import Adapter
from channels.press_email.simulator import Message, PressEmail, password
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from tests.channels.insertion_order.ordering import AGENCY, BUYER, KILL, WHEN, account, job, rendered

LOGIN = {"username": Secret(BUYER), "password": Secret(password(BUYER))}


def on_line(use: Callable[[Adapter], Awaitable[Any]], fault: FaultKind | None = None) -> tuple[Any, list[Message]]:
    """What using an adapter came to, and what the mail server took."""

    async def main() -> tuple[Any, list[Message]]:
        async with Simulator((PressEmail,), clock=lambda: WHEN) as far:
            url = far.address("press_email")
            http = Http(HttpPolicy(frozenset({url.split("/")[2]}), allow_private=True, https_only=False))
            if fault:
                far.arm(Fault("press_email", fault))
            server = far.provider("press_email")
            assert isinstance(server, PressEmail)
            return await use(Adapter(account(base_url=url), LOGIN, http, lambda: WHEN)), server.messages

    return asyncio.run(main())


async def note(handle: str) -> None:
    """Nothing is noted."""
    raise AssertionError(handle)


def sent(made: Job, fault: FaultKind | None = None) -> tuple[Outcome, list[Message]]:
    """The outcome of sending an order, and what the mail server took."""
    return on_line(lambda adapter: adapter.send(made, note), fault)


def test_an_order_goes_to_the_agency_and_is_handed_over() -> None:
    """Under its number; that the server took it says nothing of the agency."""
    outcome, (message,) = sent(job(rendered()))
    assert (outcome.verdict, outcome.reference) == (Verdict.HANDED_OVER, "IO-XICAU-Z47XS")
    assert (message.recipient, message.sender) == (AGENCY, BUYER)
    assert message.content["Subject"] == "Insertion order IO-XICAU-Z47XS: act and confirm"
    assert message.content["From"].addresses[0].display_name == "Cyngor Môn"


def test_the_email_has_the_signed_text_and_data() -> None:
    """Word for word, and the JSON is the signed options themselves."""
    made = rendered()
    _, (message,) = sent(job(made))
    attached = {part.get_filename(): part.get_payload(decode=True) for part in message.content.iter_attachments()}
    assert attached.keys() == {"IO-XICAU-Z47XS.json", "IO-XICAU-Z47XS.pdf"}
    assert json.loads(attached["IO-XICAU-Z47XS.json"]) == made.options
    assert attached["IO-XICAU-Z47XS.pdf"].startswith(b"%PDF-")
    assert message.text == f"{made.parts[0].text}\n"


def test_every_attempt_is_the_same_bytes() -> None:
    """A number of the attempt or the moment would make another PDF."""
    made = job(rendered())
    (_, first), (_, second) = sent(made), sent(replace(made, attempt=2))
    assert first[0].data == second[0].data


@pytest.mark.parametrize("kind", [DeliveryKind.CORRECT, DeliveryKind.WITHDRAW])
def test_a_stop_goes_to_the_kill_contact(kind: DeliveryKind) -> None:
    """Under the order's own number, whether or not anybody knows what became of the order."""
    made = job(rendered(kind=kind), "dly-1-stop")
    act = {DeliveryKind.CORRECT: Adapter.correct, DeliveryKind.WITHDRAW: Adapter.withdraw}[kind]
    outcome, (message,) = on_line(lambda adapter: act(adapter, made, note))
    assert (outcome.verdict, outcome.reference, message.recipient) == (Verdict.HANDED_OVER, "IO-XICAU-Z47XS", KILL)
    assert message.content["Subject"] == "Stop order IO-XICAU-Z47XS: act and confirm"


def test_an_exercise_is_marked_in_its_subject() -> None:
    """As in its text."""
    _, (message,) = sent(job(rendered(exercise=True)))
    assert str(message.content["Subject"]).startswith("EXERCISE: Insertion order")


def test_an_order_without_a_purchase_is_not_sent() -> None:
    """It is a preview."""
    outcome, messages = sent(job(rendered(purchase=None)))
    assert (outcome.verdict, messages) == (Verdict.REJECTED, [])


def test_an_order_that_says_two_things_is_not_sent() -> None:
    """The adapter looks once more at what it is given."""
    made = rendered()
    outcome, messages = sent(job(replace(made, options={**made.options, "currency": "EUR"})))
    assert (outcome.verdict, messages) == (Verdict.REJECTED, [])


def test_a_lost_reply_is_in_doubt_and_nobody_can_look() -> None:
    """An order that comes twice may be bought twice: it is for people."""
    made = job(rendered())
    outcome, messages = sent(made, FaultKind.ACT_THEN_DROP)
    assert (outcome.verdict, len(messages)) == (Verdict.IN_DOUBT, 1)
    finding, _ = on_line(lambda adapter: adapter.find(made))
    seen, _ = on_line(lambda adapter: adapter.read_back(made, "IO-XICAU-Z47XS"))
    assert (finding.found, seen.seen) == (Found.UNKNOWN, Seen.UNKNOWN)


def test_what_the_server_refuses_for_now_is_deferred() -> None:
    """No message was taken."""
    outcome, messages = sent(job(rendered()), FaultKind.THROTTLE)
    assert (outcome.verdict, messages) == (Verdict.DEFERRED, [])


def test_a_probe_logs_in_and_sends_nothing() -> None:
    """It says what the server takes."""
    probe, messages = on_line(lambda adapter: adapter.probe())
    assert (probe.ok, messages) == (True, [])


@pytest.mark.parametrize("setting", ["agency", "kill_contact", "from", "inclusion_list", "platforms"])
def test_an_account_without_a_setting_does_not_start(setting: str) -> None:
    """It is refused when it is added, by the setting's name."""
    with pytest.raises(ValueError, match=setting):
        Adapter(account(**{setting: ""}), LOGIN, Http(HttpPolicy(frozenset())), lambda: WHEN)


@pytest.mark.parametrize("channel", ["social_paid", "tiktok_paid"])
def test_people_sign_a_receipt_and_open_no_packet(channel: str) -> None:
    """Both channels are one adapter, finished by people, stopped before they have confirmed."""
    assert registry.adapter(channel) is Adapter
    assert issubclass(Adapter, HandedOver)
    assert not issubclass(Adapter, Sealed)
    assert registry.is_shown(channel)
    assert registry.acts_unconfirmed(channel)
