"""X's far side, from its documented contract (reference: platforms 3 and 15).

The token ``sim-<user id>`` belongs to that user and does not end; those of :meth:`XSimulator.connect` end after two
hours, and their refresh token is good for one use. Every other token is refused. A post's ``key`` in the journal is
its text, since X knows no other. Timelines shorten links and escape HTML as X does.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from channels.contract import Clock, Secret
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import Effect, EffectKind, Journal
from channels.simulator.provider import Example, Provider, Route, RouteKind
from channels.text import X_WEIGHT, links, x_length

FIRST_ID = 2_000_000_000_000_000_001
POSTS_PER_WINDOW = 100
WINDOW = timedelta(minutes=15)
TOKEN_LIFE = timedelta(hours=2)
CLIENT = "sim-client"
DUPLICATE_FOR = timedelta(hours=24)
_FIELDS = frozenset(
    {"text", "media", "reply", "quote_tweet_id", "poll", "reply_settings", "edit_options", "nullcast"}
)
_PROBLEMS = "https://api.twitter.com/2/problems/"


@dataclass(slots=True)
class Post:
    """One post; ``deleted`` ones are kept, so that ids are never reused."""

    id: str
    user: str
    effect: Effect
    deleted: bool = False


class XSimulator(Provider):
    """Posts by user, in memory."""

    name = "x"

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.posts: list[Post] = []
        self.refresh: dict[str, str] = {}
        self.access: dict[str, datetime] = {}

    def connect(self, user: str) -> dict[str, str]:
        """What a user's consent gives to the app :data:`CLIENT`, its id included."""
        token, refresh = (f"sim-{user}-{len(self.access)}", f"refresh-{user}-{len(self.access)}")
        self.access[token], self.refresh[refresh] = self.clock() + TOKEN_LIFE, user
        return {"token": token, "refresh_token": refresh, "client_id": CLIENT}

    def routes(self) -> Sequence[Route]:
        """Create, delete, look up, timeline, and who am I."""
        return (
            Route("POST", "/2/tweets", RouteKind.PUBLISH, self._create),
            Route("DELETE", "/2/tweets/{id}", RouteKind.WITHDRAW, self._delete),
            Route("GET", "/2/tweets/{id}", RouteKind.READ, self._look_up),
            Route("GET", "/2/users/me", RouteKind.SESSION, self._me),
            Route("POST", "/2/oauth2/token", RouteKind.SESSION, self._token),
            Route("GET", "/2/users/{user}/tweets", RouteKind.READ, self._timeline),
        )

    def example(self, address: str) -> Example:
        """An account of its own."""
        return Example("@example", {"base_url": address, "user_id": "1"}, {"token": Secret("sim-1")})

    def account(self, request: web.Request) -> str:
        """The user id that the bearer token belongs to."""
        return request.headers.get("Authorization", "").removeprefix("Bearer sim-").partition("-")[0]

    def key(self, body: bytes) -> str:
        """The text."""
        return str(_document(body).get("text", ""))

    def refusal(self, fault: Fault) -> web.Response:
        """429 with the reset header where a delay is given, 401, or 200 with errors and no data."""
        if fault.kind is FaultKind.THROTTLE:
            hint = {"x-rate-limit-reset": str(int(self.clock().timestamp() + fault.delay_s))} if fault.delay_s else {}
            return _problem(429, "Too Many Requests", headers=hint)
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return _problem(401, "Unauthorized")
        return web.json_response({"errors": [{"title": "Internal", "type": "about:blank", "detail": "Try again"}]})

    async def _create(self, request: web.Request) -> web.Response:
        if (user := self._user(request)) is None:
            return _problem(401, "Unauthorized")
        document = _document(await request.read())
        text = document.get("text")
        if not isinstance(text, str) or not text or set(document) - _FIELDS or x_length(text) > X_WEIGHT:
            return _problem(400, "Invalid Request", kind=_PROBLEMS + "invalid-request")
        now = self.clock()
        mine = [post for post in self.posts if post.user == user]
        if any(p.effect.text == text and not p.deleted and p.effect.at > now - DUPLICATE_FOR for p in mine):
            return _problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
        limits = _limits(mine, now)
        if limits["x-rate-limit-remaining"] == "-1":
            return _problem(429, "Too Many Requests", headers={**limits, "x-rate-limit-remaining": "0"})
        post = self._post(request, user, text)
        return web.json_response({"data": {"id": post.id, "text": text}}, status=201, headers=limits)

    def _post(self, request: web.Request, user: str, text: str) -> Post:
        post_id = str(FIRST_ID + len(self.posts))
        effect = self.act(request, EffectKind.PUBLISHED, key=text, reference=post_id, text=text)
        self.posts.append(post := Post(post_id, user, effect))
        return post

    async def _delete(self, request: web.Request) -> web.Response:
        user = self._user(request)
        post = self._find(request.match_info["id"])
        if user is None:
            return _problem(401, "Unauthorized")
        if post is None:
            return _problem(404, "Not Found Error", kind=_PROBLEMS + "resource-not-found")
        if post.user != user:
            return _problem(403, "Forbidden", "You are not permitted to perform this action.")
        post.deleted = True
        self.act(request, EffectKind.WITHDRAWN, key=post.effect.key, reference=post.id)
        return web.json_response({"data": {"deleted": True}})

    async def _look_up(self, request: web.Request) -> web.Response:
        if self._user(request) is None:
            return _problem(401, "Unauthorized")
        post = self._find(request.match_info["id"])
        if post is None or not post.effect.visible(self.clock()):
            missing = {"title": "Not Found Error", "type": _PROBLEMS + "resource-not-found", "parameter": "id"}
            return web.json_response({"errors": [missing]})
        return web.json_response({"data": _shown(post)})

    async def _timeline(self, request: web.Request) -> web.Response:
        if self._user(request) is None:
            return _problem(401, "Unauthorized")
        since = request.query.get("start_time", "1970-01-01T00:00:00Z")
        size, skip = int(request.query.get("max_results", "10")), int(request.query.get("pagination_token", "0"))
        now, start = self.clock(), datetime.fromisoformat(since)
        posts = [
            _shown(post)
            for post in reversed(self.posts)
            if post.user == request.match_info["user"] and not post.deleted
            if post.effect.at >= start and post.effect.visible(now)
        ]
        page = posts[skip : skip + size]
        more = {"next_token": str(skip + size)} if len(posts) > skip + size else {}
        data = {"data": page} if page else {}
        return web.json_response({**data, "meta": {"result_count": len(page), **more}})

    async def _me(self, request: web.Request) -> web.Response:
        if (user := self._user(request)) is None:
            return _problem(401, "Unauthorized")
        return web.json_response({"data": {"id": user, "name": "Simulated", "username": f"user{user}"}})

    async def _token(self, request: web.Request) -> web.Response:
        """A new pair for a refresh token, which is spent by it."""
        given = await request.post()
        known = given.get("grant_type") == "refresh_token" and given.get("client_id") == CLIENT
        user = self.refresh.pop(str(given.get("refresh_token")), None) if known else None
        if user is None:
            error = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
            return web.json_response(error, status=400)
        fresh = self.connect(user)
        body = {"token_type": "bearer", "expires_in": 7200, "access_token": fresh["token"]}
        return web.json_response({**body, "refresh_token": fresh["refresh_token"]})

    def _user(self, request: web.Request) -> str | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if token in self.access:
            return token.split("-")[1] if self.access[token] > self.clock() else None
        user = token.removeprefix("sim-")
        return user if scheme == "Bearer" and token.startswith("sim-") and user.isdigit() else None

    def _find(self, post_id: str) -> Post | None:
        return next((post for post in self.posts if post.id == post_id and not post.deleted), None)


