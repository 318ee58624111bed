"""What need not be typed: names that can be only one, all but the id of what was made; and who is awaited."""

from __future__ import annotations

import json

import pytest

from dispatcher.cli.schema import SCHEMAS
from dispatcher.cli.session import LISTS
from tests.cli import recorded
from tests.cli.conftest import ENGLISH, Office
from tests.terminal import terminal


def drafted(office: Office, incident: str, name: str) -> str:
    """One more armed message."""
    file = office.folder.parent / f"{name}.txt"
    file.write_text(ENGLISH)
    words = ("message", "draft", incident, "--text", f"en-GB={file}", "--valid-until", "+6h")
    made = str(office.run(*words, by="author-1").json["message"])
    office.run("message", "arm", made, by="author-1")
    return made


def test_the_only_message_is_submitted_without_its_name(office: Office) -> None:
    """And it says which one that was."""
    name = office.message()
    said = office.run("clearance", "submit", by="author-1")
    assert said.json["message"] == name
    assert f"The only message there is: {name} (EXERCISE “Storm”)" in said.err


def test_of_two_messages_none_is_guessed(office: Office) -> None:
    """Both are listed: exit code 2, and nothing is submitted."""
    one = office.message()
    other = drafted(office, office.warned(), "other")
    said = office.run("clearance", "submit", by="author-1", code=2)
    assert one in said.err
    assert other in said.err
    assert "dispatcher clearance submit MESSAGE" in said.err


def test_of_two_plans_none_is_guessed(office: Office) -> None:
    """Neither is released."""
    office.cleared()
    other = drafted(office, office.warned(), "other")
    office.run("clearance", "submit", other, by="author-1")
    said = office.run("release", "--confirm", "2222", by="director-1", code=2)
    assert "there are 2 plans" in said.err


@pytest.mark.parametrize("verb", ["release", "watch", "withdraw"])
def test_without_any_plan_it_says_so(office: Office, verb: str) -> None:
    """There is nothing to do it to: exit code 2."""
    assert f"there is no plan to {verb} now" in office.run(verb, by="director-1", code=2).err


def test_an_approval_is_of_a_plan_that_was_named(office: Office) -> None:
    """Whoever approves says what."""
    office.plan()
    office.run("clearance", "approve", by="checker-1", code=2)


def test_quiet_prints_only_the_id(office: Office) -> None:
    """For the next command of a script: nothing else on stdout, and no advice."""
    said = office.run("-q", "incident", "declare", "severe_weather", "Storm", "--mode", "exercise", by="author-1")
    assert said.out.startswith("inc-")
    assert len(said.out.split()) == 1
    assert "Next" not in said.err


def test_quiet_names_the_plan_of_a_release(office: Office) -> None:
    """That is what one watches or takes back."""
    plan = office.cleared()
    said = office.run("release", plan, "-q", by="director-1")
    assert said.out == f"{plan}\n"


@pytest.mark.parametrize("schema", list(LISTS))
def test_whatever_lists_names_what_quiet_prints_of_it(schema: str) -> None:
    """The list is in its document's schema, and each of its items has the name."""
    listed, key = LISTS[schema]
    items = json.loads((SCHEMAS / f"{schema}.json").read_text())["properties"][listed]["items"]
    assert key in items["required"]


def test_no_command_that_lists_is_left_out(office: Office) -> None:
    """With nothing to list it prints nothing: no document."""
    for verb, _ in recorded.verbs():
        if verb.endswith(" list") and verb not in ("channel list", "area list"):
            assert office.run("-q", *verb.split()).out == ""


def test_quiet_prints_the_ids_of_what_is_listed_one_a_line(office: Office) -> None:
    """For a loop in a shell: the newest first, as in the table."""
    first, second = office.incident(), office.incident()
    assert office.run("incident", "list", "-q").out == f"{second}\n{first}\n"
    office.feed()
    assert office.run("-q", "account", "list").out == "feed-city\n"


def test_evidence_can_be_given_with_the_declaration(office: Office) -> None:
    """One command less at night; who says it is not left out."""
    words = ("incident", "declare", "severe_weather", "Storm", "--mode", "exercise", "--evidence", "warning=red")
    assert "--source" in office.run(*words, by="author-1", code=2).err
    made = office.run(*words, "--source", "weather service", by="author-1").json
    assert "warning" in str(made)


def test_status_says_who_is_awaited_since_when(office: Office) -> None:
    """By role, with the people who hold it."""
    plan = office.plan()
    (checker, director) = office.run("status").json["awaited"]
    assert (checker["role"], checker["people"]) == ("checker", ["checker-1"])
    assert director["role"] == "duty_director"
    assert checker["since"]
    assert checker["what"] == f"plan {plan[:12]}"


def test_an_approval_says_what_changed(office: Office) -> None:
    """Which channels are clear now."""
    plan = office.plan()
    assert (
        f"Approved: plan {plan[:12]}. Now pending: cap_feed"
        in office.run("clearance", "approve", plan, by="checker-1").err
    )
    assert "Now clear: cap_feed" in office.run("clearance", "approve", plan, by="director-1").err


def test_ctrl_c_ends_the_watching_and_not_the_sending(office: Office) -> None:
    """It says so; typed again it goes on: exit code 130."""
    plan = office.released()
    with terminal("watch", folder=office.folder, ACCESSIBLE="1") as screen:
        screen.expect("still sending, 0 of 1 channels done, 0 of 1 out")
        screen.press("ctrl-c")
        screen.expect("you stopped watching; the sending goes on without you")
        assert screen.ended() == 130
    assert office.run("clearance", "show", plan).json["state"] == "released"


def test_watch_tells_failures_with_their_reasons(office: Office) -> None:
    """Not only how many."""
    office.released()
    office.move("leased", "sending", "rejected", reason="too_long")
    assert "cap_feed: 1 rejected: too_long" in office.run("watch", code=6).err
