"""YouTube's far side: the Data API v3 in memory (reference: platforms 5, 15).

The token ``sim-<channel id>`` belongs to that channel and does not end; what ``refresh-<channel id>`` brings ends
after an hour. A video is on the public record once it is public. A test may set what is otherwise usual: ``locked``
(an API project without an audit: what is made public stays private), ``processing`` and ``rejecting`` (what YouTube
does with the videos to come), ``keeps`` (how many bytes of each chunk arrive).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from channels.authorising import unpadded
from channels.contract import Clock, Secret
from channels.simulator.consent import ConsentPage
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import Effect, EffectKind, Journal
from channels.simulator.provider import Example, Provider, Route, RouteKind

CLIENT, CLIENT_SECRET = "sim-client", "sim-secret"
TOKEN_LIFE, SESSION_LIFE, DAY = timedelta(hours=1), timedelta(days=7), timedelta(days=1)
GRAIN = 256 * 1024
TITLE_MOST, DESCRIPTION_MOST, UPLOADS_A_DAY, PAGE_MOST = 100, 5_000, 100, 50
YOUTUBES = ("uploadStatus", "rejectionReason")
PRIVACIES = ("public", "unlisted", "private")
_RANGE = re.compile(r"bytes (?:([0-9]+)-([0-9]+)|\*)/([0-9]+)")


class Refusal(Exception):
    """What is answered instead."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


@dataclass(slots=True)
class Session:
    """One upload: of what, and how much of it has arrived."""

    owner: str
    about: dict[str, Any]
    size: int
    at: datetime
    captions: bool
    data: bytearray = field(default_factory=bytearray)
    made: dict[str, Any] | None = None


@dataclass(slots=True)
class Video:
    """One video; ``effect`` is what made it public last."""

    id: str
    owner: str
    snippet: dict[str, Any]
    status: dict[str, Any]
    data: bytes
    at: datetime
    captions: dict[str, bytes] = field(default_factory=dict)
    effect: Effect | None = None

    @property
    def text(self) -> str:
        """Title and description."""
        return f"{self.snippet['title']}\n\n{self.snippet.get('description', '')}"

    def shown(self, now: datetime) -> dict[str, Any]:
        """The resource; a video that is public shows so once the record has caught up."""
        lags = self.effect is not None and not self.effect.visible(now)
        status = {**self.status, **({"privacyStatus": "private"} if lags else {})}
        about = {**self.snippet, "publishedAt": self.at.isoformat(), "channelId": self.owner}
        return {"kind": "youtube#video", "id": self.id, "snippet": about, "status": status}


