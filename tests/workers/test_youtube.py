"""A video on YouTube through the roles themselves: what was signed is shown, once, and taken back by one command."""

from __future__ import annotations

import pytest

from channels.media.structure import digest_of
from channels.simulator.faults import FaultKind
from channels.youtube.simulator import YouTubeSimulator
from dispatcher.domain.message import TextKind
from dispatcher.service import taking_back
from tests.channels.media.films import film
from tests.stage import Stage
from tests.workers.conftest import Make
from tests.workers.test_pictures import signed

pytestmark = pytest.mark.system

SPOKEN = {"en-GB": b"WEBVTT\n\n00:00.000 --> 00:00.900\nA storm is coming.\n"}


def filmed(make: Make) -> tuple[Stage, str, YouTubeSimulator]:
    """A stage with a channel, a cleared plan whose message has a video, and the far side."""
    stage = make()
    stage.account("youtube")
    youtube = stage.far.provider("youtube")
    assert isinstance(youtube, YouTubeSimulator)
    return stage, stage.cleared(picture=film(), captions=SPOKEN), youtube


def test_the_video_that_was_signed_is_shown_and_taken_back(make: Make) -> None:
    """With its captions, under a title that says EXERCISE; the login had to be fetched first, and is kept."""
    stage, plan, youtube = filmed(make)
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    (medium,), (video,) = signed(stage, plan, "youtube").media, youtube.videos.values()
    assert (video.status["privacyStatus"], video.snippet["title"]) == ("public", "EXERCISE: Storm tonight")
    assert (digest_of(video.data), digest_of(video.captions["en-GB"])) == (medium.digest, medium.captions[0].digest)
    taking_back.take_back(stage.desk, plan, TextKind.WITHDRAW, stage.pen("director-1"))
    stage.work(lambda: stage.ended(plan))
    assert (youtube.videos, len(youtube.access)) == ({}, 1)


def test_an_upload_that_breaks_off_goes_on_and_its_address_is_nobody_elses(make: Make) -> None:
    """The delivery is tried again at the address that its first attempt left, which the database does not show."""
    stage, plan, youtube = filmed(make)
    for _ in range(3):  # the address is given, then three calls fail
        stage.fault("youtube", FaultKind.REFUSE, on="upload", every=2)
    stage.release(plan)
    handles = set[str]()

    def ended() -> bool:
        handles.update(row.handle for row in stage.rows(plan) if row.handle)
        return stage.ended(plan)

    stage.work(ended)
    assert (stage.states(plan), len(youtube.videos), stage.published()["youtube"]) == ({"accepted": 1}, 1, 1)
    assert sum(not session.captions for session in youtube.sessions.values()) == 1
    assert handles
    assert not any("upload_id" in handle for handle in handles)
