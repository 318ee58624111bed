"""A token of X that runs out: renewed once, and what that means for a post."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from channels.contract import Account, Secret, Verdict
from channels.http import Http, HttpPolicy
from channels.renewing import Renew
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.x import wire
from channels.x.adapter import Adapter
from channels.x.simulator import XSimulator
from tests.channels.x.test_adapter import ACCOUNT, Clock, job, note

Credential = Mapping[str, Secret]


class Kept:
    """Keeps what is renewed in memory."""

    def __init__(self) -> None:
        self.kept: list[Credential] = []

    async def __call__(self, stale: Credential, renew: Renew) -> Credential:
        """As a renewal does that nobody else uses."""
        self.kept.append(await renew(stale))
        return self.kept[-1]


def connected(work: Callable[[Simulator, Adapter, Clock], Awaitable[None]], kept: Kept | None) -> Simulator:
    """Work with an account whose token has just run out."""

    async def run() -> Simulator:
        async with Simulator([XSimulator], clock=(clock := Clock())) as far:
            provider = far.provider("x")
            assert isinstance(provider, XSimulator)
            secrets = {name: Secret(value) for name, value in provider.connect("1001").items()}
            http = Http(HttpPolicy(frozenset({far.url.split("/")[2]}), allow_private=True, https_only=False))
            account = replace(ACCOUNT, settings={**ACCOUNT.settings, "base_url": f"{far.url}/x"})
            x = Adapter(account, secrets, http, clock)
            if kept is not None:
                x.renew_by(kept)
            clock.now += timedelta(hours=2)
            await work(far, x, clock)
            await http.close()
            return far

    return asyncio.run(run())


def test_a_post_goes_out_though_the_token_ran_out() -> None:
    """The first call was refused without effect; the second has the fresh token, which is kept."""
    kept = Kept()

    async def work(_far: Simulator, x: Adapter, _clock: Clock) -> None:
        assert (await x.send(job(), note)).verdict is Verdict.ACCEPTED

    assert len(connected(work, kept).journal.published("x")) == 1
    assert [sorted(secrets) for secrets in kept.kept] == [["client_id", "refresh_token", "token"]]


def test_a_fresh_token_is_used_until_it_runs_out_too() -> None:
    """And then it is renewed again, with the refresh token that came with it."""
    kept = Kept()

    async def work(_far: Simulator, x: Adapter, clock: Clock) -> None:
        for _ in range(3):
            assert (await x.probe()).ok
            assert (await x.probe()).ok
            clock.now += timedelta(hours=2)

    connected(work, kept)
    assert len({secrets["refresh_token"] for secrets in kept.kept}) == 3


def test_a_token_that_nothing_renews_is_refused_once() -> None:
    """It was given to `account add` by itself: there is nothing to renew it with, and nothing is in doubt."""

    async def work(far: Simulator, x: Adapter, _clock: Clock) -> None:
        alone = Adapter(x._account, {"token": x._login.credential["token"]}, x._http, x._clock)
        alone.renew_by(Kept())
        assert (await alone.send(job(), note)).verdict is Verdict.REJECTED
        assert len(far.journal.arrivals) == 1

    connected(work, None)


def test_without_a_place_to_keep_it_no_token_is_spent() -> None:
    """A refresh token that nobody writes down is a lost login: the post is refused instead."""

    async def work(_far: Simulator, x: Adapter, _clock: Clock) -> None:
        assert (await x.send(job(), note)).verdict is Verdict.REJECTED

    assert {arrival.path for arrival in connected(work, None).journal.arrivals} == {"/x/2/tweets"}


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.ACT_THEN_DROP, FaultKind.REFUSE, FaultKind.TOKEN_EXPIRED])
def test_a_renewal_that_fails_leaves_the_post_to_be_tried_again(kind: FaultKind) -> None:
    """Nothing was posted, whatever became of the login."""
    kept = Kept()

    async def work(far: Simulator, x: Adapter, _clock: Clock) -> None:
        far.arm(Fault("x", kind, on="session"))
        outcome = await x.send(job(), note)
        assert (outcome.verdict, "could not be renewed" in outcome.reason) == (Verdict.DEFERRED, True)

    assert connected(work, kept).journal.published("x") == []
    assert kept.kept == []


def test_a_spent_refresh_token_is_said_by_the_probe() -> None:
    """A person has to connect the account again."""

    async def work(far: Simulator, x: Adapter, _clock: Clock) -> None:
        far.arm(Fault("x", FaultKind.ACT_THEN_DROP, on="session"))
        await x.send(job(), note)
        probe = await x.probe()
        assert (probe.ok, "connect the account again" in probe.detail) == (False, True)

    connected(work, Kept())


def test_a_refresh_token_needs_its_app() -> None:
    """Found when the account is added."""
    held = {"token": Secret("t"), "refresh_token": Secret("r")}
    with pytest.raises(ValueError, match="no client_id"):
        Adapter(Account("a", "x", "@c", ("en",)), held, Http(HttpPolicy(frozenset())), Clock())


def test_a_confidential_app_says_who_it_is_in_a_header() -> None:
    """As HTTP Basic (RFC 7617); a public one in the form alone."""
    held = {name: Secret(name) for name in ("refresh_token", "client_id")}
    assert wire.refreshing(held)[1] == {}
    form, headers = wire.refreshing({**held, "client_secret": Secret("s")})
    assert headers == {"Authorization": "Basic Y2xpZW50X2lkOnM="}
    assert form == {"grant_type": "refresh_token", "refresh_token": "refresh_token", "client_id": "client_id"}
