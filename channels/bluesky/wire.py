"""What goes to Bluesky and what its answers mean (reference: platforms 6).

Rules
  1. Record key and record follow from the job's delivery and intended time, never from the attempt.
  2. A record key is a TID: 53 bits of microseconds, 10 bits of clock id, in 13 letters. The whole second is the
     intended time's; all below it comes from a digest of the delivery, so that two deliveries of one second and
     account do not meet.
  3. 5xx is in doubt although a repeat is harmless, for it may have been written. A refusal counts only with an error
     name in JSON.
  4. Of the far side's own words only that name is kept, and only where it is one word of letters.
  5. A blob is named by the digest of its bytes, so that the record names its pictures before they are uploaded, and
     an upload that came out as anything else is seen.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.contract import Finding, Found, Job, Medium, Outcome, ReadBack, Rendering, Seen, Verdict
from channels.http import Answer
from channels.listing import PublicPost
from channels.media.carried import unpublished
from channels.text import FacetKind, facets

COLLECTION = "app.bsky.feed.post"
MAX_LANGUAGES = 3
_TID_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
_TID = re.compile(f"[234567abcdefghij][{_TID_LETTERS}]{{12}}")
_EPOCH = datetime.fromtimestamp(0, UTC)
_NAME = re.compile(r"[A-Za-z]{3,48}")
_EXPIRED = frozenset({"ExpiredToken", "InvalidToken"})
_CREDENTIALS = _EXPIRED | {"AuthenticationRequired", "AuthFactorTokenRequired", "AccountTakedown", "AuthMissing"}
_FEATURES = {
    FacetKind.LINK: ("app.bsky.richtext.facet#link", "uri"),
    FacetKind.TAG: ("app.bsky.richtext.facet#tag", "tag"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies."""

    repo: str
    rkey: str

    @property
    def uri(self) -> str:
        """The record's at:// address."""
        return f"at://{self.repo}/{COLLECTION}/{self.rkey}"

    @classmethod
    def of(cls, uri: str) -> Place | None:
        """The place of a post's at:// address; None where it is no such address."""
        match = re.fullmatch(rf"at://([^/\s]+)/{re.escape(COLLECTION)}/([^/\s]+)", uri)
        return cls(match[1], match[2]) if match else None

    def params(self) -> dict[str, str]:
        """The place as every call names it."""
        return {"repo": self.repo, "collection": COLLECTION, "rkey": self.rkey}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a repository's posts; ``cursor`` leads to the next, None on the last."""

    posts: tuple[PublicPost, ...]
    cursor: str | None


def record_key(delivery: str, intended_at: datetime) -> str:
    """The TID of a delivery's record; the same for every attempt."""
    digest = int.from_bytes(hashlib.sha256(f"bluesky rkey {delivery}".encode()).digest()[:8])
    second = int(intended_at.timestamp())
    number = ((second * 1_000_000 + digest % 1_000_000) << 10) | (digest >> 32) & 0x3FF
    return "".join(_TID_LETTERS[number >> shift & 31] for shift in range(60, -5, -5))


