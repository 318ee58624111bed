"""Every adapter against the suite. A new adapter adds one subject."""

import logging
from dataclasses import replace

import pytest

from channels.bluesky.adapter import Adapter as Bluesky
from channels.bluesky.simulator import BlueskySimulator
from channels.conformance import ConformanceError, Subject, cases, run
from channels.contract import (
    Account,
    Content,
    Finding,
    Found,
    Job,
    Note,
    Outcome,
    RenderError,
    Rendering,
    Secret,
    Verdict,
)
from channels.facebook.adapter import Adapter as Facebook
from channels.facebook.simulator import FacebookSimulator
from channels.instagram.adapter import Adapter as Instagram
from channels.instagram.simulator import InstagramSimulator
from channels.mastodon.adapter import Adapter as Mastodon
from channels.mastodon.simulator import MastodonSimulator
from channels.meta.simulator import app_secret, token
from channels.notify.adapter import Adapter as Notify
from channels.notify.adapter import EmailAdapter as NotifyEmail
from channels.notify.simulator import EMAIL_TEMPLATE_ID, TEMPLATE_ID, api_key
from channels.notify.simulator import Notify as NotifySimulator
from channels.press_email.adapter import Adapter as PressEmail
from channels.press_email.simulator import PressEmail as MailServer
from channels.press_email.simulator import password
from channels.text import x_length
from channels.threads.adapter import Adapter as Threads
from channels.threads.simulator import ThreadsSimulator
from channels.tiktok.direct import DirectPost, InboxDraft
from channels.tiktok.simulator import CLIENT_KEY, CLIENT_SECRET, TikTokSimulator
from channels.webhook.adapter import Adapter as Webhook
from channels.webhook.simulator import Receiver, secret
from channels.x.adapter import Adapter as X
from channels.x.simulator import XSimulator
from channels.youtube.adapter import Adapter as YouTube
from channels.youtube.simulator import YouTubeSimulator
from channels.youtube.simulator import credential as youtube_credential
from tests.channels.documented import DOCUMENTED

TIKTOK = {
    "client_key": Secret(CLIENT_KEY),
    "client_secret": Secret(CLIENT_SECRET),
    "refresh_token": Secret("refresh-council"),
}


def tiktok(url: str, **more: str) -> dict[str, str]:
    """The settings of an account that TikTok is reached by machine with."""
    return {"base_url": url, "media_base_url": f"{url}/media", "disclosure": "none", "audited": "yes", **more}


class DiligentTikTok(TikTokSimulator):
    """Whose people finish every draft at once, so that what becomes public can be counted."""

    finishes = True


SUBJECTS = [
    Subject(
        X,
        XSimulator,
        lambda url: Account("a1", "x", "@council", ("en", "cy"), {"base_url": url, "user_id": "1001"}),
        {"token": Secret("sim-1001")},
    ),
    Subject(
        Bluesky,
        BlueskySimulator,
        lambda url: Account("a2", "bluesky", "council.example", ("en", "cy"), {"base_url": url}),
        {"identifier": Secret("council.example"), "password": Secret("app-council.example")},
        public=frozenset({"identifier"}),
    ),
    Subject(
        Notify,
        NotifySimulator,
        lambda url: Account("a3", "notify", "City", ("en", "cy"), {"base_url": url, "template_id": TEMPLATE_ID}),
        {"api_key": Secret(api_key("26785a09-ab16-4eb0-8407-a37497a57506"))},
        recipient=Secret("07700900123"),
        language="en",
    ),
    Subject(
        NotifyEmail,
        NotifySimulator,
        lambda url: Account(
            "a8", "notify_email", "City", ("en", "cy"), {"base_url": url, "template_id": EMAIL_TEMPLATE_ID}
        ),
        {"api_key": Secret(api_key("26785a09-ab16-4eb0-8407-a37497a57506"))},
        recipient=Secret("news@paper.example"),
        language="cy",
    ),
    Subject(
        Webhook,
        Receiver,
        lambda url: Account("a4", "webhook", "Partner", ("en", "cy"), {"base_url": f"{url}/partner"}),
        {"secret": Secret(secret("partner"))},
        finds=False,
        reads_body=False,
    ),
    Subject(
        Mastodon,
        MastodonSimulator,
        lambda url: Account("a5", "mastodon", "@council", ("en", "cy"), {"base_url": url, "account_id": "1001"}),
        {"token": Secret("sim-1001")},
    ),
    Subject(
        Facebook,
        FacebookSimulator,
        lambda url: Account("a6", "facebook", "Council", ("en", "cy"), {"base_url": url, "page_id": "1111"}),
        {"token": Secret(token("1111")), "app_secret": Secret(app_secret())},
    ),
    Subject(
        Threads,
        ThreadsSimulator,
        lambda url: Account(
            "a9",
            "threads",
            "@council",
            ("en", "cy"),
            {"base_url": url, "user_id": "2222", "media_base_url": "https://media.council.example"},
        ),
        {"token": Secret(token("2222")), "app_secret": Secret(app_secret())},
    ),
    Subject(
        Instagram,
        InstagramSimulator,
        lambda url: Account(
            "a10",
            "instagram",
            "@council",
            ("en", "cy"),
            {"base_url": url, "ig_id": "3333", "media_base_url": "https://media.council.example"},
        ),
        {"token": Secret(token("3333")), "app_secret": Secret(app_secret())},
    ),
    Subject(
        YouTube,
        YouTubeSimulator,
        lambda url: Account(
            "a13",
            "youtube",
            "@council",
            ("en", "cy"),
            {"base_url": url, "channel_id": "UCcouncil", "audited": "yes"},
        ),
        youtube_credential("UCcouncil"),
        public=frozenset({"client_id"}),
    ),
    Subject(
        DirectPost,
        TikTokSimulator,
        lambda url: Account(
            "a11", "tiktok", "@council", ("en", "cy"), tiktok(url, privacy_level="PUBLIC_TO_EVERYONE")
        ),
        TIKTOK,
        finds=False,
        hints=False,
        pulls=True,
    ),
    Subject(
        InboxDraft,
        DiligentTikTok,
        lambda url: Account("a12", "tiktok", "@council", ("en", "cy"), tiktok(url, device="phone-1")),
        TIKTOK,
        finds=False,
        hints=False,
        pulls=True,
        made=Verdict.HANDED_OVER,
    ),
    Subject(
        PressEmail,
        MailServer,
        lambda url: Account(
            "a7",
            "press_email",
            "Press office",
            ("en", "cy"),
            {"base_url": url.replace("http", "smtp", 1), "from": "press@council.example"},
        ),
        {"username": Secret("press@council.example"), "password": Secret(password("press@council.example"))},
        public=frozenset({"username"}),
        recipient=Secret("news@paper.example"),
        language="en",
        finds=False,
        hints=False,
    ),
]


