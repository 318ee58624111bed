"""Bluesky's far side: one PDS with repositories, from the lexicons (reference: platforms 6 and 15).

The app password of an identifier is ``app-<identifier>``, its DID ``did:plc:sim-<identifier>``. The same record put
under the same key twice keeps its CID and makes no commit: no effect in the journal. Another record under that key is
an alteration. A post's ``key`` in the journal is its record key. A picture is kept as uploaded, named by its digest;
what a record names has to be there, in the size and the form that the record says.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from channels.contract import Clock, Secret
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import Effect, EffectKind, Journal
from channels.simulator.provider import Example, Provider, Route, RouteKind
from channels.text import BLUESKY_BYTES, BLUESKY_GRAPHEMES, graphemes

POINTS_PER_HOUR = 5000
CREATE, UPDATE, DELETE = 3, 2, 1
MAX_BLOB, MAX_IMAGES = 2_000_000, 4
COLLECTION = "app.bsky.feed.post"
_TID = re.compile("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")


@dataclass(frozen=True, slots=True)
class Stored:
    """One record of a repository."""

    record: dict[str, Any]
    cid: str
    effect: Effect


class BlueskySimulator(Provider):
    """Repositories by DID, in memory; sessions end when they are refreshed."""

    name = "bluesky"

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.records: dict[tuple[str, str], Stored] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.logins = 0
        self.refreshes = 0
        self._tokens: dict[str, str] = {}
        self._spent: dict[str, list[tuple[datetime, int]]] = {}

    def routes(self) -> Sequence[Route]:
        """Sessions, pictures, and the four calls on records."""
        return (
            Route("POST", "/xrpc/com.atproto.server.createSession", RouteKind.SESSION, self._create_session),
            Route("POST", "/xrpc/com.atproto.server.refreshSession", RouteKind.SESSION, self._refresh_session),
            Route("GET", "/xrpc/com.atproto.server.getSession", RouteKind.SESSION, self._get_session),
            Route("POST", "/xrpc/com.atproto.repo.uploadBlob", RouteKind.UPLOAD, self._upload),
            Route("POST", "/xrpc/com.atproto.repo.putRecord", RouteKind.PUBLISH, self._put),
            Route("POST", "/xrpc/com.atproto.repo.deleteRecord", RouteKind.WITHDRAW, self._delete),
            Route("GET", "/xrpc/com.atproto.repo.getRecord", RouteKind.READ, self._get),
            Route("GET", "/xrpc/com.atproto.repo.listRecords", RouteKind.READ, self._list),
        )

    @classmethod
    def example(cls, address: str, name: str = "city.example") -> Example:
        """An account of its own."""
        secrets = {"identifier": Secret(name), "password": Secret(f"app-{name}")}
        return Example(name, {"base_url": address}, secrets)

    def account(self, request: web.Request) -> str:
        """The DID that the bearer token belongs to; "" for a login."""
        return self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")

    def key(self, body: bytes) -> str:
        """The record key."""
        return str(_document(body).get("rkey", ""))

    def refusal(self, fault: Fault) -> web.Response:
        """429 with both hints where a delay is given, 400 ExpiredToken, or 200 with an error and no address."""
        if fault.kind is FaultKind.THROTTLE:
            reset = str(int(self.clock().timestamp() + fault.delay_s))
            hints = {"RateLimit-Reset": reset, "Retry-After": str(int(fault.delay_s))} if fault.delay_s else {}
            return _error(429, "RateLimitExceeded", hints)
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return _error(400, "ExpiredToken")
        return _error(200, "InternalServerError")

    def expire(self) -> None:
        """End every access token that was given out; refresh tokens live on."""
        self._tokens = {token: did for token, did in self._tokens.items() if not token.startswith("access")}

    async def _create_session(self, request: web.Request) -> web.Response:
        claim = _document(await request.read())
        identifier = str(claim.get("identifier", ""))
        if not identifier or claim.get("password") != f"app-{identifier}":
            return _error(401, "AuthenticationRequired")
        self.logins += 1
        return self._session(f"did:plc:sim-{identifier}")

    async def _refresh_session(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        did = self._tokens.pop(token, None) if token.startswith("refresh") else None
        if did is None:
            return _error(400, "ExpiredToken")
        self.refreshes += 1
        return self._session(did)

    def _session(self, did: str) -> web.Response:
        number = self.logins + self.refreshes
        access, refresh = f"access-{number}-{did}", f"refresh-{number}-{did}"
        self._tokens |= {access: did, refresh: did}
        handle = did.removeprefix("did:plc:sim-")
        return web.json_response(
            {"accessJwt": access, "refreshJwt": refresh, "did": did, "handle": handle, "active": True, "didDoc": {}}
        )

    async def _get_session(self, request: web.Request) -> web.Response:
        did = self._did(request)
        if did is None:
            return _error(400, "ExpiredToken")
        return web.json_response({"did": did, "handle": did.removeprefix("did:plc:sim-"), "active": True})

    async def _upload(self, request: web.Request) -> web.Response:
        did, data = self._did(request), await request.read()
        if did is None:
            return _error(400, "ExpiredToken")
        if not data or len(data) > MAX_BLOB:
            return _error(400, "BlobTooLarge" if data else "InvalidRequest")
        stored = _blob(data)
        self.blobs[did, stored["ref"]["$link"]] = data
        return web.json_response({"blob": stored})

    async def _put(self, request: web.Request) -> web.Response:
        document = _document(await request.read())
        did, rkey, record = self._did(request), str(document.get("rkey", "")), document.get("record")
        if did is None:
            return _error(400, "ExpiredToken")
        if document.get("repo") != did or document.get("collection") != COLLECTION or not _TID.fullmatch(rkey):
            return _error(400, "InvalidRequest")
        if not isinstance(record, dict) or not _is_post(record):
            return _error(400, "InvalidRecord")
        pictures = self._pictures(did, record)
        if pictures is None:
            return _error(400, "BlobNotFound")
        stored, cid = self.records.get((did, rkey)), _cid(record)
        answer = {"uri": f"at://{did}/{COLLECTION}/{rkey}", "cid": cid, "validationStatus": "valid"}
        if stored is not None and stored.cid == cid:
            return web.json_response(answer)
        if (limited := self._spend(did, UPDATE if stored else CREATE)) is not None:
            return limited
        kind = EffectKind.ALTERED if stored else EffectKind.PUBLISHED
        post = {"key": rkey, "reference": answer["uri"], "text": record["text"], "media": pictures}
        effect = self.act(request, kind, **post)
        self.records[did, rkey] = Stored(record, cid, effect)
        return web.json_response({**answer, "commit": {"cid": cid, "rev": rkey}})

    async def _delete(self, request: web.Request) -> web.Response:
        document = _document(await request.read())
        did, rkey = self._did(request), str(document.get("rkey", ""))
        if did is None:
            return _error(400, "ExpiredToken")
        if document.get("repo") != did or document.get("collection") != COLLECTION:
            return _error(400, "InvalidRequest")
        if (did, rkey) not in self.records:
            return web.json_response({})
        if (limited := self._spend(did, DELETE)) is not None:
            return limited
        gone = self.records.pop((did, rkey))
        self.act(request, EffectKind.WITHDRAWN, key=rkey, reference=gone.effect.reference)
        return web.json_response({"commit": {"cid": gone.cid, "rev": rkey}})

    async def _get(self, request: web.Request) -> web.Response:
        repo, rkey = request.query.get("repo", ""), request.query.get("rkey", "")
        stored = self.records.get((repo, rkey))
        if "Authorization" in request.headers and self._did(request) is None:
            return _error(400, "ExpiredToken")
        if stored is None or not stored.effect.visible(self.clock()):
            return _error(400, "RecordNotFound")
        return web.json_response(_shown(stored))

    async def _list(self, request: web.Request) -> web.Response:
        """Newest key first; the cursor is the last key of the page (lexicon com.atproto.repo.listRecords)."""
        repo, below = request.query.get("repo", ""), request.query.get("cursor", "~")
        size = int(request.query.get("limit", "50"))
        if "Authorization" in request.headers and self._did(request) is None:
            return _error(400, "ExpiredToken")
        mine = sorted((rkey for did, rkey in self.records if did == repo and rkey < below), reverse=True)
        page = [rkey for rkey in mine if self.records[repo, rkey].effect.visible(self.clock())][:size]
        cursor = {"cursor": page[-1]} if page else {}
        return web.json_response({**cursor, "records": [_shown(self.records[repo, rkey]) for rkey in page]})

    def _pictures(self, did: str, record: dict[str, Any]) -> list[bytes] | None:
        """The pictures that a record names; None where one was not uploaded, or is not what the record says."""
        named = [image["image"] for image in record.get("embed", {}).get("images", [])]
        held = [self.blobs.get((did, one["ref"]["$link"]), b"") for one in named]
        return held if named == [_blob(data) for data in held] else None

    def _did(self, request: web.Request) -> str | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self._tokens.get(token) if token.startswith("access") else None

    def _spend(self, did: str, points: int) -> web.Response | None:
        now = self.clock()
        recent = [spent for spent in self._spent.get(did, []) if spent[0] > now - timedelta(hours=1)]
        self._spent[did] = recent
        if sum(cost for _, cost in recent) + points > POINTS_PER_HOUR:
            reset = recent[0][0] + timedelta(hours=1)
            return _error(429, "RateLimitExceeded", {"RateLimit-Reset": str(int(reset.timestamp()))})
        recent.append((now, points))
        return None


def _shown(stored: Stored) -> dict[str, Any]:
    return {"uri": stored.effect.reference, "cid": stored.cid, "value": stored.record}


def _is_post(record: dict[str, Any]) -> bool:
    text, created, langs = record.get("text"), record.get("createdAt"), record.get("langs", [])
    if record.get("$type") != COLLECTION or not isinstance(text, str) or not isinstance(created, str):
        return False
    if graphemes(text) > BLUESKY_GRAPHEMES or len(text.encode()) > BLUESKY_BYTES or len(langs) > 3:
        return False
    if "embed" in record and not _is_pictures(record["embed"]):
        return False
    ends = [facet["index"]["byteEnd"] for facet in record.get("facets", [])]
    return created.endswith("Z") and all(end <= len(text.encode()) for end in ends)


def _is_pictures(embed: Any) -> bool:
    """As the lexicon of app.bsky.embed.images has it: one to four, each with a text that may be empty."""
    if not isinstance(embed, dict) or set(embed) != {"$type", "images"} or embed["$type"] != "app.bsky.embed.images":
        return False
    images, blob = embed["images"], {"$type", "ref", "mimeType", "size"}
    return 1 <= len(images) <= MAX_IMAGES and all(
        set(image) == {"image", "alt", "aspectRatio"}
        and isinstance(image["alt"], str)
        and set(image["image"]) == blob
        for image in images
    )


def _blob(data: bytes) -> dict[str, Any]:
    """What a server answers to an upload: the form is read off the bytes, whatever the header said."""
    mime = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg" if data.startswith(b"\xff\xd8") else "*/*"
    cid = b"\x01\x55\x12\x20" + hashlib.sha256(data).digest()
    link = "b" + base64.b32encode(cid).decode().lower().rstrip("=")
    return {"$type": "blob", "ref": {"$link": link}, "mimeType": mime, "size": len(data)}


def _cid(record: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).digest()
    return "bafyrei" + base64.b32encode(digest).decode().lower().rstrip("=")


def _error(status: int, name: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": name, "message": f"Simulated: {name}"}, status=status, headers=headers)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
