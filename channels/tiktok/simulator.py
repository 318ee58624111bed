"""TikTok's far side: the Content Posting API in memory (reference: platforms 1.1, 1.3 to 1.7, 1.14, 15).

The client is ``sim-key`` with ``sim-secret``; an account's first refresh token is ``refresh-<open id>``. Each is good
for one use, and every answer carries another. A post is public as soon as TikTok has its pictures or its last byte. A
test may set what is otherwise usual: ``audited``, ``levels``, ``barred`` (the code that creator_info answers with),
``failing`` (the reason for which what comes next fails), ``moderating`` (no post id yet), ``verified`` (where
pictures may be fetched from), ``finishes`` (the people in the app finish every draft at once).

Pictures are fetched from their addresses; those of ``media`` lie at hand, by digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from aiohttp import web

from channels.capabilities import Unit
from channels.contract import Clock
from channels.simulator.consent import ConsentPage
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import Effect, EffectKind, Journal
from channels.simulator.provider import Provider, Route, RouteKind
from channels.text import length

CLIENT_KEY, CLIENT_SECRET = "sim-key", "sim-secret"
SCOPES: tuple[str, ...] = ("video.publish", "video.upload")
LEVELS = ("PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")
TOKEN_LIFE, UPLOAD_LIFE, MINUTE = timedelta(hours=24), timedelta(hours=1), timedelta(minutes=1)
DAY, POSTS_A_DAY, DRAFTS_WAITING = timedelta(hours=24), 15, 5
PER_MINUTE: Mapping[str, int] = {"creator_info": 20, "content": 6, "video": 6, "inbox": 6, "status": 30}
TITLE_UNITS, DESCRIPTION_UNITS, CAPTION_UNITS = 90, 4_000, 2_200
CHUNK_LEAST, CHUNK_MOST, LAST_MOST, CHUNKS_MOST = 5_000_000, 67_108_864, 134_217_728, 1_000
PICTURE_BYTES, PICTURES_MOST = 20_000_000, 35
FLAGS = ("disable_comment", "brand_content_toggle", "brand_organic_toggle")
_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")


class Refusal(Exception):
    """What is answered instead."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass(slots=True)
class Publish:
    """One publish id: what was asked for, how much of it has arrived, and the post that became of it."""

    id: str
    owner: str
    text: str
    draft: bool
    at: datetime
    size: int = 0
    chunk: int = 0
    data: bytearray = field(default_factory=bytearray)
    fail_reason: str = ""
    effect: Effect | None = None
    ready: bool = False


