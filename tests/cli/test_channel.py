"""``dispatcher channel``: what there is, what it can do, whether a text fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels import registry
from tests.cli.conftest import Office
from tests.packages import install, on_path


def test_every_channel_is_listed_those_without_an_adapter_too(office: Office) -> None:
    """WeChat and Telegram are there, and nothing opens them."""
    listed = {row["name"]: row["adapter"] for row in office.run("channel", "list").json["channels"]}
    assert listed == {entry.name: entry.load is not None for entry in registry.TABLE}
    assert [name for name, has in listed.items() if not has] == ["wechat", "telegram"]


def test_third_parties_channels_are_listed_and_those_refused_say_why(office: Office, tmp_path: Path) -> None:
    """One is there, with no tier because no policy names it; the other's module is not."""
    site = tmp_path / "site"
    owl = "from tests.memory_channel import MemoryChannel as Adapter"
    install(site, {"owl": "owl:Adapter", "pigeon": "pigeon:Adapter"}, {"owl.py": owl})
    with on_path(site):
        told = office.run("channel", "list").json
        shown = office.run("channel", "show", "owl").json
    (refused,) = told["refused"]
    assert (refused["name"], refused["package"]) == ("pigeon", "pigeon_channel 1.0")
    assert "No module named 'pigeon'" in refused["why"]
    (listed,) = [row for row in told["channels"] if row["name"] == "owl"]
    assert listed["tier"] is None
    assert shown == {"schema": shown["schema"], **listed}


def test_accounts_are_counted(office: Office) -> None:
    """So that nobody looks for a channel that nobody has."""
    office.released()
    counted = {row["name"]: row["accounts"] for row in office.run("channel", "list").json["channels"]}
    assert (sum(counted.values()), counted["telegram"]) == (1, 0)


def test_a_channel_is_shown_by_any_of_its_names(office: Office) -> None:
    """With its limit, its tier, and the source of both."""
    shown = office.run("channel", "show", "Twitter").json
    assert (shown["name"], shown["text"], shown["tier"]) == ("x", "280 weighted", "T1")
    assert "reference: platforms 3" in shown["source"]


def test_a_channel_that_there_is_not_is_told_those_there_are(office: Office) -> None:
    """The message lists them."""
    assert "bluesky" in office.run("channel", "show", "myspace", code=2).err


@pytest.mark.parametrize(
    ("channel", "corrects", "withdraws"),
    [
        ("x", "new post", "yes"),
        ("notify", "new post", "by a task"),
        ("tiktok", "by people", "by people"),
        ("instagram", "by a task", "with may_delete=yes, else by a task"),
    ],
)
def test_what_can_be_taken_back_is_said(office: Office, channel: str, corrects: str, withdraws: str) -> None:
    """Before anything is sent, for afterwards it matters."""
    shown = office.run("channel", "show", channel).json
    assert (shown["corrects"], shown["withdraws"]) == (corrects, withdraws)


def test_what_a_post_carries_is_said(office: Office) -> None:
    """With the shapes that are taken, where not all are."""
    carried = office.run("channel", "show", "instagram").json["media"]
    assert carried.startswith("1 to 1 pictures to 8388608 bytes and 1440 x 1800 pixels, 0.8 to 1.91 times as wide")


def test_a_text_is_counted_as_each_platform_does(office: Office, tmp_path: Path) -> None:
    """A family is one character to a reader, eleven UTF-16 units to TikTok and two to X."""
    file = tmp_path / "storm.txt"
    file.write_text("\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\n")
    counted = {row["channel"]: row["count"] for row in office.run("channel", "limits", file).json["limits"]}
    assert (counted["bluesky"], counted["tiktok"], counted["x"], counted["notify"]) == (1, 11, 2, 7)


def test_a_text_that_is_too_long_names_the_channels(office: Office, tmp_path: Path) -> None:
    """Exit code 2, and nothing is cut."""
    file = tmp_path / "storm.txt"
    file.write_text("x" * 301)
    assert "too long for x, bluesky" in office.run("channel", "limits", file, code=2).err


def test_a_file_that_is_no_text_is_told_so(office: Office, tmp_path: Path) -> None:
    """Exit code 2."""
    file = tmp_path / "storm.bin"
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in office.run("channel", "limits", file, code=2).err


def test_a_link_counts_as_each_platform_shortens_it(office: Office, tmp_path: Path) -> None:
    """Twenty-three on X and Mastodon, its whole length on Bluesky."""
    file = tmp_path / "storm.txt"
    file.write_text("https://city.example/" + "a" * 40)
    counted = {row["channel"]: row["count"] for row in office.run("channel", "limits", file).json["limits"]}
    assert (counted["x"], counted["mastodon"], counted["bluesky"]) == (23, 23, 61)
