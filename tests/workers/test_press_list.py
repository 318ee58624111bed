"""A press list the whole way: imported, cleared, released, and sent by the roles to a faulty mail server."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from channels.contract import Account, Secret
from channels.press_email.simulator import PressEmail, password
from channels.simulator.faults import FaultKind
from dispatcher.service import accounts, recipients
from dispatcher.service.recipient_file import EMAILS
from dispatcher.settings import ChannelFigures
from tests.stage import MODE, Stage
from tests.workers.conftest import Make

SENDER = "press@city.example"


@pytest.fixture
def press(make: Make) -> Stage:
    """A deployment with a press list account, and a list of eleven newsrooms and a mailbox that is none."""
    stage = make()
    server = stage.far.address("press_email")
    figures = {**stage.desk.settings.channels, "press_email": ChannelFigures(timeout_ms=2_000)}
    known = replace(stage.desk.settings, simulator_smtp=server, channels=figures)
    stage.desk = replace(stage.desk, settings=known)
    settings = {"base_url": server, "from": SENDER, "retry_after_s": "1"}
    made = Account("press-1", "press_email", "Press office", ("en-GB",), settings)
    login = {"username": Secret(SENDER), "password": Secret(password(SENDER))}
    accounts.add(stage.desk, made, MODE, login, "ops-1")
    path = stage.folder / "newsrooms.csv"
    names = [*(f"desk-{number}@paper.example" for number in range(11)), "nobody@paper.example"]
    path.write_text("\n".join(["email", *names]))
    recipients.import_csv(stage.desk, "newsrooms", path, MODE, "ops-1", kind=EMAILS)
    return stage


def taken(stage: Stage) -> Counter[str]:
    """How many messages the mail server took for each address."""
    server = stage.far.provider("press_email")
    assert isinstance(server, PressEmail)
    return Counter(message.recipient for message in server.messages)


def sent(stage: Stage, **options: list[str]) -> Counter[str]:
    """What became of the deliveries of a released plan."""
    plan = stage.cleared(lists=["newsrooms"], **options)
    stage.release(plan)
    stage.work(lambda: stage.ended(plan), roles=["relay", "recipients"])
    return stage.states(plan)


def test_every_newsroom_gets_one_message(press: Stage) -> None:
    """In the exercise's own words, and the mailbox that is none is rejected."""
    assert sent(press) == {"accepted": 11, "rejected": 1}
    assert set(taken(press).values()) == {1}
    server = press.far.provider("press_email")
    assert isinstance(server, PressEmail)
    assert all(str(message.content["Subject"]).startswith("EXERCISE: ") for message in server.messages)


def test_what_is_in_doubt_is_held_for_people(press: Stage) -> None:
    """What was lost before the end of the data or refused for now is sent again; what was lost after it is not."""
    press.fault("press_email", FaultKind.ACT_THEN_DROP)
    press.fault("press_email", FaultKind.DROP)
    press.fault("press_email", FaultKind.THROTTLE)
    press.fault("press_email", FaultKind.DROP, on="session")
    states = sent(press)
    assert states == {"accepted": 9, "held": 2, "rejected": 1}
    assert (len(taken(press)), set(taken(press).values())) == (10, {1})


def test_a_signed_resend_sends_what_is_in_doubt_once_more(press: Stage) -> None:
    """Nobody is left out, and one newsroom reads the same Message-ID twice."""
    press.fault("press_email", FaultKind.ACT_THEN_DROP)
    press.fault("press_email", FaultKind.DROP)
    assert sent(press, resend=["press_email"]) == {"accepted": 11, "rejected": 1}
    assert (len(taken(press)), sorted(taken(press).values())[-2:]) == (11, [1, 2])
    assert press.far.journal.doubled("press_email") == 1
