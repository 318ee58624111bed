"""A direct post of a video: bytes that follow a publish id, and a status that alone says what became of them."""

from __future__ import annotations

import pytest

from channels.contract import Found, Verdict
from channels.simulator.faults import FaultKind
from tests.channels.tiktok.machine import FILM, Far, facing


def test_a_videos_bytes_follow_its_publish_id() -> None:
    """Taken on, noted, put, public; the far side has the whole file."""

    async def work(far: Far) -> None:
        outcome = await far.channel.send(far.film(), far.note)
        assert outcome.verdict is Verdict.ACCEPTED
        assert far.asked == ["oauth", "creator_info", "video", "upload", "status"]
        assert bytes(far.tiktok.publishes[far.noted[0]].data) == FILM

    facing(work)


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.ACT_THEN_DROP, FaultKind.REFUSE])
def test_a_video_that_could_not_begin_is_not_in_doubt(kind: FaultKind) -> None:
    """Without bytes nothing is published."""

    async def work(far: Far) -> None:
        far.arm(kind, on="upload", status=500)
        outcome = await far.channel.send(far.film(), far.note)
        assert (outcome.verdict, far.posts) == (Verdict.DEFERRED, 0)
        assert (await far.channel.send(far.film(), far.note)).verdict is Verdict.ACCEPTED

    facing(work)


def test_a_video_whose_last_answer_was_lost_is_public_once() -> None:
    """The chunk goes again, TikTok has it already, and the status says so."""

    async def work(far: Far) -> None:
        far.arm(FaultKind.ACT_THEN_DROP)
        outcome = await far.channel.send(far.film(), far.note)
        assert (outcome.verdict, far.posts) == (Verdict.ACCEPTED, 1)

    facing(work)


def test_a_video_that_never_arrived_is_absent_and_begun_anew() -> None:
    """The address to put it at is kept nowhere, so that nobody can complete it."""

    async def work(far: Far) -> None:
        far.arm(FaultKind.DROP, times=2)
        assert (await far.channel.send(far.film(), far.note)).verdict is Verdict.IN_DOUBT
        job = far.film(handle=far.noted[0])
        assert (await far.channel.find(job)).found is Found.ABSENT
        assert (await far.channel.send(job, far.note)).verdict is Verdict.ACCEPTED
        assert far.posts == 1

    facing(work)
