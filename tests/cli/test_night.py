"""``dispatcher night``: a walk through the very commands, shown before they run, that can be left at any question."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tests.cli.conftest import ENGLISH, Office
from tests.terminal import Screen, terminal

NUMBER = "Number: "
ENTER = "Enter runs it, Ctrl-C leaves"


def walking(office: Office, person: str) -> AbstractContextManager[Screen]:
    """The walk of a person."""
    return terminal("night", folder=office.folder, by=person, columns=120, NO_COLOR="1")


def answered(screen: Screen, *answers: tuple[str, str]) -> None:
    """Answer each question once it stands there."""
    for question, answer in answers:
        screen.expect(question)
        screen.type(answer)


def test_without_a_terminal_the_commands_are_named(office: Office) -> None:
    """Exit code 7, and what to type instead."""
    said = office.run("night", by="author-1", code=7)
    assert "incident declare, message draft, message arm" in said.err
    assert "Next: dispatcher incident declare --help" in said.err


def test_an_author_is_walked_from_the_incident_to_the_submission(office: Office) -> None:
    """Every command is shown as it can be typed; then it says who is awaited and what they type."""
    office.feed()
    file = office.folder.parent / "storm.txt"
    file.write_text(ENGLISH)
    with walking(office, "author-1") as screen:
        answered(
            screen,
            (f"exercise: simulated platforms, no public\n{NUMBER}", "2"),
            (NUMBER, "3"),
            ("Its title", "Storm"),
            ("Where?", "Old Town"),
            ("What policy wants known: warning", "red"),
            ("Who says so?", "weather service"),
        )
        typed = "incident declare severe_weather Storm --mode exercise --area 'Old Town' --evidence warning=red"
        screen.expect(f"$ dispatcher {typed} --source 'weather service'")
        answered(
            screen,
            (ENTER, ""),
            ("A language and its file", f"en-GB={file}"),
            ("A language and its file", ""),
            ("How long does it hold?", ""),
            (ENTER, ""),
            ("$ dispatcher message arm", ""),
            ("$ dispatcher message preview", ""),
            ("A recipient list", ""),
            ("$ dispatcher clearance submit", ""),
        )
        screen.expect("Waiting for checker: checker-1")
        screen.expect("They type, with their own key: dispatcher clearance approve")
        screen.press("ctrl-c")
        screen.expect("you left the walk; nothing is lost")
        assert screen.ended() == 130
    (plan,) = office.run("status").json["plans"]
    assert plan["state"] == "submitted"


def test_the_director_goes_on_where_it_stands_and_waits_for_the_checker(office: Office) -> None:
    """Reads and approves with the own key; once the checker has signed elsewhere, the release is next."""
    plan = office.plan()
    with walking(office, "director-1") as screen:
        answered(screen, (NUMBER, "1"), ("$ dispatcher clearance read", ""), ("$ dispatcher clearance approve", ""))
        screen.expect("Waiting for checker: checker-1")
        office.run("clearance", "approve", plan, by="checker-1")
        screen.expect("Something has changed.")
        answered(screen, ("$ dispatcher clearance read", ""), (f"$ dispatcher release {plan[:12]}", ""))
        screen.expect("Type the token (digits)")
        screen.press("ctrl-c")
        screen.expect("aborted, nothing was sent")
        answered(screen, (NUMBER, "2"))
        screen.expect("nothing is lost")
        assert screen.ended() == 0
    assert office.run("clearance", "show", plan).json["state"] == "submitted"


def test_nobody_is_walked_through_another_ones_signature(office: Office) -> None:
    """The author of the text is told who signs, and offered no approval."""
    office.plan()
    with walking(office, "author-1") as screen:
        answered(screen, (NUMBER, "1"))
        screen.expect("They type, with their own key: dispatcher clearance approve")
        assert "$ dispatcher clearance approve" not in screen.transcript
        screen.press("ctrl-c")
        assert screen.ended() == 130


def test_after_the_release_the_way_back_is_a_number(office: Office) -> None:
    """The command that it stands for is shown before it runs."""
    plan = office.released()
    office.move("leased", "sending", "accepted")
    with walking(office, "director-1") as screen:
        answered(screen, (NUMBER, "1"), ("$ dispatcher watch", ""), ("It is out. What now?", "3"))
        screen.expect(f"$ dispatcher withdraw {plan[:12]}")
        screen.press("ctrl-c")
        assert screen.ended() == 130
