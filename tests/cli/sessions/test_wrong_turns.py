"""Wrong turns of a night, each refused with a message that says what to do, and nothing changed or sent."""

from __future__ import annotations

from tests.cli.conftest import Office
from tests.cli.sessions.conftest import Scenes
from tests.terminal import PROGRAM

LATER = (
    "from datetime import timedelta; from dispatcher import opening; now = opening.now; "
    f"opening.now = lambda: now() + timedelta(hours=5); {PROGRAM}"
)
"""The same command five hours later."""
LIVE = "KTW-RMX"


def test_nobody_approves_their_own_text(scene: Scenes) -> None:
    """Nor does the author release it."""
    at = scene("submitted")
    at.told.types("author-1", "clearance", "approve", at.name, code=4)
    at.told.types("author-1", "release", at.name, code=4)
    at.told.types("ops-1", "clearance", "approve", at.name, code=4)
    at.told.is_kept_as("self_approval")


def test_a_window_that_has_ended_is_renewed_and_not_stretched(scene: Scenes) -> None:
    """The release is refused; the next command makes a new plan, to be signed anew."""
    at = scene("cleared")
    at.told.says("five hours later")
    at.told.types("director-1", "release", at.name, code=3, leaves=("release.refused",), program=LATER)
    at.told.types("director-1", "status", program=LATER)
    at.told.types("author-1", "clearance", "renew", at.name, program=LATER)
    at.told.is_kept_as("expired_window")


def test_a_text_that_was_edited_after_submission_is_another_plan(scene: Scenes) -> None:
    """What was signed stays what it was: nobody signs it any more, and the edit is submitted anew."""
    at = scene("submitted")
    (at.office.folder.parent / "storm2.txt").write_text("Storm tonight\n\nStay indoors from 5pm.\n")
    at.told.types("author-1", "message", "edit", at.message, "--text", "en-GB=storm2.txt")
    at.told.types("checker-1", "clearance", "approve", at.name, code=5)
    at.told.types("director-1", "release", at.name, code=5, leaves=("release.refused",))
    at.told.types("director-1", "clearance", "show", at.name)
    at.told.types("author-1", "clearance", "submit", at.message)
    at.told.is_kept_as("edited_text")


def test_wechat_is_no_channel(scene: Scenes) -> None:
    """It is said why, and what there is instead."""
    at = scene("drafted")
    at.told.types("ops-1", "channel", "show", "wechat")
    about = ("--handle", "City", "--language", "en-GB", "--mode", "exercise")
    at.told.types("ops-1", "account", "add", "wechat-city", "--channel", "wechat", *about, code=8)
    at.told.types("author-1", "clearance", "submit", at.message, "--account", "wechat", code=2)
    at.told.is_kept_as("wechat")


def test_a_second_release_sends_nothing_twice(scene: Scenes) -> None:
    """It says that it is out, and how to follow it."""
    at = scene("released")
    at.told.types("director-1", "release", at.name, code=5)
    at.told.types("director-1", "release", code=2)
    at.told.is_kept_as("second_release")


def test_who_halted_does_not_resume(scene: Scenes) -> None:
    """Two others do."""
    at = scene("released")
    said = at.told.types("ops-1", "halt", "--mode", "exercise", "--reason", "wrong street")
    halt = said.split()[-1]
    at.told.types("ops-1", "resume", halt, code=8)
    at.told.types("director-1", "resume", halt)
    at.told.types("director-1", "resume", halt, code=2)
    at.told.types("author-1", "status")
    at.told.types("director-2", "resume", halt)
    at.told.is_kept_as("halt_and_resume")


def test_what_was_sent_is_corrected_with_one_command(scene: Scenes) -> None:
    """No token is asked for; the author alone cannot."""
    at = scene("released")
    at.office.move("leased", "sending", "accepted")
    at.told.types("author-1", "correct", at.name, code=4)
    at.told.types("director-1", "correct", "--reason", "it is the next street")
    at.told.types("director-1", "correct", at.name, code=5)
    at.told.is_kept_as("correct")


def test_what_was_mistyped_is_suggested_and_never_run(scene: Scenes) -> None:
    """A command, a noun's verb, a name where a command stands, ids that nothing or that two things have."""
    at = scene("submitted")
    for words in (
        "relaese",
        "clearance aprove",
        f"{at.incident}",
        "approve",
        "clearance approve 000000000000",
        "incident show inc-000",
        "halt --mode exercise --reson x",
        "incident declare severe_wether Storm --mode exercise",
        "incident declare severe_weather Storm --mode excercise",
        "incident declare severe_weather Storm",
    ):
        at.told.types("author-1", *words.split(), code=2)
    at.told.is_kept_as("mistyped")


def test_a_template_or_slot_that_there_is_not_is_named(scene: Scenes) -> None:
    """With those that there are."""
    at = scene("drafted")
    draft = ("message", "draft", at.incident, "--template")
    at.told.types("author-1", *draft, "fluod", code=2)
    at.told.types("author-1", *draft, "flood", "--slot", "rivr=River Example", code=2)
    at.told.types("author-1", *draft, "flood", "--slot", "river", code=2)
    at.told.is_kept_as("template")


def test_a_missing_area_never_means_everywhere(scene: Scenes) -> None:
    """The draft says so, submission refuses, and the area can be given afterwards."""
    at = scene("empty")
    declare = ("incident", "declare", "severe_weather", "Storm", "--mode", "exercise")
    at.told.types("author-1", *declare)
    incident = at.office.run("status").json["incidents"][0]["id"]
    (at.office.folder.parent / "storm.txt").write_text("Storm tonight\n\nStay indoors from 6pm.\n")
    at.told.types("author-1", "message", "draft", incident, "--text", "en-GB=storm.txt", "--valid-until", "+6h")
    at.told.types("author-1", "message", "arm", _message(at.office))
    at.told.types("author-1", "clearance", "submit", code=2)
    at.told.types("author-1", "message", "edit", _message(at.office), "--area", "Old Town")
    at.told.is_kept_as("missing_area")


def test_the_token_of_the_other_mode_is_known_as_such(scene: Scenes) -> None:
    """A live token in an exercise; three wrong ones end it."""
    at = scene("cleared")
    with at.told.asking("director-1", "release", code=2, leaves=("release.aborted",)) as screen:
        for given in (LIVE, "", "no"):
            screen.expect("or Ctrl-C: ")
            screen.type(given)
    at.told.types("director-1", "release", "--confirm", LIVE, code=2, leaves=("release.aborted",))
    at.told.is_kept_as("wrong_token")


def test_who_wrote_may_not_approve_even_with_the_role(scene: Scenes) -> None:
    """A director who edited the text is refused the approval and the release of it."""
    at = scene("drafted")
    (at.office.folder.parent / "storm2.txt").write_text("Storm tonight\n\nStay indoors from 5pm.\n")
    at.told.types("director-1", "message", "edit", at.message, "--text", "en-GB=storm2.txt")
    at.told.types("author-1", "message", "arm", at.message)
    at.told.types("author-1", "clearance", "submit")
    plan = at.office.run("status").json["plans"][-1]["plan"][:12]
    at.told.types("director-1", "clearance", "approve", plan, code=8)
    at.told.types("checker-1", "clearance", "approve", plan)
    at.told.types("director-1", "release", code=3, leaves=("release.refused",))
    at.told.is_kept_as("own_text")


def _message(office: Office) -> str:
    """The only message there is."""
    (entry,) = office.run("ledger", "tail", "--kind", "message.revised").json["entries"][:1]
    return str(entry["facts"]["message"])
