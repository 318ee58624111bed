"""Ctrl-C at each prompt of a night: exit code 130, nothing signed or sent, and the next command."""

from __future__ import annotations

import pytest

from tests.cli.sessions.conftest import Scene, Scenes
from tests.cli.test_interrupting import locked


def test_at_the_token_and_in_the_countdown(scene: Scenes) -> None:
    """Both are given up as aborted; the same command then releases."""
    at = scene("cleared")
    given_up = ("release.aborted",)
    with at.told.asking("director-1", "release", code=130, leaves=given_up) as screen:
        screen.expect("or Ctrl-C: ")
        screen.press("ctrl-c")
    with at.told.asking("director-1", "release", code=130, leaves=given_up) as screen:
        screen.expect("or Ctrl-C: ")
        screen.type(at.token)
        screen.expect("Practising in 1 s; Ctrl-C stops it.")
        screen.press("ctrl-c")
    with at.told.asking("director-1", "release") as screen:
        screen.expect("or Ctrl-C: ")
        screen.type(at.token)
    at.told.is_kept_as("interrupted_release")


@pytest.mark.system
def test_at_a_passphrase(scene: Scenes) -> None:
    """Nothing is signed; of an approval, and of what takes back."""
    at = scene("released")
    for person in ("director-1", "ops-1"):
        locked(at.office, person)
    for person, words in (("director-1", ("correct",)), ("ops-1", ("halt", "--mode", "exercise"))):
        with at.told.asking(person, *words, code=130) as screen:
            screen.expect("Passphrase of")
            screen.press("ctrl-c")
    at.told.is_kept_as("interrupted_passphrase")


def test_at_a_slot_s_question(scene: Scenes) -> None:
    """Nothing is drafted; what cannot stand in a slot is asked again."""
    at = scene("drafted")
    with at.told.asking("author-1", "message", "draft", at.incident, "--template", "flood", code=130) as screen:
        screen.expect("which river")
        screen.type("River Example")
        screen.expect("--slot ")
        screen.press("ctrl-c")
    at.told.is_kept_as("interrupted_slots")


def test_at_a_watch(scene: Scenes) -> None:
    """The sending goes on."""
    at = scene("released")
    with at.told.asking("director-1", "watch", code=130, ACCESSIBLE="1") as screen:
        screen.expect("still sending")
        screen.press("ctrl-c")
    at.told.is_kept_as("interrupted_watch")


@pytest.mark.parametrize(
    ("stage", "person", "question", "before"),
    [
        ("drafted", "author-1", "Number: ", ()),
        ("empty", "author-1", "Its title", ("2", "3")),
        ("drafted", "author-1", "A recipient list", ("1", "")),
        ("submitted", "checker-1", "Enter runs it", ("1",)),
        ("submitted", "author-1", "Waiting for checker", ("1",)),
        ("cleared", "director-1", "Enter runs it", ("1",)),
    ],
)
def test_at_each_choice_of_the_walk(
    scene: Scenes, stage: str, person: str, question: str, before: tuple[str, ...]
) -> None:
    """It says that nothing is lost, and how to go on."""
    at: Scene = scene(stage)
    with at.told.asking(person, "night", code=130) as screen:
        for answer in before:
            screen.expect("Number: " if answer else ": ")
            screen.type(answer)
        screen.expect(question)
        screen.press("ctrl-c")
    assert "you left the walk; nothing is lost" in screen.transcript
    at.told.is_kept_as(f"interrupted_walk_{stage}_{person}_{len(before)}")