class YouTubeSimulator(Provider):
    """Channels by id, in memory."""

    name = "youtube"

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.videos: dict[str, Video] = {}
        self.sessions: dict[str, Session] = {}
        self.access: dict[str, tuple[str, datetime]] = {}
        self.channel_privacy, self.rejecting = "public", ""
        self.locked = self.processing = False
        self.keeps: int | None = None
        app = {"client_id": CLIENT, "client_secret": CLIENT_SECRET}
        self.consents = ConsentPage(clock, app, separator=" ", challenge=unpadded)
        self.consents.owner = "UC1"
        self._made = 0

    def routes(self) -> Sequence[Route]:
        """Uploads of videos and captions, the video, its channel, consent, tokens.

        A withdrawal is made by the call that publishes, too; what is private already is deleted unseen.
        """
        videos, tracks, api = "/upload/youtube/v3/videos", "/upload/youtube/v3/captions", "/youtube/v3"
        return (
            Route("POST", videos, RouteKind.UPLOAD, self._answered(self._begin)),
            Route("PUT", videos, RouteKind.UPLOAD, self._answered(self._put)),
            Route("POST", tracks, RouteKind.UPLOAD, self._answered(self._begin_captions)),
            Route("PUT", tracks, RouteKind.UPLOAD, self._answered(self._put)),
            Route("PUT", f"{api}/videos", RouteKind.PUBLISH, self._answered(self._update)),
            Route("DELETE", f"{api}/videos", RouteKind.PUBLISH, self._answered(self._delete)),
            Route("GET", f"{api}/videos", RouteKind.READ, self._answered(self._list)),
            Route("GET", f"{api}/playlistItems", RouteKind.READ, self._answered(self._uploads)),
            Route("GET", f"{api}/channels", RouteKind.READ, self._answered(self._channels)),
            Route("GET", "/o/oauth2/v2/auth", RouteKind.READ, self.consents.page),
            Route("POST", "/token", RouteKind.SESSION, self._token),
        )

    @classmethod
    def example(cls, address: str, name: str = "UCexample") -> Example:
        """A channel of its own."""
        return Example("@example", {"base_url": address, "channel_id": name, "audited": "yes"}, credential(name))

    def account(self, request: web.Request) -> str:
        """The channel that the bearer token belongs to."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.access[token][0] if token in self.access else token.removeprefix("sim-")

    def key(self, body: bytes) -> str:
        """The title: YouTube has no key."""
        snippet = _document(body).get("snippet")
        return str(snippet.get("title", "")) if isinstance(snippet, dict) else ""

    def refusal(self, fault: Fault) -> web.Response:
        """403 with a hint where a delay is given, 401, or 200 with an error and no video."""
        if fault.kind is FaultKind.THROTTLE:
            hint = {"Retry-After": str(int(fault.delay_s))} if fault.delay_s else {}
            return _error("rateLimitExceeded", 403, hint)
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return _error("authError", 401)
        return web.json_response(_envelope("backendError", 503))

    def _answered(self, handler: Any) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                answer: web.Response = await handler(request, self._owner(request))
            except Refusal as refusal:
                return _error(refusal.reason, refusal.status)
            return answer

        return handle

    def _owner(self, request: web.Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        lives = self.access[token][1] > self.clock() if token in self.access else token.startswith("sim-UC")
        if scheme != "Bearer" or not lives:
            raise Refusal("authError", 401)
        return self.account(request)

    async def _begin(self, request: web.Request, owner: str) -> web.Response:
        about = _document(await request.read())
        if set(request.query.get("part", "").split(",")) != {"snippet", "status"}:
            raise Refusal("missingRequiredParameter")
        if not request.headers.get("X-Upload-Content-Type", "").startswith("video/"):
            raise Refusal("mediaBodyRequired")
        _check(about, "snippet")
        _check(about, "status")
        recent = [one for one in self.videos.values() if one.owner == owner and one.at > self.clock() - DAY]
        if len(recent) >= UPLOADS_A_DAY:
            raise Refusal("uploadLimitExceeded")
        return self._session(request, owner, about, captions=False)

    async def _begin_captions(self, request: web.Request, owner: str) -> web.Response:
        about = _document(await request.read())
        snippet = about.get("snippet") or {}
        video = self._video(str(snippet.get("videoId")), owner)
        if not snippet.get("language") or not isinstance(snippet.get("name"), str):
            raise Refusal("invalidMetadata")
        if snippet["language"] in video.captions:
            raise Refusal("captionExists", 409)
        return self._session(request, owner, about, captions=True)

    def _session(self, request: web.Request, owner: str, about: dict[str, Any], *, captions: bool) -> web.Response:
        size = request.headers.get("X-Upload-Content-Length", "")
        if request.query.get("uploadType") != "resumable" or not size.isdigit():
            raise Refusal("badRequest")
        name = f"xa{len(self.sessions)}"
        self.sessions[name] = Session(owner, about, int(size), self.clock(), captions)
        there = f"{request.scheme}://{request.host}{request.path}?uploadType=resumable&upload_id={name}"
        return web.Response(headers={"Location": there})

    async def _put(self, request: web.Request, owner: str) -> web.Response:
        session, data = self.sessions.get(request.query.get("upload_id", "")), await request.read()
        if session is None or session.owner != owner or self.clock() - session.at >= SESSION_LIFE:
            return web.Response(status=404)
        match = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
        if match is None or int(match[3]) != session.size:
            return web.Response(status=400)
        if session.made is None and match[1] is not None:
            start, end = int(match[1]), int(match[2]) + 1
            odd = len(data) % GRAIN and end != session.size
            if start != len(session.data) or end - start != len(data) or odd or end > session.size:
                return web.Response(status=400)
            session.data += data[: self.keeps]
        if session.made is None and len(session.data) == session.size:
            session.made = self._track(session) if session.captions else self._film(session)
        if session.made is not None:
            return web.json_response(session.made)
        there = {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
        return web.Response(status=308, headers=there)

    def _film(self, session: Session) -> dict[str, Any]:
        self._made += 1
        stage = {"uploadStatus": "uploaded" if self.processing else "processed"}
        if self.rejecting:
            stage = {"uploadStatus": "rejected", "rejectionReason": self.rejecting}
        about = session.about
        status, made = {**about["status"], **stage}, f"vid{self._made:08}"
        video = Video(made, session.owner, about["snippet"], status, bytes(session.data), self.clock())
        self.videos[made] = video
        return video.shown(self.clock())

    def _track(self, session: Session) -> dict[str, Any]:
        if not session.data.startswith(b"WEBVTT"):
            raise Refusal("invalidMetadata")
        snippet = session.about["snippet"]
        self.videos[snippet["videoId"]].captions[snippet["language"]] = bytes(session.data)
        return {"kind": "youtube#caption", "id": f"AUie{len(self.sessions)}=", "snippet": snippet}

    async def _update(self, request: web.Request, owner: str) -> web.Response:
        about, part = _document(await request.read()), request.query.get("part", "")
        video = self._video(str(about.get("id")), owner)
        if part not in {"snippet", "status"}:
            raise Refusal("unexpectedPart")
        given, before = _check(about, part), (video.text, video.status["privacyStatus"])
        if part == "snippet":
            video.snippet = given
        else:
            kept = {name: value for name, value in video.status.items() if name in YOUTUBES}
            video.status = {**given, **kept, **({"privacyStatus": "private"} if self.locked else {})}
        self._record(request, video, *before)
        answer = video.shown(self.clock()) | {"status": video.status}
        return web.json_response({name: answer[name] for name in ("kind", "id", part)})

    def _record(self, request: web.Request, video: Video, text: str, privacy: str) -> None:
        """Put on the public record what has changed of it."""
        now, about = video.status["privacyStatus"], {"key": video.snippet["title"], "reference": video.id}
        if now == "public" != privacy:
            film = {"text": video.text, "media": [video.data]}
            video.effect = self.act(request, EffectKind.PUBLISHED, **about, **film)
        elif now == "public" and video.text != text:
            self.act(request, EffectKind.ALTERED, **about, text=video.text)
        elif privacy == "public" != now:
            self.act(request, EffectKind.WITHDRAWN, **about)

    async def _delete(self, request: web.Request, owner: str) -> web.Response:
        video = self._video(request.query.get("id", ""), owner)
        if video.status["privacyStatus"] == "public":
            self.act(request, EffectKind.WITHDRAWN, key=video.snippet["title"], reference=video.id)
        del self.videos[video.id]
        return web.Response(status=204)

    async def _list(self, request: web.Request, owner: str) -> web.Response:
        found = [self.videos.get(one) for one in request.query.get("id", "").split(",")]
        shown = [one for one in found if one and (one.owner == owner or one.status["privacyStatus"] == "public")]
        return _listed("video", [one.shown(self.clock()) for one in shown])

    async def _uploads(self, request: web.Request, owner: str) -> web.Response:
        if request.query.get("playlistId") != _playlist(owner):
            raise Refusal("playlistNotFound", 404)
        mine = [one.id for one in reversed(self.videos.values()) if one.owner == owner]
        page = mine[: min(int(request.query.get("maxResults", "5")), PAGE_MOST)]
        return _listed("playlistItem", [{"contentDetails": {"videoId": one}} for one in page])

    async def _channels(self, _request: web.Request, owner: str) -> web.Response:
        lists = {"relatedPlaylists": {"likes": "", "uploads": _playlist(owner)}}
        mine = {"id": owner, "contentDetails": lists, "status": {"privacyStatus": self.channel_privacy}}
        return _listed("channel", [mine])

    async def _token(self, request: web.Request) -> web.Response:
        """A new token for a code, with a refresh token; or for that, which stays what it is."""
        given = {name: str(value) for name, value in (await request.post()).items()}
        if "code" in given and (consent := self.consents.redeemed(given)) is not None:
            answer = {"refresh_token": f"refresh-{consent.owner}", "scope": " ".join(consent.scopes)}
            return self._fresh(consent.owner, answer)
        known = (given.get("client_id"), given.get("client_secret")) == (CLIENT, CLIENT_SECRET)
        owner = given.get("refresh_token", "")
        if not known or given.get("grant_type") != "refresh_token" or not owner.startswith("refresh-UC"):
            error = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
            return web.json_response(error, status=400)
        return self._fresh(owner.removeprefix("refresh-"), {})

    def _fresh(self, owner: str, more: Mapping[str, str]) -> web.Response:
        token = f"ya29.{len(self.access)}"
        self.access[token] = owner, self.clock() + TOKEN_LIFE
        lasts_s = int(TOKEN_LIFE.total_seconds()) - 1
        return web.json_response({"access_token": token, "expires_in": lasts_s, "token_type": "Bearer", **more})

    def _video(self, name: str, owner: str) -> Video:
        video = self.videos.get(name)
        if video is None:
            raise Refusal("videoNotFound", 404)
        if video.owner != owner:
            raise Refusal("forbidden", 403)
        return video


def credential(channel: str, *, token: bool = True) -> Mapping[str, Secret]:
    """What opens a channel; without a ``token`` one has to be fetched first."""
    held = {"refresh_token": f"refresh-{channel}", "client_id": CLIENT, "client_secret": CLIENT_SECRET}
    return {name: Secret(value) for name, value in {**held, **({"token": f"sim-{channel}"} if token else {})}.items()}


def _check(about: dict[str, Any], part: str) -> dict[str, Any]:
    """The part of a video's resource, where it is sound. Raises Refusal."""
    given = about.get(part)
    if not isinstance(given, dict):
        raise Refusal("invalidVideoMetadata")
    if part == "status":
        if given.get("privacyStatus") not in PRIVACIES or type(given.get("selfDeclaredMadeForKids")) is not bool:
            raise Refusal("invalidVideoMetadata")
        return given
    title, description = str(given.get("title", "")), str(given.get("description", ""))
    if not title.strip() or len(title) > TITLE_MOST or set("<>") & set(title):
        raise Refusal("invalidTitle")
    if len(description.encode()) > DESCRIPTION_MOST or set("<>") & set(description):
        raise Refusal("invalidDescription")
    if not str(given.get("categoryId", "")).isdigit():
        raise Refusal("invalidCategoryId")
    return given


def _playlist(channel: str) -> str:
    return f"UU{channel.removeprefix('UC')}"


def _listed(kind: str, items: list[Any]) -> web.Response:
    return web.json_response({"kind": f"youtube#{kind}ListResponse", "items": items})


def _envelope(reason: str, status: int) -> dict[str, Any]:
    error = {"message": f"Simulated: {reason}", "domain": "youtube", "reason": reason}
    return {"error": {"code": status, "message": error["message"], "errors": [error]}}


def _error(reason: str, status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(_envelope(reason, status), status=status, headers=headers)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
