"""Connecting an account: what is kept of a consent, who may, and what is refused before anybody consents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.contract import Account, Secret
from channels.http import Http, HttpPolicy
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.x.simulator import CLIENT, CLIENT_SECRET
from dispatcher.bootstrap import open_client
from dispatcher.domain.errors import Invalid, NotFound, SignatureNeeded, Unavailable
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts, connecting
from dispatcher.service.connecting import Connection
from tests.office import SECRETS, SETTINGS, SIMULATOR, Office
from tests.service.test_accounts import MACHINE, opened

APP = {"client_id": Secret(CLIENT), "client_secret": Secret(CLIENT_SECRET)}
REDIRECT = "http://127.0.0.1:8765/"


def new(name: str = "x-2", channel: str = "x", **settings: str) -> Account:
    """An account that is not there yet."""
    return Account(name, channel, "@city", ("en-GB",), settings)


async def consented(asked: Connection) -> str:
    """Consent in a browser; gives the address that it is sent to."""
    async with aiohttp.ClientSession() as client, client.get(asked.consent.url, allow_redirects=False) as answer:
        return answer.headers["Location"]


def connect(office: Office, account: Account, *, owner: str = "1", known: bool = False, gone: bool = False) -> None:
    """A whole round at simulated X, by the officer of operations."""

    async def main() -> None:
        async with Simulator() as far:
            desk = replace(office.desk, settings=replace(office.desk.settings, simulator=far.url))
            provider: Any = far.provider("x")
            provider.consents.owner = owner
            at = replace(account, settings={**account.settings, "base_url": f"{far.url}/x"})
            asked = connecting.begin(desk, at, Mode.EXERCISE, APP, REDIRECT, office.pen("ops-1"), known=known)
            policy = HttpPolicy(frozenset({far.url.split("/")[2]}), allow_private=True, https_only=False)
            http, redirected = Http(policy), await consented(asked)
            if gone:
                far.arm(Fault("x", FaultKind.DROP, on="session"))
            try:
                granted = await connecting.redeem(desk, asked, redirected, http)
            finally:
                await http.close()
            connecting.keep(desk, asked, granted, office.pen("ops-1"))

    asyncio.run(main())


def held(office: Office, name: str = "x-2") -> Any:
    """A credential as its sender reads it."""
    return office.desk.settings.vault(Mode.EXERCISE, "accounts").open(name)


def test_a_new_account_knows_who_it_is(office: Office) -> None:
    """Its secrets are sealed for the role that sends; the platform said whose they are."""
    connect(office, new(), owner="77")
    assert set(held(office).secrets) == {"token", "refresh_token", "client_id", "client_secret"}
    assert held(office).account.settings["user_id"] == "77"


def test_the_ledger_says_who_connected_what(office: Office) -> None:
    """With whom the platform named and what they allowed; of the secrets the names alone."""
    connect(office, new(), owner="77")
    (entry,) = office.ledger("account.added")
    assert (entry.facts["actor"], entry.facts["connected"]["owner"]) == ("ops-1", "77")
    assert "tweet.write" in entry.facts["connected"]["scopes"]
    database = office.desk.settings.path("data", "dispatcher.db")
    stored = database.read_bytes() + database.with_name("dispatcher.db-wal").read_bytes()
    assert not [secret for secret in held(office).secrets.values() if secret.reveal().encode() in stored]


def test_an_account_that_is_there_has_its_credential_replaced(office: Office) -> None:
    """As by a rotation: what it is stays what its own file says, and it is probed anew."""
    made = office.account("x")
    connect(office, made, known=True)
    assert "refresh_token" in held(office, "x-1").secrets
    assert held(office, "x-1").account.settings == SETTINGS["x"]
    (entry,) = office.ledger("account.rotated")
    assert entry.facts["connected"]["owner"] == "1"


def test_who_consents_as_somebody_else_is_told_so(office: Office) -> None:
    """Warnings would have gone out from an officer's own account; nothing is kept."""
    made = office.account("x")
    with pytest.raises(Invalid, match="who consented is 5 there, and x-1 is 1; nothing was kept") as refused:
        connect(office, made, owner="5", known=True)
    assert "log in as Example on x" in refused.value.next_step
    assert held(office, "x-1").secrets == SECRETS


def test_a_platform_that_is_not_reached_is_said(office: Office) -> None:
    """Nothing is kept."""
    with pytest.raises(Unavailable, match="x-2 is not connected"):
        connect(office, new(), gone=True)
    with pytest.raises(NotFound):
        accounts.held(office.desk, "x-2")


def test_a_confined_channel_is_connected_by_its_own_way_out(office: Office, tmp_path: Path) -> None:
    """The egress proxy: where it does not run, nothing leaves, and the person is told what to look at."""
    settings = {**MACHINE, "base_url": f"{SIMULATOR}/tiktok"}
    account, desk = new("t-1", "tiktok", **settings), opened(office, "direct_post")
    asked = connecting.begin(desk, account, Mode.EXERCISE, APP, REDIRECT, office.pen("ops-1"), known=False)
    http = open_client(replace(desk.settings, root=tmp_path), asked.account, Mode.EXERCISE)
    redirected = f"{REDIRECT}?code=1&state={asked.consent.state.reveal()}"

    async def redeem() -> None:
        try:
            await connecting.redeem(desk, asked, redirected, http)
        finally:
            await http.close()

    with pytest.raises(Unavailable, match="t-1 is not connected") as unavailable:
        asyncio.run(redeem())
    assert "is the role egress running" in unavailable.value.next_step


def begun(office: Office, account: Account, mode: Mode = Mode.LIVE, by: str = "ops-1", **more: Any) -> Connection:
    """Ask for consent."""
    app = {"app": APP, "known": False, **more}
    wanted, known = app["app"], app["known"]
    return connecting.begin(office.desk, account, mode, wanted, REDIRECT, office.pen(by), known=known)


REFUSED: list[tuple[Callable[[Office], Any], str]] = [
    (lambda office: begun(office, new(channel="mastodon")), "no page where people consent"),
    (lambda office: begun(office, new(channel="tiktok")), "no page where people consent"),
    (lambda office: begun(office, new(channel="threads"), app={"client_id": Secret("c")}), "missing: client_secret"),
    (lambda office: begun(office, new(), app={**APP, "token": Secret("t")}), "token: the platform gives that itself"),
    (lambda office: begun(office, new(channel="facebook")), "page_id"),
    (lambda office: begun(office, new("x-1"), Mode.EXERCISE), "exists already"),
]


@pytest.mark.parametrize(("ask", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_can_be_refused_is_refused_before_anybody_consents(
    office: Office, ask: Callable[[Office], Any], said: str
) -> None:
    """Each with what is wrong."""
    office.account("x")
    with pytest.raises(Invalid, match=said):
        ask(office)


def test_an_author_connects_nothing(office: Office) -> None:
    """Ops and the security team do."""
    with pytest.raises(SignatureNeeded):
        begun(office, new(), by="author-1")


def test_in_production_no_setting_says_where_a_live_platform_is(office: Office) -> None:
    """Who can write to SQL would else have the app's secret and the code sent to them."""
    known = new(base_url="https://evil.example", user_id="1")
    live = replace(office.desk, settings=replace(office.desk.settings, kind=DeploymentKind.PRODUCTION))
    asked = connecting.begin(live, known, Mode.LIVE, APP, REDIRECT, office.pen("ops-1"), known=True)
    assert asked.consent.url.startswith("https://x.com/i/oauth2/authorize?")
    assert connecting.at_platform(live, known, Mode.LIVE).settings == {"user_id": "1"}
