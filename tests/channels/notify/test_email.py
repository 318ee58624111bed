"""Notify's e-mail: what differs from a text message."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from channels.contract import (
    Account,
    Content,
    DeliveryKind,
    Found,
    Job,
    LanguageText,
    RenderError,
    Secret,
    Seen,
    Verdict,
)
from channels.notify import simulator
from channels.notify.adapter import EmailAdapter
from channels.notify.simulator_rules import REPLY_TO_ID, Template
from channels.simulator.faults import Fault, FaultKind

ADDRESS = "news@paper.example"
SETTINGS = {"template_id": simulator.EMAIL_TEMPLATE_ID}


async def no_note(handle):
    """Notify has no handle to note."""
    raise AssertionError(handle)


@pytest.fixture
def account() -> Account:
    """An account with a template of e-mail."""
    return Account("mail-1", "notify_email", "City", ("en", "cy"), SETTINGS)


@pytest.fixture
def make_job(content: Content, account: Account) -> Callable[..., Job]:
    """Builds a job to one recipient."""

    def make(delivery: str = "d-1", address: str = ADDRESS, language: str = "en", **changes: object) -> Job:
        rendering = EmailAdapter.render(replace(content, **changes), account)
        return Job(delivery, 1, rendering, content.valid_until, 2.0, recipient=Secret(address), language=language)

    return make


def test_an_e_mail_has_subject_and_text_in_the_recipients_language(on_line, make_job):
    """The headline is the subject and begins the text; the link ends it."""

    async def use(line):
        return await line.adapter.send(make_job(language="cy"), no_note), line.notify.messages

    outcome, [message] = on_line(use, make=EmailAdapter)
    assert (outcome.verdict, outcome.reference, outcome.reason) == (Verdict.ACCEPTED, message.id, "")
    assert (message.type, message.recipient, message.reference) == ("email", ADDRESS, "d-1")
    assert message.subject == "Afon yn codi"
    assert message.body == "Afon yn codi\n\nSymudwch i dir uwch ŵ.\n\nhttps://city.example/flood"


def test_answers_go_where_the_account_says(on_line, content, account):
    """The id of the service's reply address is signed with the text and sent."""
    asked = replace(account, settings={**SETTINGS, "email_reply_to_id": REPLY_TO_ID})
    rendering = EmailAdapter.render(content, asked)
    assert rendering.options["email_reply_to_id"] == REPLY_TO_ID

    async def use(line):
        job = Job("d-1", 1, rendering, content.valid_until, 2.0, recipient=Secret(ADDRESS), language="en")
        return await line.adapter.send(job, no_note)

    assert on_line(use, make=EmailAdapter).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(("kind", "found"), [(FaultKind.ACT_THEN_DROP, Found.FOUND), (FaultKind.DROP, Found.ABSENT)])
def test_a_lost_answer_is_settled_among_the_e_mails(on_line, make_job, kind, found):
    """By the reference, as with text messages."""

    async def use(line):
        line.far.arm(Fault("notify", kind))
        outcome = await line.adapter.send(make_job(), no_note)
        return outcome.verdict, (await line.adapter.find(make_job())).found

    assert on_line(use, make=EmailAdapter) == (Verdict.IN_DOUBT, found)


def test_an_e_mail_is_read_back_by_its_id(on_line, make_job):
    """Delivered, with the text as signed."""

    async def use(line):
        outcome = await line.adapter.send(make_job(), no_note)
        return await line.adapter.read_back(make_job(), outcome.reference)

    seen = on_line(use, make=EmailAdapter)
    assert (seen.seen, seen.text) == (Seen.VISIBLE, make_job().rendering.text("en"))


@pytest.mark.parametrize("number", ["07700 900123", "no address", "a@b"])
def test_what_is_no_address_is_refused_and_not_repeated(on_line, make_job, number):
    """A list of numbers given to this account is rejected row by row, and no row is shown."""

    async def use(line):
        return await line.adapter.send(make_job(address=number), no_note)

    outcome = on_line(use, make=EmailAdapter)
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "ValidationError")
    assert number not in repr(outcome)


def test_a_correction_is_an_e_mail_and_a_withdrawal_is_refused(on_line, make_job):
    """What is in a mailbox stays there."""

    async def use(line):
        corrected = await line.adapter.correct(make_job("d-2", kind=DeliveryKind.CORRECT), no_note)
        return corrected, await line.adapter.withdraw(make_job(), no_note), len(line.notify.messages)

    corrected, withdrawn, sent = on_line(use, make=EmailAdapter)
    assert (corrected.verdict, withdrawn.verdict, sent) == (Verdict.ACCEPTED, Verdict.REJECTED, 1)
    assert withdrawn.reason == "an e-mail cannot be taken back: send a correction to the same recipients"


@pytest.mark.parametrize(
    "template",
    [
        Template("sms", "((message))"),
        Template("email", "Dear all, ((message))", "((subject))"),
        Template("email", "((message))", "City: ((subject))"),
    ],
)
def test_the_probe_wants_the_whole_template(on_line, template):
    """A text message's, or words around subject or message, would send more than was signed."""

    async def use(line):
        line.notify.templates[simulator.EMAIL_TEMPLATE_ID] = template
        return await line.adapter.probe()

    probe = on_line(use, make=EmailAdapter)
    assert not probe.ok
    assert "an e-mail whose whole content is ((subject)) and ((message))" in probe.detail


@pytest.mark.parametrize(
    "line",
    [
        "# Stay in",
        "#StormBella tonight",
        "^ quoted",
        "10.30pm: bridge closed",
        "2. Go upstairs",
        "-5 degrees tonight",
        "*Stay in*",
        "---",
        "- - -",
        "=====",
        "| --- | --- |",
        "```",
        "See [the map](https://city.example)",
        "[map]: https://city.example",
        "C:\\storm",
        "Fish &amp; chips",
    ],
)
def test_a_line_that_markdown_would_change_is_named(content, account, line):
    """Notify would drop the mark, count anew, or hide where a link leads."""
    texts = tuple(LanguageText(language, "River rising", f"Move.\n{line}\nStay.") for language in account.languages)
    with pytest.raises(RenderError) as caught:
        EmailAdapter.render(replace(content, texts=texts), account)
    assert f"en: Notify would format the line {line!r}" in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "- Stay in",
        "* Stay in",
        "• Stay in",
        "At 10.30pm the bridge closes",
        "Storm [updated] - stay in #StormBella",
        "https://city.example/a_b-c?d=1&e=2",
        "Fish & chips, 2 * 2 = 4",
        "999 for danger to life",
        '"Don\'t travel" – police',
    ],
)
def test_plain_lines_and_bullets_are_taken(content, account, line):
    """A bullet stays a bullet, and marks inside a line are only marks."""
    texts = tuple(LanguageText(language, "River rising", f"Move.\n{line}") for language in account.languages)
    assert line in (EmailAdapter.render(replace(content, texts=texts), account).text("en") or "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LanguageText("en", "", "Move."), "there is no subject"),
        (LanguageText("en", "River", "x" * 20_000), "20000 fit: shorten it"),
        (LanguageText("en", "ŵ" * 251, "Move."), "the subject has 502 bytes, 500 fit"),
        (LanguageText("en", "EXERCISE: River", "Move."), "an exercise, and nothing else"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_written(content, account, text, says):
    """Nothing is cut."""
    with pytest.raises(RenderError, match=says):
        EmailAdapter.render(replace(content, texts=(text,)), replace(account, languages=("en",)))
