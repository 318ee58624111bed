"""What goes to YouTube and what its answers mean (reference: platforms 5).

Rules
  1. A refusal counts only in Google's envelope, by the reason of its first error; what YouTube says besides is not
     kept. 5xx, and an answer from something in between, prove nothing.
  2. An update clears what it leaves out of a part: each names all of the part that we ever set.
  3. A video is published once it is public. The public does not see it where YouTube has failed or rejected it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from channels.contract import Caption, Finding, Found, Json, Outcome, ReadBack, Rendering, Secret, Seen, Verdict
from channels.http import Answer
from channels.youtube.rules import LOCKED

NEWS_AND_POLITICS = "25"
PUBLIC, PRIVATE = "public", "private"
CAPTION_EXISTS = "captionExists"
SPENT = ("quotaExceeded", "dailyLimitExceeded")
FIELDS = (
    "kind,items(id,snippet(title,description,publishedAt),"
    "status(privacyStatus,uploadStatus,failureReason,rejectionReason))"
)
"""What is asked of a video, so that the answer stays small."""

_ID = re.compile(r"[A-Za-z0-9_-]{6,64}", re.ASCII)
_WORD = re.compile(r"[A-Za-z]{2,48}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a refusal means: the verdict, the sentence for people, whether it concerns all that the account sends."""

    verdict: Verdict
    sentence: str
    wide: bool = False


def _no(sentence: str, *, wide: bool = False) -> Ruling:
    return Ruling(Verdict.REJECTED, sentence, wide)


_BY_HAND = "use another channel, or YouTube Studio by hand"
_BAD = _no("YouTube refuses what it was sent as wrong")
_SPENT = _no(f"the API project's quota is used up until midnight in California; {_BY_HAND}", wide=True)
_WAIT = Ruling(Verdict.DEFERRED, "YouTube asks to wait", wide=True)
_LOGIN = _no("YouTube does not accept the account's login; connect it again", wide=True)
_GONE = _no("the video is not there any more")

RULINGS: Mapping[str, Ruling] = {
    **dict.fromkeys(("invalidTitle", "invalidDescription", "invalidTags", "invalidCategoryId"), _BAD),
    **dict.fromkeys(("invalidPublishAt", "invalidFilename", "invalidRecordingDetails", "invalidVideoMetadata"), _BAD),
    **dict.fromkeys(("invalidVideoGameRating", "mediaBodyRequired", "defaultLanguageNotSet"), _BAD),
    "uploadLimitExceeded": _no(f"the channel may upload no more videos for 24 hours; {_BY_HAND}", wide=True),
    "authError": _LOGIN,
    "youtubeSignupRequired": _no("the login's Google account has no YouTube channel", wide=True),
    "forbiddenPrivacySetting": _no(LOCKED, wide=True),
    "forbiddenLicenseSetting": _BAD,
    "forbidden": _no("YouTube does not let the login do this"),
    "insufficientPermissions": _no("the login lacks the scope that this channel's page names", wide=True),
    "accessNotConfigured": _no("the YouTube Data API is not switched on for the API project", wide=True),
    **dict.fromkeys(SPENT, _SPENT),
    **dict.fromkeys(("rateLimitExceeded", "userRateLimitExceeded"), _WAIT),
    "videoNotFound": _GONE,
}
"""By the reason of the error; a used-up quota lasts too long for an emergency, so it refuses."""

_REFUSED = _no("YouTube refuses it")


@dataclass(frozen=True, slots=True)
class Video:
    """A video as YouTube shows it to its owner. ``fault`` says why nobody else will ever see it."""

    id: str
    text: str
    privacy: str
    processed: bool
    fault: str
    at: datetime | None

    @property
    def public(self) -> bool:
        """Whether it was made public."""
        return self.privacy == PUBLIC


def snippet(rendering: Rendering) -> dict[str, Json]:
    """The part ``snippet`` of a video: all of it that is set (rule 2)."""
    options, languages = rendering.options, rendering.options["languages"]
    return {
        "title": options["title"],
        "description": rendering.parts[0].text,
        "categoryId": NEWS_AND_POLITICS,
        "defaultLanguage": languages[0] if isinstance(languages, list) else None,
    }


