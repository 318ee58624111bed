"""Attaching a video with its captions, and what people are shown of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dispatcher.cli import output
from tests.channels.media.dirty import SECRET, saved
from tests.channels.media.films import fields, film
from tests.cli.conftest import Office

WORDS = "WEBVTT\n\nNOTE filmed at home\n\n00:00.000 --> 00:01.000\nStay in\n"
CLEAN = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nEXERCISE\nStay in\n"


def mastodon(office: Office) -> str:
    """Add an exercise account on a channel that takes videos, and no captions."""
    token = office.folder.parent / "token"
    token.write_text("planted")
    about = ("--channel", "mastodon", "--handle", "@city", "--mode", "exercise", "--language", "en-GB")
    base = ("--set", "base_url=http://127.0.0.1:9/mastodon", f"--secret-file=token={token}")
    office.run("account", "add", "city-toots", *about, *base, by="ops-1")
    return "city-toots"


def attached(office: Office, message: str, words: str = WORDS, code: int = 0) -> Any:
    """Attach a video with English captions, and what was said."""
    video, captions = office.folder.parent / "flood.mov", office.folder.parent / "flood.vtt"
    video.write_bytes(film("mov", metadata=True) + SECRET)
    captions.write_text(words)
    told = ("--alt", "en-GB=The river", "--captions", f"en-GB={captions}")
    return office.run("message", "attach", message, video, *told[: None if words else 2], by="author-1", code=code)


def published(office: Office, *command: str) -> dict[str, dict[str, Any]]:
    """What a command says of each account's message."""
    document = office.run(*command).json
    found = document.get("previews") or document["texts"]
    return {one["account"]: one for one in found if one["text"] == "publish"}


def test_people_see_the_video_and_its_captions_word_for_word(office: Office) -> None:
    """When it is attached, in the preview, and in what approvers read; the files are the clean ones."""
    message, account = office.message(), mastodon(office)
    (made,) = attached(office, message).json["media"]
    assert (made["kind"], made["width"], made["height"]) == ("video", 64, 96)
    (shown,) = published(office, "message", "preview", message)[account]["media"]
    (caption,) = shown["captions"]
    assert (shown["digest"], caption["text"]) == (made["digest"], CLEAN)
    assert Path(caption["file"]).read_text() == CLEAN
    assert fields(Path(shown["file"]).read_bytes()) == []
    plan = office.run("clearance", "submit", message, by="author-1").json["plan"]
    assert published(office, "clearance", "read", plan)[account]["media"] == [shown]
    incident = office.run("status").json["incidents"][0]["id"]
    told = office.run("review", incident, "--markdown", by="reviewer-1").out
    assert f"video {shown['digest']}, 64 × 96 pixels" in told
    assert f"Its captions, en-GB: {caption['digest']}" in told


def test_a_person_is_told_what_goes_where(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long it is, which channel does not send its captions, and which goes without it."""
    message = office.message()
    mastodon(office)
    attached(office, message)
    monkeypatch.setattr(output, "wants_json", lambda asked: asked)  # as on a terminal
    told = office.run("message", "preview", message).out
    assert "[video] 64 x 96 pixels, 1" in told
    assert "[captions en-GB, not sent: mastodon takes none]" in told
    assert "    Stay in" in told
    assert "WITHOUT 1 OF ITS PICTURES AND VIDEOS: feed-city takes none of that kind" in told


def test_what_was_attached_is_listed_on_a_terminal_by_its_file(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of its captions are for the preview, not for a column of a table."""
    message = office.message()
    monkeypatch.setattr(output, "wants_json", lambda asked: asked)  # as on a terminal
    told = attached(office, message).out
    assert "file" in told
    assert "captions" not in told
    assert "Stay in" not in told


def test_a_post_carries_the_picture_and_its_channel_goes_without_the_video(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a channel takes either; said to the author, and to whoever approves."""
    message, account = office.message(), mastodon(office)
    attached(office, message)
    picture = office.folder.parent / "map.png"
    picture.write_bytes(saved("PNG"))
    office.run("message", "attach", message, picture, "--alt", "en-GB=Map", by="author-1")
    shown = published(office, "message", "preview", message)[account]
    assert ([one["kind"] for one in shown["media"]], shown["left_out"]) == (["picture"], 1)
    plan = office.run("clearance", "submit", message, by="author-1").json["plan"]
    assert published(office, "clearance", "read", plan)[account]["left_out"] == 1
    monkeypatch.setattr(output, "wants_json", lambda asked: asked)  # as on a terminal
    assert f"{account} takes pictures alone here" in office.run("clearance", "read", plan).out


def test_a_video_with_sound_needs_captions(office: Office) -> None:
    """Said with the option to give."""
    said = attached(office, office.message(), words="", code=2).err
    assert "the video has no captions in en-GB, and it has sound" in said
    assert "--captions en-GB=FILE.vtt" in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (WORDS.replace("WEBVTT", "SRT"), "captions in en-GB: the captions do not begin with WEBVTT"),
        (WORDS.replace("01.0", "09.0"), "line 5: the cue ends after the video"),
    ],
)
def test_captions_that_cannot_be_read_whole_are_refused(office: Office, words: str, why: str) -> None:
    """With the line, and the message stays as it was."""
    message = office.message()
    assert why in attached(office, message, words, code=2).err
    assert office.run("message", "detach", message, by="author-1").json["media"] == []


def test_lost_captions_are_a_problem_and_not_a_crash(office: Office) -> None:
    """The preview names them."""
    message, account = office.message(), mastodon(office)
    (made,) = attached(office, message).json["media"]
    Path(made["captions"][0]["file"]).unlink()
    (problem, *_) = published(office, "message", "preview", message)[account]["problems"]
    assert "the file of captions in en-GB" in problem
    assert "cannot be read" in problem
