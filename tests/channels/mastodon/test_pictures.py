"""Pictures on Mastodon: uploaded once for all attempts, waited for, gone with a correction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.contract import DeliveryKind, Job, Seen, Verdict
from channels.mastodon import wire
from channels.simulator.faults import FaultKind
from tests.filmed import SHOWN, filmed, video
from tests.pictured import ALT, DIGESTS, pictured

Run = Callable[..., Any]
Make = Callable[..., Job]


def uploads(line: Any) -> int:
    """How often a picture was sent."""
    return len([arrival for arrival in line.far.journal.arrivals if arrival.route == "upload"])


async def sent(line: Any, job: Job) -> tuple[Any, list[str]]:
    """Send, and what was noted."""
    noted: list[str] = []

    async def note(handle: str) -> None:
        noted.append(handle)

    return await line.adapter.send(job, note), noted


def test_each_picture_has_its_text(on_line: Run, make_job: Make) -> None:
    """The server keeps bytes and descriptions, in order."""

    async def use(line: Any) -> None:
        await sent(line, pictured(make_job()))
        (status,) = line.server.statuses
        assert [one.text for one in status.pictures] == list(ALT)
        assert line.far.journal.effects[0].media == DIGESTS

    on_line(use)


def test_a_picture_that_the_server_works_on_is_waited_for(on_line: Run, make_job: Make) -> None:
    """Deferred with a wait; the next attempt posts the very pictures that were noted, and uploads nothing."""

    async def use(line: Any) -> None:
        line.server.processing = timedelta(seconds=5)
        job = pictured(make_job())
        outcome, (handle,) = await sent(line, job)
        assert (outcome.verdict, outcome.code, outcome.retry_after_s) == (Verdict.DEFERRED, "processing", 2.0)
        assert line.far.journal.effects == []
        line.clock.now += timedelta(seconds=6)
        again, noted = await sent(line, replace(job, attempt=2, handle=handle))
        assert (again.verdict, noted, uploads(line)) == (Verdict.ACCEPTED, [], 2)
        assert wire.noted([one.id for one in line.server.statuses[0].pictures]) == handle

    on_line(use)


def test_a_repeat_after_a_lost_answer_uploads_nothing(on_line: Run, make_job: Make) -> None:
    """The pictures hang on the first attempt's post, which the key brings back."""

    async def use(line: Any) -> None:
        line.arm(FaultKind.ACT_THEN_DROP)
        job = pictured(make_job())
        outcome, (handle,) = await sent(line, job)
        assert outcome.verdict is Verdict.IN_DOUBT
        again, _ = await sent(line, replace(job, attempt=2, handle=handle))
        assert (again.verdict, uploads(line), len(line.server.statuses)) == (Verdict.ACCEPTED, 2, 1)

    on_line(use)


def test_a_video_goes_as_a_picture_does(on_line: Run, make_job: Make) -> None:
    """With the text in its place; servers take no captions."""

    async def use(line: Any) -> None:
        line.server.processing = timedelta(seconds=5)
        job = filmed(make_job())
        outcome, (handle,) = await sent(line, job)
        assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "processing")
        line.clock.now += timedelta(seconds=6)
        again, _ = await sent(line, replace(job, attempt=2, handle=handle))
        assert again.verdict is Verdict.ACCEPTED
        assert [one.text for one in line.server.statuses[0].pictures] == [SHOWN]
        assert line.far.journal.effects[0].media == (video().digest,)

    on_line(use)


@pytest.mark.parametrize("handle", ["", "1", "1,2,3", "1,../2"])
def test_a_handle_that_names_no_such_pictures_is_not_gone_by(on_line: Run, make_job: Make, handle: str) -> None:
    """They are uploaded again."""

    async def use(line: Any) -> None:
        outcome, _ = await sent(line, replace(pictured(make_job()), handle=handle))
        assert (outcome.verdict, uploads(line)) == (Verdict.ACCEPTED, 2)

    on_line(use)


def test_a_correction_takes_the_pictures_off(on_line: Run, make_job: Make) -> None:
    """The way back is text."""

    async def use(line: Any) -> None:
        first, _ = await sent(line, pictured(make_job()))
        await line.correct(make_job("Disregard", DeliveryKind.CORRECT, original=first.reference))
        assert line.server.statuses[0].pictures == []

    on_line(use)


def test_a_post_whose_pictures_say_something_else_is_altered(on_line: Run, make_job: Make) -> None:
    """Though its text is the same."""

    async def use(line: Any) -> None:
        job = pictured(make_job())
        outcome, _ = await sent(line, job)
        line.server.statuses[0].pictures.reverse()
        assert (await line.adapter.read_back(job, outcome.reference)).seen is Seen.ALTERED

    on_line(use)
