"""What TikTok's error codes and reasons for failure mean for a post (reference: platforms 1.7).

Rules
  1. An error counts only in the envelope ``{"error": {"code", "log_id"}}``; its code decides, for the same code comes
     with HTTP 403 from one call and with 200 from another.
  2. A server's fault (5xx) or an answer that is none is harmless where the call publishes nothing, and leaves
     everything open where TikTok may go on by itself.
  3. No wait is told with "too many": a minute is taken, the length of TikTok's own window.
  4. An unknown code refuses in a 4xx and is no answer elsewhere; an unknown reason for failure refuses, and is shown.
  5. Of TikTok's own words only codes, reasons and the log id are kept, and only where they are plain words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from channels.contract import Outcome, Verdict
from channels.http import Answer

WAIT_S = 60.0
_WORD = re.compile(r"[a-z][a-z_]{1,79}")
_LOG_ID = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a code means: the verdict, the sentence for people, whether it concerns all that the account sends."""

    verdict: Verdict
    reason: str
    wide: bool = False
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class TikTokError:
    """The error of an envelope; ``code`` is ``ok`` where there is none."""

    code: str
    log_id: str = ""

    @property
    def trace(self) -> str:
        """What TikTok's support asks for, in brackets; empty where it was not told."""
        return f" (log id {self.log_id})" if self.log_id else ""


def _no(reason: str, *, wide: bool = False) -> Ruling:
    return Ruling(Verdict.REJECTED, reason, wide)


def _again(reason: str, *, wait_s: float | None = None) -> Ruling:
    return Ruling(Verdict.DEFERRED, reason, wait_s is not None, wait_s)


_TOO_MANY = _no("TikTok takes no more posts of this account today; use another channel", wide=True)
_BANNED = _no("TikTok bars this account from posting; its owner must open the app", wide=True)
_SPAM = _no("TikTok takes the post for spam; word it anew, or let people post it")
_MEDIUM = _no("TikTok does not take the file as it is; attach another")

CODES: Mapping[str, Ruling] = {
    "invalid_param": _no("TikTok refused the request as wrong"),
    "invalid_params": _no("TikTok refused the request as wrong"),
    "invalid_publish_id": _no("TikTok does not know the publish id"),
    "token_not_authorized_for_specified_publish_id": _no("the publish id belongs to another account"),
    "app_version_check_failed": _no("the app on the account's device is too old for drafts; update it"),
    "invalid_file_upload": _no("TikTok refused the upload as wrong"),
    "scope_permission_missed": _no("the token lacks a scope; connect the account again", wide=True),
    "scope_not_authorized": _no("the token lacks a scope; connect the account again", wide=True),
    "access_token_invalid": _no("TikTok does not accept the token; connect the account again", wide=True),
    "spam_risk_too_many_posts": _TOO_MANY,
    "spam_risk_user_banned_from_posting": _BANNED,
    "spam_risk_too_many_pending_share": _no("five drafts wait in the inbox; finish or delete one", wide=True),
    "reached_active_user_cap": _no(
        "the client has used up its accounts for 24 hours; use another channel", wide=True
    ),
    "unaudited_client_can_only_post_to_private_accounts": _no(
        "TikTok has not audited this client: it posts for the account's own eyes, on a private account", wide=True
    ),
    "url_ownership_unverified": _no("media_base_url is not verified in TikTok's developer portal", wide=True),
    "privacy_level_option_mismatch": _no("the account does not offer the signed privacy level; mend its settings"),
    "rate_limit_exceeded": _again("TikTok asks to wait", wait_s=WAIT_S),
}
FAILED: Mapping[str, Ruling] = {
    **dict.fromkeys(("file_format_check_failed", "duration_check_failed"), _MEDIUM),
    **dict.fromkeys(("frame_rate_check_failed", "picture_size_check_failed"), _MEDIUM),
    "internal": _again("TikTok had a fault of its own"),
    "video_pull_failed": _again("TikTok could not fetch the video from media_base_url; see that it is served"),
    "photo_pull_failed": _again("TikTok could not fetch a picture from media_base_url; see that it is served"),
    "publish_cancelled": _no("the post was cancelled, by us or by the account's owner"),
    "auth_removed": _no("the account's owner removed this client; connect the account again", wide=True),
    "spam_risk": _SPAM,
    "spam_risk_text": _SPAM,
    "spam_risk_too_many_posts": _TOO_MANY,
    "spam_risk_user_banned_from_posting": _BANNED,
}
_AGAIN_AT_FIRST = "privacy_level_option_mismatch"


def error_of(answer: Answer) -> TikTokError | None:
    """The error in an answer's envelope; None where there is no envelope, or no sound one."""
    error = (answer.json() or {}).get("error")
    if not isinstance(error, dict):
        return None
    code, log_id = error.get("code"), error.get("log_id", error.get("logid"))
    if not isinstance(code, str) or not _WORD.fullmatch(code):
        return None
    return TikTokError(code, log_id if isinstance(log_id, str) and _LOG_ID.fullmatch(log_id) else "")


def refused(answer: Answer, *, harmless: bool, first: bool = False) -> Outcome:
    """What an answer without success means.

    ``harmless``: the call publishes nothing. ``first``: a privacy level that was offered a moment ago is tried again.
    """
    error, status = error_of(answer), answer.status
    if error is None or error.code == "ok" or status >= 500 or status == 408:
        return _unclear(answer, harmless)
    ruling = CODES.get(error.code)
    if ruling is None and not 400 <= status < 500:
        return _unclear(answer, harmless)
    ruling = ruling or _no(f"TikTok refused with {error.code}")
    if first and error.code == _AGAIN_AT_FIRST:
        ruling = _again("the account's privacy levels changed meanwhile")
    reason = f"{ruling.reason}{error.trace}"
    return answer.outcome(ruling.verdict, error.code, reason, wide=ruling.wide, retry_after_s=ruling.wait_s)


def failed(answer: Answer, reason: str) -> Outcome:
    """What became of a post that TikTok took and could not publish."""
    plain = reason if _WORD.fullmatch(reason) else "unknown"
    ruling = FAILED.get(plain) or _no(f"TikTok could not publish the post: {plain}")
    return answer.outcome(ruling.verdict, plain, ruling.reason, wide=ruling.wide)


def _unclear(answer: Answer, harmless: bool) -> Outcome:
    verdict = Verdict.DEFERRED if harmless else Verdict.IN_DOUBT
    so = "nothing was published by it" if harmless else "it may have acted"
    return answer.outcome(verdict, f"http_{answer.status}", f"TikTok answered {answer.status}; {so}")
