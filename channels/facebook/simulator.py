"""Facebook's far side: Pages in memory, from the Graph API's documented contract (reference: platforms 4.1, 4.2, 15).

What every product of Meta's answers is in :mod:`channels.meta.simulator`. Approximations, where nobody documents the
platform: an equal text counts as the same post again for a day; another app's post is refused with 200.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from channels.contract import Clock, Secret
from channels.meta.simulator import (
    DAY,
    SOURCE,
    Caller,
    Given,
    GraphSimulator,
    Post,
    Refusal,
    app_secret,
    form,
    token,
)
from channels.meta.simulator_login import LoginPage
from channels.simulator.journal import EffectKind, Journal
from channels.simulator.provider import Example, Route, RouteKind

TEXT_MOST = 63_206
DUPLICATE_FOR = DAY
PHOTO_MOST = 4_000_000
FIRST_PHOTO = 900_000_000_000_001
_FEED = frozenset({"message", "link", "published", "appsecret_proof", "access_token"})
_PHOTO = frozenset({"published", "alt_text_custom", "appsecret_proof", "access_token"})
_EDIT = frozenset({"message", "appsecret_proof", "access_token"})


@dataclass(frozen=True, slots=True)
class Photo:
    """One unpublished photo of a Page, and its alternative text."""

    page: str
    data: bytes
    text: str


class FacebookSimulator(GraphSimulator):
    """Posts of all Pages."""

    name = "facebook"
    fields = ("message", "created_time", "permalink_url")
    throttle = 80001

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.photos: dict[str, Photo] = {}
        self.login = LoginPage(clock, self.ends, lambda account: {"id": account})

    def routes(self) -> Sequence[Route]:
        """Login, unpublished photos, post, edit, delete, list, look up, and who am I."""
        answered = self.answered
        return (
            *self.login.routes(answered),
            Route("GET", "/{version}/me", RouteKind.SESSION, answered(self.me)),
            Route("GET", "/{version}/debug_token", RouteKind.SESSION, self.debug_token),
            Route("POST", "/{version}/{account}/photos", RouteKind.UPLOAD, answered(self._upload)),
            Route("POST", "/{version}/{account}/feed", RouteKind.PUBLISH, answered(self._publish)),
            Route("GET", "/{version}/{account}/published_posts", RouteKind.READ, answered(self._list)),
            Route("GET", "/{version}/{id}", RouteKind.READ, answered(self.read)),
            Route("POST", "/{version}/{id}", RouteKind.PUBLISH, answered(self._edit)),
            Route("DELETE", "/{version}/{id}", RouteKind.WITHDRAW, answered(self.delete)),
        )

    @classmethod
    def example(cls, address: str, name: str = "1") -> Example:
        """An account of its own."""
        secrets = {"token": Secret(token(name)), "app_secret": Secret(app_secret())}
        return Example("Example City", {"base_url": address, "page_id": name}, secrets)

    def key(self, body: bytes) -> str:
        """The text."""
        return form(body).get("message", "")

    def address(self, post: Post) -> str:
        """Where the public sees a post."""
        return f"https://www.facebook.com/{post.by.account}/posts/{post.id.partition('_')[2]}"

    def _upload(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        data = request[SOURCE]
        if request.match_info["account"] != caller.account:
            raise Refusal(200, status=403)
        if set(given) - _PHOTO or given.get("published") != "false":  # a published one would be a post of its own
            raise Refusal(100)
        if not data.startswith((b"\x89PNG", b"\xff\xd8")) or len(data) > PHOTO_MOST:
            raise Refusal(100, 1366046)
        photo_id = str(FIRST_PHOTO + len(self.photos))
        self.photos[photo_id] = Photo(caller.account, data, given.get("alt_text_custom", ""))
        return {"id": photo_id}

    def _attached(self, caller: Caller, given: Given) -> list[bytes]:
        """The photos that a new post names, in order: the Page's own."""
        named = [value for key, value in given.items() if key.startswith("attached_media[")]
        try:
            photos = [self.photos[json.loads(value)["media_fbid"]] for value in named]
        except (KeyError, TypeError, ValueError):
            raise Refusal(100) from None
        if any(photo.page != caller.account for photo in photos):
            raise Refusal(100, 33)
        if photos and "link" in given:  # a post shows photos or a link's preview
            raise Refusal(100)
        return [photo.data for photo in photos]

    def _publish(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        if request.match_info["account"] != caller.account:
            raise Refusal(200, status=403)
        pictures = self._attached(caller, given)
        known = _FEED | {f"attached_media[{number}]" for number in range(len(pictures))}
        text, link = _message(given, known), given.get("link")
        if link is not None and not (urlsplit(link).scheme in {"http", "https"} and urlsplit(link).hostname):
            raise Refusal(1609005)
        since = self.clock() - DUPLICATE_FOR
        if any(post.text == text and post.effects[0].at > since for post in self.mine(caller)):
            raise Refusal(506)
        post_id = f"{caller.account}_{len(self.posts) + 1}"
        shown = {"text": text, "media": pictures}
        effect = self.act(request, EffectKind.PUBLISHED, key=text, reference=post_id, **shown)
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
