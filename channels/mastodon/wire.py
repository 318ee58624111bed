"""What goes to a Mastodon server and what its answers mean (reference: platforms 7).

Rules
  1. 200 with an id is accepted. A refusal counts only in the server's own JSON with an ``error``; an answer from
     something in between proves nothing.
  2. A post's key is its delivery, never the attempt.
  3. 5xx is in doubt, although a repeat is harmless: the server may have posted. So is 404 to a repeat: the key may
     belong to a post that was deleted meanwhile.
  4. Of the server's own words none is kept: it has no error codes, and its sentences can echo a token.
  5. Two texts are the same when they differ only in what a server's HTML does to them: tags, entities, space, the
     name of the server in a mention.
"""

from __future__ import annotations

import hashlib
import html
import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels.contract import Finding, Found, Job, Medium, Outcome, ReadBack, Rendering, Seen, Verdict
from channels.http import Answer
from channels.media.carried import unpublished

VISIBILITIES = ("public", "unlisted")
MAX_URL = 300
PROCESSING_S = 2.0
"""How long a server is given for a picture before it is asked again."""

_FIGURES = ("max_characters", "characters_reserved_per_url")
_ID = re.compile(r"[A-Za-z0-9]{1,64}")  # digits on Mastodon, letters too on servers that speak its API
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PRIMARY = re.compile(r"[a-z]{2,3}")
_PARAGRAPH = re.compile(r"</p>|<br\s?/?>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_ENDLESS = re.compile(r"&#[0-9]{8,}")  # no character; html.unescape raises on thousands of digits
_REMOTE = re.compile(r"(?<![=/\w])(@\w[\w.-]{0,63})(?:@[A-Za-z0-9.-]{1,253}[A-Za-z0-9])+")
_REFUSALS = {
    401: ("credentials", "the server does not accept the account's token; make a new one"),
    403: ("forbidden", "the server forbids it: the token lacks a scope, or the account is limited"),
    404: ("not_found", "the server does not know what was asked of it; check base_url"),
    422: ("invalid", "the server finds the post invalid; compare its limits with the account's settings"),
}


@dataclass(frozen=True, slots=True)
class Post:
    """One post of a timeline; ``text`` as people read it, ``ours`` unless it is a boost or not for everybody."""

    id: str
    text: str
    created_at: datetime
    edited: bool
    ours: bool
    url: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server counts and allows."""

    characters: int
    per_link: int


def is_id(text: str) -> bool:
    """Whether a text can be the id of a post or an account."""
    return _ID.fullmatch(text) is not None


def key(delivery: str) -> str:
    """The ``Idempotency-Key`` of a delivery: its name, or a digest where a header cannot carry that."""
    return delivery if _KEY.fullmatch(delivery) else hashlib.sha256(f"mastodon key {delivery}".encode()).hexdigest()


def text_of(rendering: Rendering) -> str:
    """The post's text."""
    return unicodedata.normalize("NFC", rendering.parts[0].text)


def body(job: Job, media: Sequence[str] = ()) -> dict[str, Any]:
    """What a new post is made of; ``media`` are the ids of its pictures."""
    pictures = {"media_ids": list(media)} if media else {}
    return {**edit(job), "visibility": job.rendering.options.get("visibility", VISIBILITIES[0]), **pictures}


def uploaded(answer: Answer, now: datetime) -> str | Outcome:
    """The id of an uploaded picture, or why there is none."""
    found = _id(answer.json()) if answer.status in {200, 202} else None
    return found or unpublished(_refused(answer, now))


def unready(answer: Answer, now: datetime) -> Outcome | None:
    """Why a picture that was uploaded cannot be posted yet, by GET /api/v1/media/{id}; None where it can.

    One that the server does not know may hang on the post of an earlier attempt: the key of the post tells.
    """
    if (answer.status == 200 and _id(answer.json())) or gone(answer):
        return None
    if answer.status == 206:
        reason = "the server is still at work on a picture or video"
        return answer.outcome(Verdict.DEFERRED, "processing", reason, retry_after_s=PROCESSING_S)
    return unpublished(_refused(answer, now))


def noted(media: Sequence[str]) -> str:
    """The handle that an attempt leaves for the next one: its pictures' ids."""
    return ",".join(media)


def media_of(handle: str | None, count: int) -> list[str] | None:
    """The ids that an earlier attempt left for as many pictures; None where it left none."""
    media = (handle or "").split(",")
    return media if len(media) == count and all(is_id(one) for one in media) else None


def edit(job: Job) -> dict[str, Any]:
    """What changes in a post: its text and its language, the first of several."""
    told = {"status": text_of(job.rendering)}
    languages = job.rendering.options.get("languages")
    first = languages[0] if isinstance(languages, list) and languages else ""
    primary = str(first).partition("-")[0].lower()
    return {**told, "language": primary} if _PRIMARY.fullmatch(primary) else told


def posted(answer: Answer, base_url: str, now: datetime, *, first: bool) -> Outcome:
    """What became of POST /api/v1/statuses; ``first`` when no attempt at this delivery came before."""
    status = answer.json()
    if answer.status == 200 and (post_id := _id(status)):
        return answer.outcome(Verdict.ACCEPTED, reference=post_id, url=_url(status, base_url))
    if not first and gone(answer):
        return answer.outcome(Verdict.IN_DOUBT, "not_found", "the post of an earlier attempt may have been deleted")
    return _refused(answer, now)


def edited(answer: Answer, original: str, base_url: str, now: datetime) -> Outcome:
    """What became of PUT /api/v1/statuses/{id}."""
    status = answer.json()
    if answer.status == 200 and _id(status) == original:
        return answer.outcome(Verdict.ACCEPTED, reference=original, url=_url(status, base_url))
    return _refused(answer, now)


def deleted(answer: Answer, original: str, now: datetime) -> Outcome:
    """What became of DELETE /api/v1/statuses/{id}; a post that is not there is as good as withdrawn."""
    if gone(answer) or (answer.status == 200 and _id(answer.json()) == original):
        return answer.outcome(Verdict.ACCEPTED, reference=original)
    return _refused(answer, now)


def gone(answer: Answer) -> bool:
    """Whether the server itself says that there is no such post."""
    return answer.status in {404, 410} and _is_error(answer)


def found(finding: Finding) -> Outcome:
    """The outcome of a repeat whose post was seen."""
    return Outcome(Verdict.ACCEPTED, "an earlier attempt worked", reference=finding.reference, url=finding.url)


def known(finding: Finding) -> Outcome | None:
    """What a look before a repeat decides: it is up already, or nobody can tell; None where it may be sent."""
    if finding.found is Found.FOUND:
        return found(finding)
    if finding.found is Found.ABSENT:
        return None
    return Outcome(Verdict.IN_DOUBT, f"not sent again before it is looked up: {finding.reason}", "unread")


def statuses(answer: Answer, base_url: str) -> list[Post] | None:
    """The posts of one page of an account's statuses, newest first; None where this is no such page."""
    if answer.status != 200:
        return None
    try:
        page = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    posts = [_post(status, base_url) for status in page] if isinstance(page, list) else [None]
    whole = [post for post in posts if post is not None]
    return whole if len(whole) == len(posts) else None


def looked_up(answer: Answer, expected: str, media: Sequence[Medium] = ()) -> ReadBack:
    """What the public sees, by the answer to GET /api/v1/statuses/{id}; pictures are known by their texts."""
    body = answer.json() or {}
    content = body.get("content")
    if answer.status == 200 and isinstance(content, str):
        text = readable(content)
        same = same_text(text, expected) and (not media or _texts(body) == [one.alt[0].text for one in media])
        return ReadBack(Seen.VISIBLE if same else Seen.ALTERED, text=text)
    if gone(answer):
        return ReadBack(Seen.MISSING)
    return ReadBack(Seen.UNKNOWN, reason=f"the server answered {answer.status} instead of the post")


def withdrawn(seen: ReadBack) -> Finding:
    """Whether a withdrawal took effect, by what the public sees of the original."""
    result = {Seen.MISSING: Found.FOUND, Seen.UNKNOWN: Found.UNKNOWN}.get(seen.seen, Found.ABSENT)
    return Finding(result, reason=seen.reason)


def corrected(seen: ReadBack, original: str) -> Finding:
    """Whether an edit took effect, by what the public sees of a post that is still there."""
    result = {Seen.VISIBLE: Found.FOUND, Seen.ALTERED: Found.ABSENT}.get(seen.seen, Found.UNKNOWN)
    return Finding(result, reference=original if result is Found.FOUND else None, reason=seen.reason)


def readable(content: str) -> str:
    """A post's HTML as people read it: paragraphs and line breaks kept, tags gone, entities decoded."""
    plain = _TAG.sub("", _PARAGRAPH.sub("\n", content))
    return html.unescape(_ENDLESS.sub("\ufffd", plain)).strip()


def same_text(shown: str, meant: str) -> bool:
    """Whether a post shows this text."""
    return _normal(shown) == _normal(meant)


def account_id(answer: Answer) -> str | None:
    """The account that a token belongs to, by the answer to GET /api/v1/accounts/verify_credentials."""
    return _id(answer.json()) if answer.status == 200 else None


def limits(answer: Answer) -> Limits | None:
    """What the server allows, by the answer to GET /api/v2/instance; None where it does not say."""
    told: Any = answer.json() if answer.status == 200 else None
    for name in ("configuration", "statuses"):
        told = told.get(name) if isinstance(told, Mapping) else None
    figures = [told.get(name) for name in _FIGURES] if isinstance(told, Mapping) else []
    whole = [figure for figure in figures if type(figure) is int and figure > 0]
    return Limits(*whole) if len(whole) == len(_FIGURES) else None


def _texts(status: Mapping[str, Any]) -> list[Any]:
    """What a status says of its pictures."""
    shown = status.get("media_attachments")
    return [one.get("description") for one in shown if isinstance(one, dict)] if isinstance(shown, list) else []


def _refused(answer: Answer, now: datetime) -> Outcome:
    status = answer.status
    if not _is_error(answer) or not 400 <= status < 500 or status in {408, 425}:
        reason = f"the server answered {status}; it may have acted"
        return answer.outcome(Verdict.IN_DOUBT, f"http_{status}", reason)
    if status == 429:
        wait_s, reason = _retry_after_s(answer, now), "the server asks to wait"
        return answer.outcome(Verdict.DEFERRED, "throttled", reason, retry_after_s=wait_s, wide=True)
    code, reason = _REFUSALS.get(status, (f"http_{status}", f"the server refused with {status}"))
    return answer.outcome(Verdict.REJECTED, code, reason, wide=status == 401)


def _retry_after_s(answer: Answer, now: datetime) -> float | None:
    """Seconds until the limit ends. ``X-RateLimit-Reset`` is a date in ISO 8601 here, and no number."""
    reset = _time(answer.headers.get("X-RateLimit-Reset"))
    if reset is None:
        return answer.retry_after_s(now)
    return max(0.0, math.ceil((reset - now).total_seconds()))


def _is_error(answer: Answer) -> bool:
    error = (answer.json() or {}).get("error")
    return isinstance(error, str) and error != ""


def _id(status: Mapping[str, Any] | None) -> str | None:
    value = (status or {}).get("id")
    return value if isinstance(value, str) and is_id(value) else None


def _url(status: Mapping[str, Any] | None, base_url: str) -> str | None:
    """The post's public address, where it lies on the account's own server."""
    value = (status or {}).get("url")
    if not isinstance(value, str) or not value.startswith(f"{base_url}/") or len(value) > MAX_URL:
        return None
    return value if value.isascii() and value.isprintable() and " " not in value else None


def _post(status: Any, base_url: str) -> Post | None:
    if not isinstance(status, Mapping) or not isinstance(content := status.get("content"), str):
        return None
    post_id, created_at = _id(status), _time(status.get("created_at"))
    if post_id is None or created_at is None:
        return None
    ours = status.get("reblog") is None and status.get("visibility", "public") in VISIBILITIES
    was_edited = status.get("edited_at") is not None
    return Post(post_id, readable(content), created_at, was_edited, ours, _url(status, base_url))


def _time(value: Any) -> datetime | None:
    """A date and time with its zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.utcoffset() is not None else None


def _normal(text: str) -> str:
    return " ".join(_REMOTE.sub(r"\1", unicodedata.normalize("NFC", text)).split())
