"""What goes to TikTok's Content Posting API and what its answers say (reference: platforms 1.3, 1.6).

Rules
  1. Everything that is told of a post comes from the signed rendering; where its pictures are fetched, from the
     account. Comments, duet and stitch are off in every post.
  2. A video's file is uploaded, in chunks. Pictures cannot be: TikTok fetches each under the digest of its bytes.
  3. ``PUBLISH_COMPLETE`` alone says that a post is public; the post's own id may come later, or never.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from channels.contract import Json, Rendering
from channels.http import Answer
from channels.media.carried import address_of
from channels.tiktok import chunks, errors

CREATOR_INFO = "/v2/post/publish/creator_info/query/"
PHOTO_INIT = "/v2/post/publish/content/init/"
VIDEO_INIT = "/v2/post/publish/video/init/"
VIDEO_DRAFT_INIT = "/v2/post/publish/inbox/video/init/"
STATUS = "/v2/post/publish/status/fetch/"
LEVELS = ("PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY")
SELF_ONLY = "SELF_ONLY"
_PUBLISH_ID = re.compile(r"[A-Za-z0-9_.~-]{1,64}")
_POST_ID = re.compile(r"[0-9]{1,20}")


class State(StrEnum):
    """How far TikTok is with a post that it took."""

    UPLOADING = "PROCESSING_UPLOAD"
    FETCHING = "PROCESSING_DOWNLOAD"
    IN_INBOX = "SEND_TO_USER_INBOX"
    COMPLETE = "PUBLISH_COMPLETE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Status:
    """What TikTok says of a publish id. ``post`` is the public post's id, where it is known."""

    state: State
    fail_reason: str
    post: str | None
    uploaded: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What TikTok gave for a post that it took on; ``upload_url``, a secret, where bytes are to follow."""

    publish_id: str
    upload_url: str | None


def photo_post(rendering: Rendering, media_base_url: str, *, draft: bool) -> dict[str, Json]:
    """A post of pictures, of the machine's or as a draft."""
    urls: list[Json] = [address_of(medium, media_base_url) for medium in rendering.media]
    info = _told(rendering, draft=draft)
    return {
        "media_type": "PHOTO",
        "post_mode": "MEDIA_UPLOAD" if draft else "DIRECT_POST",
        "post_info": {**info, "description": rendering.parts[0].text, "auto_add_music": False},
        "source_info": {"source": "PULL_FROM_URL", "photo_images": urls, "photo_cover_index": 0},
    }


def video_post(rendering: Rendering, cut: chunks.Plan, *, draft: bool) -> dict[str, Json]:
    """A post of one video. A draft has no caption: whoever finishes it pastes that."""
    sizes = {"video_size": cut.size, "chunk_size": cut.chunk_size, "total_chunk_count": cut.count}
    source: dict[str, Json] = {"source_info": {"source": "FILE_UPLOAD", **sizes}}
    if draft:
        return source
    info = {**_told(rendering, draft=False), "disable_duet": True, "disable_stitch": True, "is_aigc": False}
    return {"post_info": {**info, "title": rendering.parts[0].text}, **source}


def _told(rendering: Rendering, *, draft: bool) -> dict[str, Json]:
    names = ("brand_content_toggle", "brand_organic_toggle", *(() if draft else ("privacy_level",)))
    return {"disable_comment": True, **{name: rendering.options[name] for name in names}}


def taken(answer: Answer) -> Taken | None:
    """What an init gave; None where it gave nothing."""
    data = _data(answer)
    publish_id, url = data.get("publish_id"), data.get("upload_url")
    if not isinstance(publish_id, str) or not is_publish_id(publish_id):
        return None
    return Taken(publish_id, url if isinstance(url, str) else None)


def is_publish_id(handle: str | None) -> bool:
    """Whether a handle is the publish id of an earlier attempt."""
    return bool(_PUBLISH_ID.fullmatch(handle or ""))


def levels(answer: Answer) -> tuple[str, ...] | None:
    """The privacy levels that the account offers now; None where this is no such answer."""
    offered = _data(answer).get("privacy_level_options")
    if not isinstance(offered, list) or not all(isinstance(level, str) for level in offered):
        return None
    return tuple(offered)


def status(answer: Answer) -> Status | None:
    """What TikTok says of a publish id; None where this is no such answer."""
    data = _data(answer)
    state, reason, uploaded = data.get("status"), data.get("fail_reason", ""), data.get("uploaded_bytes", 0)
    if not isinstance(state, str) or state not in set(State):
        return None
    posts = data.get("publicaly_available_post_id")  # TikTok's own spelling; a list, or one alone
    first = next(iter(posts), None) if isinstance(posts, list) else posts
    post = str(first) if isinstance(first, str | int) and _POST_ID.fullmatch(_short(first)) else None
    return Status(
        State(state), reason if isinstance(reason, str) else "", post, uploaded if type(uploaded) is int else 0
    )


def _short(value: str | int) -> str:
    """Digits of a number that is not absurd; Python refuses to write out those of others."""
    return value if isinstance(value, str) else str(value) if 0 < value < 10**20 else ""


def _data(answer: Answer) -> dict[str, Any]:
    """The data of an answer that says ok; empty where it says anything else."""
    error, data = errors.error_of(answer), (answer.json() or {}).get("data")
    good = answer.status == 200 and error is not None and error.code == "ok"
    return data if good and isinstance(data, dict) else {}
