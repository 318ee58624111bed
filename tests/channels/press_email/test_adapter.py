"""The press list adapter against a submission server that takes one message per connection."""

from dataclasses import replace

import pytest

from channels.contract import Account, DeliveryKind, Found, LanguageText, Part, RenderError, Secret, Seen, Verdict
from channels.http import Http, HttpPolicy
from channels.press_email.adapter import Adapter
from channels.press_email.simulator import PressEmail
from channels.simulator.faults import Fault, FaultKind
from channels.text import EMAIL_BYTES

SENDER = "press@city.example"
READER = "news@paper.example"
LOGIN = {"username": Secret(SENDER), "password": Secret("hunter2")}


async def no_note(handle):
    """SMTP has no handle to note."""
    raise AssertionError(handle)


def account(**settings):
    """An account with these settings."""
    return Account("press-1", "press_email", "Press office", ("en", "cy"), settings)


def made(**settings):
    """An adapter with these settings."""
    return Adapter(account(**settings), LOGIN, Http(HttpPolicy(frozenset())), lambda: None)


def test_an_email_goes_to_the_recipient_in_their_language(on_line, make_job):
    """Subject and text of the job's language arrive, character for character."""

    async def use(line):
        return await line.adapter.send(make_job(language="cy"), no_note), line.server.messages

    outcome, [message] = on_line(use)
    assert (outcome.verdict, outcome.reference, outcome.reason) == (Verdict.ACCEPTED, "<dly-1@city.example>", "")
    assert (message.sender, message.recipient) == (SENDER, READER)
    assert message.content["Subject"] == "Afon yn codi: Tŷ’r Ŵyl"
    assert message.text == make_job().rendering.text("cy") + "\n"


def test_an_email_says_who_sent_it_and_that_a_machine_did(on_line, make_job):
    """The headers that a newsroom and its mail program go by."""

    async def use(line):
        await line.adapter.send(make_job(), no_note)
        return line.server.messages[0].content

    content = on_line(use)
    assert content["From"].addresses[0].display_name == "Cyngor Môn"
    assert content["To"] == READER
    assert content["Date"] == "Sat, 21 Nov 2026 11:59:30 +0000"
    assert (content["Auto-Submitted"], content["Content-Language"]) == ("auto-generated", "en")
    assert content["List-Unsubscribe"] is None
    assert content.get_content_type() == "text/plain"


def test_a_repeat_is_the_same_bytes(on_line, make_job):
    """Another attempt at the delivery changes nothing in the message; the journal counts it as the double it is."""

    async def use(line):
        for attempt in (1, 2):
            await line.adapter.send(replace(make_job(), attempt=attempt), no_note)
        return [message.data for message in line.server.messages], line.far.journal.doubled("press_email")

    (first, second), doubled = on_line(use)
    assert (first, doubled) == (second, 1)


@pytest.mark.parametrize("kind", [FaultKind.ACT_THEN_DROP, FaultKind.DROP])
def test_a_reply_lost_after_the_data_is_in_doubt(on_line, make_job, kind):
    """From outside both look the same, and no look-up tells them apart."""

    async def use(line):
        line.far.arm(Fault("press_email", kind))
        outcome = await line.adapter.send(make_job(), no_note)
        return outcome.verdict, (await line.adapter.find(make_job())).found

    assert on_line(use) == (Verdict.IN_DOUBT, Found.UNKNOWN)


def test_a_connection_lost_at_the_login_is_deferred(on_line, make_job):
    """No message was handed over, and none is on its way."""

    async def use(line):
        line.far.arm(Fault("press_email", FaultKind.DROP, on="session"))
        return await line.adapter.send(make_job(), no_note), line.server.messages

    outcome, messages = on_line(use)
    assert (outcome.verdict, outcome.code, messages) == (Verdict.DEFERRED, "disconnected", [])


@pytest.mark.parametrize(
    ("mailbox", "verdict", "code", "meaning"),
    [
        ("nobody", Verdict.REJECTED, "550 5.1.1", "there is no such mailbox"),
        ("closed", Verdict.REJECTED, "550 5.2.1", "the mailbox takes no messages"),
        ("full", Verdict.DEFERRED, "452 4.2.2", "the mailbox is full"),
        ("busy", Verdict.DEFERRED, "450 4.2.1", "the mailbox takes no messages"),
    ],
)
def test_a_mailbox_that_takes_nothing_is_told_by_its_code(on_line, make_job, mailbox, verdict, code, meaning):
    """The refusal concerns this recipient only, and the server's words, which hold the address, are not kept."""

    async def use(line):
        return await line.adapter.send(make_job(address=f"{mailbox}@paper.example"), no_note)

    outcome = on_line(use)
    assert (outcome.verdict, outcome.code, outcome.account_wide) == (verdict, code, False)
    assert outcome.reason.endswith(meaning)
    assert "paper.example" not in repr(outcome)


