"""What a web server serves of a feed is fetched back and compared."""

import asyncio
from urllib.parse import urlsplit

import pytest

from channels.cap_feed.adapter import Adapter
from channels.cap_feed.folder import INDEX
from channels.cap_feed.simulator import FeedServer
from channels.contract import DeliveryKind, Seen
from channels.http import Http, HttpPolicy
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from tests.channels.cap_feed.conftest import KEY, NOON, Feed, content, no_note


def seen_of(tmp_path, spoil=None, kind=DeliveryKind.PUBLISH, fault=None):
    """What is read back of an alert that a real server serves, after something was done to what it serves."""

    async def run():
        async with Simulator([FeedServer], served=tmp_path / "www", clock=lambda: NOON) as far:
            feed = Feed(_made(tmp_path / "work"), f"{far.address('cap_feed')}/city")
            host = urlsplit(far.url).netloc
            http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
            adapter = Adapter(feed.account, KEY, http, lambda: NOON)
            original = None if kind is DeliveryKind.PUBLISH else "alerts@city.example,d-0,2026-11-21T11:00:00-00:00"
            job = feed.job("d-1", content(kind), original=original)
            outcome = await adapter.send(job, no_note)
            served = _made(tmp_path / "www" / "city")
            for file in feed.folder.glob("[!.]*"):
                (served / file.name).write_bytes(file.read_bytes())
            if spoil:
                spoil(served)
            if fault:
                far.arm(fault)
            seen = await adapter.read_back(job, outcome.reference)
            await http.close()
            return seen, [arrival.path for arrival in far.journal.arrivals]

    return asyncio.run(run())


def _made(folder):
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("kind", list(DeliveryKind))
def test_what_is_served_as_it_was_published_is_seen(tmp_path, kind):
    """The alert and the index are asked for at their public addresses; of a cancel as of an alert."""
    seen, asked = seen_of(tmp_path, kind=kind)
    assert seen.seen is Seen.VISIBLE
    assert asked == ["/cap_feed/city/d-1.xml", f"/cap_feed/city/{INDEX}"]


@pytest.mark.parametrize(
    ("spoil", "expected", "says"),
    [
        (lambda www: (www / "d-1.xml").unlink(), Seen.MISSING, "answers 404"),
        (lambda www: (www / "d-1.xml").write_bytes(b"<html/>"), Seen.ALTERED, "other bytes"),
        (lambda www: (www / INDEX).unlink(), Seen.MISSING, "answers 404"),
        (lambda www: (www / INDEX).write_bytes(b"<html/>"), Seen.MISSING, "does not list it"),
    ],
)
def test_what_is_served_otherwise_is_noticed(tmp_path, spoil, expected, says):
    """Although the folder itself is as it should be: a share that stopped, a cache, somebody in between."""
    seen, _ = seen_of(tmp_path, spoil)
    assert (seen.seen, says in seen.reason) == (expected, True)
    assert "River rising" in seen.text


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.REFUSE])
def test_a_web_server_that_does_not_answer_leaves_it_open(tmp_path, kind):
    """That says nothing about what the public saw a moment ago."""
    seen, _ = seen_of(tmp_path, fault=Fault("cap_feed", kind, status=503, times=3, on="read"))
    assert seen.seen is Seen.UNKNOWN


def test_hidden_files_are_not_served(tmp_path):
    """Neither by the simulated server nor, by its lines in the documentation, by a real one."""

    async def run():
        (_made(tmp_path / "city") / ".lock").touch()
        async with Simulator([FeedServer], served=tmp_path) as far:
            http = Http(HttpPolicy(frozenset({urlsplit(far.url).netloc}), allow_private=True, https_only=False))
            answer = await http.request("GET", f"{far.address('cap_feed')}/city/.lock", timeout_s=5)
            await http.close()
            return answer.status

    assert asyncio.run(run()) == 404
