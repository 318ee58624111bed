"""A video on YouTube through the roles: its upload breaks off and goes on, and one command takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field

import pytest

from channels.contract import Rendering
from channels.media.structure import digest_of
from channels.simulator.faults import FaultKind
from channels.youtube.simulator import Video, YouTubeSimulator
from dispatcher.domain.message import TextKind
from dispatcher.service import taking_back
from dispatcher.service.media import Given
from tests.channels.media.films import film
from tests.filmed import CAPTIONS, SHOWN
from tests.stage import Stage, far_sides, stage_at
from tests.workers.test_pictures import signed

pytestmark = pytest.mark.system


@dataclass
class Story:
    """What became of one video: ``shown`` as the public saw it, ``handles`` as the database had them."""

    stage: Stage
    youtube: YouTubeSimulator
    signed: Rendering
    shown: list[Video] = field(default_factory=list)
    handles: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The first attempt is given an address and then three calls fail; the next publishes; one officer withdraws."""
    with far_sides() as far:
        stage = stage_at(tmp_path_factory.mktemp("youtube"), far)
        stage.account("youtube")
        plan = stage.cleared(attached=Given(film(), {"en-GB": SHOWN}, {"en-GB": CAPTIONS}))
        youtube = far.provider("youtube")
        assert isinstance(youtube, YouTubeSimulator)
        told = Story(stage, youtube, signed(stage, plan, "youtube"))
        for _ in range(3):
            stage.fault("youtube", FaultKind.REFUSE, on="upload", every=2)
        stage.release(plan)

        def published() -> bool:
            told.handles.update(row.handle for row in stage.rows(plan) if row.handle)
            if not stage.ended(plan):
                return False
            told.shown += [copy(video) for video in youtube.videos.values()]
            taking_back.take_back(stage.desk, plan, TextKind.WITHDRAW, stage.pen("director-1"))
            return True

        stage.work(published, lambda: stage.ended(plan))
        yield told
        stage.desk.store.close()


def test_the_video_that_was_signed_is_shown(story: Story) -> None:
    """Once, with its captions, under a title that says EXERCISE."""
    (video,), (medium,) = story.shown, story.signed.media
    assert (video.status["privacyStatus"], video.snippet["title"]) == ("public", "EXERCISE: Storm tonight")
    assert (digest_of(video.data), digest_of(video.captions["en-GB"])) == (medium.digest, medium.captions[0].digest)
    assert len(story.stage.far.journal.published("youtube")) == 1


def test_the_upload_went_on_where_it_broke_off(story: Story) -> None:
    """At one address, which the database never showed."""
    assert sum(not session.captions for session in story.youtube.sessions.values()) == 1
    assert story.handles
    assert not any("upload_id" in handle for handle in story.handles)


def test_one_command_took_it_back(story: Story) -> None:
    """Nothing is left of it."""
    assert story.youtube.videos == {}
