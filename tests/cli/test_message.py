"""Drafting, arming, linting and previewing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import ENGLISH, Office

WELSH = "Storm heno\n\nArhoswch dan do o 6yh, Ŵyr.\n"


def draft(office: Office, *words: object, text: str | bytes = ENGLISH, code: int = 0) -> str:
    """Draft a message from one English file; gives its name, or what was said where it fails."""
    file = office.folder.parent / "text"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    given = ("message", "draft", office.incident(), "--text", f"en-GB={file}", "--valid-until", "+6h", *words)
    said = office.run(*given, by="author-1", code=code)
    return said.err if code else str(said.json["message"])


def test_a_file_is_headline_body_and_instruction(office: Office) -> None:
    """The first line is the headline, what follows the rule the instruction; the preview shows all three."""
    name = draft(office)
    office.feed()
    document = office.run("message", "preview", name).json
    text = document["previews"][0]["parts"][0]["text"]
    assert all(part in text for part in ("Storm tonight", "Stay indoors from 6pm.", "Charge your telephone now."))
    assert "---" not in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Headline only\n", "needs a headline and a body"),
        (b"Storm\n\nbody \xff\n", "not UTF-8"),
        ("Storm\n\n" + "x" * 70_000, "larger than"),
        ("Storm\n\ncafe\u0301\n", "NFC"),
    ],
)
def test_a_text_that_cannot_be_used_is_said_so(office: Office, text: str | bytes, why: str) -> None:
    """A damaged text is wrong input, with what to do."""
    assert why in draft(office, text=text, code=2)


def test_a_missing_end_is_asked_for(office: Office) -> None:
    """A message without end is refused naming --valid-until."""
    file = office.folder.parent / "text"
    file.write_text(ENGLISH)
    said = office.run("message", "draft", office.incident(), "--text", f"en-GB={file}", by="author-1", code=2)
    assert "--valid-until" in said.err


@pytest.mark.parametrize("when", ["soon", "2026-11-21T18:00", "+0h", "+5x"])
def test_a_time_that_is_none_is_wrong_input(office: Office, when: str) -> None:
    """A time needs its offset; the message shows the forms."""
    words = ("message", "draft", "inc", "--valid-until", when)
    assert "Invalid value for '--valid-until'" in office.run(*words, by="author-1", code=2).err


def test_a_translation_names_its_translator(office: Office) -> None:
    """Who adds a language stands among the contributors, as who translated."""
    name = draft(office)
    file = office.folder.parent / "cy"
    file.write_text(WELSH)
    made = office.run("message", "edit", name, "--text", f"cy={file}", by="translator-1").json
    assert made["languages"] == ["en-GB", "cy"]
    assert made["contributors"]["translator-1"] == ["translate"]


def test_arming_ends_what_is_missing(office: Office) -> None:
    """A draft asks to be armed; armed, it asks to be looked at."""
    name = draft(office)
    said = office.run("message", "arm", name, by="author-1")
    assert sorted(said.json["texts"]) == ["all_clear", "correct", "publish", "withdraw"]
    assert f"Next: dispatcher message preview {name}" in said.err


def test_a_correction_of_ones_own_is_armed(office: Office, tmp_path: Path) -> None:
    """A written correction stands in the preview in place of the ready one."""
    name = draft(office)
    office.feed()
    (tmp_path / "correction").write_text("Correction\n\nThe storm passes north of us.\n")
    office.run("message", "arm", name, "--correct", f"en-GB={tmp_path / 'correction'}", by="author-1")
    assert "The storm passes north of us." in office.run("message", "preview", name).out


def test_a_way_back_that_is_older_than_the_text_is_warned_of(office: Office, tmp_path: Path) -> None:
    """It stays as it was armed and is signed as it stands; so whoever edits, and whoever submits, is told."""
    name, file = office.message(), tmp_path / "later.txt"
    file.write_text("Storm tonight\n\nStay indoors from 8pm.\n")
    warning = f"Warning: the way back is older than the text. Arm it anew: dispatcher message arm {name}"
    assert warning in office.run("message", "edit", name, "--text", f"en-GB={file}", by="author-1").err
    assert warning in office.run("clearance", "submit", name, by="author-1").err
    assert "Warning" not in office.run("message", "arm", name, by="author-1").err
    assert warning not in office.run("clearance", "submit", name, by="author-1").err


def test_what_was_armed_is_what_people_sign_and_nothing_else(office: Office, tmp_path: Path) -> None:
    """A correction of an author's own goes on unchanged with another text, and stands where approvers read it."""
    name, file, own = office.message(), tmp_path / "later.txt", tmp_path / "own.txt"
    own.write_text("Correction\n\nThe storm comes at 7pm.\n")
    office.run("message", "arm", name, "--correct", f"en-GB={own}", by="author-1")
    file.write_text("Storm tonight\n\nStay indoors from 8pm.\n")
    office.run("message", "edit", name, "--text", f"en-GB={file}", by="author-1")
    plan = office.run("clearance", "submit", name, by="author-1").json["plan"]
    texts = {one["text"]: str(one) for one in office.run("clearance", "read", plan).json["texts"]}
    assert "from 8pm" in texts["publish"]
    assert "comes at 7pm" in texts["correct"]


def test_a_preview_counts_as_the_platform_counts(office: Office) -> None:
    """A feed is counted in characters, and the exercise says EXERCISE."""
    name = draft(office)
    office.feed()
    part = office.run("message", "preview", name, "--account", "feed-city").json["previews"][0]["parts"][0]
    assert part["count"] == f"{len(part['text'])} characters"
    assert "EXERCISE" in part["text"]


def test_lint_of_an_unarmed_message_ends_with_3(office: Office) -> None:
    """What no plan could be made of fails the command, with the next step."""
    name = draft(office)
    office.feed()
    said = office.run("message", "lint", name, code=3)
    assert said.json["problems"][0]["problem"] == "is not armed in every language"
    assert f"Next: dispatcher message arm {name}" in said.err


def test_lint_of_a_sound_message_leads_to_its_submission(office: Office) -> None:
    """Nothing speaks against it: exit code 0, no problems, submit."""
    name = office.message()
    said = office.run("message", "lint", name)
    assert said.json["problems"] == []
    assert f"Next: dispatcher clearance submit {name}" in said.err


def test_a_preview_without_accounts_says_how_to_add_one(office: Office) -> None:
    """There is nothing to preview on."""
    assert "dispatcher account add" in office.run("message", "preview", draft(office), code=2).err


def test_an_edit_of_nothing_is_wrong_input(office: Office) -> None:
    """An edit needs a text, and writes nothing without."""
    name = draft(office)
    assert "--text" in office.run("message", "edit", name, by="author-1", code=2).err


def test_a_language_is_given_once(office: Office) -> None:
    """The same language twice is wrong input."""
    words = ("message", "draft", "inc", "--text", "cy=a", "--text", "cy=b")
    assert "cy is given twice" in office.run(*words, by="author-1", code=2).err