class TikTokSimulator(Provider):
    """Accounts by open id, in memory."""

    name = "tiktok"
    finishes = False

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.publishes: dict[str, Publish] = {}
        self.audited, self.moderating = True, False
        self.levels: tuple[str, ...] = LEVELS
        self.barred = self.failing = self.verified = ""
        self.refreshes = 0
        app = {"client_key": CLIENT_KEY, "client_secret": CLIENT_SECRET}
        self.consents = ConsentPage(clock, app, challenge=bytes.hex)
        self._tokens: dict[str, datetime] = {}
        self._spent: set[str] = set()
        self._calls: list[tuple[str, str, datetime]] = []

    def routes(self) -> Sequence[Route]:
        """Consent, tokens, the creator, three ways to begin, the upload, and the status."""
        post = "/v2/post/publish"
        return (
            Route("GET", "/v2/auth/authorize/", RouteKind.READ, self.consents.page),
            Route("POST", "/v2/oauth/token/", RouteKind.SESSION, self._token),
            Route("POST", f"{post}/creator_info/query/", RouteKind.SESSION, self._answered("creator_info")),
            Route("POST", f"{post}/content/init/", RouteKind.PUBLISH, self._answered("content")),
            Route("POST", f"{post}/video/init/", RouteKind.UPLOAD, self._answered("video")),
            Route("POST", f"{post}/inbox/video/init/", RouteKind.UPLOAD, self._answered("inbox")),
            Route("PUT", "/upload/{id}", RouteKind.PUBLISH, self._put),
            Route("POST", f"{post}/status/fetch/", RouteKind.READ, self._answered("status")),
        )

    def account(self, request: web.Request) -> str:
        """The open id that the bearer token belongs to; "" for a token or an upload."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer act.")
        return token.rpartition("-")[0]

    def key(self, body: bytes) -> str:
        """The caption: TikTok has no key."""
        info = _document(body).get("post_info")
        return str(info.get("description", info.get("title", ""))) if isinstance(info, dict) else ""

    def refusal(self, fault: Fault) -> web.Response:
        """429 without a hint, 401 for the token, or 200 with an error and no publish id."""
        if fault.kind is FaultKind.THROTTLE:
            return _error("rate_limit_exceeded", 429)
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return _error("access_token_invalid", 401)
        return _error("internal_error", 200)

    def expire(self) -> None:
        """End every access token that was given out."""
        self._tokens.clear()

    async def _token(self, request: web.Request) -> web.Response:
        given = dict(parse_qsl((await request.read()).decode()))
        owner, scopes = given.get("refresh_token", "").removeprefix("refresh-").partition("~")[0], SCOPES
        client = (given.get("client_key"), given.get("client_secret"))
        if client != (CLIENT_KEY, CLIENT_SECRET):
            return _flat_error("invalid_client")
        if consent := self.consents.redeemed(given) if "code" in given else None:
            owner, scopes = consent.owner, consent.scopes
        elif not self._spend(given, owner):
            return _flat_error("invalid_grant")
        self.refreshes += 1
        access = f"act.{owner}-{self.refreshes}"
        self._tokens[access] = self.clock() + TOKEN_LIFE
        return web.json_response(
            {
                "access_token": access,
                "expires_in": int(TOKEN_LIFE.total_seconds()),
                "open_id": owner,
                "refresh_expires_in": 31_536_000,
                "refresh_token": f"refresh-{owner}~{self.refreshes}",
                "scope": ",".join(scopes),
                "token_type": "Bearer",
            }
        )

    def _spend(self, given: Mapping[str, str], owner: str) -> bool:
        """Whether this brings a refresh token that is good; it is not any more."""
        spent = given.get("refresh_token", "")
        good = given.get("grant_type") == "refresh_token" and bool(owner) and spent.startswith("refresh-")
        fresh = good and spent not in self._spent
        self._spent.add(spent)
        return fresh

    def _answered(self, name: str) -> Any:
        handlers = {
            "creator_info": self._creator,
            "content": self._content,
            "video": self._video,
            "inbox": self._video,
            "status": self._status,
        }

        async def handle(request: web.Request) -> web.Response:
            try:
                owner = self._owner(request)
                self._count(name, owner)
                data = await handlers[name](request, owner, _document(await request.read()))
            except Refusal as refusal:
                return _error(refusal.code, refusal.status)
            return web.json_response({"data": data, "error": {"code": "ok", "message": "", "log_id": "20261121A"}})

        return handle

    def _owner(self, request: web.Request) -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, self.clock()) <= self.clock():
            raise Refusal("access_token_invalid", 401)
        if not request.headers.get("Content-Type", "").startswith("application/json"):
            raise Refusal("invalid_param")
        return self.account(request)

    def _count(self, name: str, owner: str) -> None:
        since = self.clock() - MINUTE
        self._calls = [call for call in self._calls if call[2] > since]
        if sum(call[:2] == (name, owner) for call in self._calls) >= PER_MINUTE[name]:
            raise Refusal("rate_limit_exceeded", 429)
        self._calls.append((name, owner, self.clock()))

    async def _creator(self, _request: web.Request, owner: str, _given: dict[str, Any]) -> dict[str, Any]:
        if self.barred:
            raise Refusal(self.barred, 200)
        return {
            "creator_avatar_url": "https://p16.example/avatar.jpeg",
            "creator_username": owner,
            "creator_nickname": owner.title(),
            "privacy_level_options": list(self.levels),
            "comment_disabled": False,
            "duet_disabled": False,
            "stitch_disabled": True,
            "max_video_post_duration_sec": 600,
        }

    async def _content(self, request: web.Request, owner: str, given: dict[str, Any]) -> dict[str, Any]:
        info, source = given.get("post_info"), given.get("source_info")
        mode = given.get("post_mode")
        if given.get("media_type") != "PHOTO" or mode not in {"DIRECT_POST", "MEDIA_UPLOAD"}:
            raise Refusal("invalid_param")
        draft = mode == "MEDIA_UPLOAD"
        text = self._checked(info, "description", DESCRIPTION_UNITS, draft=draft)
        made = Publish(f"p_pub_url~v2.{len(self.publishes) + 1}", owner, text, draft, self.clock())
        self._check_quota(owner, draft=draft)
        pictures = [await self._fetched(url, made) for url in self._addresses(source)]
        self._end(request, made, pictures)
        return {"publish_id": made.id}

    async def _video(self, request: web.Request, owner: str, given: dict[str, Any]) -> dict[str, Any]:
        draft = "/inbox/" in request.path
        text = "" if draft else self._checked(given.get("post_info"), "title", CAPTION_UNITS, draft=False)
        size, chunk = _cut(given.get("source_info"))
        self._check_quota(owner, draft=draft)
        kind = "inbox" if draft else "pub"
        made = Publish(f"v_{kind}_file~v2-1.{len(self.publishes) + 1}", owner, text, draft, self.clock(), size, chunk)
        self.publishes[made.id] = made
        base = f"{request.scheme}://{request.host}/{self.name}"
        return {"publish_id": made.id, "upload_url": f"{base}/upload/{made.id}?upload_token=secret-{made.id}"}

    async def _put(self, request: web.Request) -> web.Response:
        made, data = self.publishes.get(request.match_info["id"]), await request.read()
        if made is None or request.query.get("upload_token") != f"secret-{made.id}" or made.ready:
            return web.Response(status=404)
        if self.clock() - made.at >= UPLOAD_LIFE:
            return web.Response(status=403)
        match = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
        if match is None or "Authorization" in request.headers:
            return web.Response(status=400)
        start, last, size = (int(number) for number in match.groups())
        held = {"Content-Range": f"bytes 0-{len(made.data) - 1}/{made.size}"}
        if start != len(made.data):
            return web.Response(status=416, headers=held)
        if last - start + 1 != len(data) or size != made.size or not _is_whole(start, last + 1, made):
            return web.Response(status=400)
        made.data += data
        if len(made.data) < made.size:
            return web.Response(status=206, headers={"Content-Range": f"bytes 0-{last}/{size}"})
        self._end(request, made, [bytes(made.data)])
        return web.Response(status=201)

    async def _status(self, _request: web.Request, owner: str, given: dict[str, Any]) -> dict[str, Any]:
        made = self.publishes.get(str(given.get("publish_id")))
        if made is None:
            raise Refusal("invalid_publish_id")
        if made.owner != owner:
            raise Refusal("token_not_authorized_for_specified_publish_id")
        told = {"uploaded_bytes": len(made.data), "publicaly_available_post_id": list[int]()}
        if made.fail_reason:
            return {**told, "status": "FAILED", "fail_reason": made.fail_reason}
        if not made.ready:
            return {**told, "status": "PROCESSING_UPLOAD"}
        if made.effect is None:
            return {**told, "status": "SEND_TO_USER_INBOX"}
        if not made.effect.visible(self.clock()):
            return {**told, "status": "PROCESSING_DOWNLOAD"}
        posts = [] if self.moderating else [int(made.effect.reference)]
        return {**told, "status": "PUBLISH_COMPLETE", "publicaly_available_post_id": posts}

    def _checked(self, info: Any, field_: str, most: int, *, draft: bool) -> str:
        """The caption of a sound post_info. Raises Refusal."""
        if not isinstance(info, dict) or any(type(info.get(flag)) is not bool for flag in FLAGS):
            raise Refusal("invalid_param")
        text, level = info.get(field_), info.get("privacy_level")
        if not isinstance(text, str) or length(text, Unit.UTF16) > most:
            raise Refusal("invalid_param")
        if field_ == "description" and length(str(info.get("title", "")), Unit.UTF16) > TITLE_UNITS:
            raise Refusal("invalid_param")
        if draft:
            if level is not None:
                raise Refusal("invalid_param")
            return text
        if level not in self.levels:
            raise Refusal("privacy_level_option_mismatch", 403)
        if not self.audited and level != "SELF_ONLY":
            raise Refusal("unaudited_client_can_only_post_to_private_accounts", 403)
        return text

    def _check_quota(self, owner: str, *, draft: bool) -> None:
        """A day's posts, and the drafts that wait. Raises Refusal."""
        since = self.clock() - DAY
        mine = [
            one for one in self.publishes.values() if one.owner == owner and one.at > since and not one.fail_reason
        ]
        if draft and sum(one.draft and one.effect is None for one in mine) >= DRAFTS_WAITING:
            raise Refusal("spam_risk_too_many_pending_share", 403)
        if sum(one.effect is not None for one in mine) >= POSTS_A_DAY:
            raise Refusal("spam_risk_too_many_posts", 403)

    def _addresses(self, source: Any) -> list[str]:
        urls = source.get("photo_images") if isinstance(source, dict) else None
        if (
            not isinstance(urls, list)
            or not 1 <= len(urls) <= PICTURES_MOST
            or source.get("source") != "PULL_FROM_URL"
        ):
            raise Refusal("invalid_param")
        if not 0 <= source.get("photo_cover_index", 0) < len(urls):
            raise Refusal("invalid_param")
        if any(not str(url).startswith(self.verified or ("https://", "http://")) for url in urls):
            raise Refusal("url_ownership_unverified", 403)
        return [str(url) for url in urls]

    async def _fetched(self, url: str, made: Publish) -> bytes:
        """The picture at an address; where there is none that TikTok takes, the post fails."""
        name = urlsplit(url).path.rpartition("/")[2].partition(".")[0]
        data = self.media.get(name) or await _get(url)
        if data is None:
            made.fail_reason = "photo_pull_failed"
        elif len(data) > PICTURE_BYTES or not data.startswith((b"\xff\xd8", b"RIFF")):
            made.fail_reason = "file_format_check_failed"
        return data or b""

    def _end(self, request: web.Request, made: Publish, media: list[bytes]) -> None:
        """All has arrived: it fails, waits in the inbox, or is public."""
        self.publishes[made.id] = made
        made.ready = True
        made.fail_reason = made.fail_reason or self.failing
        if made.fail_reason or (made.draft and not self.finishes):
            return
        reference = str(7_312_345_678_901_234_567 + len(self.publishes))
        made.effect = self.act(
            request, EffectKind.PUBLISHED, key=made.text, reference=reference, text=made.text, media=media
        )


