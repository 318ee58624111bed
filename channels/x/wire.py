"""What goes to X and what its answers mean (reference: platforms 3.2, 3.6, 3.7).

Rules
  1. 201 with an id is accepted. A refusal counts only in X's own JSON; an answer from something in between proves
     nothing.
  2. "Duplicate content" says that equal text is already up. Perhaps by an earlier attempt: in doubt, code
     ``duplicate``, for the timeline to settle. At the first attempt it is somebody's earlier post: rejected.
  3. 5xx is in doubt, 503 too: X may have posted.
  4. Of X's own words only its error code is kept, and only where it looks like a word: answers can echo a token.
  5. Two texts are the same post when they differ only in what X rewrites: short links, schemes, HTML entities, space.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from channels.contract import Finding, Found, Outcome, ReadBack, Secret, Seen, Verdict
from channels.http import Answer
from channels.media.carried import unpublished

_CODE = re.compile(r"[A-Za-z][A-Za-z_-]{2,47}")
_DUPLICATE_LEGACY = 187
CHECK_AFTER_S = 5.0
"""When to look again for a video that X prepares, where it does not say."""

_DAY_LIMITS = ("x-app-limit-24hour", "x-user-limit-24hour")


def posted(answer: Answer, handle: str, now: datetime, *, first: bool) -> Outcome:
    """What became of POST /2/tweets; ``first`` when no attempt at this delivery came before."""
    body = answer.json()
    post_id = _post_id(body)
    if answer.status in {200, 201} and post_id:
        return answer.outcome(Verdict.ACCEPTED, reference=post_id, url=post_url(handle, post_id))
    if answer.status == 403 and body and _is_duplicate(body):
        if first:
            return answer.outcome(Verdict.REJECTED, "duplicate", "X already shows this text from an earlier post")
        return answer.outcome(Verdict.IN_DOUBT, "duplicate", "X already shows this text; an attempt may have worked")
    return _refused(answer, body, now)


def refreshing(held: Mapping[str, Secret]) -> tuple[dict[str, str], dict[str, str]]:
    """Form and headers of POST /2/oauth2/token; a confidential app says who it is in a header."""
    client = held["client_id"].reveal()
    form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"].reveal(), "client_id": client}
    if "client_secret" not in held:
        return form, {}
    said = base64.b64encode(f"{client}:{held['client_secret'].reveal()}".encode()).decode()
    return form, {"Authorization": f"Basic {said}"}


def refreshed(answer: Answer) -> dict[str, Secret] | None:
    """The tokens that a renewal brought; None where it brought none. The refresh token is another each time."""
    body = answer.json() if answer.status == 200 else None
    token, refresh = (body or {}).get("access_token"), (body or {}).get("refresh_token")
    if not (isinstance(token, str) and token and isinstance(refresh, str) and refresh):
        return None
    return {"token": Secret(token), "refresh_token": Secret(refresh)}


def uploaded(answer: Answer, now: datetime) -> str | Outcome:
    """The id of a picture or of a video to come, by the answer to its first call, or why there is none."""
    body = answer.json()
    found = _post_id(body) if answer.status in {200, 201} else None
    return found or unpublished(_refused(answer, body, now))


def described(answer: Answer, media_id: str, now: datetime) -> Outcome | None:
    """Why a picture has no text in its place, by the answer to POST /2/media/metadata; None where it has."""
    body = answer.json()
    if answer.status in {200, 201} and _data(body).get("id") == media_id:
        return None
    return unpublished(_refused(answer, body, now))


def appended(answer: Answer, now: datetime) -> Outcome | None:
    """Why X has not got a segment of a video, by the answer to POST …/append; None where it has."""
    return None if answer.status in {200, 201, 204} else unpublished(_refused(answer, answer.json(), now))


def processed(answer: Answer, media_id: str, now: datetime) -> Outcome | None:
    """Why a video cannot be posted yet, by the answer to POST …/finalize and to a look; None where it can."""
    body = answer.json()
    data = _data(body)
    if answer.status not in {200, 201} or data.get("id") != media_id:
        return unpublished(_refused(answer, body, now))
    info = data.get("processing_info")
    state, wait_s = (info.get("state"), info.get("check_after_secs")) if isinstance(info, dict) else ("succeeded", 0)
    if state == "succeeded":
        return None
    if state == "failed":
        return answer.outcome(Verdict.REJECTED, "video", "X cannot show the video: attach another and submit again")
    seconds = float(wait_s) if type(wait_s) is int and 0 < wait_s < 3_600 else CHECK_AFTER_S
    return answer.outcome(Verdict.DEFERRED, "processing", "X is preparing the video", retry_after_s=seconds)


def deleted(answer: Answer, post_id: str, now: datetime) -> Outcome:
    """What became of DELETE /2/tweets/{id}; a post that is not there is as good as withdrawn."""
    body = answer.json()
    gone = answer.status == 404 and body is not None
    if gone or (answer.status == 200 and _data(body).get("deleted") is True):
        return answer.outcome(Verdict.ACCEPTED, reference=post_id)
    return _refused(answer, body, now)


def timeline(answer: Answer) -> tuple[list[Mapping[str, Any]], str | None] | None:
    """The posts of one page of a timeline and the token of the next page; None where this is no timeline."""
    body = answer.json()
    if answer.status != 200 or body is None or not isinstance(meta := body.get("meta"), dict):
        return None
    posts = body.get("data", [] if meta.get("result_count") == 0 else None)
    if not isinstance(posts, list) or not all(isinstance(post, dict) for post in posts):
        return None
    token = meta.get("next_token")
    return posts, token if isinstance(token, str) else None


def looked_up(answer: Answer, expected: str) -> ReadBack:
    """What the public sees, by the answer to GET /2/tweets/{id}."""
    body = answer.json()
    shown = _data(body)
    if answer.status == 200 and isinstance(shown.get("text"), str):
        seen = Seen.VISIBLE if same_post(shown, expected) else Seen.ALTERED
        return ReadBack(seen, text=readable(shown))
    if body is not None and (answer.status == 404 or (answer.status == 200 and _not_found(body))):
        return ReadBack(Seen.MISSING)
    return ReadBack(Seen.UNKNOWN, reason=f"X answered {answer.status}")


def withdrawn(seen: ReadBack) -> Finding:
    """Whether a withdrawal took effect, by what the public sees of the original."""
    found = {Seen.MISSING: Found.FOUND, Seen.UNKNOWN: Found.UNKNOWN}.get(seen.seen, Found.ABSENT)
    return Finding(found, reason=seen.reason)


def same_post(post: Mapping[str, Any], text: str) -> bool:
    """Whether a post of the timeline carries this text."""
    return _normal(readable(post)) == _normal(text)


def readable(post: Mapping[str, Any]) -> str:
    """A post's text as people read it: entities decoded, short links replaced by where they lead.

    The link that X puts behind a text for its pictures is not the text's own.
    """
    text = html.unescape(str(post.get("text", "")))
    for short, full in _short_links(post):
        text = text.replace(short, full)
    return text.rstrip()


def post_url(handle: str, post_id: str) -> str:
    """The public address of a post."""
    return f"https://x.com/{handle.lstrip('@')}/status/{post_id}"


def user_id(answer: Answer) -> str | None:
    """The account that a token belongs to, by the answer to GET /2/users/me."""
    found = _data(answer.json()).get("id")
    return found if answer.status == 200 and isinstance(found, str) else None


def _refused(answer: Answer, body: dict[str, Any] | None, now: datetime) -> Outcome:
    status = answer.status
    if body is None or not 400 <= status < 500 or status == 408:
        return answer.outcome(Verdict.IN_DOUBT, f"http_{status}", f"X answered {status}; it may have acted")
    code = _code(body) or f"http_{status}"
    if status == 401:
        return answer.outcome(Verdict.REJECTED, "credentials", "X does not accept the account's token; renew it")
    if status == 402:
        return answer.outcome(Verdict.REJECTED, code, "the X account has no credits left; buy some", wide=True)
    if status == 429 and code != "usage-capped":
        outcome_s = _retry_after_s(answer, now)
        return answer.outcome(Verdict.DEFERRED, code, "X asks to wait", retry_after_s=outcome_s, wide=True)
    return answer.outcome(Verdict.REJECTED, code, f"X refused the post ({code})", wide=status == 429)


def _retry_after_s(answer: Answer, now: datetime) -> float | None:
    """Seconds until the limit ends: a used-up day's first, then the window's (reference: platforms 3.5)."""
    spent = [day for day in _DAY_LIMITS if answer.headers.get(f"{day}-remaining") == "0"]
    for limit in [*spent, "x-rate-limit"]:
        reset = answer.headers.get(f"{limit}-reset", "")
        if reset.isascii() and reset.isdigit():
            return max(0.0, float(reset[:12]) - now.timestamp())
    return answer.retry_after_s(now)


def _data(body: dict[str, Any] | None) -> dict[str, Any]:
    data = (body or {}).get("data")
    return data if isinstance(data, dict) else {}


def _post_id(body: dict[str, Any] | None) -> str | None:
    found = _data(body).get("id")
    return found if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= 20 else None


def _problems(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield body
    errors = body.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            yield error


def _code(body: Mapping[str, Any]) -> str:
    for problem in _problems(body):
        kind = str(problem.get("type", "")).rsplit("/", 1)[-1]
        for word in (kind if kind != "credits" else "", str(problem.get("title", "")).replace(" ", "-")):
            if _CODE.fullmatch(word):
                return word
    return ""


def _is_duplicate(body: Mapping[str, Any]) -> bool:
    return any(
        "duplicate content" in str(problem.get("detail", "")).lower() or problem.get("code") == _DUPLICATE_LEGACY
        for problem in _problems(body)
    )


def _not_found(body: Mapping[str, Any]) -> bool:
    return any(str(problem.get("type", "")).endswith("/resource-not-found") for problem in _problems(body))


def _short_links(post: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    entities = post.get("entities")
    found = entities.get("urls") if isinstance(entities, dict) else None
    for link in found if isinstance(found, list) else []:
        if isinstance(link, dict) and isinstance(link.get("url"), str) and isinstance(link.get("expanded_url"), str):
            yield link["url"], "" if "media_key" in link else link["expanded_url"]


def _normal(text: str) -> str:
    bare = re.sub(r"https?://|/(?=\s|$)", "", unicodedata.normalize("NFC", text).casefold())
    return " ".join(bare.split())
