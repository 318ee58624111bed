"""What is Facebook's own on the wire: edits in place, and what they must not undo (reference: platforms 4.2).

What answers mean in general is in :mod:`channels.meta.answers`. A correction is put over what it corrects, so a mark
of what stood there before tells a correction that was made from one that was not, and from a later one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from channels.contract import Finding, Found, Outcome, ReadBack, Seen, Verdict
from channels.http import Answer
from channels.media.carried import unpublished
from channels.meta.answers import Product, node_id, normal, refused, succeeded
from channels.meta.usage import Pace

TEXT_UNITS = 63_206  # the reference names no unit; counted in UTF-16 units, the larger reading
_SITE = "https://www.facebook.com/"
FACEBOOK = Product("message", "created_time", "permalink_url", (_SITE,), _SITE)


def form_of(text: str, link: object, media: Sequence[str]) -> dict[str, str]:
    """What a new post is made of; ``media`` are the ids of its pictures."""
    pictures = {f"attached_media[{n}]": json.dumps({"media_fbid": one}) for n, one in enumerate(media)}
    return {"message": text, **({"link": link} if isinstance(link, str) else {}), **pictures}


def uploaded(answer: Answer, pace: Pace) -> str | Outcome:
    """The id of an unpublished photo, by the answer to POST /{page}/photos, or why there is none."""
    return node_id(answer) or unpublished(refused(answer, pace, first=True))


def edited(answer: Answer, post_id: str, pace: Pace, *, first: bool) -> Outcome:
    """What became of POST /{post}."""
    if succeeded(answer):
        return FACEBOOK.accepted(answer, pace, post_id)
    return refused(answer, pace, first=first)


def before_edit(seen: ReadBack, original: str, mark_before: str | None) -> Outcome | None:
    """What a correction comes to when its original needs or takes no edit; None where the edit is to be made.

    ``mark_before`` is the mark of what stood there when this correction was first tried. A post that does not show
    yet may still be edited: whether it is there, the edit says.
    """
    if seen.seen is Seen.VISIBLE:
        url = FACEBOOK.url(original)
        return Outcome(Verdict.ACCEPTED, "the post says so already", reference=original, url=url)
    if seen.seen is Seen.ALTERED and mark_before is not None and mark_before != mark(seen.text or ""):
        reason = "the post was changed since this correction was first tried; look at it, and correct it anew"
        return Outcome(Verdict.REJECTED, reason, "changed_since")
    return None


def corrected(seen: ReadBack, original: str, mark_before: str | None) -> Finding:
    """Whether an edit took effect. Absent only where the post says what it said before, or is gone."""
    if seen.seen is Seen.VISIBLE:
        return Finding(Found.FOUND, reference=original, url=FACEBOOK.url(original))
    if seen.seen is Seen.MISSING:
        return Finding(Found.ABSENT)
    if seen.seen is Seen.ALTERED and mark_before == mark(seen.text or ""):
        return Finding(Found.ABSENT)
    return Finding(
        Found.UNKNOWN, reason=seen.reason or "the post says neither the correction nor what it said before"
    )


def mark(text: str) -> str:
    """A short name of a text, by which it is known again."""
    return hashlib.sha256(normal(text).encode("utf-8", "surrogatepass")).hexdigest()[:32]
