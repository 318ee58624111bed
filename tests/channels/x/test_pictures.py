"""Pictures on X: each described before anything is posted, and no part of the text when it is found again."""

from __future__ import annotations

from channels.contract import Found, Verdict
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.x import wire
from channels.x.adapter import Adapter
from channels.x.simulator import XSimulator
from tests.channels.x.test_adapter import Clock, job, note, on_x
from tests.pictured import ALT, DIGESTS, pictured


def pictures(far: Simulator) -> list[str]:
    """The texts of the pictures that X has."""
    x = far.provider("x")
    assert isinstance(x, XSimulator)
    return [one.text for one in x.pictures.values()]


def test_each_picture_has_its_text() -> None:
    """In the order of the rendering."""

    async def work(far: Simulator, x: Adapter, clock: Clock) -> None:
        assert (await x.send(pictured(job()), note)).verdict is Verdict.ACCEPTED
        assert pictures(far) == list(ALT)

    assert on_x(work).journal.effects[0].media == DIGESTS


def test_a_picture_that_cannot_be_described_is_not_posted() -> None:
    """Its text was signed with it."""

    async def work(far: Simulator, x: Adapter, clock: Clock) -> None:
        far.arm(Fault("x", FaultKind.DROP, on="upload", every=2))  # the second call describes the first picture
        assert (await x.send(pictured(job()), note)).verdict is Verdict.DEFERRED

    assert on_x(work).journal.effects == []


def test_the_link_behind_a_text_is_the_pictures_and_not_the_posts() -> None:
    """The post is found by the text that was sent, and reads back as such."""

    async def work(far: Simulator, x: Adapter, clock: Clock) -> None:
        posted = pictured(job("Flood: https://city.example/flood"))
        outcome = await x.send(posted, note)
        assert (await x.find(posted)).found is Found.FOUND
        seen = await x.read_back(posted, outcome.reference or "")
        assert seen.text == "Flood: https://city.example/flood"

    on_x(work)


def test_a_link_of_the_text_itself_stays() -> None:
    """Only what X marks as a picture's is left out."""
    link = {"url": "https://t.co/1", "expanded_url": "https://city.example"}
    post = {"text": "Flood https://t.co/1 https://t.co/2", "entities": {"urls": [link]}}
    assert wire.readable(post) == "Flood https://city.example https://t.co/2"
    picture = {"url": "https://t.co/2", "expanded_url": "https://x.com/a/status/1/photo/1", "media_key": "3_1"}
    assert wire.readable({**post, "entities": {"urls": [link, picture]}}) == "Flood https://city.example"
