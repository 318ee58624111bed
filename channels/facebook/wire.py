"""What goes to a Facebook Page and what the Graph API's answers mean (reference: platforms 4.1, 4.2, 15).

Rules
  1. Accepted is a 200 with the post's id, or with ``success`` for an edit or a deletion. A 200 that says "Service
     Unavailable" proves nothing.
  2. What an error means is in :mod:`channels.facebook.codes`; it counts only in Graph's own envelope.
  3. "The same post again" may be an earlier attempt of ours: in doubt, code ``duplicate``, for the Page's posts to
     settle. At the first attempt it is somebody's earlier post: rejected.
  4. Only numbers are kept of what Facebook says: its messages can echo a token. The link to a next page holds the
     token too; of a page only the cursor is used.
  5. Usage headers are heard: near a limit the account rests, because calls while throttled lengthen the block.
  6. Two texts are the same post when they differ in white space or Unicode form only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

from channels.contract import Finding, Found, Outcome, ReadBack, Secret, Seen, Verdict
from channels.facebook import codes
from channels.facebook.usage import Pace, rest_s
from channels.http import Answer

TEXT_UNITS = 63_206  # the reference names no unit; counted in UTF-16 units, the larger reading
POST_FIELDS = "id,message,created_time,permalink_url"
_POST_ID = re.compile(r"[0-9]{1,32}(?:_[0-9]{1,32})?", re.ASCII)
_CURSOR = re.compile(r"[A-Za-z0-9_=-]{1,500}")
_FAR = 2**34  # seconds; datetime ends in the year 9999
_SITE = "https://www.facebook.com/"


@dataclass(frozen=True, slots=True)
class Post:
    """One post as the Graph API shows it; ``at`` is when it was made."""

    id: str
    text: str
    at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list of posts; ``after`` is the cursor of the next page, None on the last."""

    posts: tuple[Post, ...]
    after: str | None


def proof(token: Secret, app_secret: Secret) -> str:
    """The ``appsecret_proof`` of a call: it shows that the token's holder is its app (reference: platforms 4.1)."""
    return hmac.new(app_secret.reveal().encode(), token.reveal().encode(), hashlib.sha256).hexdigest()


def is_post_id(value: str | None) -> bool:
    """Whether this names a post, and can stand in a path."""
    return value is not None and _POST_ID.fullmatch(value) is not None


def post_url(post_id: str) -> str:
    """The public address of a post."""
    return _SITE + post_id


def posted(answer: Answer, pace: Pace, *, first: bool) -> Outcome:
    """What became of POST /{page}/feed; ``first`` when no attempt at this delivery came before."""
    post_id = (answer.json() or {}).get("id")
    if answer.status == 200 and isinstance(post_id, str) and is_post_id(post_id):
        return _accepted(answer, pace, post_id)
    return refused(answer, pace, first=first)


def edited(answer: Answer, post_id: str, pace: Pace, *, first: bool) -> Outcome:
    """What became of POST /{post}."""
    return _accepted(answer, pace, post_id) if _succeeded(answer) else refused(answer, pace, first=first)


def deleted(answer: Answer, post_id: str, pace: Pace, *, gone: bool = False) -> Outcome:
    """What became of DELETE /{post}. ``gone``: a look-up has shown that it is not there, which is as good."""
    return _accepted(answer, pace, post_id) if gone or _succeeded(answer) else refused(answer, pace, first=True)


def is_missing(answer: Answer) -> bool:
    """Whether Graph says that there is no such object, or none for this token."""
    error = codes.error_of(answer)
    return error is not None and error.is_missing


def refused(answer: Answer, pace: Pace, *, first: bool) -> Outcome:
    """What an answer without success means; in doubt unless Graph's own error says otherwise."""
    error = codes.error_of(answer)
    if error is None:
        reason = f"Facebook answered {answer.status} without a result; it may have acted"
        return answer.outcome(Verdict.IN_DOUBT, f"http_{answer.status}", reason)
    if error.is_duplicate:
        return _duplicate(answer, first=first)
    ruling = codes.ruling(error, answer.status)
    wait_s = rest_s(answer, pace, throttled=True) if ruling.verdict is Verdict.DEFERRED else None
    return answer.outcome(ruling.verdict, error.label, ruling.reason, retry_after_s=wait_s, wide=ruling.wide)


def unread(answer: Answer, pace: Pace) -> Outcome:
    """What became of a correction whose original could not be read: nothing was changed, so it is never in doubt."""
    outcome = refused(answer, pace, first=True)
    if outcome.verdict is not Verdict.IN_DOUBT:
        return outcome
    reason = f"the original could not be read: Facebook answered {answer.status}"
    return answer.outcome(Verdict.DEFERRED, outcome.code, reason)


