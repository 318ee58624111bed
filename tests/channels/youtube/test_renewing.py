"""A token of Google's that runs out: fetched and renewed, with a refresh token that stays."""

import asyncio
from datetime import timedelta

import pytest

from channels.contract import Account, Verdict
from channels.http import Answer, Http, HttpPolicy
from channels.simulator.faults import FaultKind
from channels.youtube.adapter import Adapter
from channels.youtube.simulator import credential
from tests.channels.x.test_renewing import Kept
from tests.channels.youtube.conftest import CHANNEL, SETTINGS, Clock


def test_without_a_token_one_is_fetched(on_line, make_job):
    """A person gives the refresh token alone."""

    async def use(line):
        line.account.renew_by(kept := Kept())
        return (await line.send(make_job())).verdict, [sorted(secrets) for secrets in kept.kept]

    names = ["client_id", "client_secret", "refresh_token", "token"]
    assert on_line(use, token=False) == (Verdict.ACCEPTED, [names])


def test_a_token_that_ran_out_is_renewed(on_line, make_job):
    """With the same refresh token each time; one token serves until it ends."""

    async def use(line):
        line.account.renew_by(kept := Kept())
        for _ in range(3):
            assert (await line.account.probe()).ok
            assert (await line.account.probe()).ok
            line.clock.now += timedelta(hours=1)
        return kept.kept

    kept = on_line(use, token=False)
    assert len({secrets["token"] for secrets in kept}) == len(kept) == 3
    assert len({secrets["refresh_token"] for secrets in kept}) == 1


def test_without_a_place_to_keep_it_nothing_is_sent(on_line, make_job):
    """Nothing is in doubt."""

    async def use(line):
        return await line.send(make_job())

    outcome = on_line(use, token=False)
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "login")


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.REFUSE])
def test_a_renewal_that_fails_leaves_the_post_to_be_tried_again(on_line, make_job, kind):
    """And says what to do if that stays."""

    async def use(line):
        line.account.renew_by(Kept())
        line.arm(kind, "session")
        return await line.send(make_job()), await line.send(make_job(attempt=2))

    first, second = on_line(use, token=False)
    assert (first.verdict, "could not be renewed" in first.reason) == (Verdict.DEFERRED, True)
    assert second.verdict is Verdict.ACCEPTED


class Elsewhere(Http):
    """Answers every call with an address on another host."""

    def __init__(self) -> None:
        super().__init__(HttpPolicy(frozenset()))
        self.asked = []

    async def request(self, method, url, **_more):
        self.asked.append(url)
        return Answer(200, {"Location": "https://www.googleapis.com.elsewhere.example/upload"}, b"{}", 1.0)


def test_a_token_goes_to_no_other_host(make_job):
    """Whatever address YouTube gives for an upload."""
    account = Account("yt-1", "youtube", "@city", ("en", "cy"), SETTINGS)
    http = Elsewhere()
    youtube = Adapter(account, credential(CHANNEL), http, Clock())

    async def note(_handle):
        raise AssertionError("nothing is noted")

    assert asyncio.run(youtube.send(make_job(), note)).verdict is Verdict.DEFERRED
    assert http.asked == ["https://www.googleapis.com/upload/youtube/v3/videos"]
