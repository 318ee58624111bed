"""How people connect an account that TikTok is reached by machine with (reference: platforms 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from channels.authorising import Authorisation, Exchange, Granted, ends, text
from channels.contract import Secret
from channels.renewing import written

BASE_URL = "https://open.tiktokapis.com"
GIVES = ("client_key", "client_secret", "refresh_token")
TOKEN_ENDS, REFRESH_ENDS = "token_ends", "refresh_ends"


def authorisation(scopes: tuple[str, ...]) -> Authorisation:
    """The way of a route, which wants these scopes. TikTok writes PKCE's digest in hexadecimal digits."""
    return Authorisation(
        page="https://www.tiktok.com/v2/auth/authorize/",
        token_url=f"{BASE_URL}/v2/oauth/token/",
        scopes=scopes,
        gives=GIVES,
        keep=_keep,
        owner="open_id",
        joined_by=",",
        client_id="client_key",
        challenge=bytes.hex,
    )


def tokens(answer: Mapping[str, Any], now: datetime) -> dict[str, Secret]:
    """What an answer with a token brings, another refresh token too. Raises NotGrantedError where one is missing."""
    held = {"token": Secret(text(answer, "access_token")), "refresh_token": Secret(text(answer, "refresh_token"))}
    lasts = {TOKEN_ENDS: ends(answer, "expires_in", now), REFRESH_ENDS: ends(answer, "refresh_expires_in", now)}
    return held | {name: written(until) for name, until in lasts.items() if until is not None}


async def _keep(exchange: Exchange, answer: Mapping[str, Any]) -> Granted:
    app = {"client_key": exchange.client.id, "client_secret": exchange.app_secret}
    until = ends(answer, "refresh_expires_in", exchange.now)
    return Granted({**app, **tokens(answer, exchange.now)}, text(answer, "open_id"), until)
