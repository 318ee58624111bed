"""Confirming a release: what is shown, what is typed, and what comes of a wrong token, Ctrl-C or no terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest

from dispatcher.service.confirming import SIGNS
from tests.cli.conftest import Office
from tests.terminal import Screen, terminal

LIVE = "KTW-RMX"


@pytest.fixture
def calm(office: Office) -> Office:
    """A deployment without a countdown."""
    settings = office.folder / "deployment.toml"
    settings.write_text(f"countdown_s = 0\n{settings.read_text()}")
    return office


def releasing(office: Office, *words: str, **environment: str) -> AbstractContextManager[Screen]:
    """The director's release on a terminal."""
    return terminal("release", *words, folder=office.folder, by="director-1", **environment)


def token(office: Office, plan: str) -> str:
    """The token, from what the director reads."""
    return str(office.run("clearance", "read", plan, by="director-1").json["token"])


def entries(office: Office, kind: str) -> list[Any]:
    """What the ledger says of a kind."""
    return list(office.run("ledger", "tail", "--kind", kind).json["entries"])


def wrong(right: str) -> str:
    """A token of the same mode that is another."""
    return right[:-1] + next(sign for sign in SIGNS["exercise"] if sign != right[-1])  # type: ignore[index]


def test_the_consequence_is_said_before_the_token_is_typed(calm: Office) -> None:
    """Mode, what, to how many, where, until when, and the way back; then it is released and recorded as typed."""
    plan = calm.cleared()
    with releasing(calm, plan) as screen:
        screen.expect("Type the token (digits) to practise")
        for part in (
            "exercise: only simulated",
            "Practise  “Storm tonight”",
            "1 account: 1 on",
            "Where     Old Town",
        ):
            assert part in screen.transcript
        assert "armed: dispatcher correct" in screen.transcript
        assert token(calm, plan) not in screen.transcript
        screen.type(token(calm, plan))
        assert screen.ended() == 0
        assert f"Next: dispatcher watch {plan[:12]}" in screen.transcript
    assert entries(calm, "plan.released")[0]["facts"]["confirmed"] == "typed"


def test_the_only_plan_that_waits_need_not_be_named(calm: Office) -> None:
    """It says which one it took."""
    plan = calm.cleared()
    with releasing(calm) as screen:
        screen.expect(f"The only plan there is: {plan[:12]} (EXERCISE “Storm”)")
        screen.expect("Type the token")
        screen.type(token(calm, plan))
        assert screen.ended() == 0


def test_a_wrong_token_sends_nothing_and_two_more_tries_are_left(calm: Office) -> None:
    """After the third it ends with exit code 2, and the ledger says that it was given up."""
    plan = calm.cleared()
    bad = wrong(token(calm, plan))
    with releasing(calm, plan) as screen:
        for left in ("Tries left: 2", "Tries left: 1", "Error: not confirmed, nothing was sent"):
            screen.expect("or Ctrl-C: ")
            screen.type(bad)
            screen.expect(left)
        assert screen.ended() == 2
    assert entries(calm, "release.aborted")[0]["facts"]["why"] == "not confirmed"
    assert calm.run("clearance", "show", plan).json["state"] == "submitted"


def test_the_other_modes_token_gets_its_own_message(calm: Office) -> None:
    """Letters in an exercise are a live token; a right one then still counts."""
    plan = calm.cleared()
    with releasing(calm, plan) as screen:
        screen.expect("or Ctrl-C: ")
        screen.type(LIVE)
        screen.expect("That is a live token, in letters. This is an exercise: its token is digits.")
        screen.expect("or Ctrl-C: ")
        screen.type(f" {token(calm, plan)} ")
        assert screen.ended() == 0


def test_the_prompt_can_be_left_with_ctrl_c(calm: Office) -> None:
    """Nothing was signed or sent: exit code 130."""
    plan = calm.cleared()
    with releasing(calm, plan) as screen:
        screen.expect("or Ctrl-C: ")
        screen.press("ctrl-c")
        screen.expect("Error: aborted, nothing was sent")
        assert screen.ended() == 130
    assert entries(calm, "release.aborted")[0]["facts"]["why"] == "interrupted"
    assert entries(calm, "statement.release") == []


def test_the_countdown_can_be_stopped_with_ctrl_c(office: Office) -> None:
    """The token was right, and still nothing is signed until the countdown has ended."""
    plan = office.cleared()
    with releasing(office, plan) as screen:
        screen.expect("or Ctrl-C: ")
        screen.type(token(office, plan))
        screen.expect("Practising in 5 s; Ctrl-C stops it.")
        screen.press("ctrl-c")
        screen.expect("aborted, nothing was sent")
        assert screen.ended() == 130
    assert entries(office, "statement.release") == []


def test_after_the_commit_ctrl_c_comes_too_late_and_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody believes that nothing was sent while it is being sent: what the database says is said."""
    plan = office.cleared()

    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dispatcher.service.releasing.ring_lanes", pressed)
    said = office.run("release", plan, "--confirm", token(office, plan), by="director-1", code=130)
    assert "too late: it was released already, and is being sent" in said.err
    assert f"dispatcher correct {plan[:12]} takes it back" in said.err
    assert entries(office, "release.aborted") == []


def test_who_reads_by_ear_is_told_of_the_countdown_once(office: Office) -> None:
    """With ACCESSIBLE=1 nothing changes in place."""
    plan = office.cleared()
    with releasing(office, plan, ACCESSIBLE="1") as screen:
        screen.expect("or Ctrl-C: ")
        screen.type(token(office, plan))
        screen.expect("Practising in 5 seconds; Ctrl-C stops it.")
        screen.press("ctrl-c")
        assert screen.ended() == 130


def test_without_a_terminal_nothing_is_asked(office: Office) -> None:
    """Exit code 7, the option to give, and no token: whoever gives one has asked for the text."""
    plan = office.cleared()
    right = token(office, plan)
    said = office.run("release", plan, by="director-1", code=7)
    assert f"Next: dispatcher clearance read {plan[:12]}" in said.err
    assert right not in said.err + said.out
    assert entries(office, "plan.released") == []


def test_without_a_terminal_the_token_is_an_option(office: Office) -> None:
    """The ledger says that it was given."""
    plan = office.cleared()
    office.run("release", plan, "--confirm", token(office, plan), by="director-1")
    assert entries(office, "plan.released")[0]["facts"]["confirmed"] == "given"


@pytest.mark.parametrize(("given", "told"), [(LIVE, "That is a live token"), ("0000", "not this plan's token")])
def test_a_wrong_option_sends_nothing(office: Office, given: str, told: str) -> None:
    """Exit code 2, without another try."""
    plan = office.cleared()
    assert told in office.run("release", plan, "--confirm", given, by="director-1", code=2).err
    assert entries(office, "plan.released") == []


def test_the_token_stands_last_where_the_plan_is_read(office: Office) -> None:
    """After all that is signed; once the plan is released there is none."""
    plan = office.cleared()
    shown = office.run("clearance", "read", plan).json
    assert list(shown)[-1] == "token"
    office.run("release", plan, by="director-1")
    assert office.run("clearance", "read", plan).json["token"] is None


def test_taking_back_asks_for_no_token(office: Office) -> None:
    """One command, and of the only plan that was sent not even its name."""
    office.released()
    office.run("withdraw", by="director-1")