def before_edit(seen: ReadBack, original: str, mark_before: str | None) -> Outcome | None:
    """What a correction comes to when its original needs or takes no edit; None where the edit is to be made.

    ``mark_before`` is the mark of what stood there when this correction was first tried. A post that does not show
    yet may still be edited: whether it is there, the edit says.
    """
    if seen.seen is Seen.VISIBLE:
        return Outcome(Verdict.ACCEPTED, "the post says so already", reference=original, url=post_url(original))
    if seen.seen is Seen.ALTERED and mark_before is not None and mark_before != mark(seen.text or ""):
        reason = "the post was changed since this correction was first tried; look at it, and correct it anew"
        return Outcome(Verdict.REJECTED, reason, "changed_since")
    return None


def looked_up(answer: Answer, expected: str) -> ReadBack:
    """What the public sees, by the answer to GET /{post}; ``missing`` where Graph says so."""
    if is_missing(answer):
        return ReadBack(Seen.MISSING)
    post = post_of(answer.json()) if answer.status == 200 else None
    if post is None:
        return ReadBack(Seen.UNKNOWN, reason=f"Facebook answered {answer.status}")
    return ReadBack(Seen.VISIBLE if same_text(post.text, expected) else Seen.ALTERED, text=post.text)


def withdrawn(seen: ReadBack) -> Finding:
    """Whether a withdrawal took effect, by what the public sees of the original."""
    found = {Seen.MISSING: Found.FOUND, Seen.UNKNOWN: Found.UNKNOWN}.get(seen.seen, Found.ABSENT)
    return Finding(found, reason=seen.reason)


def corrected(seen: ReadBack, original: str, mark_before: str | None) -> Finding:
    """Whether an edit took effect. Absent only where the post says what it said before, or is gone."""
    if seen.seen is Seen.VISIBLE:
        return Finding(Found.FOUND, reference=original, url=post_url(original))
    if seen.seen is Seen.MISSING:
        return Finding(Found.ABSENT)
    if seen.seen is Seen.ALTERED and mark_before == mark(seen.text or ""):
        return Finding(Found.ABSENT)
    return Finding(
        Found.UNKNOWN, reason=seen.reason or "the post says neither the correction nor what it said before"
    )


def posts(answer: Answer) -> Page | None:
    """One page of GET /{page}/published_posts; None where this is no such page, or not readable to its end."""
    body = answer.json()
    data = body.get("data") if answer.status == 200 and body and "error" not in body else None
    if body is None or not isinstance(data, list):
        return None
    found = [post_of(entry) for entry in data]
    whole = tuple(post for post in found if post is not None)
    paging = body.get("paging", {})
    if len(whole) != len(found) or not isinstance(paging, dict):
        return None
    if paging.get("next") is None:
        return Page(whole, None)
    after = _part(paging, "cursors").get("after")
    return Page(whole, after) if isinstance(after, str) and _CURSOR.fullmatch(after) else None


def post_of(entry: Any) -> Post | None:
    """A post by its JSON; None where it is anything else. One without a text, such as a picture, has an empty one."""
    if not isinstance(entry, dict):
        return None
    post_id, text, at = entry.get("id"), entry.get("message", ""), _time(entry.get("created_time"))
    if not isinstance(post_id, str) or not is_post_id(post_id) or not isinstance(text, str) or at is None:
        return None
    shown = entry.get("permalink_url")
    return Post(post_id, text, at, shown if _is_address(shown) else post_url(post_id))


def node_id(answer: Answer) -> str | None:
    """The id of what was asked for, by the answer to GET /me or GET /{page}."""
    found = (answer.json() or {}).get("id")
    return found if answer.status == 200 and isinstance(found, str) and is_post_id(found) else None


def expires_at(answer: Answer) -> datetime | None:
    """When a token ends, by the answer to GET /debug_token; None where it does not, or where nothing is said."""
    data = _part(answer.json() or {}, "data") if answer.status == 200 else {}
    at = data.get("expires_at")
    return datetime.fromtimestamp(at, UTC) if type(at) is int and 0 < at < _FAR else None


def same_text(one: str, other: str) -> bool:
    """Whether two texts are one post's."""
    return _normal(one) == _normal(other)


def mark(text: str) -> str:
    """A short name of a text, by which it is known again."""
    return hashlib.sha256(_normal(text).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _accepted(answer: Answer, pace: Pace, post_id: str) -> Outcome:
    wait_s = rest_s(answer, pace, throttled=False)
    reason = "the Page's calls are nearly used up" if wait_s else ""
    return answer.outcome(
        Verdict.ACCEPTED,
        reason=reason,
        wide=wait_s is not None,
        reference=post_id,
        url=post_url(post_id),
        retry_after_s=wait_s,
    )


def _duplicate(answer: Answer, *, first: bool) -> Outcome:
    if first:
        return answer.outcome(Verdict.REJECTED, "duplicate", "the Page already shows this text from an earlier post")
    reason = "the Page already shows this text; an attempt may have worked"
    return answer.outcome(Verdict.IN_DOUBT, "duplicate", reason)


def _succeeded(answer: Answer) -> bool:
    return answer.status == 200 and (answer.json() or {}).get("success") is True


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name)
    return part if isinstance(part, dict) else {}


def _time(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None


def _is_address(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(_SITE) and value.isascii() and value.isprintable()


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