def _limits(mine: list[Post], now: datetime) -> dict[str, str]:
    recent = [post.effect.at for post in mine if post.effect.at > now - WINDOW]
    reset = (min(recent) if recent else now) + WINDOW
    return {
        "x-rate-limit-limit": str(POSTS_PER_WINDOW),
        "x-rate-limit-remaining": str(POSTS_PER_WINDOW - len(recent) - 1),
        "x-rate-limit-reset": str(int(reset.timestamp())),
    }


def _shown(post: Post) -> dict[str, Any]:
    text, urls = post.effect.text, []
    for number, link in enumerate(links(text)):
        short = f"https://t.co/{int(post.id) % 10**9}{number}"
        text = text.replace(link, short, 1)
        urls.append({"url": short, "expanded_url": link, "display_url": link.partition("//")[2]})
    created = post.effect.at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    shown = {"id": post.id, "text": html.escape(text, quote=False), "created_at": created}
    return {**shown, "edit_history_tweet_ids": [post.id], **({"entities": {"urls": urls}} if urls else {})}


def _problem(
    status: int, title: str, detail: str = "", kind: str = "about:blank", headers: dict[str, str] | None = None
) -> web.Response:
    body = {"title": title, "detail": detail or title, "type": kind, "status": status}
    return web.json_response(body, status=status, headers=headers)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
