"""Connecting an account, whatever the platform: the question, the browser's way back, and what a code is worth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from channels import registry
from channels.authorising import (
    Authorisation,
    Client,
    Connecting,
    Consent,
    Exchange,
    Granted,
    NotGrantedError,
    ask,
    code_of,
    redeem,
    unpadded,
)
from channels.conformance.bench import HandClock
from channels.contract import Account, Secret
from channels.http import Http, HttpPolicy
from channels.meta.simulator import OWN_APP, app_secret
from channels.simulator.consent import ConsentPage
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.x.simulator import CLIENT, CLIENT_SECRET
from channels.youtube.simulator import CLIENT_SECRET as GOOGLE_SECRET
from tests.builders import drawn

T = TypeVar("T")
REDIRECT = "http://127.0.0.1:8765/back"
META = Client(Secret(OWN_APP), Secret(app_secret()))
TIKTOK = Client(Secret("sim-key"), Secret("sim-secret"))
MACHINE = {
    "route": "direct_post",
    "media_base_url": "https://media.example/",
    "disclosure": "none",
    "privacy_level": "SELF_ONLY",
}
PICTURES = {"ig_id": "1", "media_base_url": "https://media.example"}


@dataclass(frozen=True)
class Case:
    """An account on a platform, the app that asks, and the secrets that a consent leaves it with."""

    name: str
    channel: str
    client: Client
    secrets: set[str]
    settings: Mapping[str, str] = field(default_factory=dict)
    owner: str = "1"
    days: int | None = None


CASES = [
    Case("x", "x", Client(Secret(CLIENT)), {"token", "refresh_token", "client_id"}),
    Case(
        "x, confidential",
        "x",
        Client(Secret(CLIENT), Secret(CLIENT_SECRET)),
        {"token", "refresh_token", "client_id", "client_secret"},
    ),
    Case(
        "tiktok",
        "tiktok",
        TIKTOK,
        {"client_key", "client_secret", "refresh_token", "refresh_ends", "token", "token_ends"},
        MACHINE,
        days=365,
    ),
    Case("threads", "threads", META, {"token", "app_secret", "token_ends"}),
    Case("facebook", "facebook", META, {"token", "app_secret"}, {"page_id": "1"}, owner=""),
    Case("instagram", "instagram", META, {"token", "app_secret"}, PICTURES, owner=""),
    Case(
        "instagram, deleting", "instagram", META, {"token", "app_secret"}, {**PICTURES, "may_delete": "yes"}, "", 60
    ),
    Case(
        "youtube",
        "youtube",
        Client(Secret(CLIENT), Secret(GOOGLE_SECRET)),
        {"token", "refresh_token", "client_id", "client_secret"},
        {"audited": "yes"},
        owner="UC1",
    ),
]
EVERY = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
ONE_EACH = pytest.mark.parametrize("case", [CASES[0], *CASES[2:6], CASES[-1]], ids=lambda case: case.channel)


@dataclass
class Round:
    """One account being connected at its simulated platform."""

    far: Simulator
    clock: HandClock
    account: Account
    described: Authorisation
    consent: Consent
    exchange: Exchange

    @property
    def page(self) -> ConsentPage:
        """Where people consent."""
        provider: Any = self.far.provider(self.account.channel)
        page = provider.login.consents if hasattr(provider, "login") else provider.consents
        assert isinstance(page, ConsentPage)
        return page

    async def browser(self) -> str:
        """Open the question as a browser does, and give the address that it is sent to."""
        async with aiohttp.ClientSession() as client, client.get(self.consent.url, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"]

    async def redeem(self, redirected: str) -> Granted:
        """What the browser's way back is worth."""
        return await redeem(self.described, self.consent, code_of(self.consent, redirected), self.exchange)


