"""The Notify adapter against a service that takes one message per POST."""

from dataclasses import replace
from datetime import timedelta

import pytest

from channels.contract import Content, DeliveryKind, Found, Part, RenderError, Seen, Verdict
from channels.notify.adapter import Adapter
from channels.notify.simulator_rules import Template
from channels.simulator.faults import Fault, FaultKind

NUMBER = "07700 900123"
STRANGER = "simulated-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"


async def no_note(handle):
    """Notify has no handle to note."""
    raise AssertionError(handle)


def test_a_message_goes_to_the_recipient_in_their_language(on_line, make_job):
    """The text of the job's language arrives, under the delivery as reference."""

    async def use(line):
        return await line.adapter.send(make_job(language="cy"), no_note), line.notify.messages

    outcome, [message] = on_line(use)
    assert (outcome.verdict, outcome.reference, outcome.url, outcome.reason) == (
        Verdict.ACCEPTED,
        message.id,
        None,
        "",
    )
    assert message.body == "Afon yn codi\nSymudwch i dir uwch ŵ.\nhttps://city.example/flood"
    assert (message.reference, message.recipient) == ("d-1", "+447700900123")


@pytest.mark.parametrize(("kind", "found"), [(FaultKind.ACT_THEN_DROP, Found.FOUND), (FaultKind.DROP, Found.ABSENT)])
def test_a_lost_answer_is_settled_by_the_reference(on_line, make_job, kind, found):
    """From outside both look the same; the list of messages tells them apart."""

    async def use(line):
        line.far.arm(Fault("notify", kind))
        outcome = await line.adapter.send(make_job(), no_note)
        return outcome.verdict, (await line.adapter.find(make_job())).found

    assert on_line(use) == (Verdict.IN_DOUBT, found)


@pytest.mark.parametrize(
    "kind", [FaultKind.ACT_THEN_ERROR, FaultKind.REFUSE, FaultKind.ACT_THEN_HTML, FaultKind.ACT_THEN_BAD_JSON]
)
def test_an_answer_that_proves_nothing_is_in_doubt(on_line, make_job, kind):
    """Neither a 503 nor a page says whether the message was taken."""

    async def use(line):
        line.far.arm(Fault("notify", kind))
        return await line.adapter.send(make_job(), no_note)

    assert on_line(use).verdict is Verdict.IN_DOUBT


def test_a_look_up_that_fails_proves_nothing(on_line, make_job):
    """A dropped look-up is unknown, never absent."""

    async def use(line):
        line.far.arm(Fault("notify", FaultKind.DROP, on="read", times=5))
        return await line.adapter.find(make_job())

    assert on_line(use).found is Found.UNKNOWN


def test_a_second_post_would_be_a_second_message(on_line, make_job):
    """The reference is no idempotency key: the journal counts the double."""

    async def use(line):
        for _ in range(2):
            await line.adapter.send(make_job(), no_note)
        return line.far.journal.doubled("notify")

    assert on_line(use) == 1


def test_a_message_is_read_back_by_its_id(on_line, make_job):
    """Delivered, with the text as signed."""

    async def use(line):
        outcome = await line.adapter.send(make_job(), no_note)
        return await line.adapter.read_back(make_job(), outcome.reference)

    seen = on_line(use)
    assert (seen.seen, seen.text) == (Seen.VISIBLE, make_job().rendering.text("en"))


def test_a_message_that_did_not_arrive_is_missing(on_line, make_job):
    """Notify's number for a permanent failure."""

    async def use(line):
        job = make_job(number="07700900002")
        return await line.adapter.read_back(job, (await line.adapter.send(job, no_note)).reference)

    seen = on_line(use)
    assert (seen.seen, seen.reason) == (Seen.MISSING, "Notify's status is permanent-failure")


def test_an_unknown_id_is_not_a_missing_message(on_line, make_job):
    """Notify forgets after some days, so an unknown id proves nothing."""

    async def use(line):
        return await line.adapter.read_back(make_job(), "9c6a3a1e-7a3f-4f9d-9a65-2f5d0a6c8b11")

    assert on_line(use).seen is Seen.UNKNOWN


def test_a_clock_that_is_off_is_tried_again(on_line, make_job):
    """A token can grow old while a connection is made, so a new one is tried."""

    async def use(line):
        line.ours.now -= timedelta(seconds=31)
        return await line.adapter.send(make_job(), no_note)

    outcome = on_line(use)
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "clock")


def test_another_secret_is_refused(on_line, make_job):
    """A key that the service does not know sends nothing."""

    async def use(line):
        return (await line.adapter.send(make_job(), no_note)).verdict, line.notify.messages

    assert on_line(use, api_key=STRANGER) == (Verdict.REJECTED, [])


def test_the_services_rate_limit_is_obeyed(on_line, make_job):
    """The next one over the limit waits, and goes out a minute later."""

    async def use(line):
        line.notify.limits["26785a09-ab16-4eb0-8407-a37497a57506"].per_minute = 1
        verdicts = [(await line.adapter.send(make_job(f"d-{n}"), no_note)).verdict for n in range(2)]
        line.clock.now += timedelta(minutes=1)
        line.ours.now = line.clock.now
        return [*verdicts, (await line.adapter.send(make_job("d-1"), no_note)).verdict]

    assert on_line(use) == [Verdict.ACCEPTED, Verdict.DEFERRED, Verdict.ACCEPTED]


