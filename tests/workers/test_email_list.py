"""E-mail by Notify the whole way: a list imported, cleared, released, and sent by the roles to a faulty service."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from channels.contract import Account, Secret
from channels.notify.simulator import EMAIL_TEMPLATE_ID, Notify, api_key
from channels.simulator.faults import FaultKind
from dispatcher.domain.message import TextKind
from dispatcher.service import accounts, recipients, taking_back
from dispatcher.service.recipient_file import EMAILS
from dispatcher.settings import ChannelFigures
from tests.stage import MODE, Stage
from tests.workers.conftest import Make

SERVICE = "26785a09-ab16-4eb0-8407-a37497a57506"
ADDRESSES = [f"resident-{number}@street.example" for number in range(11)]


@pytest.fixture
def residents(make: Make) -> Stage:
    """A deployment with an account for e-mail, and a list of eleven residents."""
    stage = make()
    figures = {**stage.desk.settings.channels, "notify_email": ChannelFigures(timeout_ms=2_000, lag_ms=200)}
    stage.desk = replace(stage.desk, settings=replace(stage.desk.settings, channels=figures))
    settings = {"base_url": f"{stage.far.url}/notify", "template_id": EMAIL_TEMPLATE_ID}
    made = Account("mail-1", "notify_email", "City", ("en-GB",), settings)
    accounts.add(stage.desk, made, MODE, {"api_key": Secret(api_key(SERVICE))}, "ops-1")
    path = stage.folder / "residents.csv"
    path.write_text("\n".join(["email", *ADDRESSES]))
    recipients.import_csv(stage.desk, "residents", path, MODE, "ops-1", kind=EMAILS)
    return stage


def test_everybody_gets_one_e_mail_and_one_task_opens_for_taking_it_back(residents: Stage) -> None:
    """Whatever was lost on the way is looked up by its reference before anything is sent again."""
    residents.fault("notify", FaultKind.ACT_THEN_DROP, times=2)
    residents.fault("notify", FaultKind.DROP, times=2)
    plan = residents.cleared(lists=["residents"])
    residents.release(plan)
    residents.work(lambda: residents.ended(plan), roles=["relay", "recipients"])
    service = residents.far.provider("notify")
    assert isinstance(service, Notify)
    assert residents.states(plan) == {"accepted": 11}
    assert Counter(message.recipient for message in service.messages) == dict.fromkeys(ADDRESSES, 1)
    assert {message.subject for message in service.messages} == {"EXERCISE: Storm tonight"}
    made = taking_back.take_back(residents.desk, plan, TextKind.WITHDRAW, residents.pen("director-1"))
    assert [task.channel for task in made.tasks] == ["notify_email"]
