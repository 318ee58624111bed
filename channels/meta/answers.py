"""What the Graph API's answers mean, whatever the product (reference: platforms 4.1, 4.2, 4.4, 15).

Rules
  1. Accepted is a 200 with the post's id, or with ``success`` for an edit or a deletion. A 200 that says "Service
     Unavailable" proves nothing.
  2. What an error means is in :mod:`channels.meta.codes`; it counts only in Graph's own envelope.
  3. "The same post again" may be an earlier attempt of ours: in doubt, code ``duplicate``, for the account's posts to
     settle. At the first attempt it is somebody's earlier post: rejected.
  4. Only numbers are kept of what Meta says: its messages can echo a token. The link to a next page holds the token
     too; of a page only the cursor is used.
  5. Usage headers are heard: near a limit the account rests, because calls while throttled lengthen the block.
  6. Two texts are the same post when they differ in white space or Unicode form only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from channels.contract import Finding, Found, Outcome, ReadBack, Seen, Verdict
from channels.http import Answer
from channels.meta import codes
from channels.meta.usage import Pace, rest_s
from channels.quota import Left

_POST_ID = re.compile(r"[0-9]{1,32}(?:_[0-9]{1,32})?", re.ASCII)
_CURSOR = re.compile(r"[A-Za-z0-9_=-]{1,500}")
_FAR = 2**34  # seconds; datetime ends in the year 9999


@dataclass(frozen=True, slots=True)
class Post:
    """One post as the Graph API shows it; ``at`` is when it was made."""

    id: str
    text: str
    at: datetime
    url: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list of posts; ``after`` is the cursor of the next page, None on the last."""

    posts: tuple[Post, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Token:
    """What Meta says of a token: when it ends, if ever, and what it may do; None where nothing is said."""

    ends: datetime | None = None
    scopes: frozenset[str] | None = None

    def lacks(self, needs: Sequence[str]) -> str:
        """What it may not do of what it has to, in words; empty where it may, or nobody says."""
        missing = [] if self.scopes is None else [name for name in needs if name not in self.scopes]
        return f"the token lacks {' and '.join(missing)}; connect the account again" if missing else ""


@dataclass(frozen=True, slots=True)
class Product:
    """How one of Meta's products names a post's text, time and address.

    ``sites`` begin its addresses; behind ``short`` a post's id is an address, empty where there is no such.
    """

    text: str
    at: str
    link: str
    sites: tuple[str, ...]
    short: str = ""

    @property
    def fields(self) -> str:
        """What to ask of a post."""
        return f"id,{self.text},{self.at},{self.link}"

    def url(self, post_id: str, shown: Any = None) -> str | None:
        """The public address of a post: the one that was shown, if it is the product's own."""
        if isinstance(shown, str) and shown.startswith(self.sites) and shown.isascii() and shown.isprintable():
            return shown
        return self.short + post_id if self.short else None

    def post_of(self, entry: Any) -> Post | None:
        """A post by its JSON; None where it is none. One without a text, such as a picture, has an empty one."""
        if not isinstance(entry, dict):
            return None
        post_id, text, at = entry.get("id"), entry.get(self.text, ""), _time(entry.get(self.at))
        if not isinstance(post_id, str) or not is_post_id(post_id) or not isinstance(text, str) or at is None:
            return None
        return Post(post_id, text, at, self.url(post_id, entry.get(self.link)))

    def posts(self, answer: Answer) -> Page | None:
        """One page of a list of posts; None where this is no such page, or not readable to its end."""
        body = answer.json()
        data = body.get("data") if answer.status == 200 and body and "error" not in body else None
        if body is None or not isinstance(data, list):
            return None
        found = [self.post_of(entry) for entry in data]
        whole = tuple(post for post in found if post is not None)
        paging = body.get("paging", {})
        if len(whole) != len(found) or not isinstance(paging, dict):
            return None
        if paging.get("next") is None:
            return Page(whole, None)
        after = _part(paging, "cursors").get("after")
        return Page(whole, after) if isinstance(after, str) and _CURSOR.fullmatch(after) else None

    def looked_up(self, answer: Answer, expected: str) -> ReadBack:
        """What the public sees, by the answer to GET /{post}; ``missing`` where Graph says so."""
        if is_missing(answer):
            return ReadBack(Seen.MISSING)
        post = self.post_of(answer.json()) if answer.status == 200 else None
        if post is None:
            return ReadBack(Seen.UNKNOWN, reason=f"Meta answered {answer.status}")
        return ReadBack(Seen.VISIBLE if same_text(post.text, expected) else Seen.ALTERED, text=post.text)

    def posted(self, answer: Answer, pace: Pace, *, first: bool) -> Outcome:
        """What became of a call that publishes; ``first`` when no attempt at this delivery came before."""
        post_id = node_id(answer)
        return refused(answer, pace, first=first) if post_id is None else self.accepted(answer, pace, post_id)

    def deleted(self, answer: Answer, post_id: str, pace: Pace, *, gone: bool = False) -> Outcome:
        """What became of DELETE /{post}. ``gone``: a look-up has shown that it is not there, which is as good."""
        done = gone or succeeded(answer)
        return self.accepted(answer, pace, post_id) if done else refused(answer, pace, first=True)

    def accepted(self, answer: Answer, pace: Pace, post_id: str) -> Outcome:
        """The outcome of a call that was granted; with a rest for the account where its calls are nearly used up."""
        wait_s = rest_s(answer, pace, throttled=False)
        return answer.outcome(
            Verdict.ACCEPTED,
            reason="the account's calls are nearly used up" if wait_s else "",
            wide=wait_s is not None,
            reference=post_id,
            url=self.url(post_id),
            retry_after_s=wait_s,
        )


def refused(answer: Answer, pace: Pace, *, first: bool) -> Outcome:
    """What an answer without success means; in doubt unless Graph's own error says otherwise."""
    error = codes.error_of(answer)
    if error is None:
        reason = f"Meta answered {answer.status} without a result; it may have acted"
        return answer.outcome(Verdict.IN_DOUBT, f"http_{answer.status}", reason)
    if error.is_duplicate:
        return _duplicate(answer, first=first)
    ruling = codes.ruling(error, answer.status)
    wait_s = rest_s(answer, pace, throttled=True) if ruling.verdict is Verdict.DEFERRED else None
    return answer.outcome(ruling.verdict, error.label, ruling.reason, retry_after_s=wait_s, wide=ruling.wide)


def harmless(answer: Answer, pace: Pace, reason: str) -> Outcome:
    """What became of a delivery whose call, refused so, could have published nothing: it is never in doubt."""
    outcome = refused(answer, pace, first=True)
    if outcome.verdict is not Verdict.IN_DOUBT:
        return outcome
    return answer.outcome(Verdict.DEFERRED, outcome.code, f"{reason}: Meta answered {answer.status}")


def withdrawn(seen: ReadBack) -> Finding:
    """Whether a withdrawal took effect, by what the public sees of the original."""
    found = {Seen.MISSING: Found.FOUND, Seen.UNKNOWN: Found.UNKNOWN}.get(seen.seen, Found.ABSENT)
    return Finding(found, reason=seen.reason)


def is_post_id(value: str | None) -> bool:
    """Whether this names a post, and can stand in a path."""
    return value is not None and _POST_ID.fullmatch(value) is not None


def is_missing(answer: Answer) -> bool:
    """Whether Graph says that there is no such object, or none for this token."""
    error = codes.error_of(answer)
    return error is not None and error.is_missing


def succeeded(answer: Answer) -> bool:
    """Whether an edit or a deletion was granted."""
    return answer.status == 200 and (answer.json() or {}).get("success") is True


def node_id(answer: Answer) -> str | None:
    """The id that an answer gives: of what was asked for, or of what was made."""
    found = (answer.json() or {}).get("id")
    return found if answer.status == 200 and isinstance(found, str) and is_post_id(found) else None


def token_of(answer: Answer) -> Token:
    """What a token is, by the answer to GET /debug_token."""
    data = _part(answer.json() or {}, "data") if answer.status == 200 else {}
    at, scopes = data.get("expires_at"), data.get("scopes")
    ends = datetime.fromtimestamp(at, UTC) if type(at) is int and 0 < at < _FAR else None
    return Token(ends, frozenset(map(str, scopes)) if isinstance(scopes, list) else None)


def day_left(answer: Answer, of: str, prefix: str = "") -> list[Left]:
    """What is left of 24 hours' posts, or of what else begins with ``prefix``, by the account's publishing limit.

    Empty where the answer does not say (reference: platforms 4.3, 4.4).
    """
    data = (answer.json() or {}).get("data") if answer.status == 200 else None
    told = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    used, most = told.get(f"{prefix}quota_usage"), _part(told, f"{prefix}config").get("quota_total")
    if type(used) is not int or type(most) is not int:
        return []
    return [Left(most - used, most, f"{of} in 24 hours", f"the oldest of those {of} is a day old")]


def same_text(one: str, other: str) -> bool:
    """Whether two texts are one post's."""
    return normal(one) == normal(other)


def normal(text: str) -> str:
    """A text without what a platform may change of it."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _duplicate(answer: Answer, *, first: bool) -> Outcome:
    if first:
        reason = "the account already shows this text from an earlier post"
        return answer.outcome(Verdict.REJECTED, "duplicate", reason)
    reason = "the account already shows this text; an attempt may have worked"
    return answer.outcome(Verdict.IN_DOUBT, "duplicate", reason)


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name)
    return part if isinstance(part, dict) else {}


def _time(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None