@pytest.mark.parametrize(
    "number", ["not-a-number", "07700 90012", "+44 7700 900123 45", "020 7946 0018", "0x7700900123"]
)
def test_a_bad_number_is_refused_and_not_repeated(on_line, make_job, number):
    """The refusal names the fault; the number is in no outcome."""

    async def use(line):
        return await line.adapter.send(make_job(number=number), no_note)

    outcome = on_line(use)
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "ValidationError")
    assert number not in repr(outcome)


def test_the_number_leaves_only_in_the_request(on_line, make_job):
    """Outcomes, findings, read-backs and the adapter itself show neither number nor key."""

    async def use(line):
        job = make_job()
        outcome = await line.adapter.send(job, no_note)
        line.far.arm(Fault("notify", FaultKind.ACT_THEN_DROP))
        repeat, finding = await line.adapter.send(job, no_note), await line.adapter.find(job)
        seen = await line.adapter.read_back(job, outcome.reference)
        return outcome, repeat, finding, seen, job, vars(line.adapter)

    shown = repr(on_line(use))
    assert not [digits for digits in ("900123", "7700900") if digits in shown]
    assert "-a37497a57506-" not in shown


def test_a_correction_is_a_message_of_its_own(on_line, make_job):
    """The first one stays on the phone, so the correction is sent after it."""

    async def use(line):
        await line.adapter.send(make_job(), no_note)
        outcome = await line.adapter.correct(make_job("d-2", kind=DeliveryKind.CORRECT), no_note)
        return outcome.verdict, [message.reference for message in line.notify.messages]

    assert on_line(use) == (Verdict.ACCEPTED, ["d-1", "d-2"])


def test_a_withdrawal_is_refused_with_advice(on_line, make_job):
    """A text message cannot be taken back, and no request is made."""

    async def use(line):
        return await line.adapter.withdraw(make_job(), no_note), line.far.journal.arrivals

    outcome, arrivals = on_line(use)
    assert (outcome.verdict, arrivals) == (Verdict.REJECTED, [])
    assert "send a correction" in outcome.reason


@pytest.mark.parametrize("missing", [{"number": None}, {"language": "ga"}, {"language": None}])
def test_a_job_without_recipient_or_text_is_refused(on_line, make_job, missing):
    """Nothing is guessed: neither whom to send to, nor which of two languages."""

    async def use(line):
        return (await line.adapter.send(make_job(**missing), no_note)).verdict, line.far.journal.arrivals

    assert on_line(use) == (Verdict.REJECTED, [])


def test_a_probe_checks_key_and_template(on_line):
    """Notify previews the template, and nothing is sent."""

    async def use(line):
        return (await line.adapter.probe()).ok, line.notify.messages

    assert on_line(use) == (True, [])


def test_a_template_with_words_of_its_own_fails_the_probe(on_line):
    """People would sign one text and the public would read another."""

    async def use(line):
        for name in line.notify.templates:
            line.notify.templates[name] = Template("sms", "Dear resident, ((message))")
        return await line.adapter.probe()

    probe = on_line(use)
    assert not probe.ok
    assert "((message))" in probe.detail


def test_a_rendering_has_one_text_per_language(make_job, account):
    """Each recipient gets one language, and the template goes with the text that is signed."""
    rendering = make_job().rendering
    assert [part.language for part in rendering.parts] == ["en", "cy"]
    assert rendering.options["template_id"] == account.settings["template_id"]


def test_an_exercise_begins_with_its_mark(make_job):
    """The first line of every text says so."""
    parts = make_job(exercise=True).rendering.parts
    assert all(part.text.startswith("EXERCISE EXERCISE EXERCISE\n") for part in parts)


def test_typography_becomes_what_a_text_message_carries(content: Content, account):
    """Curly quotes and dashes are made plain before signing, as Notify would make them after."""
    curly = replace(content.texts[0], body="Don’t wait – “go” now…")
    rendering = Adapter.render(replace(content, texts=(curly, content.texts[1])), account)
    assert 'Don\'t wait - "go" now...' in rendering.text("en")


@pytest.mark.parametrize(
    ("settings", "texts", "says"),
    [
        ({}, 2, "template_id"),
        ({"template_id": "x"}, 2, "template_id"),
        ({"sms_sender_id": "x"}, 2, "sms_sender_id"),
        ({"ok": ""}, 1, "posts in cy"),
    ],
)
def test_what_cannot_be_sent_is_refused_while_drafting(content, account, settings, texts, says):
    """A wrong id or a missing language shows before anybody signs."""
    settings = {**account.settings, **settings} if settings else {}
    with pytest.raises(RenderError, match=says):
        Adapter.render(replace(content, texts=content.texts[:texts]), replace(account, settings=settings))


def test_a_text_that_is_too_long_is_never_cut(content, account):
    """The officer is told how long it is in which language."""
    long = replace(content.texts[0], body="a" * 900)
    with pytest.raises(RenderError, match=r"en: 9\d+ characters"):
        Adapter.render(replace(content, texts=(long, content.texts[1])), account)


def test_a_text_changed_after_signing_is_refused(on_line, make_job):
    """An exercise whose mark was cut off does not leave as live text."""

    async def use(line):
        job = make_job(exercise=True)
        bare = replace(job.rendering, parts=tuple(Part(p.language, p.text[27:]) for p in job.rendering.parts))
        return (await line.adapter.send(replace(job, rendering=bare), no_note)).verdict, line.far.journal.arrivals

    assert on_line(use) == (Verdict.REJECTED, [])