def _cut(source: Any) -> tuple[int, int]:
    """A video's size and that of its chunks. Raises Refusal."""
    names = ("video_size", "chunk_size", "total_chunk_count")
    given = source if isinstance(source, dict) and source.get("source") == "FILE_UPLOAD" else {}
    sizes = [one for name in names if type(one := given.get(name)) is int]
    if len(sizes) != len(names) or not _is_cut_right(*sizes):
        raise Refusal("invalid_param")
    return sizes[0], sizes[1]


def _is_cut_right(size: int, chunk: int, count: int) -> bool:
    """The documented rules of chunks; the bounds are the wider reading of MB and MiB."""
    if size <= 0 or chunk <= 0 or count != size // chunk or not 1 <= count <= CHUNKS_MOST:
        return False
    last = size - (count - 1) * chunk
    return last <= LAST_MOST and (chunk == size < CHUNK_LEAST or CHUNK_LEAST <= chunk <= CHUNK_MOST)


def _is_whole(start: int, end: int, made: Publish) -> bool:
    count = made.size // made.chunk
    return end == (made.size if start == (count - 1) * made.chunk else start + made.chunk)


async def _get(url: str) -> bytes | None:
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as client, client.get(url, allow_redirects=False) as answer:
            return await answer.read() if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None


def _error(code: str, status: int) -> web.Response:
    error = {"code": code, "message": f"Simulated: {code}", "log_id": "20261121A"}
    return web.json_response({"data": {}, "error": error}, status=status)


def _flat_error(error: str) -> web.Response:
    return web.json_response({"error": error, "error_description": "Simulated", "log_id": "20261121A"}, status=400)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