@asynccontextmanager
async def a_round(case: Case) -> AsyncIterator[Round]:
    """Ask for consent on a fresh far side."""
    clock = HandClock()
    async with Simulator(clock=clock) as far:
        settings = {**case.settings, "base_url": far.address(case.channel)}
        account = Account("a-1", case.channel, "@city", ("en",), settings)
        http = Http(HttpPolicy(frozenset({far.url.split("/")[2]}), allow_private=True, https_only=False))
        adapter: Any = registry.adapter_of(account)
        described = adapter.authorisation(account)
        consent = ask(described, account, case.client, REDIRECT, drawn())
        exchange = Exchange(account, case.client, http, clock())
        try:
            yield Round(far, clock, account, described, consent, exchange)
        finally:
            await http.close()


def connecting(case: Case, work: Callable[[Round], Awaitable[T]]) -> T:
    """Run a test's work on a fresh round."""

    async def main() -> T:
        async with a_round(case) as opened:
            return await work(opened)

    return asyncio.run(main())


def refused(case: Case, work: Callable[[Round], Awaitable[object]]) -> NotGrantedError:
    """Why there is no credential."""
    with pytest.raises(NotGrantedError) as error:
        connecting(case, work)
    return error.value


@EVERY
def test_a_consent_becomes_the_secrets_that_the_adapter_works_with(case: Case) -> None:
    """Whose they are and when a person has to come back is told; a probe with them succeeds."""

    async def work(opened: Round) -> Granted:
        granted = await opened.redeem(await opened.browser())
        settings = {**opened.account.settings, **({opened.described.owner: granted.owner} if granted.owner else {})}
        account = replace(opened.account, settings=settings)
        adapter = registry.adapter_of(account)(account, granted.secrets, opened.exchange.http, opened.clock)
        probe = await adapter.probe()
        ends = None if case.days is None else opened.clock() + timedelta(days=case.days)
        assert (probe.ok, granted.owner, granted.expires_at) == (True, case.owner, ends), probe.detail
        return granted

    assert set(connecting(case, work).secrets) == case.secrets


@ONE_EACH
def test_what_the_adapter_is_given_is_what_was_promised(case: Case) -> None:
    """So that a credential which its adapter would refuse is found before anybody consents."""

    async def work(opened: Round) -> None:
        assert set(opened.described.gives) <= case.secrets

    connecting(case, work)


def test_a_denied_consent_is_said() -> None:
    """And what to do."""

    async def work(opened: Round) -> None:
        opened.page.denied = True
        await opened.redeem(await opened.browser())

    assert str(refused(CASES[0], work)) == "consent was denied"


@pytest.mark.parametrize(
    "pasted", ["", "\0", "http://[x?code=1", "https://a\u2100b/?state=x", "?", "state=x"], ids=repr
)
def test_what_is_no_address_is_no_answer(pasted: str) -> None:
    """A slip at the keyboard is refused in words."""
    consent = Consent("https://a.example", REDIRECT, Secret("s"), Secret("v"))
    with pytest.raises(NotGrantedError, match="another"):
        code_of(consent, pasted)


def test_an_address_with_another_state_is_not_used() -> None:
    """Its code is somebody else's, and no request is made with it."""

    async def work(opened: Round) -> None:
        redirected = await opened.browser()
        try:
            await opened.redeem(redirected.replace(opened.consent.state.reveal(), "theirs"))
        finally:
            assert len(opened.far.journal.arrivals) == 1, "only the page was asked for"

    assert "its state is another" in str(refused(CASES[0], work))


@ONE_EACH
def test_a_code_that_is_too_old_is_said(case: Case) -> None:
    """It lives for seconds: the person is told to open the new address at once."""

    async def work(opened: Round) -> None:
        redirected = await opened.browser()
        opened.clock.pass_s(30)
        await opened.redeem(redirected)

    error = refused(case, work)
    assert "gives no token" in str(error)
    assert "open the new address at once" in error.next_step


