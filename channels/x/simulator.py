"""X's far side, from its documented contract (reference: platforms 3 and 15).

The token ``sim-<user id>`` belongs to that user and does not end; those of :meth:`XSimulator.connect` end after two
hours, and their refresh token is good for one use. Every other token is refused. A post's ``key`` in the journal is
its text, since X knows no other. Timelines shorten links and escape HTML as X does, and put a link behind the text of
a post with pictures. A picture lives for a day. A video can be posted ``preparing`` after its last call.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from channels.contract import Clock, Secret
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.forms import fields
from channels.simulator.journal import Effect, EffectKind, Journal
from channels.simulator.provider import Example, Provider, Route, RouteKind
from channels.text import X_WEIGHT, links, x_length

FIRST_ID = 2_000_000_000_000_000_001
POSTS_PER_WINDOW = 100
WINDOW = timedelta(minutes=15)
TOKEN_LIFE = timedelta(hours=2)
CLIENT = "sim-client"
DUPLICATE_FOR = timedelta(hours=24)
MEDIA_LIVES = timedelta(hours=24)
MAX_PICTURE, MAX_PICTURES, MAX_ALT = 5_000_000, 4, 1_000
MAX_VIDEO, MAX_SEGMENT, MAX_SEGMENTS = 512_000_000, 5_000_000, 1_000
_FIELDS = frozenset(
    {"text", "media", "reply", "quote_tweet_id", "poll", "reply_settings", "edit_options", "nullcast"}
)
_SIGNATURES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG"}
_PROBLEMS = "https://api.twitter.com/2/problems/"


@dataclass(slots=True)
class Picture:
    """One picture or video, as uploaded, and the text in its place.

    ``total``: a video's bytes, as announced; its ``segments`` by number until it is whole, and when it is ready.
    """

    id: str
    data: bytes
    expires_at: datetime
    text: str = ""
    total: int = 0
    segments: dict[int, bytes] = field(default_factory=dict)
    ready_at: datetime | None = None


@dataclass(slots=True)
class Post:
    """One post; ``deleted`` ones are kept, so that ids are never reused."""

    id: str
    user: str
    effect: Effect
    pictures: Sequence[str] = ()
    deleted: bool = False


class XSimulator(Provider):
    """Posts by user, in memory."""

    name = "x"

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.posts: list[Post] = []
        self.refresh: dict[str, str] = {}
        self.access: dict[str, datetime] = {}
        self.pictures: dict[tuple[str, str], Picture] = {}
        self.preparing = timedelta(seconds=2)

    def connect(self, user: str) -> dict[str, str]:
        """What a user's consent gives to the app :data:`CLIENT`, its id included."""
        token, refresh = (f"sim-{user}-{len(self.access)}", f"refresh-{user}-{len(self.access)}")
        self.access[token], self.refresh[refresh] = self.clock() + TOKEN_LIFE, user
        return {"token": token, "refresh_token": refresh, "client_id": CLIENT}

    def routes(self) -> Sequence[Route]:
        """Pictures, videos, create, delete, look up, timeline, and who am I."""
        return (
            Route("POST", "/2/media/upload", RouteKind.UPLOAD, self._upload),
            Route("POST", "/2/media/metadata", RouteKind.UPLOAD, self._describe),
            Route("POST", "/2/media/upload/initialize", RouteKind.UPLOAD, self._initialize),
            Route("POST", "/2/media/upload/{id}/append", RouteKind.UPLOAD, self._append),
            Route("POST", "/2/media/upload/{id}/finalize", RouteKind.UPLOAD, self._finalize),
            Route("GET", "/2/media/upload", RouteKind.READ, self._status),
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
        pictures = self._attached(user, document.get("media", {"media_ids": []}))
        if pictures is None:
            return _problem(400, "Invalid Request", "Your media IDs are invalid.", kind=_PROBLEMS + "invalid-request")
        mine = [post for post in self.posts if post.user == user]
        if any(p.effect.text == text and not p.deleted and p.effect.at > now - DUPLICATE_FOR for p in mine):
            return _problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
        limits = _limits(mine, now)
        if limits["x-rate-limit-remaining"] == "-1":
            return _problem(429, "Too Many Requests", headers={**limits, "x-rate-limit-remaining": "0"})
        post = self._post(request, user, text, pictures)
        return web.json_response({"data": {"id": post.id, "text": text}}, status=201, headers=limits)

    def _post(self, request: web.Request, user: str, text: str, pictures: Sequence[Picture]) -> Post:
        post_id = str(FIRST_ID + len(self.posts))
        shown = {"text": text, "media": [picture.data for picture in pictures]}
        effect = self.act(request, EffectKind.PUBLISHED, key=text, reference=post_id, **shown)
        self.posts.append(post := Post(post_id, user, effect, [picture.id for picture in pictures]))
        return post

    async def _upload(self, request: web.Request) -> web.Response:
        if (user := self._user(request)) is None:
            return _problem(401, "Unauthorized")
        given = fields(request.headers.get("Content-Type", ""), await request.read())
        data, kind = given.get("media", b""), given.get("media_type", b"").decode()
        sound = data.startswith(_SIGNATURES.get(kind, b"?")) and given.get("media_category") == b"tweet_image"
        if not sound or len(data) > MAX_PICTURE:
            return _problem(400, "Invalid Request", kind=_PROBLEMS + "invalid-request")
        made = Picture(str(FIRST_ID + len(self.pictures)), data, self.clock() + MEDIA_LIVES)
        self.pictures[user, made.id] = made
        told = {"id": made.id, "media_key": f"3_{made.id}", "size": len(data)}
        return web.json_response({"data": {**told, "expires_after_secs": int(MEDIA_LIVES.total_seconds())}})

    async def _initialize(self, request: web.Request) -> web.Response:
        if (user := self._user(request)) is None:
            return _problem(401, "Unauthorized")
        told = _document(await request.read())
        total = told.get("total_bytes")
        video = (told.get("media_type"), told.get("media_category")) == ("video/mp4", "tweet_video")
        if not video or type(total) is not int or not 0 < total <= MAX_VIDEO:
            return _problem(400, "Invalid Request", kind=_PROBLEMS + "invalid-request")
        made = Picture(str(FIRST_ID + len(self.pictures)), b"", self.clock() + MEDIA_LIVES, total=total)
        self.pictures[user, made.id] = made
        return web.json_response({"data": {"id": made.id, "media_key": f"7_{made.id}", "expires_after_secs": 86_400}})

    async def _append(self, request: web.Request) -> web.Response:
        if (video := self._video(request, request.match_info["id"])) is None:
            return _problem(400, "Invalid Request", kind=_PROBLEMS + "invalid-request")
        given = fields(request.headers.get("Content-Type", ""), await request.read())
        number, piece = given.get("segment_index", b""), given.get("media", b"")
        if not number.isdigit() or int(number) >= MAX_SEGMENTS or not 0 < len(piece) <= MAX_SEGMENT:
            return _problem(400, "Invalid Request", kind=_PROBLEMS + "invalid-request")
        video.segments[int(number)] = piece
        return web.json_response({"data": {"expires_at": int(video.expires_at.timestamp())}})

    async def _finalize(self, request: web.Request) -> web.Response:
        video = self._video(request, request.match_info["id"])
        if video is None or video.ready_at:
            return _problem(400, "Invalid Request", kind=_PROBLEMS + "invalid-request")
        video.data = b"".join(piece for _, piece in sorted(video.segments.items()))
        if len(video.data) != video.total or video.data[4:8] != b"ftyp":
            return _problem(400, "Invalid Request", kind=_PROBLEMS + "invalid-request")
        video.ready_at = self.clock() + self.preparing
        return web.json_response({"data": self._processing(video)})

    async def _status(self, request: web.Request) -> web.Response:
        video = self._video(request, request.query.get("media_id", ""))
        if video is None or request.query.get("command") != "STATUS":
            return _problem(400, "Invalid Request", kind=_PROBLEMS + "invalid-request")
        return web.json_response({"data": self._processing(video)})

    def _processing(self, video: Picture) -> dict[str, Any]:
        ready = video.ready_at is not None and self.clock() >= video.ready_at
        wait = {"check_after_secs": int(self.preparing.total_seconds())}
        info = {"state": "succeeded"} if ready else {"state": "in_progress", **wait}
        return {"id": video.id, "media_key": f"7_{video.id}", "processing_info": info}

    def _video(self, request: web.Request, media_id: str) -> Picture | None:
        """A user's video, while it lives."""
        found = self.pictures.get((self._user(request) or "", media_id))
        return found if found and found.total and self.clock() < found.expires_at else None

    async def _describe(self, request: web.Request) -> web.Response:
        if (user := self._user(request)) is None:
            return _problem(401, "Unauthorized")
        document = _document(await request.read())
        picture = self.pictures.get((user, str(document.get("id"))))
        try:
            text = document["metadata"]["alt_text"]["text"]
        except (KeyError, TypeError):
            text = ""
        if picture is None or not isinstance(text, str) or not 0 < len(text) <= MAX_ALT:
            return _problem(400, "Invalid Request", kind=_PROBLEMS + "invalid-request")
        picture.text = text
        return web.json_response({"data": {"id": picture.id, "associated_metadata": {"alt_text": {"text": text}}}})

    def _attached(self, user: str, media: Any) -> list[Picture] | None:
        """The media that a post names; None where one is not the user's, not ready or expired, or are too many."""
        ids = media.get("media_ids") if isinstance(media, dict) and set(media) <= {"media_ids"} else None
        if not isinstance(ids, list) or len(ids) > MAX_PICTURES:
            return None
        found = [self.pictures.get((user, str(one))) for one in ids]
        alive = [one for one in found if one is not None and self.clock() < one.expires_at]
        videos = [one for one in alive if one.total]
        ready = all(one.ready_at and self.clock() >= one.ready_at for one in videos)
        fits = len(alive) == len(found) and ready and (not videos or len(alive) == 1)
        return alive if fits else None

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
    behind = f"https://t.co/m{int(post.id) % 10**9}"
    for number, media_id in enumerate(post.pictures, 1):  # one link behind the text stands for all pictures
        page = f"https://x.com/user{post.user}/status/{post.id}/photo/{number}"
        urls.append({"url": behind, "expanded_url": page, "display_url": "pic.x.com/m", "media_key": f"3_{media_id}"})
    text = f"{text} {behind}" if post.pictures else text
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
