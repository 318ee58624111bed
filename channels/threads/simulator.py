"""Threads' far side: profiles in memory, from the documented contract (reference: platforms 4.1, 4.3, 4.4, 15).

What every product of Meta's answers is in :mod:`channels.meta.simulator`. A test may set ``preparing``: what new
containers say until they are set to something else.

Approximations, where nobody documents the platform: to publish a container that was published, is another's or never
was is 24 with 2207006; a limit of posts, replies or deletions is 9 with 2207042.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from channels.contract import Clock, Secret
from channels.meta.simulator import DAY, Caller, Given, GraphSimulator, Post, Refusal, app_secret, form, token
from channels.simulator.journal import EffectKind, Journal
from channels.simulator.provider import Example, Route, RouteKind

TEXT_MOST = 500
POSTS_A_DAY, REPLIES_A_DAY, DELETIONS_A_DAY = 250, 1000, 100
_FIRST_ID = 18_000_000_000_000_000
_KNOWN = frozenset({"media_type", "text", "reply_to_id", "appsecret_proof", "access_token"})


@dataclass(slots=True)
class Container:
    """A post that is prepared."""

    by: Caller
    text: str
    reply_to: str | None
    made_at: datetime
    status: str


class ThreadsSimulator(GraphSimulator):
    """Posts and containers of all profiles."""

    name = "threads"
    fields = ("text", "timestamp", "permalink")
    throttle = 4

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.containers: dict[str, Container] = {}
        self.deletions: list[tuple[str, datetime]] = []
        self.preparing = "FINISHED"

    def routes(self) -> Sequence[Route]:
        """Prepare, publish, delete, list, look up, and who am I."""
        answered = self.answered
        return (
            Route("GET", "/{version}/me", RouteKind.SESSION, answered(self.me)),
            Route("POST", "/{version}/{account}/threads", RouteKind.SESSION, answered(self._prepare)),
            Route("POST", "/{version}/{account}/threads_publish", RouteKind.PUBLISH, answered(self._publish)),
            Route("GET", "/{version}/{account}/threads", RouteKind.READ, answered(self._posts)),
            Route("GET", "/{version}/{account}/replies", RouteKind.READ, answered(self._replies)),
            Route("GET", "/{version}/{id}", RouteKind.READ, answered(self._look)),
            Route("DELETE", "/{version}/{id}", RouteKind.WITHDRAW, answered(self._delete)),
        )

    def example(self, address: str) -> Example:
        """An account of its own."""
        secrets = {"token": Secret(token("1")), "app_secret": Secret(app_secret())}
        return Example("Example City", {"base_url": address, "user_id": "1"}, secrets)

    def key(self, body: bytes) -> str:
        """The text that is prepared, or the container that is published."""
        given = form(body)
        return given.get("text", given.get("creation_id", ""))

    def address(self, post: Post) -> str:
        """Where the public sees a post."""
        return f"https://www.threads.net/@{post.by.account}/post/{post.id}"

    def _prepare(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        text, reply_to = given.get("text", ""), given.get("reply_to_id")
        if request.match_info["account"] != caller.account:
            raise Refusal(200, status=403)
        if set(given) - _KNOWN or given.get("media_type") != "TEXT" or not text.strip() or counted(text) > TEXT_MOST:
            raise Refusal(100)
        if reply_to is not None and self.find(reply_to) is None:
            raise Refusal(100, 33)
        name = str(_FIRST_ID + len(self.containers) + len(self.posts))
        self.containers[name] = Container(caller, text, reply_to, self.clock(), self.preparing)
        return {"id": name}

    def _publish(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        if request.match_info["account"] != caller.account:
            raise Refusal(200, status=403)
        container = self.containers.get(given.get("creation_id", ""))
        if (
            container is None
            or container.by != caller
            or self._status(container) in {"PUBLISHED", "EXPIRED", "ERROR"}
        ):
            raise Refusal(24, 2207006)
        if container.status == "IN_PROGRESS":
            raise Refusal(9007, 2207027)
        self._check_quota(caller, reply=container.reply_to is not None)
        post_id = str(_FIRST_ID + len(self.containers) + len(self.posts))
        effect = self.act(request, EffectKind.PUBLISHED, key=container.text, reference=post_id, text=container.text)
        self.posts.append(Post(post_id, caller, [effect], reply_to=container.reply_to))
        container.status = "PUBLISHED"
        return {"id": post_id}

    def _posts(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        posts = [post for post in self.mine(caller) if post.reply_to is None]
        return self.listed(request, caller, given, posts)

    def _replies(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        posts = [post for post in self.mine(caller) if post.reply_to is not None]
        return self.listed(request, caller, given, posts)

    def _look(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        container = self.containers.get(request.match_info["id"])
        if container is None:
            return self.read(request, caller, given)
        if container.by.account != caller.account:
            raise Refusal(100, 33)
        return {"status": self._status(container), "id": request.match_info["id"]}

    def _delete(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        since = self.clock() - DAY
        if sum(who == caller.account and at > since for who, at in self.deletions) >= DELETIONS_A_DAY:
            raise Refusal(9, 2207042)
        answer = self.delete(request, caller, given)
        self.deletions.append((caller.account, self.clock()))
        return {**answer, "deleted_id": request.match_info["id"]}

    def _status(self, container: Container) -> str:
        old = container.status != "PUBLISHED" and self.clock() - container.made_at >= DAY
        return "EXPIRED" if old else container.status

    def _check_quota(self, caller: Caller, *, reply: bool) -> None:
        since = self.clock() - DAY
        made = [post for post in self.posts if post.by.account == caller.account and post.effects[0].at > since]
        if sum((post.reply_to is not None) is reply for post in made) >= (REPLIES_A_DAY if reply else POSTS_A_DAY):
            raise Refusal(9, 2207042)


def counted(text: str) -> int:
    """Code points, but of pictures, skin tones, joiners and selectors the UTF-8 bytes."""
    return sum(len(letter.encode()) if _is_pictured(letter) else 1 for letter in text)


def _is_pictured(letter: str) -> bool:
    return unicodedata.category(letter) in {"So", "Sk"} or letter in "\u200d\ufe0f\u20e3"
