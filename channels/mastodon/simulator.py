"""A Mastodon server, from its documented API (reference: platforms 7 and 15).

The token ``sim-<account id>`` belongs to that account and may do all; ``sim-<account id>-reader`` may only read. A
key is known for an hour, per account. The account :data:`KEYLESS` is on a server that ignores keys, and
:data:`STUMBLING` on one that answers a known key with 500, as some versions do (mastodon/mastodon, issue 40399). A
post's ``key`` in the journal is its ``Idempotency-Key``, or its text where it came without one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from channels.contract import Clock, Secret
from channels.mastodon.simulator_html import shown
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.forms import fields
from channels.simulator.journal import Effect, EffectKind, Journal
from channels.simulator.provider import Example, Provider, Route, RouteKind
from channels.text import MASTODON_CHARACTERS, MASTODON_LINK, mastodon_length

KEYLESS = "4040"
STUMBLING = "5050"
KEY_LIVES = timedelta(hours=1)
FIRST_ID = 115_000_000_000_000_001
MAX_PICTURE, MAX_PICTURES, MAX_TEXT = 16 * 1024 * 1024, 4, 1_500
MAX_VIDEO = 99 * 1024 * 1024
LIMITS = {
    "calls": (300, timedelta(minutes=5)),
    "statuses": (300, timedelta(hours=3)),
    "media": (30, timedelta(minutes=30)),
    "deletes": (30, timedelta(minutes=30)),
}
_TOKEN = re.compile(r"Bearer sim-(\d{1,18})(-reader)?")
_VISIBILITIES = frozenset({"public", "unlisted", "private", "direct"})


Handler = Callable[[web.Request], Awaitable[Any]]


class Refused(Exception):
    """A request that the server answers with an error."""

    def __init__(self, status: int, error: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.headers = status, error, headers


@dataclass(slots=True)
class Picture:
    """One picture or video, as uploaded; on a post once ``posted``."""

    id: str
    account: str
    data: bytes
    text: str
    ready_at: datetime
    posted: bool = False

    def shown(self, *, ready: bool) -> dict[str, Any]:
        """As the server tells of it."""
        url = f"https://files.social.example/{self.id}" if ready else None
        kind = "video" if _is_video(self.data) else "image"
        return {"id": self.id, "type": kind, "url": url, "description": self.text}


@dataclass(slots=True)
class Status:
    """One post with all its versions; ``deleted`` ones are kept, so that ids are never reused."""

    id: str
    account: str
    visibility: str
    language: str
    pictures: list[Picture] = field(default_factory=list)
    versions: list[Effect] = field(default_factory=list)
    deleted: bool = False

    def version(self, now: datetime) -> Effect | None:
        """The newest version that can be seen."""
        return next((effect for effect in reversed(self.versions) if effect.visible(now)), None)


class MastodonSimulator(Provider):
    """Posts by account, in memory."""

    name = "mastodon"

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.statuses: list[Status] = []
        self.max_characters = MASTODON_CHARACTERS
        self.pictures: dict[str, Picture] = {}
        self.processing = timedelta(0)
        self._keys: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._calls: dict[tuple[str, str], list[datetime]] = {}

    def routes(self) -> Sequence[Route]:
        """Pictures, post, edit, delete, look up, an account's statuses, who am I, and what the server allows."""
        return (
            Route("POST", "/api/v2/media", RouteKind.UPLOAD, self._answered(self._upload)),
            Route("GET", "/api/v1/media/{id}", RouteKind.READ, self._answered(self._media)),
            Route("POST", "/api/v1/statuses", RouteKind.PUBLISH, self._answered(self._create)),
            Route("PUT", "/api/v1/statuses/{id}", RouteKind.PUBLISH, self._answered(self._edit)),
            Route("DELETE", "/api/v1/statuses/{id}", RouteKind.WITHDRAW, self._answered(self._delete)),
            Route("GET", "/api/v1/statuses/{id}", RouteKind.READ, self._answered(self._look_up)),
            Route("GET", "/api/v1/accounts/verify_credentials", RouteKind.SESSION, self._answered(self._me)),
            Route("GET", "/api/v1/accounts/{account}/statuses", RouteKind.READ, self._answered(self._timeline)),
            Route("GET", "/api/v2/instance", RouteKind.SESSION, self._answered(self._instance)),
        )

    def example(self, address: str) -> Example:
        """An account of its own."""
        return Example("@example", {"base_url": address, "account_id": "1"}, {"token": Secret("sim-1")})

    def account(self, request: web.Request) -> str:
        """The account that the bearer token belongs to."""
        found = _TOKEN.fullmatch(request.headers.get("Authorization", ""))
        return found[1] if found else ""

    def key(self, body: bytes) -> str:
        """The text."""
        return str(_document(body).get("status", ""))

    def refusal(self, fault: Fault) -> web.Response:
        """429 with a date for a reset where a delay is given, 401, or 200 with an error and no id."""
        if fault.kind is FaultKind.THROTTLE:
            reset = _iso(self.clock() + timedelta(seconds=fault.delay_s))
            return _error(429, "Too many requests", {"X-RateLimit-Reset": reset} if fault.delay_s else {})
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return _error(401, "The access token is invalid")
        return _error(200, "Remote data could not be fetched")

    def _answered(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                made = await handler(request)
            except Refused as refused:
                return _error(refused.status, refused.error, refused.headers)
            return made if isinstance(made, web.Response) else web.json_response(made)

        return answer

    async def _create(self, request: web.Request) -> Any:
        account = self._user(request, writes=True)
        key = request.headers.get("Idempotency-Key", "")
        if key and (earlier := self._known(account, key)):
            if account == STUMBLING:
                raise Refused(500, "We're sorry, but something went wrong on our end.")
            return self._shown(request, self._own(account, earlier))
        text, document = self._text(await request.read())
        visibility = document.get("visibility", "public")
        if visibility not in _VISIBILITIES:
            raise Refused(422, f"'{visibility}' is not a valid visibility")
        pictures = self._attached(account, document)
        self._count(account, "statuses")
        status = Status(str(FIRST_ID + len(self.statuses)), account, visibility, _language(document), pictures)
        self.statuses.append(status)
        for picture in pictures:
            picture.posted = True
        post = {"key": key or text, "reference": status.id, "text": text, "media": [p.data for p in pictures]}
        effect = self.act(request, EffectKind.PUBLISHED, **post)
        status.versions.append(effect)
        if key:
            self._keys[account, key] = (status.id, self.clock())
        return self._shown(request, status, effect)

    async def _edit(self, request: web.Request) -> Any:
        account = self._user(request, writes=True)
        status = self._own(account, request.match_info["id"])
        text, document = self._text(await request.read())
        last, language = status.versions[-1], _language(document)
        if (text, language) != (last.text, status.language):
            status.language, status.pictures = language, self._attached(account, document)
            last = self.act(request, EffectKind.ALTERED, key=last.key, reference=status.id, text=text)
            status.versions.append(last)
        return self._shown(request, status, last)

    async def _upload(self, request: web.Request) -> web.Response:
        account = self._user(request, writes=True)
        self._count(account, "media")
        given = fields(request.headers.get("Content-Type", ""), await request.read())
        data, text = given.get("file", b""), given.get("description", b"").decode()
        known = data.startswith((b"\x89PNG", b"\xff\xd8")) or _is_video(data)
        most = MAX_VIDEO if _is_video(data) else MAX_PICTURE
        if not known or len(data) > most or len(text) > MAX_TEXT:
            raise Refused(422, "Validation failed: File content type is invalid")
        picture = Picture(str(FIRST_ID + len(self.pictures)), account, data, text, self.clock() + self.processing)
        self.pictures[picture.id] = picture
        ready = self.clock() >= picture.ready_at
        return web.json_response(picture.shown(ready=ready), status=200 if ready else 202)

    async def _media(self, request: web.Request) -> web.Response:
        account, picture = self._user(request), self.pictures.get(request.match_info["id"])
        if picture is None or picture.account != account or picture.posted:  # one that hangs on a post is not told of
            raise Refused(404, "Record not found")
        ready = self.clock() >= picture.ready_at
        return web.json_response(picture.shown(ready=ready), status=200 if ready else 206)

    def _attached(self, account: str, document: dict[str, Any]) -> list[Picture]:
        """The pictures that a new post or an edit names: up to four, ready, the account's own, on no other post."""
        ids = document.get("media_ids", [])
        found = [self.pictures.get(one) for one in ids] if isinstance(ids, list) else [None]
        mine = [one for one in found if one is not None and one.account == account and not one.posted]
        if len(mine) != len(found) or len(found) > MAX_PICTURES:
            raise Refused(422, "Validation failed: Media attachments are invalid")
        if len(mine) > 1 and any(_is_video(one.data) for one in mine):
            raise Refused(422, "Cannot attach a video to a post that already contains images")
        if any(self.clock() < one.ready_at for one in mine):
            raise Refused(422, "Cannot attach files that have not finished processing. Try again in a moment!")
        return mine

    async def _delete(self, request: web.Request) -> Any:
        account = self._user(request, writes=True)
        status = self._own(account, request.match_info["id"])
        self._count(account, "deletes")
        status.deleted = True
        last = status.versions[-1]
        self.act(request, EffectKind.WITHDRAWN, key=last.key, reference=status.id)
        return {**self._shown(request, status, last), "text": last.text}

    async def _look_up(self, request: web.Request) -> Any:
        reader = self._user(request) if "Authorization" in request.headers else ""
        status = next((s for s in self.statuses if s.id == request.match_info["id"] and not s.deleted), None)
        seen = status is not None and (status.visibility in {"public", "unlisted"} or status.account == reader)
        if status is None or not seen or status.version(self.clock()) is None:
            raise Refused(404, "Record not found")
        return self._shown(request, status)

    async def _timeline(self, request: web.Request) -> Any:
        self._user(request)
        try:
            size = min(40, int(request.query.get("limit", "20")))
            below = int(request.query.get("max_id", str(2**63)))
        except ValueError:
            raise Refused(400, "Invalid parameter") from None
        mine = [s for s in reversed(self.statuses) if s.account == request.match_info["account"] and not s.deleted]
        page = [s for s in mine if int(s.id) < below and s.version(self.clock())]
        return [self._shown(request, status) for status in page[:size]]

    async def _me(self, request: web.Request) -> Any:
        return _account(self._user(request))

    async def _instance(self, request: web.Request) -> Any:
        del request
        statuses = {
            "max_characters": self.max_characters,
            "max_media_attachments": 4,
            "characters_reserved_per_url": MASTODON_LINK,
        }
        return {"domain": "social.example", "version": "4.5.0", "configuration": {"statuses": statuses}}

    def _user(self, request: web.Request, *, writes: bool = False) -> str:
        found = _TOKEN.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            raise Refused(401, "The access token is invalid")
        if writes and found[2]:
            raise Refused(403, "This action is outside the authorized scopes")
        self._count(found[1], "calls")
        return found[1]

    def _count(self, account: str, family: str) -> None:
        most, within = LIMITS[family]
        now = self.clock()
        recent = [at for at in self._calls.get((account, family), []) if at > now - within]
        if len(recent) >= most:
            hints = {"X-RateLimit-Limit": str(most), "X-RateLimit-Remaining": "0"}
            raise Refused(429, "Too many requests", {**hints, "X-RateLimit-Reset": _iso(recent[0] + within)})
        self._calls[account, family] = [*recent, now]

    def _known(self, account: str, key: str) -> str | None:
        earlier, at = self._keys.get((account, key), ("", self.clock()))
        return earlier if earlier and account != KEYLESS and self.clock() < at + KEY_LIVES else None

    def _own(self, account: str, status_id: str) -> Status:
        for status in self.statuses:
            if status.id == status_id and status.account == account and not status.deleted:
                return status
        raise Refused(404, "Record not found")

    def _text(self, body: bytes) -> tuple[str, dict[str, Any]]:
        document = _document(body)
        text = document.get("status")
        if not isinstance(text, str) or not text.strip():
            raise Refused(422, "Validation failed: Text can't be blank")
        if mastodon_length(text.strip()) > self.max_characters:
            raise Refused(422, f"Validation failed: Text character limit of {self.max_characters} exceeded")
        return text.strip(), document

    def _shown(self, request: web.Request, status: Status, version: Effect | None = None) -> dict[str, Any]:
        seen = version or status.version(self.clock()) or status.versions[-1]
        first = status.versions[0]
        url = f"{request.url.origin()}/{self.name}/@user{status.account}/{status.id}"
        return {
            "id": status.id,
            "uri": url,
            "url": url,
            "created_at": _iso(first.at),
            "edited_at": None if seen is first else _iso(seen.at),
            "content": shown(seen.text),
            "visibility": status.visibility,
            "language": status.language,
            "sensitive": False,
            "spoiler_text": "",
            "reblog": None,
            "account": _account(status.account),
            "media_attachments": [picture.shown(ready=True) for picture in status.pictures],
        }


def _is_video(data: bytes) -> bool:
    return data[4:8] == b"ftyp"


def _account(account: str) -> dict[str, Any]:
    return {"id": account, "username": f"user{account}", "acct": f"user{account}", "display_name": "Simulated"}


def _language(document: dict[str, Any]) -> str:
    language = str(document.get("language", ""))
    return language if re.fullmatch("[a-z]{2,3}", language) else "en"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(status: int, error: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": error}, status=status, headers=headers)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