def test_a_server_that_has_enough_makes_the_account_wait(on_line, make_job):
    """450 4.7.1 is about how much we send: whoever is next would hear the same."""

    async def use(line):
        line.server.limits[SENDER] = 1
        return [await line.adapter.send(make_job(f"dly-{n}"), no_note) for n in range(2)]

    first, second = on_line(use)
    assert (first.verdict, second.verdict) == (Verdict.ACCEPTED, Verdict.DEFERRED)
    assert (second.account_wide, second.retry_after_s) == (True, 60.0)


def test_a_wrong_password_is_rejected_and_not_told(on_line, make_job):
    """It concerns everything that this account sends."""

    async def use(line):
        return await line.adapter.send(make_job(), no_note)

    outcome = on_line(use, password="not-this-one")
    assert (outcome.verdict, outcome.code, outcome.account_wide) == (Verdict.REJECTED, "535 5.7.8", True)
    assert "not-this-one" not in repr(outcome)


def test_an_echo_of_all_that_was_said_shows_nothing(on_line, make_job):
    """Neither the address nor the login in base64 reaches an outcome."""

    async def use(line):
        line.far.arm(Fault("press_email", FaultKind.ECHO))
        return await line.adapter.send(make_job(), no_note)

    outcome = on_line(use)
    assert outcome.verdict is Verdict.REJECTED
    assert "AUTH" not in repr(outcome)
    assert READER not in repr(outcome)


def test_a_server_with_login_only_is_logged_in_to(on_line, make_job):
    """Some offer no PLAIN."""

    class Old(PressEmail):
        mechanisms = ("LOGIN",)

    async def use(line):
        return await line.adapter.send(make_job(), no_note)

    assert on_line(use, server=Old).verdict is Verdict.ACCEPTED


def test_a_server_without_a_login_is_not_sent_to(on_line, make_job):
    """A submission server that asks nobody who they are is not ours."""

    class Open(PressEmail):
        mechanisms = ()

    async def use(line):
        return await line.adapter.send(make_job(), no_note)

    outcome = on_line(use, server=Open)
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "login")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "07700 900123",
        "desk",
        "desk@paper",
        "news@paper.example\r\nRCPT TO:<all@city.example>",
        "news@paper.example>, <all@city.example",
        "Zoë@paper.example",
        '"a b"@paper.example',
        f"{'a' * 65}@paper.example",
        f"news@{'a.' * 124}example",
    ],
)
def test_what_is_no_plain_address_is_rejected_here(on_line, make_job, address):
    """Nothing is said to the server, and the address is in no outcome."""

    async def use(line):
        outcome = await line.adapter.send(make_job(address=address), no_note)
        return outcome, line.far.journal.arrivals

    outcome, arrivals = on_line(use)
    assert (outcome.verdict, outcome.code, arrivals) == (Verdict.REJECTED, "recipient", [])
    assert not address or address not in repr(outcome)


def test_a_language_that_was_not_written_is_rejected(on_line, make_job):
    """Nobody gets a text in another language than theirs."""

    async def use(line):
        return await line.adapter.send(make_job(language="fr"), no_note)

    assert on_line(use).reason == "there is no text in fr"


def test_a_rendering_that_was_tampered_with_is_rejected(on_line, make_job):
    """What the checks would not let through is not sent."""

    async def use(line):
        job = make_job()
        rendering = replace(job.rendering, parts=(Part("en", "Hello\u202e"),))
        return await line.adapter.send(replace(job, rendering=rendering), no_note)

    assert on_line(use).code == "rendering"


def test_a_correction_is_a_reply_to_the_first(on_line, make_job):
    """Mail programs put it beside what it corrects."""

    async def use(line):
        first = await line.adapter.send(make_job(), no_note)
        job = make_job("dly-2", original=first.reference, kind=DeliveryKind.CORRECT)
        second = await line.adapter.correct(job, no_note)
        return second, line.server.messages[1].content

    outcome, content = on_line(use)
    assert outcome.reference == "<dly-2@city.example>"
    assert (content["In-Reply-To"], content["References"]) == ("<dly-1@city.example>", "<dly-1@city.example>")


