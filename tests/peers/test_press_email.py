"""The press list adapter against Exim: what a real submission server makes of what we say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, Outcome, Secret, Verdict
from channels.http import Http, HttpPolicy
from channels.press_email.adapter import Adapter
from tests.peers.exim import BUSY, PASSWORD, UNKNOWN, USER, Exim
from tests.peers.losing import losing

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BODY = "Mae'r dŵr yn codi ŷ 🌊\n.\n.a line that begins with a dot\n" + "a long line " * 90


async def note(_handle: str) -> None:
    """SMTP has nothing to note."""


def account(url: str, **settings: str) -> Account:
    """A press office that writes in Welsh."""
    return Account("press-1", "press_email", "Press", ("cy",), {"from": USER, "base_url": url, **settings})


def job(to: str, kind: DeliveryKind = DeliveryKind.PUBLISH, body: str = BODY, original: str | None = None) -> Job:
    """A job to one recipient."""
    text = LanguageText("cy", "Llifogydd: dŵr yn codi", body)
    content = Content(kind, (text,), NOW + timedelta(hours=6), "Cyngor Example", exercise=False)
    rendering = Adapter.render(content, account("smtps://localhost"))
    recipient = Secret(f"{to}@paper.example")
    return Job(f"dlv-{to}-{kind}", 1, rendering, NOW, 10.0, recipient=recipient, language="cy", original=original)


@asynccontextmanager
async def adapter_at(url: str, password: str = PASSWORD, **settings: str) -> AsyncIterator[Adapter]:
    """An adapter with a login of the server."""
    http = Http(HttpPolicy(frozenset({url.split("/")[2]}), allow_private=True, https_only=False))
    credential = {"username": Secret(USER), "password": Secret(password)}
    yield Adapter(account(url, **settings), credential, http, lambda: NOW)
    await http.close()


def sent(url: str, asked: Job, password: str = PASSWORD, **settings: str) -> Outcome:
    """What becomes of a job."""

    async def run() -> Outcome:
        async with adapter_at(url, password, **settings) as adapter:
            return await (adapter.correct if asked.original else adapter.send)(asked, note)

    return asyncio.run(run())


@pytest.mark.parametrize("tls", ["none", "implicit", "starttls"])
def test_a_message_arrives_as_it_was_signed(exim: Exim, tls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Welsh letters, lines that begin with dots and long lines, in the clear and under TLS both ways."""
    monkeypatch.setenv("SSL_CERT_FILE", str(exim.certificate))
    url = {
        "none": f"smtp://localhost:{exim.port}",
        "implicit": f"smtps://localhost:{exim.tls_port}",
        "starttls": f"smtps://localhost:{exim.port}",
    }[tls]
    asked = job(f"news-{tls}")
    outcome = sent(url, asked, **({"starttls": "yes"} if tls == "starttls" else {}))
    assert (outcome.verdict, outcome.reason) == (Verdict.ACCEPTED, "")
    (arrived,) = exim.mail(f"news-{tls}")
    assert arrived["subject"] == "Llifogydd: dŵr yn codi"
    assert arrived["to"] == f"news-{tls}@paper.example"
    assert arrived.get_content().rstrip("\n") == asked.rendering.parts[0].text.rstrip("\n")


def test_a_certificate_that_nobody_vouches_for_is_no_connection(exim: Exim) -> None:
    """Nothing was sent, not even the login."""
    outcome = sent(f"smtps://localhost:{exim.tls_port}", job("news-untrusted"))
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "tls")


def test_the_longest_message_is_taken_whole(exim: Exim) -> None:
    """Twenty thousand bytes of text, encoded."""
    asked = job("longest", body="ŵ" * 9_950)
    assert sent(f"smtp://localhost:{exim.port}", asked).verdict is Verdict.ACCEPTED
    (arrived,) = exim.mail("longest")
    assert arrived.get_content().count("ŵ") == 9_950 + 1


def test_a_correction_stands_beside_what_it_corrects(exim: Exim) -> None:
    """The mail program knows it by the first message's id, as the server kept it."""
    url = f"smtp://localhost:{exim.port}"
    first = sent(url, job("thread"))
    (arrived,) = exim.mail("thread")
    assert arrived["message-id"] == first.reference
    assert sent(url, job("thread", DeliveryKind.CORRECT, original=first.reference)).verdict is Verdict.ACCEPTED
    assert [one["in-reply-to"] for one in exim.mail("thread", 2) if one["in-reply-to"]] == [first.reference]


@pytest.mark.parametrize(
    ("to", "password", "verdict", "wide"),
    [
        (UNKNOWN, PASSWORD, Verdict.REJECTED, False),
        (BUSY, PASSWORD, Verdict.DEFERRED, False),
        ("news", "wrong", Verdict.REJECTED, True),
    ],
)
def test_a_refusal_is_told_for_what_it_is(exim: Exim, to: str, password: str, verdict: Verdict, wide: bool) -> None:
    """An address that is none, one that is busy, a login that is wrong."""
    outcome = sent(f"smtp://localhost:{exim.port}", job(to), password)
    assert (outcome.verdict, outcome.account_wide) == (verdict, wide)


@pytest.mark.parametrize(
    ("acts", "marker", "verdict"), [(True, b"\r\n.\r\n", Verdict.IN_DOUBT), (False, b"DATA\r\n", Verdict.DEFERRED)]
)
def test_a_lost_connection_is_in_doubt_once_the_message_was_whole(
    exim: Exim, acts: bool, marker: bytes, verdict: Verdict
) -> None:
    """Before that, nothing was handed over; afterwards one message may be there, and here it is."""

    async def run() -> Outcome:
        async with (
            losing(f"127.0.0.1:{exim.port}", marker, acts=acts) as host,
            adapter_at(f"smtp://{host}") as adapter,
        ):
            return await adapter.send(job(f"lost-{acts}".lower()), note)

    assert asyncio.run(run()).verdict is verdict
    if acts:
        assert len(exim.mail("lost-true")) == 1


def test_a_probe_logs_in_and_sends_nothing(exim: Exim) -> None:
    """The server takes the login and the sender's address."""

    async def run(password: str) -> bool:
        async with adapter_at(f"smtp://localhost:{exim.port}", password) as adapter:
            return (await adapter.probe()).ok

    assert [asyncio.run(run(password)) for password in (PASSWORD, "wrong")] == [True, False]