SUBJECTS = [replace(subject, documented=DOCUMENTED.get(subject.simulator.name, ())) for subject in SUBJECTS]


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_what_a_platform_refuses_by_its_documentation_is_written_down(subject: Subject) -> None:
    """So that no adapter is left out of that check."""
    assert {one.verdict for one in subject.documented} >= {Verdict.REJECTED, Verdict.DEFERRED}


@pytest.mark.parametrize(
    ("subject", "case"), [(subject, case) for subject in SUBJECTS for case in cases(subject)], ids=str
)
def test_the_adapter_keeps_the_contract(subject: Subject, case: str) -> None:
    """The named rule of the contract holds against the simulated platform."""
    run(case, subject)


class Hopeful(X):
    """Takes every doubt for a failure, and sends again."""

    async def send(self, job: Job, note: Note) -> Outcome:
        outcome = await super().send(job, note)
        return replace(outcome, verdict=Verdict.DEFERRED) if outcome.verdict is Verdict.IN_DOUBT else outcome

    async def find(self, job: Job) -> Finding:
        finding = await super().find(job)
        return Finding(Found.ABSENT) if finding.found is Found.UNKNOWN else finding

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        outcome = await super().withdraw(job, note)
        return replace(outcome, verdict=Verdict.ACCEPTED)


class Talkative(X):
    """Explains itself with its token."""

    def __repr__(self) -> str:
        return f"Talkative({self._login.credential['token'].reveal()})"


class Logging(X):
    """Writes down what it sends, credential and all."""

    async def send(self, job: Job, note: Note) -> Outcome:
        logging.getLogger("careless").debug("sending with %s", self._login.credential["token"].reveal())
        return await super().send(job, note)


class Noting(X):
    """Notes its token, so as to find it again."""

    async def send(self, job: Job, note: Note) -> Outcome:
        await note(f"upload?token={self._login.credential['token'].reveal()}")
        return await super().send(job, note)


class Cutting(X):
    """Makes every text fit."""

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        try:
            return super().render(content, account)
        except RenderError:
            cut = tuple(replace(text, body=text.body[:40]) for text in content.texts)
            return super().render(replace(content, texts=cut), account)


class Timid(X):
    """Thinks the limit lower than it is."""

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        return super().problems(rendering) + ["too long" for part in rendering.parts if x_length(part.text) > 279]


class Forgetful(Bluesky):
    """Thinks of each attempt as a delivery of its own."""

    async def send(self, job: Job, note: Note) -> Outcome:
        return await super().send(replace(job, delivery=f"{job.delivery} {self._clock()}"), note)


class Adding(Facebook):
    """Leaves the wrong text up beside its correction."""

    async def correct(self, job: Job, note: Note) -> Outcome:
        return await self.send(job, note)


@pytest.mark.parametrize(
    ("make", "case"),
    [
        (Hopeful, "act_then_drop: in doubt, then settled"),
        (Hopeful, "act_then_error 503: in doubt"),
        (Hopeful, "act_then_html: never a claim that nothing happened"),
        (Hopeful, "read refuse: unknown, never absent"),
        (Hopeful, "documented 502: in_doubt"),
        (Hopeful, "withdraw drop_without_acting: in doubt, then settled"),
        (Talkative, "a post is accepted and published once"),
        (Logging, "a post is accepted and published once"),
        (Noting, "a post is accepted and published once"),
        (Cutting, "a text at its limit goes up whole, and one letter more is refused"),
        (Timid, "a text at its limit goes up whole, and one letter more is refused"),
        (Forgetful, "a repeat changes nothing"),
        (Adding, "a correction changes the post in place"),
    ],
)
def test_the_suite_catches_a_careless_adapter(make: type[X] | type[Bluesky] | type[Facebook], case: str) -> None:
    """An adapter that guesses, leaks or forgets fails the check made for it."""
    honest = next(subject for subject in SUBJECTS if make.__base__ is subject.make)
    subject = replace(honest, make=make)
    with pytest.raises(ConformanceError):
        run(case, subject)