def unseen(rendering: Rendering) -> dict[str, Json]:
    """The resource of a video to be uploaded: private, whatever was signed."""
    return {"snippet": snippet(rendering), "status": status(rendering, PRIVATE)}


def notify(rendering: Rendering) -> str:
    """Whether subscribers are to be notified, as a parameter of the upload has it."""
    return "true" if rendering.options["notify_subscribers"] else "false"


def status(rendering: Rendering, privacy: str | None = None) -> dict[str, Json]:
    """The part ``status``, of another ``privacy`` than was signed where one is given (rule 2)."""
    return {
        "privacyStatus": privacy or rendering.options["privacy"],
        "selfDeclaredMadeForKids": rendering.options["made_for_kids"],
        "license": "youtube",
        "embeddable": True,
        "publicStatsViewable": True,
    }


def caption(video: str, one: Caption) -> dict[str, Json]:
    """The resource of a track of captions."""
    return {"snippet": {"videoId": video, "language": one.language, "name": "", "isDraft": False}}


def text_of(rendering: Rendering) -> str:
    """Title and description, as one text."""
    return f"{rendering.options.get('title')}\n\n{rendering.parts[0].text}"


def watch_url(video: str) -> str:
    """The public address of a video."""
    return f"https://www.youtube.com/watch?v={video}"


def is_id(text: str | None) -> bool:
    """Whether this may be the id of a video."""
    return text is not None and _ID.fullmatch(text) is not None


def made(answer: Answer) -> str | None:
    """The id of the video that an answer shows; None where it shows none."""
    found = (answer.json() or {}).get("id") if answer.status in {200, 201} else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def uploaded(answer: Answer, now: datetime) -> str | Outcome:
    """The id of the video that became of an upload, or why there is none."""
    return made(answer) or harmless(answer, now)


def captioned(answer: Answer) -> bool:
    """Whether an answer shows a track of captions; or says that the video has one of this language (409)."""
    if answer.status in {200, 201}:
        return bool(_text(answer.json() or {}, "id"))
    return (answer.status, reason_of(answer)) == (409, CAPTION_EXISTS)


def published(answer: Answer, video: str, now: datetime) -> Outcome:
    """What became of the update that makes a video public: YouTube may take it and keep the video private."""
    if made(answer) != video or not (privacy := privacy_of(answer)):
        return refused(answer, now)
    if privacy != PUBLIC:
        return answer.outcome(Verdict.REJECTED, "locked", f"the video stays {privacy}: {LOCKED}", wide=True)
    return answer.outcome(Verdict.ACCEPTED, reference=video, url=watch_url(video))


def corrected(answer: Answer, video: str, now: datetime) -> Outcome:
    """What became of the update that changes title and description."""
    if made(answer) != video:
        return refused(answer, now)
    return answer.outcome(Verdict.ACCEPTED, reference=video, url=watch_url(video))


def privacy_of(answer: Answer) -> str:
    """Who sees the video that an answer shows; empty where it does not say."""
    return _text(_object(answer.json(), "status"), "privacyStatus")


def is_missing(answer: Answer) -> bool:
    """Whether YouTube says that there is no such video."""
    return answer.status == 404 and reason_of(answer) == "videoNotFound"


def refused(answer: Answer, now: datetime) -> Outcome:
    """What an answer that is no success means for the call that it answers."""
    code = reason_of(answer)
    if not code or not 400 <= answer.status < 500 or answer.status == 408:
        told = f"YouTube answered {answer.status}; it may have acted"
        return answer.outcome(Verdict.IN_DOUBT, code or f"http_{answer.status}", told)
    usual = {401: _LOGIN, 429: _WAIT}.get(answer.status, _REFUSED)
    ruling = RULINGS.get(code, usual)
    waits = answer.retry_after_s(now) if ruling.verdict is Verdict.DEFERRED else None
    sentence = f"{ruling.sentence} ({code})"
    return answer.outcome(ruling.verdict, code, sentence, wide=ruling.wide, retry_after_s=waits)


