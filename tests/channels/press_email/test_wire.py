"""E-mails as bytes, and replies of submission servers."""

import email.charset
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, RenderError, Verdict
from channels.press_email import wire
from channels.press_email.adapter import Adapter
from channels.smtp import Reply, Said, Stage, stuffed
from channels.text import EMAIL_BYTES, EMAIL_SUBJECT_BYTES

WHEN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ACCOUNT = Account("p", "press_email", "P", ("en",), {"from": "press@city.example", "reply_to": "office@city.example"})
GOLDEN = b"""\
Date: Sat, 21 Nov 2026 12:00:00 +0000\r
From: Example City\r
 <press@city.example>\r
To: <news@paper.example>\r
Subject: River rising\r
Message-ID: <dly-1@city.example>\r
Auto-Submitted: auto-generated\r
Content-Language: en\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset="utf-8"\r
Content-Transfer-Encoding: quoted-printable\r
Reply-To: <office@city.example>\r
\r
River rising\r
\r
Go to T=C5=B7=E2=80=99r =C5=B4yl.\r
"""


def job(headline="River rising", body="Go to Tŷ’r Ŵyl.", *, delivery="dly-1", sent_by="Example City"):
    """A job with one language."""
    texts = (LanguageText("en", headline, body),)
    content = Content(DeliveryKind.PUBLISH, texts, WHEN, sent_by, exercise=False)
    return Job(delivery, 1, Adapter.render(content, ACCOUNT), WHEN, 2.0, language="en")


def written(made):
    """The message of a job."""
    return wire.message(made, made.rendering.parts[0], "news@paper.example")


def said(stage, code, *lines):
    """A deciding reply."""
    return Said(stage, Reply(code, lines or ("",)))


def test_a_message_is_these_bytes():
    """Every octet, so that a change of any is seen."""
    assert written(job()) == GOLDEN


LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=300)


@settings(max_examples=300, deadline=None)
@given(LETTERS, LETTERS, LETTERS)
def test_whatever_may_be_rendered_is_read_as_it_was_signed(headline, body, sent_by):
    """Subject, name and text come back letter for letter, through 7 bit lines, and no header is added."""
    try:
        made = job(headline, body, sent_by=sent_by)
    except RenderError:
        return
    data = written(made)
    read = message_from_bytes(data, policy=policy.SMTP)
    assert data.isascii()
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    assert read.get_content().replace("\r\n", "\n") == made.rendering.parts[0].text + "\n"
    assert read["Subject"] == made.rendering.options["subjects"]["en"]
    assert list(read.keys()) == [
        line.split(b":")[0].decode() for line in GOLDEN.split(b"\r\n")[:12] if line[:1] != b" "
    ]


