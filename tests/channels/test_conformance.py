"""Every adapter against the suite. A new adapter adds one subject."""

from dataclasses import replace

import pytest

from channels.bluesky.adapter import Adapter as Bluesky
from channels.bluesky.simulator import BlueskySimulator
from channels.conformance import ConformanceError, Subject, cases, run
from channels.contract import Account, Finding, Found, Job, Note, Outcome, Secret, Verdict
from channels.facebook.adapter import Adapter as Facebook
from channels.facebook.simulator import FacebookSimulator, app_secret, token
from channels.mastodon.adapter import Adapter as Mastodon
from channels.mastodon.simulator import MastodonSimulator
from channels.notify.adapter import Adapter as Notify
from channels.notify.simulator import TEMPLATE_ID, api_key
from channels.notify.simulator import Notify as NotifySimulator
from channels.press_email.adapter import Adapter as PressEmail
from channels.press_email.simulator import PressEmail as MailServer
from channels.press_email.simulator import password
from channels.webhook.adapter import Adapter as Webhook
from channels.webhook.simulator import Receiver, secret
from channels.x.adapter import Adapter as X
from channels.x.simulator import XSimulator

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
        PressEmail,
        MailServer,
        lambda url: Account(
            "a7",
            "press_email",
            "Press office",
            ("en", "cy"),
            {"base_url": url.replace("http:", "smtp:"), "from": "press@council.example"},
        ),
        {"username": Secret("press@council.example"), "password": Secret(password("press@council.example"))},
        public=frozenset({"username"}),
        recipient=Secret("news@paper.example"),
        language="en",
        finds=False,
        hints=False,
    ),
]


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


class Talkative(X):
    """Explains itself with its token."""

    def __repr__(self) -> str:
        return f"Talkative({self._credential['token'].reveal()})"


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
        (Talkative, "a post is accepted and published once"),
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
