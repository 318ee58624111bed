"""How people connect a channel on YouTube: OAuth 2 with PKCE at Google (reference: platforms 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.authorising import Authorisation, Exchange, Granted, nonsense, text, unpadded
from channels.contract import Secret

BASE_URL = "https://www.googleapis.com"
LOGIN_URL = "https://oauth2.googleapis.com"
GIVES = ("refresh_token", "client_id", "client_secret")


async def _keep(exchange: Exchange, answer: Mapping[str, Any]) -> Granted:
    """The refresh token, which does not end by itself, with the app it was given to, and whose channel it opens."""
    token = text(answer, "access_token")
    bearer, asked = {"Authorization": f"Bearer {token}"}, {"part": "id", "mine": "true"}
    items = (await exchange.call("GET", f"{BASE_URL}/youtube/v3/channels", params=asked, headers=bearer)).get("items")
    if not isinstance(items, list) or not items or not isinstance(items[0], dict):
        raise nonsense("channel of the Google account")
    app = {"client_id": exchange.client.id, "client_secret": exchange.app_secret}
    tokens = {"token": Secret(token), "refresh_token": Secret(text(answer, "refresh_token"))}
    return Granted({**tokens, **app}, owner=text(items[0], "id"))


AUTHORISATION = Authorisation(
    page="https://accounts.google.com/o/oauth2/v2/auth",
    token_url=f"{LOGIN_URL}/token",
    scopes=(f"{BASE_URL}/auth/youtube.force-ssl",),  # the one that captions want; it opens the rest
    gives=GIVES,
    keep=_keep,
    owner="channel_id",
    challenge=unpadded,
    more={"access_type": "offline", "prompt": "consent"},  # else Google gives no refresh token the second time
)
