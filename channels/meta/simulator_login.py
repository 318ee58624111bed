"""Facebook's login, as the far sides of Pages and of Instagram have it (reference: platforms 4.1; Meta's documents).

Who consents works for the accounts of ``works_for``; their tokens act for the account of the same number. A short
token lives for an hour, a long one for 60 days, that of a Page for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from channels.contract import Clock
from channels.meta.simulator import OWN_APP, Act, Caller, Given, Handler, Refusal, app_secret, form, token
from channels.simulator.consent import ConsentPage
from channels.simulator.provider import Route, RouteKind

SHORT_LIFE, LONG_LIFE = timedelta(hours=1), timedelta(days=60)


class LoginPage:
    """The login of one product: ``listed`` is how an account stands in the list of a person's Pages."""

    def __init__(self, clock: Clock, lives: dict[str, datetime], listed: Callable[[str], Mapping[str, Any]]) -> None:
        self.consents = ConsentPage(clock, {"client_id": OWN_APP, "client_secret": app_secret()})
        self.works_for: Sequence[str] = ("1",)
        self._clock, self._lives, self._listed = clock, lives, listed
        self._scopes: dict[str, tuple[str, ...]] = {}

    def routes(self, answered: Callable[[Act], Handler]) -> Sequence[Route]:
        """Consent, tokens, and what a person's token may do and for whom."""
        return (
            Route("GET", "/{version}/dialog/oauth", RouteKind.READ, self.consents.page),
            Route("POST", "/{version}/oauth/access_token", RouteKind.SESSION, self._short),
            Route("GET", "/{version}/oauth/access_token", RouteKind.SESSION, self._long),
            Route("GET", "/{version}/me/permissions", RouteKind.SESSION, answered(self._permissions)),
            Route("GET", "/{version}/me/accounts", RouteKind.SESSION, answered(self._accounts)),
        )

    async def _short(self, request: web.Request) -> web.Response:
        consent = self.consents.redeemed(form(await request.read()))
        if consent is None:
            return Refusal(100).response()
        self._scopes[consent.owner] = consent.scopes
        return self._token(consent.owner, "short", SHORT_LIFE)

    async def _long(self, request: web.Request) -> web.Response:
        given, spoken = request.query, request.query.get("fb_exchange_token", "")
        app = (given.get("grant_type"), given.get("client_id"), given.get("client_secret"))
        if (
            app != ("fb_exchange_token", OWN_APP, app_secret())
            or self._lives.get(spoken, self._clock()) <= self._clock()
        ):
            return Refusal(190).response()
        return self._token(spoken.split("-")[2], "long", LONG_LIFE)

    def _token(self, owner: str, more: str, life: timedelta) -> web.Response:
        made = token(owner, more=more)
        self._lives[made] = self._clock() + life
        lasts_s = int(life.total_seconds())
        return web.json_response({"access_token": made, "token_type": "bearer", "expires_in": lasts_s})

    def _permissions(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        del request, given
        granted = [{"permission": one, "status": "granted"} for one in self._scopes[caller.account]]
        return {"data": [*granted, *({"permission": one, "status": "declined"} for one in self.consents.withheld)]}

    def _accounts(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        del request, caller, given
        return {"data": [{**self._listed(one), "access_token": token(one, more="page")} for one in self.works_for]}
