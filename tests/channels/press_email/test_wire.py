"""E-mails as bytes."""

import email.charset
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, RenderError
from channels.press_email import wire
from channels.press_email.adapter import Adapter
from channels.smtp import stuffed
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
