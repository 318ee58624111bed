"""How people connect a Threads profile, and how its token is renewed (reference: platforms 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from channels.authorising import (
    TIMEOUT_S,
    Authorisation,
    Exchange,
    Granted,
    NotGrantedError,
    ends,
    nonsense,
    placed,
    text,
)
from channels.contract import Account, Clock, Secret
from channels.http import Ambiguous, Http
from channels.renewing import written

BASE_URL = "https://graph.threads.net"
SCOPES = (
    "threads_basic",
    "threads_content_publish",
    "threads_manage_replies",
    "threads_read_replies",
    "threads_delete",
)
ENDS = "token_ends"
"""What the credential calls the end of its token."""

AHEAD = timedelta(days=30)
"""How long before its end a token is renewed: half of its 60 days, so it is older than the 24 hours it must be."""

PATIENCE = timedelta(days=7)
"""For how long a renewal may fail before people are told of the end: probes try it each hour."""


async def _keep(exchange: Exchange, answer: Mapping[str, Any]) -> Granted:
    """A long-lived token for the short one of the code. It is renewed by itself, so no person has to come back."""
    asked = {
        "grant_type": "th_exchange_token",
        "client_secret": exchange.app_secret.reveal(),
        "access_token": text(answer, "access_token"),
    }
    long = lasting(await exchange.call("GET", f"{BASE_URL}/access_token", params=asked), exchange.now)
    return Granted({"app_secret": exchange.app_secret, **long}, owner=text(answer, "user_id"))


def lasting(answer: Mapping[str, Any], now: datetime) -> dict[str, Secret]:
    """A long-lived token, and when it ends. Raises NotGrantedError where the answer holds none."""
    until = ends(answer, "expires_in", now)
    if until is None:
        raise nonsense("expires_in")
    return {"token": Secret(text(answer, "access_token")), ENDS: written(until)}


async def renew(held: Mapping[str, Secret], account: Account, http: Http, clock: Clock) -> Mapping[str, Secret]:
    """The credential with a token in place of its own, which must not have ended. Raises TransportError."""
    asked = {"grant_type": "th_refresh_token", "access_token": held["token"].reveal()}
    url = placed(account, f"{BASE_URL}/refresh_access_token")
    answer = await http.request("GET", url, params=asked, timeout_s=TIMEOUT_S)
    try:
        return {**held, **lasting(answer.json() or {}, clock())}
    except NotGrantedError:
        said = f"Threads answered {answer.status}; if that stays, connect the account again"
        raise Ambiguous("login", said) from None


AUTHORISATION = Authorisation(
    page="https://www.threads.net/oauth/authorize",
    token_url=f"{BASE_URL}/oauth/access_token",
    scopes=SCOPES,
    gives=("token", "app_secret"),
    keep=_keep,
    owner="user_id",
    joined_by=",",
)
