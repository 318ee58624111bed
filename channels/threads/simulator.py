"""Threads' far side: profiles in memory, from the documented contract (reference: platforms 4.1, 4.3, 4.4, 15).

What every product of Meta's answers is in :mod:`channels.meta.simulator`, containers too. Nobody documents what is
said of a limit of posts, replies or deletions: it is 9 with 2207042.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from channels.contract import Clock, Secret
from channels.meta.simulator import (
    DAY,
    OWN_APP,
    Caller,
    Container,
    ContainerSimulator,
    Given,
    Post,
    Refusal,
    app_secret,
    form,
    token,
)
from channels.simulator.consent import ConsentPage
from channels.simulator.journal import Journal
from channels.simulator.provider import Example, Route, RouteKind

TEXT_MOST = 500
SHORT_LIFE, LONG_LIFE = timedelta(hours=1), timedelta(days=60)
POSTS_A_DAY, REPLIES_A_DAY, DELETIONS_A_DAY = 250, 1000, 100
_KNOWN = frozenset({"media_type", "text", "reply_to_id", "appsecret_proof", "access_token"})
_PICTURED = frozenset({"image_url", "alt_text"})


class ThreadsSimulator(ContainerSimulator):
    """Posts and containers of all profiles."""

    name = "threads"
    fields = ("text", "timestamp", "permalink")
    throttle = 4
    status = "status"
    suffixes = ("jpg", "png")

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.deletions: list[tuple[str, datetime]] = []
        self.consents = ConsentPage(clock, {"client_id": OWN_APP, "client_secret": app_secret()})
        self.made: dict[str, datetime] = {}  # when each long-lived token was

    def routes(self) -> Sequence[Route]:
        """Consent, tokens, prepare, publish, delete, list, look up, who am I, and how much of a day is used."""
        answered = self.answered
        return (
            Route("GET", "/oauth/authorize", RouteKind.READ, self.consents.page),
            Route("POST", "/oauth/access_token", RouteKind.SESSION, self._short),
            Route("GET", "/access_token", RouteKind.SESSION, self._long),
            Route("GET", "/refresh_access_token", RouteKind.SESSION, self._long),
            Route("GET", "/{version}/me", RouteKind.SESSION, answered(self.me)),
            Route("POST", "/{version}/{account}/threads", RouteKind.UPLOAD, answered(self._prepare)),
            Route("POST", "/{version}/{account}/threads_publish", RouteKind.PUBLISH, answered(self.publish)),
            Route("GET", "/{version}/{account}/threads", RouteKind.READ, answered(self._posts)),
            Route("GET", "/{version}/{account}/replies", RouteKind.READ, answered(self._replies)),
            Route("GET", "/{version}/{account}/threads_publishing_limit", RouteKind.SESSION, answered(self._limit)),
            Route("GET", "/{version}/{id}", RouteKind.READ, answered(self.look)),
            Route("DELETE", "/{version}/{id}", RouteKind.WITHDRAW, answered(self._delete)),
        )

    @classmethod
    def example(cls, address: str, name: str = "1") -> Example:
        """An account of its own."""
        secrets = {"token": Secret(token(name)), "app_secret": Secret(app_secret())}
        settings = {"base_url": address, "user_id": name, "media_base_url": "https://media.city.example"}
        return Example("Example City", settings, secrets)

    def key(self, body: bytes) -> str:
        """The text that is prepared, or the container that is published."""
        given = form(body)
        return given.get("text", given.get("creation_id", ""))

    def address(self, post: Post) -> str:
        """Where the public sees a post."""
        return f"https://www.threads.net/@{post.by.account}/post/{post.id}"

    async def _short(self, request: web.Request) -> web.Response:
        """A token of an hour, for a code."""
        consent = self.consents.redeemed(form(await request.read()))
        if consent is None:
            return Refusal(100).response()
        made = token(consent.owner, more="short")
        self.ends[made] = self.clock() + SHORT_LIFE
        return web.json_response({"access_token": made, "user_id": int(consent.owner)})

    async def _long(self, request: web.Request) -> web.Response:
        """A token of 60 days, for a short one, or for a long one that is a day old and has not ended."""
        given, spoken = request.query, request.query.get("access_token", "")
        exchange = given.get("grant_type") == "th_exchange_token" and given.get("client_secret") == app_secret()
        old = spoken in self.made and self.clock() - self.made[spoken] >= DAY
        refresh = given.get("grant_type") == "th_refresh_token" and old
        if not (spoken in self.ends and self.lasts(spoken) and (exchange or refresh)):
            return Refusal(190).response()
        made = token(spoken.split("-")[2], more=f"long{len(self.made)}")
        self.made[made], self.ends[made] = self.clock(), self.clock() + LONG_LIFE
        lasts_s = int(LONG_LIFE.total_seconds())
        return web.json_response({"access_token": made, "token_type": "bearer", "expires_in": lasts_s})

    def _prepare(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        text, reply_to = given.get("text", ""), given.get("reply_to_id")
        if request.match_info["account"] != caller.account:
            raise Refusal(200, status=403)
        whole = {"TEXT": bool(text.strip()), "IMAGE": "image_url" in given}.get(given.get("media_type", ""), False)
        pictured = _PICTURED if given.get("media_type") == "IMAGE" else frozenset()
        if not whole or set(given) - _KNOWN - pictured or counted(text) > TEXT_MOST:
            raise Refusal(100)
        if reply_to is not None and self.find(reply_to) is None:
            raise Refusal(100, 33)
        return self.keep(caller, text, reply_to=reply_to, media=self.fetched(given) if pictured else ())

    def _posts(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        posts = [post for post in self.mine(caller) if post.reply_to is None]
        return self.listed(request, caller, given, posts)

    def _replies(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        posts = [post for post in self.mine(caller) if post.reply_to is not None]
        return self.listed(request, caller, given, posts)

    def _limit(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        del given
        if request.match_info["account"] != caller.account:
            raise Refusal(10, status=403)
        replies = [post.reply_to is not None for post in self.today(caller.account)]
        posts = self.used(replies.count(False), POSTS_A_DAY)
        gone = self.used(self._deleted(caller.account), DELETIONS_A_DAY, "delete_")
        return {"data": [{**posts, **self.used(replies.count(True), REPLIES_A_DAY, "reply_"), **gone}]}

    def _deleted(self, account: str) -> int:
        since = self.clock() - DAY
        return sum(who == account and at > since for who, at in self.deletions)

    def _delete(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        if self._deleted(caller.account) >= DELETIONS_A_DAY:
            raise Refusal(9, 2207042)
        answer = self.delete(request, caller, given)
        self.deletions.append((caller.account, self.clock()))
        return {**answer, "deleted_id": request.match_info["id"]}

    def check_quota(self, container: Container) -> None:
        """250 posts and 1,000 replies."""
        reply = container.reply_to is not None
        made = sum((post.reply_to is not None) is reply for post in self.today(container.by.account))
        if made >= (REPLIES_A_DAY if reply else POSTS_A_DAY):
            raise Refusal(9, 2207042)


def counted(text: str) -> int:
    """Code points, but of pictures, skin tones, joiners and selectors the UTF-8 bytes."""
    return sum(len(letter.encode()) if _is_pictured(letter) else 1 for letter in text)


def _is_pictured(letter: str) -> bool:
    return unicodedata.category(letter) in {"So", "Sk"} or letter in "\u200d\ufe0f\u20e3"
