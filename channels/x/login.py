"""How people connect an account on X: OAuth 2 with PKCE (reference: platforms 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.authorising import Authorisation, Exchange, Granted, text, unpadded
from channels.contract import Secret

BASE_URL = "https://api.x.com"
SCOPES = ("tweet.read", "tweet.write", "users.read", "media.write", "offline.access")


async def _keep(exchange: Exchange, answer: Mapping[str, Any]) -> Granted:
    """The pair of tokens with the app they were given to, and whose they are."""
    token, client = text(answer, "access_token"), exchange.client
    bearer = {"Authorization": f"Bearer {token}"}
    data = (await exchange.call("GET", f"{BASE_URL}/2/users/me", headers=bearer)).get("data")
    app = {"client_id": client.id, **({"client_secret": client.secret} if client.secret else {})}
    tokens = {"token": Secret(token), "refresh_token": Secret(text(answer, "refresh_token"))}
    return Granted({**tokens, **app}, owner=text(data if isinstance(data, dict) else {}, "id"))


AUTHORISATION = Authorisation(
    page="https://x.com/i/oauth2/authorize",
    token_url=f"{BASE_URL}/2/oauth2/token",
    scopes=SCOPES,
    gives=("token", "refresh_token", "client_id"),
    keep=_keep,
    owner="user_id",
    public=True,
    challenge=unpadded,
)
