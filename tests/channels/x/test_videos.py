"""A video on X: brought in segments, posted once X has prepared it, and never begun twice without need."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from channels.contract import Job, Outcome, Verdict
from channels.http import Answer
from channels.media.carried import media_problems
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.x import uploads, wire
from channels.x.adapter import Adapter
from channels.x.simulator import MEDIA_LIVES, XSimulator
from tests.channels.x.test_adapter import NOON, Clock, job, on_x
from tests.filmed import filmed, medium, video

SEGMENTS = 3
PREPARING = timedelta(seconds=2)


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's video is small, and comes in three segments all the same."""
    monkeypatch.setattr(uploads, "SEGMENT", len(video().data) // SEGMENTS + 1)


class Notes(list[str]):
    """What an attempt noted; the last of it is what the next one gets."""

    async def __call__(self, handle: str) -> None:
        self.append(handle)

    def next(self, of: Job) -> Job:
        """The job as the next attempt gets it."""
        return replace(of, attempt=of.attempt + 1, handle=self[-1])


def answered(body: object) -> Answer:
    """An answer of X's."""
    return Answer(200, {}, json.dumps(body).encode(), 1.0)


def begun(far: Simulator) -> int:
    """How many uploads of a video X has seen begin."""
    x = far.provider("x")
    assert isinstance(x, XSimulator)
    return len(x.pictures)


def test_a_video_is_posted_when_x_has_prepared_it() -> None:
    """The first attempt waits as long as X says; the next one posts the very video, and uploads nothing."""

    async def work(far: Simulator, x: Adapter, clock: Clock) -> None:
        note = Notes()
        waiting = await x.send(filmed(job()), note)
        assert (waiting.verdict, waiting.code) == (Verdict.DEFERRED, "processing")
        assert waiting.retry_after_s == PREPARING.total_seconds()
        assert far.journal.effects == []
        clock.now += PREPARING
        assert (await x.send(note.next(filmed(job())), note)).verdict is Verdict.ACCEPTED
        assert begun(far) == 1

    assert on_x(work).journal.effects[0].media == (video().digest,)


@pytest.mark.parametrize("stop", range(1, SEGMENTS + 3))
def test_an_upload_goes_on_where_it_stopped(stop: int) -> None:
    """Whatever call was lost: nothing is in doubt, and what X has is not sent again."""

    async def work(far: Simulator, x: Adapter, clock: Clock) -> None:
        note = Notes([""])
        far.arm(Fault("x", FaultKind.DROP, on="upload", every=stop))
        lost = await x.send(filmed(job()), note)
        assert lost.verdict is Verdict.DEFERRED
        assert note[-1] == (f"video {uploaded(far)} {stop - 2}" if stop > 1 else "")
        waiting = await x.send(note.next(filmed(job())), note)
        assert waiting.code == "processing"
        clock.now += PREPARING
        assert (await x.send(note.next(filmed(job())), note)).verdict is Verdict.ACCEPTED
        assert begun(far) == 1

    assert [effect.media for effect in on_x(work).journal.effects] == [(video().digest,)]


def uploaded(far: Simulator) -> str:
    """The id of the one upload."""
    x = far.provider("x")
    assert isinstance(x, XSimulator)
    return next(iter(x.pictures))[1]


@pytest.mark.parametrize("done", [1, SEGMENTS + 1])
def test_an_upload_that_x_forgot_begins_anew(done: int) -> None:
    """Its id ended after a day, before all was there or after."""

    async def work(far: Simulator, x: Adapter, clock: Clock) -> None:
        note = Notes()
        await x.send(filmed(job()), note)
        note.append(f"video {uploaded(far)} {done}")
        clock.now += MEDIA_LIVES
        assert (await x.send(note.next(filmed(job())), note)).code == "processing"
        clock.now += PREPARING
        assert (await x.send(note.next(filmed(job())), note)).verdict is Verdict.ACCEPTED
        assert begun(far) == 2

    on_x(work)


def test_a_video_that_x_cannot_show_is_refused() -> None:
    """For people to attach another."""
    body = {"data": {"id": "7", "processing_info": {"state": "failed", "error": {"code": 1}}}}
    outcome = wire.processed(answered(body), "7", NOON)
    assert outcome is not None
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "video")


def test_a_video_that_x_cannot_show_is_not_brought_again() -> None:
    """The attempt that finds it out begins no other upload of the same bytes."""
    calls: list[str] = []

    async def call(method: str, path: str, timeout_s: float, **more: object) -> Answer:
        del timeout_s, more
        calls.append(f"{method} {path}")
        return answered({"data": {"id": "7", "processing_info": {"state": "failed"}}})

    of = replace(filmed(job()), handle=f"video 7 {SEGMENTS + 1}")
    outcome = asyncio.run(uploads.Uploads(call, lambda: NOON, NOON + PREPARING).of(of, Notes()))
    assert isinstance(outcome, Outcome)
    assert (outcome.code, calls) == ("video", ["GET /2/media/upload"])


@pytest.mark.parametrize("info", [{"state": "pending"}, {"state": "in_progress", "check_after_secs": -1}, {}])
def test_what_x_does_not_call_ready_waits(info: object) -> None:
    """A while, where X does not say how long."""
    outcome = wire.processed(answered({"data": {"id": "7", "processing_info": info}}), "7", NOON)
    assert outcome is not None
    assert (outcome.verdict, outcome.retry_after_s) == (Verdict.DEFERRED, wire.CHECK_AFTER_S)


def test_another_videos_answer_proves_nothing() -> None:
    """Nor does one that is no answer of X's; nothing is in doubt, since nothing is posted."""
    for body in ({"data": {"id": "8"}}, {}, []):
        outcome = wire.processed(answered(body), "7", NOON)
        assert outcome is not None
        assert outcome.verdict is Verdict.DEFERRED


@pytest.mark.parametrize(("ms", "fits"), [(500, True), (499, False), (140_000, True), (140_001, False)])
def test_a_video_is_as_long_as_x_takes(ms: int, fits: bool) -> None:
    """Half a second to 140 (reference: platforms 3.4)."""
    made = replace(job().rendering, media=(replace(medium(), duration_ms=ms),))
    assert (media_problems(made, Adapter.capabilities.media) == []) is fits