def test_an_email_cannot_be_taken_back(on_line, make_job):
    """The refusal says what to do instead."""

    async def use(line):
        return await line.adapter.withdraw(make_job(kind=DeliveryKind.WITHDRAW), no_note), line.far.journal.arrivals

    outcome, arrivals = on_line(use)
    assert (outcome.verdict, outcome.code, arrivals) == (Verdict.REJECTED, "unsupported", [])
    assert "correction" in outcome.reason


def test_a_mailbox_cannot_be_read_back(on_line, make_job):
    """It is the recipient's own."""

    async def use(line):
        return await line.adapter.read_back(make_job(), "<dly-1@city.example>")

    assert on_line(use).seen is Seen.UNKNOWN


def test_a_probe_finds_a_sender_that_is_not_ours(on_line, make_job):
    """The server takes the login, and not the address that messages would be from."""

    async def use(line):
        line.adapter._mailer._sender = "other@city.example"
        return await line.adapter.probe()

    probe = on_line(use)
    assert not probe.ok
    assert probe.detail.endswith("(553 5.7.1)")


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"from": SENDER}, "smtps://host"),
        ({"from": SENDER, "base_url": "https://mail.city.example"}, "smtps://host"),
        ({"from": SENDER, "base_url": "smtps://a:b@mail.city.example"}, "smtps://host"),
        ({"base_url": "smtps://mail.city.example"}, "from must be"),
        ({"base_url": "smtps://mail.city.example", "from": "press"}, "from must be"),
        ({"base_url": "smtps://mail.city.example", "from": SENDER, "starttls": "maybe"}, "starttls"),
        ({"base_url": "smtps://mail.city.example", "from": SENDER, "retry_after_s": "-1"}, "retry_after_s"),
        ({"base_url": "smtps://mail.city.example", "from": SENDER, "retry_after_s": "nan"}, "retry_after_s"),
    ],
)
def test_an_account_that_could_not_send_is_refused_at_once(settings, wrong):
    """Each with the setting that is wrong."""
    with pytest.raises(ValueError, match=wrong):
        made(**settings)


def test_a_credential_without_a_password_is_refused():
    """A login is both."""
    with pytest.raises(ValueError, match="username and a password"):
        Adapter(
            account(base_url="smtps://mail.city.example"),
            {"username": Secret("a")},
            Http(HttpPolicy(frozenset())),
            None,
        )


def test_an_exercise_says_so_in_subject_and_text(content, account):
    """Nobody takes it for the real thing from a list of subjects."""
    rendering = Adapter.render(replace(content, exercise=True), account)
    assert rendering.options["subjects"]["en"] == "EXERCISE: River rising"
    assert rendering.text("en").startswith("EXERCISE EXERCISE EXERCISE\n\n")


def test_a_text_is_laid_out_for_reading(content, account):
    """Headline, body with instruction, link."""
    assert Adapter.render(content, account).text("en") == (
        "River rising\n\nMove to higher ground.\nCall 999 if in danger.\n\nhttps://city.example/flood"
    )


def test_what_cannot_be_sent_as_written_is_not_rendered(content):
    """The message says what to change; nothing is cut."""
    texts = (LanguageText("en", "River", "x" * EMAIL_BYTES),)
    with pytest.raises(RenderError, match="en: the text has 20007 bytes, 20000 fit: shorten it"):
        Adapter.render(
            replace(content, texts=texts, link=None), replace(account(), languages=("en",), settings={"from": SENDER})
        )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"sent_by": "City\r\nBcc: all@city.example"}, "line break"),
        ({"sent_by": " "}, "no name"),
    ],
)
def test_a_name_that_would_begin_another_header_is_refused(content, account, changes, fault):
    """So is none at all."""
    with pytest.raises(RenderError, match=fault):
        Adapter.render(replace(content, **changes), account)


def test_an_account_without_a_sender_renders_nothing(content):
    """The address that people would see is part of what they sign."""
    with pytest.raises(RenderError, match="set the account's from"):
        Adapter.render(content, account())


def test_a_language_that_is_no_tag_is_refused(content):
    """It stands in a header too."""
    odd = "en\r\nBcc: all@city.example"
    texts = (LanguageText(odd, "River", "Move."),)
    with pytest.raises(RenderError, match="no tag"):
        Adapter.render(replace(content, texts=texts), Account("p", "press_email", "P", (odd,), {"from": SENDER}))