@pytest.mark.parametrize("letter", ["x", "=", "ŷ", "\u2019", "🌊", " x", "x\n"])
def test_the_longest_text_is_within_what_every_server_takes(letter):
    """RFC 5321, 4.5.3.1.7: 64 KiB, with the longest subject of the longest letters."""
    room = (EMAIL_BYTES - EMAIL_SUBJECT_BYTES - 10) // len(letter.encode())
    made = job("ŷ" * (EMAIL_SUBJECT_BYTES // 2), letter * room, sent_by="ŷ" * 200)
    assert len(stuffed(written(made))) < 65_536


def test_what_else_a_process_has_loaded_changes_no_byte(monkeypatch):
    """A library may set how everybody's UTF-8 is written; a repeat has to be the same bytes in any process."""
    before = written(job("ŷ" * 40, "ŷ"))
    monkeypatch.setitem(email.charset.CHARSETS, "utf-8", (email.charset.QP, email.charset.QP, "utf-8"))
    assert written(job("ŷ" * 40, "ŷ")) == before


@pytest.mark.parametrize("delivery", ["a b", "a@b", "<a>", "ŷ", "x" * 41, ""])
def test_an_id_that_could_not_stand_in_a_header_is_digested(delivery):
    """The same id gives the same Message-ID, whatever it is."""
    made = job(delivery=delivery)
    assert wire._MESSAGE_ID.fullmatch(wire.message_id(made))
    assert wire.message_id(made) == wire.message_id(job(delivery=delivery))


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (said(Stage.MESSAGE, 250, "2.0.0 Ok: queued as 4ZT"), Verdict.ACCEPTED),
        (said(Stage.MESSAGE, 250), Verdict.ACCEPTED),
        (said(Stage.MESSAGE, 421, "4.3.2 closing"), Verdict.DEFERRED),
        (said(Stage.MESSAGE, 450), Verdict.DEFERRED),
        (said(Stage.MESSAGE, 451, "4.3.0"), Verdict.DEFERRED),
        (said(Stage.MESSAGE, 452), Verdict.DEFERRED),
        (said(Stage.MESSAGE, 550, "5.7.1 spam"), Verdict.REJECTED),
        (said(Stage.MESSAGE, 552, "5.3.4"), Verdict.REJECTED),
        (said(Stage.MESSAGE, 554), Verdict.REJECTED),
        (said(Stage.MESSAGE, 571), Verdict.REJECTED),
        (said(Stage.MESSAGE, 500), Verdict.IN_DOUBT),
        (said(Stage.MESSAGE, 502), Verdict.IN_DOUBT),
        (said(Stage.MESSAGE, 503), Verdict.IN_DOUBT),
        (said(Stage.MESSAGE, 504), Verdict.IN_DOUBT),
        (said(Stage.MESSAGE, 220), Verdict.IN_DOUBT),
        (said(Stage.MESSAGE, 354), Verdict.IN_DOUBT),
        (said(Stage.MESSAGE, 250, "5.7.1 not taken"), Verdict.IN_DOUBT),
        (said(Stage.MESSAGE, 550, "2.0.0 fine"), Verdict.IN_DOUBT),
        (said(Stage.GREETING, 554), Verdict.DEFERRED),
        (said(Stage.GREETING, 421), Verdict.DEFERRED),
        (said(Stage.HELLO, 502), Verdict.DEFERRED),
        (said(Stage.TLS, 454), Verdict.DEFERRED),
        (said(Stage.LOGIN, 535, "5.7.8"), Verdict.REJECTED),
        (said(Stage.LOGIN, 534), Verdict.REJECTED),
        (said(Stage.LOGIN, 454, "4.7.0"), Verdict.DEFERRED),
        (said(Stage.LOGIN, 503), Verdict.DEFERRED),
        (said(Stage.SENDER, 530), Verdict.REJECTED),
        (said(Stage.SENDER, 553, "5.7.1"), Verdict.REJECTED),
        (said(Stage.SENDER, 451), Verdict.DEFERRED),
        (said(Stage.RECIPIENT, 550, "5.1.1"), Verdict.REJECTED),
        (said(Stage.RECIPIENT, 450), Verdict.DEFERRED),
        (said(Stage.RECIPIENT, 252), Verdict.DEFERRED),
        (said(Stage.DATA, 554), Verdict.REJECTED),
        (said(Stage.DATA, 250), Verdict.DEFERRED),
    ],
)
def test_a_reply_is_judged_by_its_code_and_its_stage(reply, verdict):
    """RFC 5321, 4.2.1 and 4.3.2: only 250 to the end of the data takes a message."""
    assert wire.outcome(reply, "<a@b.example>", 60.0).verdict is verdict


@settings(max_examples=300)
@given(st.sampled_from(list(Stage)), st.integers(200, 599), st.lists(st.text(), min_size=1))
def test_nothing_before_the_end_of_the_data_is_in_doubt_or_accepted(stage, code, lines):
    """Whatever a server says, no outcome is raised, and none of its words are kept but codes."""
    outcome = wire.outcome(Said(stage, Reply(code, tuple(f"{line} secret-word" for line in lines))), "<a@b>", 60.0)
    assert "secret-word" not in repr(outcome)
    if stage is not Stage.MESSAGE:
        assert outcome.verdict in {Verdict.DEFERRED, Verdict.REJECTED}


@pytest.mark.parametrize(
    ("reply", "wide"),
    [
        (said(Stage.RECIPIENT, 550, "5.1.1 no"), False),
        (said(Stage.RECIPIENT, 450, "4.7.1 slow down"), True),
        (said(Stage.RECIPIENT, 451, "4.3.2 not now"), True),
        (said(Stage.RECIPIENT, 421), True),
        (said(Stage.SENDER, 451), True),
        (said(Stage.LOGIN, 535), True),
        (said(Stage.MESSAGE, 452, "4.2.2 full"), False),
    ],
)
def test_what_concerns_the_server_concerns_the_whole_account(reply, wide):
    """A mailbox's trouble is its own; the server's is everybody's."""
    assert wire.outcome(reply, "", 60.0).account_wide is wide
