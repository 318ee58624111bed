"""The webhook adapter against a receiver that verifies and takes each event once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from channels.contract import Account, Content, DeliveryKind, Found, Job, Part, RenderError, Seen, Verdict
from channels.simulator.faults import Fault, FaultKind
from channels.webhook.adapter import Adapter

ACCOUNT = Account("hook-1", "webhook", "Partner", ("en", "cy"))


async def no_note(handle):
    """A webhook has no handle to note."""
    raise AssertionError(handle)


def test_an_event_arrives_and_is_verified(on_line, make_job):
    """The receiver takes the event, with the texts of both languages."""

    async def use(line):
        return await line.adapter.send(make_job(), no_note), line.receiver.events["partner", "d-1"]

    outcome, event = on_line(use)
    assert (outcome.verdict, outcome.reference) == (Verdict.ACCEPTED, "d-1")
    assert [text["language"] for text in event["data"]["texts"]] == ["en", "cy"]


def test_a_repeat_is_one_effect(on_line, make_job):
    """Two requests with one id change the receiver's record once."""

    async def use(line):
        for attempt in (1, 2):
            line.clock.now += timedelta(minutes=3)
            await line.adapter.send(replace(make_job(), attempt=attempt), no_note)
        return line.far.journal.counts()["webhook"]

    counts = on_line(use)
    assert (counts["requests"], counts["published"], counts["doubled"]) == (2, 1, 0)


def test_a_repeat_at_an_endpoint_that_keeps_no_ids_is_a_double(on_line, make_job):
    """Where the far side knows nothing again, only the near side can spare it the second."""

    async def use(line):
        for attempt in (1, 2):
            await line.adapter.send(replace(make_job(), attempt=attempt), no_note)
        return line.far.journal.counts()["webhook"]["doubled"]

    assert on_line(use, endpoint="forgetful-1") == 1


def test_a_lost_answer_is_in_doubt_and_a_repeat_settles_it(on_line, make_job):
    """The receiver acted and the line broke: sending again is accepted and doubles nothing."""

    async def use(line):
        line.far.arm(Fault("webhook", FaultKind.ACT_THEN_DROP))
        verdicts = [(await line.adapter.send(make_job(), no_note)).verdict for _ in range(2)]
        return verdicts, line.far.journal.counts()["webhook"]["published"]

    assert on_line(use) == ([Verdict.IN_DOUBT, Verdict.ACCEPTED], 1)


def test_an_unreachable_endpoint_is_deferred(on_line, make_job):
    """No byte left, so the event waits."""

    async def use(line):
        await line.far.__aexit__(None, None, None)
        return await line.adapter.send(make_job(), no_note)

    assert on_line(use).verdict is Verdict.DEFERRED


def test_a_throttled_event_waits_as_told(on_line, make_job):
    """429 with Retry-After defers by that time."""

    async def use(line):
        line.far.arm(Fault("webhook", FaultKind.THROTTLE, delay_s=4))
        return await line.adapter.send(make_job(), no_note)

    outcome = on_line(use)
    assert (outcome.verdict, outcome.retry_after_s) == (Verdict.DEFERRED, 4.0)


def test_a_wrong_secret_is_refused(on_line, make_job):
    """The receiver does not believe another's signature, and nothing is taken."""

    async def use(line):
        return (await line.adapter.send(make_job(), no_note)).verdict, line.receiver.events

    assert on_line(use, secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") == (Verdict.REJECTED, {})


def test_a_stale_signature_is_refused(on_line, make_job):
    """A captured request cannot be replayed after five minutes."""

    async def use(line):
        line.adapter._clock = lambda: line.clock.now - timedelta(minutes=6)
        return (await line.adapter.send(make_job(), no_note)).status

    assert on_line(use) == 401


@pytest.mark.parametrize(
    ("kind", "expected"), [(DeliveryKind.CORRECT, "alert.corrected"), (DeliveryKind.WITHDRAW, "alert.withdrawn")]
)
def test_mending_is_an_event_of_its_own(on_line, make_job, kind, expected):
    """A correction or withdrawal names the event that it mends."""

    async def use(line):
        method = line.adapter.correct if kind is DeliveryKind.CORRECT else line.adapter.withdraw
        await method(make_job("d-2", kind=kind, original="d-1"), no_note)
        return line.receiver.events["partner", "d-2"]

    event = on_line(use)
    assert (event["type"], event["data"]["original"]) == (expected, "d-1")


def test_a_receivers_record_cannot_be_read(on_line, make_job):
    """A look-up and a read-back say unknown rather than guess."""

    async def use(line):
        job = make_job()
        return (await line.adapter.find(job)).found, (await line.adapter.read_back(job, "d-1")).seen

    assert on_line(use) == (Found.UNKNOWN, Seen.UNKNOWN)


def test_a_probe_reaches_the_endpoint_without_an_event(on_line):
    """A probe changes nothing at the receiver."""

    async def use(line):
        return await line.adapter.probe(), line.receiver.events

    probe, events = on_line(use)
    assert probe.ok
    assert events == {}


def test_a_closed_endpoint_fails_the_probe(on_line):
    """410 is known before anything is due."""

    async def use(line):
        line.far.arm(Fault("webhook", FaultKind.REFUSE, on="read", status=410))
        return await line.adapter.probe()

    assert not on_line(use).ok


def test_an_exercise_says_so_in_data_and_text(make_job):
    """A receiver can tell an exercise by its flag, and a reader by every text."""
    rendering = make_job(exercise=True).rendering
    data = rendering.options["data"]
    assert data["exercise"] is True
    assert all(part.text.startswith("EXERCISE EXERCISE EXERCISE") for part in rendering.parts)
    assert all(text["body"].startswith("EXERCISE EXERCISE EXERCISE\n") for text in data["texts"])


def test_a_missing_language_is_refused(content: Content):
    """Every language of the account must be in the message."""
    with pytest.raises(RenderError, match="posts in cy"):
        Adapter.render(replace(content, texts=content.texts[:1]), ACCOUNT)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"parts": (Part("en", "All is well."),)}, "differ"),
        ({"options": {"type": "alert.published", "data": {}}}, "texts"),
        ({"kind": DeliveryKind.WITHDRAW}, "alert.withdrawn"),
    ],
)
def test_a_rendering_that_was_tampered_with_is_refused(on_line, make_job, change, says):
    """What people signed and what would leave must be the same; otherwise no request is made."""

    async def use(line):
        job: Job = make_job()
        outcome = await line.adapter.send(replace(job, rendering=replace(job.rendering, **change)), no_note)
        return outcome, line.far.journal.arrivals

    outcome, arrivals = on_line(use)
    assert (outcome.verdict, arrivals) == (Verdict.REJECTED, [])
    assert says in outcome.reason


def test_an_endpoint_without_an_address_is_refused():
    """The missing setting is named when the adapter is made."""
    with pytest.raises(ValueError, match="base_url"):
        Adapter(ACCOUNT, {}, None, lambda: None)