def record(job: Job, reply: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The post record of a job; ``reply`` links a correction to its original."""
    text = job.rendering.parts[0].text
    created = job.intended_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    post: dict[str, Any] = {"$type": COLLECTION, "text": text, "createdAt": created}
    post["langs"] = job.rendering.options.get("languages", [])
    if found := [_facet(facet.kind, facet.start, facet.end, facet.value) for facet in facets(text)]:
        post["facets"] = found
    post |= _embed(job.rendering)
    return post if reply is None else {**post, "reply": reply}


def blob(medium: Medium) -> dict[str, Any]:
    """How a record names a picture: a CID of raw bytes (version 1, codec raw, SHA-256) in base32."""
    cid = bytes((0x01, 0x55, 0x12, 0x20)) + bytes.fromhex(medium.digest.removeprefix("sha256:"))
    link = "b" + base64.b32encode(cid).decode().rstrip("=").lower()
    return {"$type": "blob", "ref": {"$link": link}, "mimeType": medium.mime, "size": medium.size}


def uploaded(answer: Answer, medium: Medium, now: datetime) -> Outcome | None:
    """Why a picture's upload keeps the record from being written, or None. Nothing is published by it."""
    body = answer.json()
    if answer.status == 200 and body is not None and body.get("blob") == blob(medium):
        return None
    if answer.status == 200 and body is not None and "blob" in body:
        return answer.outcome(Verdict.REJECTED, "blob_altered", "Bluesky keeps another picture than the one sent")
    return unpublished(refused(answer, now))


def reply_to(answer: Answer) -> dict[str, Any] | None:
    """The link of a reply to the record read; None where there is none to reply to."""
    body = answer.json() if answer.status == 200 else None
    if body is None or not isinstance(body.get("value"), dict):
        return None
    parent = {"uri": body.get("uri"), "cid": body.get("cid")}
    if not all(isinstance(part, str) for part in parent.values()):
        return None
    thread = body["value"].get("reply")
    root = thread.get("root", parent) if isinstance(thread, dict) else parent
    return {"root": root, "parent": parent}


def written(answer: Answer, place: Place, handle: str, now: datetime) -> Outcome:
    """What became of putRecord."""
    body = answer.json()
    if answer.status == 200 and body is not None and body.get("uri") == place.uri and body.get("cid"):
        return answer.outcome(Verdict.ACCEPTED, reference=place.uri, url=_url(handle, place))
    return refused(answer, now)


def deleted(answer: Answer, place: Place, now: datetime) -> Outcome:
    """What became of deleteRecord; deleting what is not there succeeds too."""
    if answer.status == 200 and answer.json() is not None:
        return answer.outcome(Verdict.ACCEPTED, reference=place.uri)
    return refused(answer, now)


def refused(answer: Answer, now: datetime) -> Outcome:
    """Any answer that is not a success."""
    name, status = error_name(answer), answer.status
    if not name or not 400 <= status < 500 or status == 408:
        return answer.outcome(Verdict.IN_DOUBT, f"http_{status}", f"Bluesky answered {status}; it may have acted")
    if status == 429:
        wait_s = _retry_after_s(answer, now)
        return answer.outcome(Verdict.DEFERRED, name, "Bluesky asks to wait", retry_after_s=wait_s, wide=True)
    if name == "InvalidSwap":
        return answer.outcome(Verdict.IN_DOUBT, name, "the record is there already in another form")
    if status == 401 or name in _CREDENTIALS:
        return answer.outcome(Verdict.REJECTED, name, "Bluesky refuses the login; check the app password", wide=True)
    return answer.outcome(Verdict.REJECTED, name, f"Bluesky refused the record ({name})")


def read(answer: Answer, expected: Rendering) -> ReadBack:
    """What getRecord shows, compared with the text and the pictures that were meant."""
    body = answer.json() if answer.status == 200 else None
    value = body.get("value") if body is not None else None
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        same = value["text"] == expected.parts[0].text and value.get("embed") == _embed(expected).get("embed")
        return ReadBack(Seen.VISIBLE if same else Seen.ALTERED, text=value["text"])
    if answer.status == 400 and error_name(answer) == "RecordNotFound":
        return ReadBack(Seen.MISSING)
    return ReadBack(Seen.UNKNOWN, reason=f"Bluesky answered {answer.status} instead of the record")


def finding(seen: ReadBack, place: Place, handle: str, *, withdrawal: bool) -> Finding:
    """Whether an attempt took effect: a post is there, or, for a withdrawal, is not."""
    if seen.seen is Seen.UNKNOWN:
        return Finding(Found.UNKNOWN, reason=seen.reason)
    if (seen.seen is Seen.MISSING) is not withdrawal:
        return Finding(Found.ABSENT)
    return Finding(Found.FOUND, reference=place.uri, url=None if withdrawal else _url(handle, place))


def listed(answer: Answer, did: str, handle: str) -> Page | None:
    """One page of listRecords; None where this is no such page."""
    body = answer.json() if answer.status == 200 else None
    records = body.get("records") if body is not None else None
    posts = [_listed(entry, did, handle) for entry in records] if isinstance(records, list) else [None]
    whole = tuple(post for post in posts if post is not None)
    cursor = (body or {}).get("cursor")
    return Page(whole, cursor if isinstance(cursor, str) else None) if len(whole) == len(posts) else None


def is_expired(answer: Answer) -> bool:
    """Whether a fresh access token would help. Expiry comes as HTTP 400."""
    return answer.status in {400, 401} and error_name(answer) in _EXPIRED


def error_name(answer: Answer) -> str:
    """The XRPC error's name; "" where the body holds none."""
    name = (answer.json() or {}).get("error")
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""


def _url(handle: str, place: Place) -> str:
    return f"https://bsky.app/profile/{handle.lstrip('@')}/post/{place.rkey}"


def _listed(entry: Any, did: str, handle: str) -> PublicPost | None:
    """A post of a repository. It was made when its key or its record says, whichever is later."""
    uri, value = (entry.get("uri"), entry.get("value")) if isinstance(entry, dict) else (None, None)
    place = Place.of(uri) if isinstance(uri, str) else None
    if place is None or place.repo != did or not isinstance(value, dict):
        return None
    at = max(_time(value.get("createdAt")), _key_time(place.rkey))
    return PublicPost(place.uri, at, str(value.get("text", "")), _url(handle, place))


def _time(value: Any) -> datetime:
    """A time with its zone; the epoch where there is none."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return _EPOCH
    return at if at.utcoffset() is not None else _EPOCH


def _key_time(rkey: str) -> datetime:
    """When a record got its key, which a server makes of the time (rule 2); the epoch for any other key."""
    if not _TID.fullmatch(rkey):
        return _EPOCH
    number = sum(_TID_LETTERS.index(letter) << 5 * place for place, letter in enumerate(reversed(rkey)))
    return _EPOCH + timedelta(microseconds=number >> 10)


def _retry_after_s(answer: Answer, now: datetime) -> float | None:
    reset = answer.headers.get("RateLimit-Reset", "")
    told = answer.retry_after_s(now)
    if told is None and reset.isascii() and reset.isdigit():
        return max(0.0, float(reset[:12]) - now.timestamp())
    return told


def _embed(rendering: Rendering) -> dict[str, Any]:
    if not rendering.media:
        return {}
    images = [
        {
            "image": blob(medium),
            "alt": medium.alt[0].text,
            "aspectRatio": {"width": medium.width, "height": medium.height},
        }
        for medium in rendering.media
    ]
    return {"embed": {"$type": "app.bsky.embed.images", "images": images}}


def _facet(kind: FacetKind, start: int, end: int, value: str) -> dict[str, Any]:
    feature, field = _FEATURES[kind]
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [{"$type": feature, field: value}]}
