"""Instagram's far side: accounts in memory, from the documented contract (reference: platforms 4.1, 4.3, 15).

What every product of Meta's answers is in :mod:`channels.meta.simulator`, containers too. A test may set
``may_delete``: whether its tokens may delete. Nobody documents the codes of a post without a picture and of too many
marks: 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from channels.contract import Clock, Secret
from channels.meta.simulator import (
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
from channels.meta.simulator_login import LoginPage
from channels.simulator.journal import Journal
from channels.simulator.provider import Example, Route, RouteKind

CAPTION_MOST = 2_200
POSTS_A_DAY = 50
_KNOWN = frozenset({"image_url", "caption", "alt_text", "appsecret_proof", "access_token"})


class InstagramSimulator(ContainerSimulator):
    """Posts and containers of all accounts."""

    name = "instagram"
    fields = ("caption", "timestamp", "permalink")
    throttle = 80002
    status = "status_code"
    suffixes = ("jpg",)

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.may_delete = True
        self.login = LoginPage(
            clock, self.ends, lambda account: {"id": f"9{account}", "instagram_business_account": {"id": account}}
        )

    def routes(self) -> Sequence[Route]:
        """Login, prepare, publish, delete, list, look up, and how many posts of a day are used."""
        answered = self.answered
        return (
            *self.login.routes(answered),
            Route("POST", "/{version}/{account}/media", RouteKind.UPLOAD, answered(self._prepare)),
            Route("POST", "/{version}/{account}/media_publish", RouteKind.PUBLISH, answered(self.publish)),
            Route("GET", "/{version}/{account}/media", RouteKind.READ, answered(self._posts)),
            Route("GET", "/{version}/debug_token", RouteKind.SESSION, self.debug_token),
            Route("GET", "/{version}/{account}/content_publishing_limit", RouteKind.SESSION, answered(self._limit)),
            Route("GET", "/{version}/{id}", RouteKind.READ, answered(self.look)),
            Route("DELETE", "/{version}/{id}", RouteKind.WITHDRAW, answered(self._delete)),
        )

    @classmethod
    def example(cls, address: str, name: str = "1") -> Example:
        """An account of its own, whose token may delete."""
        secrets = {"token": Secret(token(name)), "app_secret": Secret(app_secret())}
        pictures = {"media_base_url": "https://media.city.example", "may_delete": "yes"}
        return Example("@example", {"base_url": address, "ig_id": name, **pictures}, secrets)

    def key(self, body: bytes) -> str:
        """The caption that is prepared, or the container that is published."""
        given = form(body)
        return given.get("caption", given.get("creation_id", ""))

    def address(self, post: Post) -> str:
        """Where the public sees a post."""
        return f"https://www.instagram.com/p/{post.id}/"

    def check_quota(self, container: Container) -> None:
        """50 posts."""
        if len(self.today(container.by.account)) >= POSTS_A_DAY:
            raise Refusal(9, 2207042)

    def _prepare(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        caption = given.get("caption", "")
        if request.match_info["account"] != caller.account:
            raise Refusal(200, status=403)
        if set(given) - _KNOWN or "image_url" not in given or caption.count("#") > 30 or caption.count("@") > 20:
            raise Refusal(100)
        if len(caption) > CAPTION_MOST:
            raise Refusal(36004, 2207010)
        return self.keep(caller, caption, media=self.fetched(given))

    def _posts(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        return self.listed(request, caller, given, self.mine(caller))

    def _limit(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        del given
        if request.match_info["account"] != caller.account:
            raise Refusal(10, status=403)
        return {"data": [self.used(len(self.today(caller.account)), POSTS_A_DAY)]}

    def _delete(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        if not self.may_delete:
            raise Refusal(10, status=403)
        return self.delete(request, caller, given)
