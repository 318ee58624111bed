"""How people connect what is behind a Facebook Page, by Facebook's login (reference: platforms 4.1).

code → a short token of the person's → a long one, of 60 days → the Page's own, which has no date on which it ends.
Nothing of it can be renewed without a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from channels.authorising import Authorisation, Exchange, Granted, NotGrantedError, check_scopes, ends, text
from channels.contract import Account, Secret
from channels.meta.graph import proof, setting

BASE_URL = "https://graph.facebook.com"
VERSION = "v25.0"
PAGES_MOST = "100"

Wanted = Callable[[Mapping[str, Any]], bool]
"""Whether one of the Pages that a person works for is the account's."""


def authorisation(
    account: Account, scopes: tuple[str, ...], wanted: Wanted, *, as_person: bool = False
) -> Authorisation:
    """The way of one account. The token kept is the Page's, or, ``as_person``, that of who consents: for 60 days.

    Raises ValueError for a version that is none.
    """
    version = setting(account, "version", VERSION, r"v[0-9]{1,3}\.[0-9]{1,2}")
    graph = f"{BASE_URL}/{version}"

    async def keep(exchange: Exchange, answer: Mapping[str, Any]) -> Granted:
        long = await _long(exchange, graph, text(answer, "access_token"))
        token = Secret(text(long, "access_token"))
        check_scopes(scopes, await _permissions(exchange, graph, token))
        page = await _page(exchange, graph, token, wanted)
        held = token if as_person else Secret(text(page, "access_token"))
        until = ends(long, "expires_in", exchange.now) if as_person else None
        return Granted({"token": held, "app_secret": exchange.app_secret}, expires_at=until)

    return Authorisation(
        page=f"https://www.facebook.com/{version}/dialog/oauth",
        token_url=f"{graph}/oauth/access_token",
        scopes=scopes,
        gives=("token", "app_secret"),
        keep=keep,
        joined_by=",",
    )


async def _long(exchange: Exchange, graph: str, short: str) -> Mapping[str, Any]:
    client = {"client_id": exchange.client.id.reveal(), "client_secret": exchange.app_secret.reveal()}
    asked = {"grant_type": "fb_exchange_token", **client, "fb_exchange_token": short}
    return await exchange.call("GET", f"{graph}/oauth/access_token", params=asked)


async def _permissions(exchange: Exchange, graph: str, token: Secret) -> list[str]:
    """What the person left ticked: the answer with a token does not say."""
    given = (await _asked(exchange, f"{graph}/me/permissions", token)).get("data")
    entries = [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []
    return [str(entry.get("permission")) for entry in entries if entry.get("status") == "granted"]


async def _page(exchange: Exchange, graph: str, token: Secret, wanted: Wanted) -> Mapping[str, Any]:
    fields = {"fields": "id,access_token,instagram_business_account", "limit": PAGES_MOST}
    given = (await _asked(exchange, f"{graph}/me/accounts", token, **fields)).get("data")
    for page in given if isinstance(given, list) else []:
        if isinstance(page, dict) and wanted(page):
            return page
    raise NotGrantedError(
        f"who consented does not work for {exchange.account.handle}, or did not choose it",
        "consent as somebody with a role on that Page, and tick it in the list of Pages",
    )


async def _asked(exchange: Exchange, url: str, token: Secret, **params: str) -> Mapping[str, Any]:
    shown = {"appsecret_proof": proof(token, exchange.app_secret)}
    headers = {"Authorization": f"Bearer {token.reveal()}"}
    return await exchange.call("GET", url, headers=headers, params={**params, **shown})
