"""Replies of submission servers, and the names of messages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels import mail
from channels.contract import Verdict
from channels.press_email import wire
from channels.smtp import Reply, Said, Stage


def said(stage, code, *lines):
    """A deciding reply."""
    return Said(stage, Reply(code, lines or ("",)))


@pytest.mark.parametrize("delivery", ["a b", "a@b", "<a>", "ŷ", "x" * 41, ""])
def test_an_id_that_could_not_stand_in_a_header_is_digested(delivery):
    """The same id gives the same Message-ID, whatever it is, and a correction can name it."""
    named = mail.message_id(delivery, "press@city.example")
    assert wire._MESSAGE_ID.fullmatch(named)
    assert named == mail.message_id(delivery, "office@city.example")


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
    assert mail.outcome(reply, "<a@b.example>", 60.0).verdict is verdict


@settings(max_examples=300)
@given(st.sampled_from(list(Stage)), st.integers(200, 599), st.lists(st.text(), min_size=1))
def test_nothing_before_the_end_of_the_data_is_in_doubt_or_accepted(stage, code, lines):
    """Whatever a server says, no outcome is raised, and none of its words are kept but codes."""
    outcome = mail.outcome(Said(stage, Reply(code, tuple(f"{line} secret-word" for line in lines))), "<a@b>", 60.0)
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
    assert mail.outcome(reply, "", 60.0).account_wide is wide
