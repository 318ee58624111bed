"""``correct``, ``withdraw``, ``all-clear`` and ``task``, as they are typed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels import registry
from tests.cli.conftest import Office


def published(office: Office) -> str:
    """A released plan whose one delivery was accepted."""
    plan = office.released()
    office.move("leased", "sending", "accepted")
    return plan


@pytest.mark.parametrize(
    ("word", "kind"), [("correct", "correct"), ("withdraw", "withdraw"), ("all-clear", "all_clear")]
)
def test_one_command_by_one_officer_sends_an_armed_text(office: Office, word: str, kind: str) -> None:
    """It says how much is on its way, and how to follow it."""
    plan = published(office)
    said = office.run(word, plan, by="director-1")
    assert (said.json["kind"], said.json["made"], said.json["cancelled"]) == (kind, 1, 0)
    assert f"Next: dispatcher watch {plan[:12]}" in said.err


def test_a_plan_that_was_not_released_says_what_to_do_instead(office: Office) -> None:
    """Exit code 5: it has nothing to take back, and its clearance can be revoked."""
    plan = office.cleared()
    assert "dispatcher clearance revoke" in office.run("withdraw", plan, by="director-1", code=5).err


def test_who_may_not_release_is_told_who_may(office: Office) -> None:
    """Nothing is signed."""
    plan = published(office)
    assert "duty_director" in office.run("correct", plan, by="author-1", code=4).err


def test_watch_tells_the_way_back_from_the_message(office: Office) -> None:
    """Each line names the text it counts."""
    plan = published(office)
    office.run("correct", plan, by="director-1")
    listed = office.run("delivery", "list", "--plan", plan).json["deliveries"]
    assert sorted(row["kind"] for row in listed) == ["correct", "publish"]


def test_a_task_is_on_the_status_until_somebody_did_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no machine can take a post back, status says what is next; the task names the post and the text."""
    adapter = registry.adapter("cap_feed")
    monkeypatch.setattr(adapter, "capabilities", replace(adapter.capabilities, can_withdraw=False))
    (task,) = office.run("withdraw", published(office), by="director-1").json["tasks"]
    waiting = office.run("status")
    assert [row["task"] for row in waiting.json["tasks"]] == [task["id"]]
    assert "Next: dispatcher task list" in waiting.err
    office.run("task", "done", task["id"], "--note", "deleted in the app", by="ops-1")
    assert office.run("status").json["tasks"] == []
    (ended,) = office.run("task", "list", "--all").json["tasks"]
    assert (ended["done_by"], ended["note"]) == ("ops-1", "deleted in the app")


def test_the_officer_is_told_whose_operators_hold_the_message(office: Office) -> None:
    """By account, beside what was made."""
    plan = office.released()
    office.move("leased", "sending", "handed_over")
    assert "must not be posted" in office.run("correct", plan, by="director-1").err


def test_without_tasks_the_list_is_empty(office: Office) -> None:
    """For programs a document all the same."""
    assert office.run("task", "list").json["tasks"] == []


def test_a_task_that_there_is_not_is_not_found(office: Office) -> None:
    """Wrong input, as every other name that fits nothing."""
    office.run("task", "done", "tsk-1", "--note", "deleted in the app", by="ops-1", code=2)
