"""Attaching pictures, and what every account then carries of them."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.channels.media.dirty import SECRET, fields, saved
from tests.cli.conftest import Office


def picture(office: Office, data: bytes = b"", name: str = "map.jpg") -> Path:
    """A file with a picture full of metadata, or with these bytes."""
    file = office.folder.parent / name
    file.write_bytes(data or saved("JPEG", comment=SECRET) + SECRET)
    return file


def bluesky(office: Office, *languages: str) -> str:
    """Add an exercise account on a channel that takes pictures."""
    for name, value in (("identifier", "city.example"), ("password", "app-city.example")):
        (office.folder.parent / name).write_text(value)
    files = [f"--secret-file={name}={office.folder.parent / name}" for name in ("identifier", "password")]
    about = ("--channel", "bluesky", "--handle", "city.example", "--mode", "exercise")
    spoken = [word for tag in languages or ("en-GB",) for word in ("--language", tag)]
    base = ("--set", "base_url=http://127.0.0.1:9/bluesky")
    office.run("account", "add", "city-sky", *about, *spoken, *base, *files, by="ops-1")
    return "city-sky"


def instagram(office: Office) -> str:
    """Add an exercise account on a channel that needs a picture."""
    words = ["account", "add", "city-ig", "--channel", "instagram", "--handle", "@city", "--mode", "exercise"]
    for one in ("base_url=http://127.0.0.1:9/instagram", "ig_id=3", "media_base_url=https://media.city.example"):
        words += ["--set", one]
    for name in ("token", "app_secret"):
        (office.folder.parent / name).write_text("planted")
        words.append(f"--secret-file={name}={office.folder.parent / name}")
    office.run(*words, "--language", "en-GB", by="ops-1")
    return "city-ig"


def attached(office: Office, message: str, *more: str, data: bytes = b"", code: int = 0) -> Any:
    """Attach a picture with an English text, and what was said."""
    words = ("message", "attach", message, picture(office, data), "--alt", "en-GB=Map of the storm", *more)
    return office.run(*words, by="author-1", code=code)


def carried(office: Office, message: str, account: str) -> dict[str, Any]:
    """The preview of the message to an account."""
    found = office.run("message", "preview", message, "--account", account).json["previews"]
    return next(one for one in found if one["text"] == "publish")


def test_a_picture_is_stored_clean_and_marked(office: Office) -> None:
    """What people look at, and what is signed, is a file without metadata on which EXERCISE stands."""
    message, account = office.message(), bluesky(office)
    attached(office, message)
    (shown,) = carried(office, message, account)["media"]
    data = Path(shown["file"]).read_bytes()
    assert (fields(data), shown["size"]) == ([], len(data))
    assert shown["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert shown["alt"] == [{"language": "en-GB", "text": "EXERCISE EXERCISE EXERCISE\n\nMap of the storm"}]
    with Image.open(BytesIO(data)) as image:
        assert image.size == (shown["width"], shown["height"]) == (96, 72)


def test_a_picture_is_made_to_fit_the_channel(office: Office) -> None:
    """Bluesky takes two million bytes; the preview shows the very file that it gets."""
    message, account = office.message(), bluesky(office)
    noise = BytesIO()
    Image.effect_noise((1600, 1600), 90).convert("RGB").save(noise, "PNG")
    made = attached(office, message, data=noise.getvalue()).json["media"][0]
    (shown,) = carried(office, message, account)["media"]
    assert made["size"] > 2_000_000 >= shown["size"] == Path(shown["file"]).stat().st_size
    assert (shown["mime"], shown["width"]) == ("image/jpeg", 1600)


def test_a_channel_of_text_alone_says_that_it_goes_without(office: Office) -> None:
    """In the preview and in what approvers read, never silently; nothing else speaks against it."""
    message = office.message()
    bluesky(office)
    attached(office, message)
    assert carried(office, message, "feed-city")["left_out"] == 1
    assert carried(office, message, "city-sky")["left_out"] == 0
    office.run("message", "lint", message)


def test_whoever_approves_is_shown_the_picture(office: Office) -> None:
    """Its file, its text, and which account goes without."""
    message = office.message()
    bluesky(office)
    attached(office, message)
    plan = office.run("clearance", "submit", message, by="author-1").json["plan"]
    texts = {one["account"]: one for one in office.run("clearance", "read", plan).json["texts"][:2]}
    assert [one["text"] for one in texts["city-sky"]["media"][0]["alt"]] == [
        "EXERCISE EXERCISE EXERCISE\n\nMap of the storm"
    ]
    assert Path(texts["city-sky"]["media"][0]["file"]).is_file()
    assert (texts["feed-city"]["media"], texts["feed-city"]["left_out"]) == ([], 1)


def test_whoever_attaches_is_a_contributor(office: Office) -> None:
    """And so cannot approve; a plan that waited for signatures is returned."""
    message = office.message()
    plan = office.run("clearance", "submit", message, by="author-1").json["plan"]
    words = ("message", "attach", message, picture(office), "--alt", "en-GB=Map")
    made = office.run(*words, by="checker-1").json
    assert made["contributors"]["checker-1"] == ["attach"]
    assert office.run("clearance", "show", plan).json["state"] == "returned"


def test_the_same_file_again_takes_other_texts(office: Office) -> None:
    """One picture stays one."""
    message = office.message()
    attached(office, message)
    words = ("message", "attach", message, picture(office), "--alt", "en-GB=A better text")
    (medium,) = office.run(*words, by="author-1").json["media"]
    assert medium["alt"] == [{"language": "en-GB", "text": "A better text"}]


def test_pictures_are_taken_off_again(office: Office) -> None:
    """The next revision has none, and its document no key for them."""
    message = office.message()
    before = office.run("message", "detach", message, by="author-1").json
    assert before["media"] == []
    assert len(attached(office, message).json["media"]) == 1
    assert office.run("message", "detach", message, by="author-1").json["media"] == []


def test_more_pictures_than_a_channel_takes_is_a_problem(office: Office) -> None:
    """At draft time, for that channel alone."""
    message = office.message()
    bluesky(office)
    for width in range(5):
        out = BytesIO()
        Image.new("RGB", (64 + width, 64), "navy").save(out, "PNG")
        attached(office, message, data=out.getvalue())
    (problem,) = office.run("message", "lint", message, code=3).json["problems"]
    assert problem["account"] == "city-sky"
    assert "5 of at most 4 pictures" in problem["problem"]


def test_a_channel_that_needs_a_picture_says_so_before_anybody_signs(office: Office) -> None:
    """With what to do, and once it is done there is no problem; the way back needs none."""
    message, account = office.message(), instagram(office)
    (problem,) = office.run("message", "lint", message, code=3).json["problems"]
    assert (problem["account"], problem["text"]) == (account, "publish")
    assert "takes no post without a picture; attach one: dispatcher message attach" in problem["problem"]
    assert "takes no post without a picture" in office.run("clearance", "submit", message, by="author-1", code=3).err
    attached(office, message)
    assert office.run("message", "lint", message).json["problems"] == []


def test_a_shape_that_a_channel_refuses_is_a_problem(office: Office) -> None:
    """Nothing is cropped to make it fit."""
    message = office.message()
    instagram(office)
    out = BytesIO()
    Image.new("RGB", (200, 100), "navy").save(out, "PNG")
    attached(office, message, data=out.getvalue())
    (problem,) = office.run("message", "lint", message, code=3).json["problems"]
    assert "200 by 100 pixels, and this channel takes pictures from 0.8 to 1.91 times" in problem["problem"]


def test_a_translation_without_a_text_for_the_picture_is_a_problem(office: Office) -> None:
    """The account that posts in it cannot go out, and the message says what to do."""
    message = office.message()
    bluesky(office, "en-GB", "cy")
    attached(office, message)
    welsh = office.folder.parent / "cy"
    welsh.write_text("Storm heno\n\nArhoswch.\n")
    office.run("message", "edit", message, "--text", f"cy={welsh}", by="translator-1")
    office.run("message", "arm", message, by="author-1")
    problems = office.run("message", "lint", message, code=3).json["problems"]
    assert ["attach the same file again" in one["problem"] for one in problems if one["account"] == "city-sky"] == [
        True
    ]


@pytest.mark.parametrize(
    ("data", "alt", "why"),
    [
        (b"no picture", "en-GB=Map", "no JPEG, PNG, GIF or WebP"),
        (saved("PNG")[:200], "en-GB=Map", "damaged"),
        (b"", "cy=Map", "no alternative text in en-GB"),
        (b"", "en-GB= ", "no alternative text in en-GB"),
        (b"", "en-GB=cafe\u0301", "NFC"),
        (b"\xff" * 25_000_001, "en-GB=Map", "at most 25,000,000 are taken"),
    ],
)
def test_what_cannot_be_attached_is_said_so(office: Office, data: bytes, alt: str, why: str) -> None:
    """As wrong input, and the message stays as it was."""
    message = office.message()
    words = ("message", "attach", message, picture(office, data), "--alt", alt)
    assert why in office.run(*words, by="author-1", code=2).err
    assert office.run("message", "detach", message, by="author-1").json["number"] == 3


def test_a_lost_picture_is_a_problem_and_not_a_crash(office: Office) -> None:
    """The preview names it."""
    message, account = office.message(), bluesky(office)
    attached(office, message)
    Path(carried(office, message, account)["media"][0]["file"]).unlink()
    assert "cannot be read" in carried(office, message, account)["problems"][0]


def test_a_review_names_the_picture_by_its_digest(office: Office) -> None:
    """With what it shows, beside the exact text."""
    message, account = office.message(), bluesky(office)
    attached(office, message)
    office.run("clearance", "submit", message, by="author-1")
    (shown,) = carried(office, message, account)["media"]
    incident = office.run("status").json["incidents"][0]["id"]
    told = office.run("review", incident, "--markdown", by="reviewer-1").out
    assert f"picture {shown['digest']}, 96 × 72 pixels" in told
    assert "\nMap of the storm" in told


def test_a_channels_page_says_what_it_takes(office: Office) -> None:
    """In bytes, pixels and characters; or none."""
    assert office.run("channel", "show", "bluesky").json["media"] == (
        "4 pictures to 2,000,000 bytes and 4096 x 4096 pixels, alternative text to 2000 characters"
    )
    assert office.run("channel", "show", "notify").json["media"] == "none"