def harmless(answer: Answer, now: datetime) -> Outcome:
    """The same of a call that shows the public nothing: where it is not known what came of it, it is made again."""
    outcome = refused(answer, now)
    if outcome.verdict is not Verdict.IN_DOUBT:
        return outcome
    told = f"YouTube answered {answer.status}; nothing is public yet"
    return replace(outcome, verdict=Verdict.DEFERRED, reason=told)


def reason_of(answer: Answer) -> str:
    """The reason of an answer's first error; empty where it is none of Google's (rule 1)."""
    errors = _object(answer.json(), "error").get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    word = _text(first, "reason") if isinstance(first, dict) else ""
    return word if _WORD.fullmatch(word) else ""


def videos(answer: Answer) -> list[Video] | None:
    """The videos that GET /videos shows; None where the answer shows no list of them."""
    found = _items(answer)
    return None if found is None else [_video(item) for item in found]


def uploads(answer: Answer) -> list[str] | None:
    """The ids of the videos that GET /playlistItems shows, newest first; None where it shows no list."""
    found = _items(answer)
    return None if found is None else [_text(_object(item, "contentDetails"), "videoId") for item in found]


def channel(answer: Answer) -> Mapping[str, str] | None:
    """``id``, ``uploads`` and ``privacy`` of the login's channel; empty texts where there is none.

    None where the answer does not tell.
    """
    found = _items(answer)
    if found is None:
        return None
    mine = found[0] if found else {}
    lists = _object(_object(mine, "contentDetails"), "relatedPlaylists")
    privacy = _text(_object(mine, "status"), "privacyStatus")
    return {"id": _text(mine, "id"), "uploads": _text(lists, "uploads"), "privacy": privacy}


def looked_up(video: Video | None, expected: str) -> ReadBack:
    """What the public sees of a video, which is None where it is gone (rule 3)."""
    if video is None:
        return ReadBack(Seen.MISSING, reason="the video is gone")
    if video.fault:
        return ReadBack(Seen.MISSING, reason=f"YouTube shows the video to nobody: {video.fault}")
    if not video.public:
        return ReadBack(Seen.MISSING, reason=f"the video is {video.privacy}: unless somebody made it so, {LOCKED}")
    if not same_text(video.text, expected):
        return ReadBack(Seen.ALTERED, text=video.text)
    if not video.processed:
        return ReadBack(Seen.UNKNOWN, reason="YouTube is still processing the video")
    return ReadBack(Seen.VISIBLE, text=video.text)


def found(video: Video | None) -> Finding:
    """Whether a video was made public."""
    if video is None or not video.public:
        return Finding(Found.ABSENT, reason="the video is not public" if video else "there is no such video")
    return Finding(Found.FOUND, video.id, watch_url(video.id))


def same_text(shown: str, meant: str) -> bool:
    """Whether a video has this title and description, but for space."""
    return _normal(shown) == _normal(meant)


def refreshing(held: Mapping[str, Secret]) -> dict[str, str]:
    """The form of POST /token."""
    known = {name: held[name].reveal() for name in ("client_id", "client_secret", "refresh_token")}
    return {"grant_type": "refresh_token", **known}


def refreshed(answer: Answer) -> Secret | None:
    """The access token that a renewal brought; None where it brought none. The refresh token stays what it is."""
    token = (answer.json() or {}).get("access_token") if answer.status == 200 else None
    return Secret(token) if isinstance(token, str) and token else None


def _video(item: Mapping[str, Any]) -> Video:
    shown, state = _object(item, "snippet"), _object(item, "status")
    stage, why = _text(state, "uploadStatus"), [_text(state, name) for name in ("failureReason", "rejectionReason")]
    known = " ".join(word for word in (stage, *why) if _WORD.fullmatch(word))
    return Video(
        _text(item, "id"),
        f"{_text(shown, 'title')}\n\n{_text(shown, 'description')}",
        _text(state, "privacyStatus"),
        stage == "processed",
        known if stage in {"failed", "rejected", "deleted"} else "",
        _time(_text(shown, "publishedAt")),
    )


def _items(answer: Answer) -> list[dict[str, Any]] | None:
    body = (answer.json() or {}) if answer.status == 200 else {}
    found = body.get("items", [] if _text(body, "kind").endswith("ListResponse") else None)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        return None
    return found


def _object(value: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    found = (value or {}).get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