@pytest.mark.parametrize("case", [CASES[0], CASES[2], CASES[4], CASES[5]], ids=lambda case: case.channel)
def test_a_scope_that_was_not_granted_is_named(case: Case) -> None:
    """Nothing is kept of what was. Threads does not say which were."""

    async def work(opened: Round) -> None:
        scope = opened.described.scopes[-1]
        opened.page.withheld = frozenset({scope})
        with pytest.raises(NotGrantedError, match=f"lacks {scope}$"):
            await opened.redeem(await opened.browser())

    connecting(case, work)


NONSENSE = [(CASES[0], body) for body in ("[]", "", "<html>", '{"error": {"type": "a sec ret"}}')]


@pytest.mark.parametrize(("case", "body"), [*NONSENSE, *((case, '{"access_token": 7.5}') for case in CASES)])
def test_an_endpoint_that_answers_nonsense_gives_nothing(case: Case, body: str) -> None:
    """Nor is it quoted."""

    async def work(opened: Round) -> None:
        opened.far.arm(Fault(case.channel, FaultKind.REFUSE, on="session", status=200, body=body))
        await opened.redeem(await opened.browser())

    assert "sec ret" not in str(refused(case, work))


def test_who_has_no_role_on_the_page_is_told_so() -> None:
    """Rather than that some token is missing."""

    async def work(opened: Round) -> None:
        provider: Any = opened.far.provider("facebook")
        provider.login.works_for = ("7", "8")
        await opened.redeem(await opened.browser())

    assert "does not work for @city" in str(refused(CASES[4], work))


def test_a_code_without_the_verifier_is_worth_nothing() -> None:
    """Who overhears the redirect cannot use it (RFC 7636)."""

    async def work(opened: Round) -> None:
        stolen = replace(opened, consent=replace(opened.consent, verifier=Secret("guessed")))
        await stolen.redeem(await opened.browser())

    assert "gives no token" in str(refused(CASES[0], work))


def test_the_question_is_asked_as_each_platform_wants_it() -> None:
    """Scopes by spaces or commas, TikTok's own word for the app's id, and its digest in hexadecimal digits."""

    async def asked(opened: Round) -> dict[str, list[str]]:
        return parse_qs(urlsplit(opened.consent.url).query)

    x, tiktok = connecting(CASES[0], asked), connecting(CASES[2], asked)
    assert x["scope"] == ["tweet.read tweet.write users.read media.write offline.access"]
    assert (tiktok["scope"], tiktok["client_key"]) == (["video.publish"], ["sim-key"])
    assert [len(query["code_challenge"][0]) for query in (x, tiktok)] == [43, 64]
    assert x["redirect_uri"] == [REDIRECT]


def test_pkce_is_written_as_the_standard_does() -> None:
    """RFC 7636, appendix B: the digest of its verifier."""
    digest = bytes.fromhex("13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3")
    assert unpadded(digest) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_no_question_shows_a_secret() -> None:
    """What is asked can be printed and logged; the state, which is in the address alone, is worth nothing there."""

    async def shown(opened: Round) -> str:
        assert CLIENT_SECRET not in opened.consent.url
        assert opened.consent.verifier.reveal() not in opened.consent.url
        return repr(opened.consent.verifier) + repr(opened.exchange.client)

    assert CLIENT_SECRET not in connecting(CASES[1], shown)


def test_instagrams_own_login_is_not_offered() -> None:
    """Its tokens are given to `account add`, and it says so."""
    account = Account("a", "instagram", "@c", ("en",), {**PICTURES, "base_url": "https://graph.instagram.com"})
    adapter: Any = registry.adapter_of(account)
    with pytest.raises(ValueError, match="account add"):
        adapter.authorisation(account)


def test_a_hand_off_is_not_connected() -> None:
    """Nothing of it talks to TikTok."""
    assert not issubclass(registry.adapter("tiktok"), Connecting)
    assert issubclass(registry.adapter("tiktok", "inbox_draft"), Connecting)
