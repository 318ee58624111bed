"""A token of Threads that ends after 60 days: renewed ahead of that by a probe, while nobody posts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from channels.contract import Account, Secret
from channels.http import Http, HttpPolicy
from channels.meta.simulator import app_secret, token
from channels.renewing import Renew, written
from channels.simulator.faults import FaultKind
from channels.threads.adapter import Adapter
from tests.channels.meta.line import NOON, Clock, Line
from tests.channels.threads.conftest import USER

DAY = timedelta(days=1)
ENDS = NOON + 60 * DAY
LONG = Secret(token(USER, more="long"))
CREDENTIAL = {"token": LONG, "app_secret": Secret(app_secret()), "token_ends": written(ENDS)}


class Kept:
    """Keeps what is renewed in memory."""

    def __init__(self) -> None:
        self.kept: list[Mapping[str, Secret]] = []

    async def __call__(self, stale: Mapping[str, Secret], renew: Renew) -> Mapping[str, Secret]:
        """As a renewal does that nobody else uses."""
        self.kept.append(await renew(stale))
        return self.kept[-1]


def prepared(line: Line, days: int) -> Kept:
    """The far side knows the token, and so many days have gone by."""
    kept = Kept()
    line.adapter.renew_by(kept)
    line.platform.made[LONG.reveal()], line.platform.ends[LONG.reveal()] = NOON, ENDS
    line.clock.now += days * DAY
    return kept


def test_a_token_is_left_alone_while_its_end_is_far(on_line: Callable[..., Any]) -> None:
    """And no person has to mind its end."""

    async def use(line: Line) -> None:
        kept, probe = prepared(line, 29), await line.adapter.probe()
        assert (probe.ok, probe.renews, probe.expires_at, kept.kept) == (True, True, None, [])

    on_line(use, CREDENTIAL)


def test_a_probe_renews_it_a_month_ahead(on_line: Callable[..., Any]) -> None:
    """It is kept with its new end, used at once, and good for years of probes alone."""

    async def use(line: Line) -> None:
        kept = prepared(line, 30)
        for _ in range(10):
            probe = await line.adapter.probe()
            assert (probe.ok, probe.renews) == (True, True), probe.detail
            line.clock.now += 30 * DAY
        assert len({credential["token"] for credential in kept.kept}) == 10
        assert kept.kept[0]["token_ends"] == written(NOON + 90 * DAY)

    on_line(use, CREDENTIAL)


@pytest.mark.parametrize("kind", [FaultKind.REFUSE, FaultKind.TOKEN_EXPIRED])
def test_a_renewal_that_fails_tells_the_end(on_line: Callable[..., Any], kind: FaultKind) -> None:
    """The token still works, so the probe does not fail; the alarms go by the end, and the next probe tries again."""

    async def use(line: Line) -> None:
        kept = prepared(line, 37)
        line.arm(kind, on="session")
        probe = await line.adapter.probe()
        assert (probe.ok, probe.renews, probe.expires_at, kept.kept) == (True, False, ENDS, [])
        assert "could not be renewed" in probe.detail
        assert (await line.adapter.probe()).renews

    on_line(use, CREDENTIAL)


def test_a_renewal_that_fails_once_alarms_nobody(on_line: Callable[..., Any]) -> None:
    """There are 30 days left and a try each hour; the probe says it, and no end is told for a week."""

    async def use(line: Line) -> None:
        prepared(line, 36)
        line.arm(FaultKind.REFUSE, on="session")
        probe = await line.adapter.probe()
        assert (probe.ok, probe.renews, probe.expires_at) == (True, True, None)
        assert "could not be renewed" in probe.detail

    on_line(use, CREDENTIAL)


def test_a_token_that_has_ended_is_said(on_line: Callable[..., Any]) -> None:
    """Nothing renews it any more: a person connects the account again."""

    async def use(line: Line) -> None:
        prepared(line, 60)
        probe = await line.adapter.probe()
        assert (probe.ok, probe.renews, probe.expires_at) == (False, False, ENDS)
        assert "connect the account again" in probe.detail

    on_line(use, CREDENTIAL)


def test_a_token_of_unknown_end_is_not_renewed(on_line: Callable[..., Any]) -> None:
    """It was given to `account add`: what people said of its end stays."""

    async def use(line: Line) -> None:
        kept, probe = prepared(line, 59), await line.adapter.probe()
        assert (probe.ok, probe.renews, kept.kept) == (True, False, [])

    on_line(use)


def test_an_end_that_is_no_time_is_found_when_the_account_is_added() -> None:
    """With how it is written."""
    account = Account("a", "threads", "@c", ("en",), {"user_id": "1"})
    with pytest.raises(ValueError, match="token_ends is no time"):
        Adapter(account, {**CREDENTIAL, "token_ends": Secret("soon")}, Http(HttpPolicy(frozenset())), Clock())
