"""TikTok's tokens: fetched once for all, kept before they are used, and never by who keeps nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from channels.conformance.bench import START
from channels.contract import Secret, Verdict
from channels.renewing import Renew, written
from channels.simulator.faults import FaultKind
from channels.tiktok.direct import DirectPost
from tests.channels.tiktok.machine import CREDENTIAL, Far, facing

Credential = Mapping[str, Secret]


class Kept:
    """Keeps what is renewed in memory, for one adapter or several."""

    def __init__(self) -> None:
        self.kept: list[Credential] = [CREDENTIAL]
        self._lock = asyncio.Lock()

    async def __call__(self, stale: Credential, renew: Renew) -> Credential:
        """As the sender's own does: who comes second has what the first brought."""
        async with self._lock:
            if self.kept[-1] == stale:
                self.kept.append(await renew(stale))
            return self.kept[-1]


def another(far: Far, credential: Credential, kept: Kept) -> DirectPost:
    """The same account in a process that starts with this credential."""
    made = DirectPost(far.account, credential, far.channel._api._http, far.time)
    made.renew_by(kept)
    return made


def test_a_start_spends_no_refresh_token_while_the_token_lives() -> None:
    """What was fetched is in the credential, with its end."""

    async def work(far: Far) -> None:
        far.channel.renew_by(kept := Kept())
        assert (await far.channel.probe()).ok
        assert (await another(far, kept.kept[-1], kept).probe()).ok
        assert far.tiktok.refreshes == 1

    facing(work)


def test_each_refresh_token_is_spent_once() -> None:
    """Two processes over three days: who comes second goes by what the first brought."""

    async def work(far: Far) -> None:
        far.channel.renew_by(kept := Kept())
        other = another(far, CREDENTIAL, kept)
        for _ in range(3):
            assert [(await one.probe()).ok for one in (far.channel, other)] == [True, True]
            far.time.pass_s(86_400)
        assert far.tiktok.refreshes == 3
        assert len({credential["refresh_token"] for credential in kept.kept}) == 4

    facing(work)


def test_what_a_person_gave_meanwhile_is_used() -> None:
    """A rotation brings a refresh token and no token: one is fetched for it."""

    async def work(far: Far) -> None:
        far.channel.renew_by(kept := Kept())
        rotated = {**CREDENTIAL, "refresh_token": Secret("refresh-other")}
        kept.kept.append(rotated)
        assert (await far.channel.probe()).ok
        assert kept.kept[-1]["refresh_token"].reveal().startswith("refresh-other~")

    facing(work)


def test_without_a_place_to_keep_it_no_token_is_fetched() -> None:
    """A refresh token that nobody writes down could be the account's last: the post waits."""

    async def work(far: Far) -> None:
        alone = DirectPost(far.account, CREDENTIAL, far.channel._api._http, far.time)
        outcome = await alone.send(far.job(), far.note)
        assert (outcome.verdict, far.tiktok.refreshes) == (Verdict.DEFERRED, 0)

    facing(work)


def test_a_disk_that_fails_leaves_the_post_to_be_tried_again() -> None:
    """Nothing was published, and TikTok is not to blame."""

    async def full(stale: Credential, renew: Renew) -> Credential:
        raise OSError("no space")

    async def work(far: Far) -> None:
        far.channel.renew_by(full)
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.code, far.posts) == (Verdict.DEFERRED, "login", 0)

    facing(work)


def test_the_probe_tells_when_a_person_has_to_come_back() -> None:
    """The refresh token's end, as TikTok told it last; a renewal moves it."""

    async def work(far: Far) -> None:
        far.channel.renew_by(Kept())
        assert (await far.channel.probe()).expires_at == START + timedelta(days=365)
        far.time.pass_s(86_400)
        assert (await far.channel.probe()).expires_at == START + timedelta(days=366)

    facing(work)


def test_an_end_that_stays_is_told_as_the_same() -> None:
    """TikTok tells the seconds that are left: a little more or less is no other end, or alarms would begin anew."""

    async def work(far: Far) -> None:
        far.channel.renew_by(kept := Kept())
        nearly = {**CREDENTIAL, "refresh_ends": written(START + timedelta(days=365, seconds=-40))}
        kept.kept.append(nearly)
        assert (await far.channel.probe()).expires_at == START + timedelta(days=365, seconds=-40)

    facing(work)


def test_a_token_that_tiktok_ends_early_is_renewed_once() -> None:
    """The call was refused without effect, and is made once more."""

    async def work(far: Far) -> None:
        far.channel.renew_by(kept := Kept())
        await far.channel.probe()
        far.tiktok.expire()
        assert (await far.channel.probe()).ok
        assert (far.tiktok.refreshes, len(kept.kept)) == (2, 3)

    facing(work)


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.ERROR_INSIDE])
def test_an_answer_without_a_token_keeps_nothing(kind: FaultKind) -> None:
    """And publishes nothing."""

    async def work(far: Far) -> None:
        far.channel.renew_by(kept := Kept())
        far.arm(kind, on="session")
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, len(kept.kept), far.posts) == (Verdict.DEFERRED, 1, 0)

    facing(work)
