"""``dispatcher channel``: what there is, what it can do, whether a text fits."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from channels import registry
from channels.contract import Probe
from dispatcher.bootstrap import open_desk
from dispatcher.service.desk import Desk
from dispatcher.store import probes
from dispatcher.store.probes import Due
from tests.cli.conftest import ENGLISH, Office
from tests.packages import install, on_path
from tests.servers import until


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
    assert shown == {"schema": shown["schema"], **listed, "probes": []}


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
    assert carried.startswith("always 1 picture to 8,388,608 bytes and 1440 x 1800 pixels, 0.8 to 1.91 times as wide")


@pytest.mark.parametrize("name", ["weixin", "tg"])
def test_a_channel_that_is_not_used_says_so(office: Office, name: str) -> None:
    """By any of its names; whoever looks it up need not know what an empty row means."""
    assert "is not used: it has no adapter, and no signature opens it" in office.run("channel", "show", name).err


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


def test_a_probe_that_nobody_answers_says_so(office: Office) -> None:
    """Exit code 9, the account, and what may not be running; what is known is shown."""
    feed = office.feed()
    said = office.run("channel", "probe", feed, "--wait", "0", code=9)
    (shown,) = said.json["probes"]
    assert (shown["account"], shown["probe"]) == (feed, "not probed")
    assert f"no sender answered within 0 s for {feed}" in said.err
    assert "is dispatcher up running in mode exercise?" in said.err


@pytest.mark.parametrize(("probe", "code"), [(Probe(True, "there"), 0), (Probe(False, "no folder"), 6)])
def test_the_answer_of_a_sender_is_shown(office: Office, probe: Probe, code: int) -> None:
    """Exit code 6 where it failed, with the reason; one that came while it waited is waited for no longer."""
    feed = office.feed()
    desk = open_desk(office.folder)
    with Answering(desk, feed, probe):
        (shown,) = office.run("channel", "probe", "cap_feed", "--wait", "60", code=code).json["probes"]
    desk.store.close()
    assert shown["ok"] is probe.ok
    assert shown["probe"].endswith(": ok" if probe.ok else "FAILED: no folder")


def test_what_is_neither_channel_nor_account_cannot_be_probed(office: Office) -> None:
    """A misspelt name probes nothing."""
    office.feed()
    assert "neither an account nor a channel" in office.run("channel", "probe", "feed-town", code=2).err


def test_the_freshness_of_a_probe_is_shown_wherever_somebody_decides(office: Office) -> None:
    """In the list of accounts, with the channel, in the preview, and to whoever is to approve."""
    plan = office.plan()
    message = office.run("clearance", "show", plan).json["message"]
    (previewed,) = office.run("message", "preview", message).json["probes"]
    (listed,) = office.run("account", "list").json["accounts"]
    (shown,) = office.run("channel", "show", "cap_feed").json["probes"]
    (decided,) = office.run("clearance", "show", plan).json["probes"]
    assert [row["probe"] for row in (listed, shown, previewed, decided)] == ["not probed"] * 4


def simulated(office: Office, text: str, *more: str, code: int = 0) -> dict[str, dict[str, str]]:
    """What each platform's simulator shows of a text."""
    file = office.folder.parent / "storm.txt"
    file.write_text(text)
    rows = office.run("channel", "simulate", file, *more, code=code).json["simulated"]
    return {row["channel"]: row for row in rows}


def test_a_text_is_shown_as_every_simulated_platform_would(office: Office) -> None:
    """Without incident, account or credential; what stands there is the whole text."""
    found = simulated(office, ENGLISH)
    assert set(found) == {"x", "bluesky", "facebook", "mastodon", "notify", "press_email", "threads", "webhook"}
    assert {row["problem"] for row in found.values()} == {""}
    assert all("Stay indoors from 6pm." in row["shown"] for row in found.values())
    assert "EXERCISE" not in found["x"]["shown"]


def test_a_platform_that_would_not_take_a_text_says_why(office: Office) -> None:
    """Exit code 2, and the others show it."""
    found = simulated(office, f"Storm\n\n{'x' * 300}\n", "--channel", "twitter", "--channel", "facebook", code=2)
    assert "at most 280" in found["x"]["problem"]
    assert "x" * 300 in found["facebook"]["shown"]


def test_simulating_leaves_nothing_behind(office: Office) -> None:
    """No entry in the ledger, no account."""
    before = office.ledger()
    simulated(office, ENGLISH, "--channel", "bluesky")
    assert (office.ledger(), office.run("account", "list").json["accounts"]) == (before, [])


@pytest.mark.parametrize(
    ("name", "says", "code"), [("tiktok", "no simulator that shows a text", 2), ("telegram", "not used", 8)]
)
def test_what_has_no_simulator_says_so(office: Office, name: str, says: str, code: int) -> None:
    """With what to do instead."""
    file = office.folder.parent / "storm.txt"
    file.write_text(ENGLISH)
    assert says in office.run("channel", "simulate", file, "--channel", name, code=code).err


class Answering:
    """A sender that answers the next probe of an account, in a thread of its own."""

    def __init__(self, desk: Desk, account: str, probe: Probe) -> None:
        self._desk, self._account, self._probe = desk, account, probe
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)

    def _run(self) -> None:
        due = until(self._due, "somebody asked")
        with self._desk.store.write() as work:
            (one,) = probes.claim(work, due, timedelta(minutes=1))
            probes.put(work, one, self._probe, None)

    def _due(self) -> list[Due]:
        with self._desk.store.read() as work:
            return probes.due(work, "accounts", "exercise")
