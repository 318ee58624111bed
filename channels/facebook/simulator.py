"""Facebook's far side: Pages in memory, from the Graph API's documented contract (reference: platforms 4.1, 4.2, 15).

What every product of Meta's answers is in :mod:`channels.meta.simulator`. Approximations, where nobody documents the
platform: an equal text counts as the same post again for a day; another app's post is refused with 200.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from channels.contract import Secret
from channels.meta.simulator import DAY, Caller, Given, GraphSimulator, Post, Refusal, app_secret, form, token
from channels.simulator.journal import EffectKind
from channels.simulator.provider import Example, Route, RouteKind

TEXT_MOST = 63_206
DUPLICATE_FOR = DAY
_FEED = frozenset({"message", "link", "published", "appsecret_proof", "access_token"})
_EDIT = frozenset({"message", "appsecret_proof", "access_token"})


class FacebookSimulator(GraphSimulator):
    """Posts of all Pages."""

    name = "facebook"
    fields = ("message", "created_time", "permalink_url")
    throttle = 80001

    def routes(self) -> Sequence[Route]:
        """Post, edit, delete, list, look up, and who am I."""
        answered = self.answered
        return (
            Route("GET", "/{version}/me", RouteKind.SESSION, answered(self.me)),
            Route("GET", "/{version}/debug_token", RouteKind.SESSION, self.debug_token),
            Route("POST", "/{version}/{account}/feed", RouteKind.PUBLISH, answered(self._publish)),
            Route("GET", "/{version}/{account}/published_posts", RouteKind.READ, answered(self._list)),
            Route("GET", "/{version}/{id}", RouteKind.READ, answered(self.read)),
            Route("POST", "/{version}/{id}", RouteKind.PUBLISH, answered(self._edit)),
            Route("DELETE", "/{version}/{id}", RouteKind.WITHDRAW, answered(self.delete)),
        )

    def example(self, address: str) -> Example:
        """An account of its own."""
        secrets = {"token": Secret(token("1")), "app_secret": Secret(app_secret())}
        return Example("Example City", {"base_url": address, "page_id": "1"}, secrets)

    def key(self, body: bytes) -> str:
        """The text."""
        return form(body).get("message", "")

    def address(self, post: Post) -> str:
        """Where the public sees a post."""
        return f"https://www.facebook.com/{post.by.account}/posts/{post.id.partition('_')[2]}"

    def _publish(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        if request.match_info["account"] != caller.account:
            raise Refusal(200, status=403)
        text, link = _message(given, _FEED), given.get("link")
        if link is not None and not (urlsplit(link).scheme in {"http", "https"} and urlsplit(link).hostname):
            raise Refusal(1609005)
        since = self.clock() - DUPLICATE_FOR
        if any(post.text == text and post.effects[0].at > since for post in self.mine(caller)):
            raise Refusal(506)
        post_id = f"{caller.account}_{len(self.posts) + 1}"
        effect = self.act(request, EffectKind.PUBLISHED, key=text, reference=post_id, text=text)
        self.posts.append(Post(post_id, caller, [effect], link))
        return {"id": post_id}

    def _edit(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        post = self.owned(request.match_info["id"], caller)
        text = _message(given, _EDIT)
        post.effects.append(self.act(request, EffectKind.ALTERED, key=text, reference=post.id, text=text))
        return {"success": True}

    def _list(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        return self.listed(request, caller, given, self.mine(caller))


def _message(given: Given, known: frozenset[str]) -> str:
    text = given.get("message", "")
    if not text.strip() or len(text) > TEXT_MOST or set(given) - known:
        raise Refusal(100)
    return text
